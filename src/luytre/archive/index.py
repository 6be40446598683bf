"""index.db: which stretch of time lies in which file. One `Index` per thread.

Promises   each method is one transaction, or part of the caller's `transaction()`.
Does not   touch files; `rebuild.py` makes a lost index again from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from luytre.archive.chain import GENESIS
from luytre.archive.index_file import IndexFile
from luytre.archive.keys import UNKNOWN_CLOCKS, Clocks, Gap, Hold, Span, StreamKey
from luytre.archive.promise import STANDARD

US_PER_MINUTE = 60_000_000
US_PER_DAY = 1440 * US_PER_MINUTE
# No segment is longer than this (the writer cuts at twice `segment_s`, which is at most 30 min): bounds the
# search by start.
MAX_SEGMENT_US = 90 * US_PER_MINUTE
# A field named `bytes` hides the type.
Hash = bytes
SegmentState = Literal["open", "closed", "deleting"]


@dataclass(frozen=True, slots=True)
class SegmentRow:
    id: int
    stream_id: int
    run_id: str
    seq: int
    path: str
    state: SegmentState
    start_us: int
    start_ticks: int
    end_us: int | None
    end_ticks: int | None
    bytes: int | None
    tail_offset: int | None
    root: Hash | None
    link: Hash | None
    error_us: int | None
    camera_us: int | None

    @property
    def clocks(self) -> Clocks:
        return Clocks(self.error_us, self.camera_us)


class Closing(NamedTuple):
    """What is known of a segment once it is closed."""

    end_us: int
    end_ticks: int
    size: int
    tail_offset: int | None
    root: bytes
    link: bytes
    clocks: Clocks = UNKNOWN_CLOCKS


@dataclass(frozen=True, slots=True)
class StreamRow:
    id: int
    camera: str
    name: str
    code: str
    since_us: int
    expired_us: int
    retention: str
    head: bytes

    @property
    def key(self) -> StreamKey:
        return StreamKey(self.camera, self.name)


_SEGMENT = (
    "SELECT id, stream_id, run_id, seq, path, state, start_us, start_ticks, end_us, end_ticks, bytes, tail_offset,"
    " root, link, error_us, camera_us FROM segment "
)
_STREAM = "SELECT id, camera, name, code, since_us, expired_us, retention, head FROM stream "


def _segments(rows: list[Any]) -> list[SegmentRow]:
    return [SegmentRow(*row) for row in rows]


class Index(IndexFile):
    """What is recorded where on one volume."""

    # -- streams ----------------------------------------------------------------------------------------------

    def stream(self, key: StreamKey) -> StreamRow | None:
        row = self.db.execute(_STREAM + "WHERE camera = ? AND name = ?", key).fetchone()
        return None if row is None else StreamRow(*row)

    def streams(self) -> list[StreamRow]:
        return [StreamRow(*row) for row in self.db.execute(_STREAM + "ORDER BY code, name")]

    def add_stream(self, key: StreamKey, code: str, since_us: int, retention: str | None = None) -> StreamRow:
        """The stream's row, made when it is new; `code` is brought up to date, and `retention` where it is given."""
        self.db.execute(
            "INSERT INTO stream (camera, name, code, since_us, retention, head) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
            " ON CONFLICT DO UPDATE SET code = excluded.code, retention = coalesce(?7, retention)",
            (*key, code, since_us, retention or STANDARD, GENESIS, retention),
        )
        row = self.stream(key)
        assert row is not None
        return row

    def set_head(self, stream_id: int, link: bytes) -> None:
        """The chain after the stream's newest closed segment."""
        self.db.execute("UPDATE stream SET head = ? WHERE id = ?", (link, stream_id))

    def see(self, stream_ids: Sequence[int], at_us: int) -> None:
        """A recorder is there, and has these streams."""
        with self.transaction():
            self.db.executemany(
                "UPDATE stream SET seen_us = ? WHERE id = ?", [(at_us, number) for number in stream_ids]
            )

    def seen_us(self, stream_id: int) -> int:
        """When a recorder last said so; 0 when none ever has."""
        row = self.db.execute("SELECT seen_us FROM stream WHERE id = ?", (stream_id,)).fetchone()
        return int(row[0])

    # -- runs and segments ------------------------------------------------------------------------------------

    def add_run(self, run_id: str, stream_id: int, start_us: int, init: bytes) -> None:
        self.db.execute(
            "INSERT INTO run VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", (run_id, stream_id, start_us, init)
        )

    def run_init(self, run_id: str) -> bytes | None:
        row = self.db.execute("SELECT init FROM run WHERE id = ?", (run_id,)).fetchone()
        return None if row is None else bytes(row[0])

    def add_segment(
        self, stream_id: int, run_id: str, seq: int, path: str, start_us: int, start_ticks: int
    ) -> int:
        cursor = self.db.execute(
            "INSERT INTO segment (stream_id, run_id, seq, path, state, start_us, start_ticks)"
            " VALUES (?, ?, ?, ?, 'open', ?, ?)",
            (stream_id, run_id, seq, path, start_us, start_ticks),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def close_segment(self, row_id: int, closing: Closing) -> None:
        """Also sets the minutes of the bitmap, and the stream's head where none is newer."""
        with self.transaction():
            stream_id, start_us = self.db.execute(
                "UPDATE segment SET state = 'closed', end_us = ?, end_ticks = ?, bytes = ?, tail_offset = ?,"
                " root = ?, link = ?, error_us = ?, camera_us = ? WHERE id = ? RETURNING stream_id, start_us",
                (*closing[:6], *closing.clocks, row_id),
            ).fetchone()
            self.db.execute(
                "UPDATE stream SET head = ?1 WHERE id = ?2 AND NOT EXISTS ("
                " SELECT 1 FROM segment WHERE stream_id = ?2 AND start_us > ?3 AND state <> 'open')",
                (closing.link, stream_id, start_us),
            )
            self.set_minutes(stream_id, Span(start_us, closing.end_us))

    def segments(self, stream_id: int, window: Span, *, deleting: bool = False) -> list[SegmentRow]:
        """Segments that touch the window, by start; open ones count as endless."""
        rows = self.db.execute(
            _SEGMENT + "WHERE stream_id = ? AND start_us > ? AND start_us < ?"
            " AND (end_us IS NULL OR end_us > ?) AND (state <> 'deleting' OR ?) ORDER BY start_us",
            (stream_id, window.start_us - MAX_SEGMENT_US, window.end_us, window.start_us, deleting),
        ).fetchall()
        return _segments(rows)

    def segment(self, run_id: str, seq: int) -> SegmentRow | None:
        row = self.db.execute(_SEGMENT + "WHERE run_id = ? AND seq = ?", (run_id, seq)).fetchone()
        return None if row is None else SegmentRow(*row)

    def segment_at(self, path: str) -> SegmentRow | None:
        row = self.db.execute(_SEGMENT + "WHERE path = ?", (path,)).fetchone()
        return None if row is None else SegmentRow(*row)

    def not_closed(self, stream_id: int, state: SegmentState = "open") -> list[SegmentRow]:
        # The second condition lets SQLite use the index of the few that are not closed.
        rows = self.db.execute(
            _SEGMENT + "WHERE stream_id = ? AND state = ? AND state <> 'closed'", (stream_id, state)
        ).fetchall()
        return _segments(rows)

    def first_segment(self, stream_id: int) -> SegmentRow | None:
        row = self.db.execute(
            _SEGMENT + "WHERE stream_id = ? AND state <> 'deleting' ORDER BY start_us LIMIT 1", (stream_id,)
        ).fetchone()
        return None if row is None else SegmentRow(*row)

    def last_segment(self, stream_id: int, before_us: int | None = None) -> SegmentRow | None:
        row = self.db.execute(
            _SEGMENT
            + "WHERE stream_id = ? AND state <> 'deleting' AND start_us < ? ORDER BY start_us DESC LIMIT 1",
            (stream_id, (1 << 62) if before_us is None else before_us),
        ).fetchone()
        return None if row is None else SegmentRow(*row)

    def next_segment(self, stream_id: int, after_us: int) -> SegmentRow | None:
        row = self.db.execute(
            _SEGMENT
            + "WHERE stream_id = ? AND state <> 'deleting' AND start_us >= ? ORDER BY start_us LIMIT 1",
            (stream_id, after_us),
        ).fetchone()
        return None if row is None else SegmentRow(*row)

    def deleting(self) -> list[tuple[SegmentRow, str | None]]:
        """What retention has marked, by stream and start, and the rule that is still to be certified."""
        rows = self.db.execute(
            _SEGMENT.replace(" FROM", ", rule FROM")
            + "WHERE state = 'deleting' AND state <> 'closed' ORDER BY stream_id, start_us"
        ).fetchall()
        return [(SegmentRow(*row), rule) for *row, rule in rows]

    def link_before(self, stream_id: int, start_us: int) -> bytes | None:
        """The chain after the segment before that time, whatever its state; None when there is none."""
        row = self.db.execute(
            "SELECT link FROM segment WHERE stream_id = ? AND start_us < ? ORDER BY start_us DESC LIMIT 1",
            (stream_id, start_us),
        ).fetchone()
        return None if row is None else row[0]

    def remove_segment(self, row_id: int) -> None:
        """The row, and its run when no other segment is left of it. The caller clears the bitmap."""
        with self.transaction():
            (run_id,) = self.db.execute(
                "DELETE FROM segment WHERE id = ? RETURNING run_id", (row_id,)
            ).fetchone()
            self.db.execute(
                "DELETE FROM run WHERE id = ? AND NOT EXISTS (SELECT 1 FROM segment WHERE run_id = ?)",
                (run_id, run_id),
            )

    def totals(self) -> tuple[int, int, int | None]:
        """(segments, bytes of closed ones, oldest start)."""
        count, size, oldest = self.db.execute(
            "SELECT count(*), coalesce(sum(bytes), 0), min(start_us) FROM segment WHERE state <> 'deleting'"
        ).fetchone()
        return count, size, oldest

    def bytes_of(self, stream_id: int) -> int:
        """Of all closed segments of a stream."""
        row = self.db.execute(
            "SELECT coalesce(sum(bytes), 0) FROM segment WHERE stream_id = ? AND state <> 'deleting'",
            (stream_id,),
        ).fetchone()
        return int(row[0])

    # -- gaps and holds ---------------------------------------------------------------------------------------

    def open_gap(self, stream_id: int) -> Gap | None:
        row = self.db.execute(
            "SELECT start_us, end_us, cause, detail FROM gap WHERE stream_id = ? AND end_us IS NULL",
            (stream_id,),
        ).fetchone()
        return None if row is None else Gap(*row)

    def add_gap(self, stream_id: int, gap: Gap) -> None:
        if gap.end_us is not None and gap.end_us <= gap.start_us:
            return
        self.db.execute(
            "INSERT INTO gap (stream_id, start_us, end_us, cause, detail) VALUES (?, ?, ?, ?, ?)",
            (stream_id, gap.start_us, gap.end_us, gap.cause, gap.detail),
        )

    def close_gap(self, stream_id: int, end_us: int) -> None:
        """The open gap ends at `end_us`; one without length is dropped."""
        with self.transaction():
            self.db.execute(
                "DELETE FROM gap WHERE stream_id = ? AND end_us IS NULL AND start_us >= ?",
                (stream_id, end_us),
            )
            self.db.execute(
                "UPDATE gap SET end_us = ? WHERE stream_id = ? AND end_us IS NULL", (end_us, stream_id)
            )

    def gaps(self, stream_id: int, window: Span) -> list[Gap]:
        rows = self.db.execute(
            "SELECT start_us, end_us, cause, detail FROM gap"
            " WHERE stream_id = ? AND start_us < ? AND (end_us IS NULL OR end_us > ?) ORDER BY start_us",
            (stream_id, window.end_us, window.start_us),
        )
        return [Gap(*row) for row in rows]

    def cut_gaps(self, stream_id: int, span: Span) -> None:
        """What gaps say of the span goes, and of an open gap what lies behind it too."""
        with self.transaction():
            for gap in self.gaps(stream_id, span):
                self.db.execute(
                    "DELETE FROM gap WHERE stream_id = ? AND start_us = ?", (stream_id, gap.start_us)
                )
                self.add_gap(stream_id, replace(gap, end_us=span.start_us))
                if gap.end_us is not None:
                    self.add_gap(stream_id, replace(gap, start_us=span.end_us))

    def remove_gaps(self, stream_id: int, until_us: int) -> None:
        """Gaps that ended by `until_us` and that no hold covers go; from the end of the last on, coverage is promised."""
        with self.transaction():
            ends = self.db.execute(
                "DELETE FROM gap WHERE stream_id = ?1 AND end_us <= ?2 AND NOT EXISTS ("
                " SELECT 1 FROM hold WHERE stream_id = ?1 AND released_us IS NULL"
                " AND hold.start_us < gap.end_us AND hold.end_us > gap.start_us) RETURNING end_us",
                (stream_id, until_us),
            ).fetchall()
            if ends:
                self.expire(stream_id, max(end for (end,) in ends))

    def expire(self, stream_id: int, until_us: int) -> None:
        self.db.execute(
            "UPDATE stream SET expired_us = max(expired_us, ?) WHERE id = ?", (until_us, stream_id)
        )

    def holds(self, stream_id: int, window: Span) -> list[Hold]:
        """Holds in force that touch the window."""
        rows = self.db.execute(
            "SELECT id, start_us, end_us, reason FROM hold WHERE stream_id = ? AND released_us IS NULL"
            " AND start_us < ? AND end_us > ? ORDER BY start_us",
            (stream_id, window.end_us, window.start_us),
        )
        return [Hold(*row) for row in rows]

    # -- minute bitmap ----------------------------------------------------------------------------------------

    def minutes(self, stream_id: int, day: int) -> bytes:
        """180 bytes of a UTC day."""
        row = self.db.execute(
            "SELECT recorded FROM day WHERE stream_id = ? AND day = ?", (stream_id, day)
        ).fetchone()
        return bytes(180) if row is None else bytes(row[0])

    def write_minutes(self, stream_id: int, day: int, recorded: bytes) -> None:
        self.db.execute(
            "INSERT INTO day VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET recorded = excluded.recorded",
            (stream_id, day, recorded),
        )

    def set_minutes(self, stream_id: int, span: Span) -> None:
        for day, bits in minute_bits(span):
            old = int.from_bytes(self.minutes(stream_id, day), "little")
            if old | bits != old:
                self.write_minutes(stream_id, day, (old | bits).to_bytes(180, "little"))

    def days(self, stream_id: int) -> list[int]:
        rows = self.db.execute(
            "SELECT day FROM day WHERE stream_id = ? AND recorded <> zeroblob(180) ORDER BY day", (stream_id,)
        )
        return [row[0] for row in rows]


def minute_bits(span: Span) -> Iterator[tuple[int, int]]:
    """(UTC day, integer with bit m set for minute m) for each day the span touches."""
    if span.end_us <= span.start_us:
        return
    first, last = span.start_us // US_PER_MINUTE, (span.end_us - 1) // US_PER_MINUTE
    for day in range(first // 1440, last // 1440 + 1):
        start, end = max(first - day * 1440, 0), min(last - day * 1440, 1439)
        yield day, ((1 << (end - start + 1)) - 1) << start
