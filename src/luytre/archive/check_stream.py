"""Invariants 4 to 9 of one stream, proved on the index alone: order, coverage, bitmap, holds.

Promises   all is read from one snapshot, so a recorder at work raises no alarm.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from luytre.archive.findings import TOLERANCE_US, Finding
from luytre.archive.holds import missing
from luytre.archive.index import US_PER_DAY, Index, StreamRow, minute_bits
from luytre.archive.keys import Cause, Gap, Hold, Span, join_spans, uncovered
from luytre.archive.ledger import take_up
from luytre.archive.rebuild import fill_ledger
from luytre.base.clock import Clock, to_datetime

_LOSSES = (Cause.NODE_CRASHED, Cause.FILE_LOST)
ALL_TIME = Span(-(1 << 60), 1 << 62)


class _GapRow(NamedTuple):
    id: int
    start_us: int
    end_us: int | None
    cause: str
    detail: str


class _Held(NamedTuple):
    """A hold, what was missing in it when it was placed, and what of that time is missing now."""

    hold: Hold
    missing_us: int
    missing: list[Span]


class StreamCheck:
    """Give it a stream; findings() proves, and repairs where asked to. `stream`, `rows`: as they were when it looked."""

    def __init__(self, index: Index, stream: StreamRow, clock: Clock, repair: bool) -> None:
        self._index, self._repair = index, repair
        self._clock = clock
        self._name = f"{stream.code}/{stream.name}"
        self._look(stream.id)

    def _look(self, stream_id: int) -> None:
        index = self._index
        with index.snapshot():
            self._now_us = self._clock.wall_us()
            self.stream = next(stream for stream in index.streams() if stream.id == stream_id)
            self.rows = index.segments(stream_id, ALL_TIME, deleting=True)
            self._gaps = [
                _GapRow(*row)
                for row in index.db.execute(
                    "SELECT id, start_us, end_us, cause, detail FROM gap WHERE stream_id = ? ORDER BY start_us",
                    (stream_id,),
                )
            ]
            self._days = {day: index.minutes(stream_id, day) for day in index.days(stream_id)}
            self._held = self._read_held()

    def _read_held(self) -> list[_Held]:
        held = []
        for *columns, placed_us, missing_us in self._index.db.execute(
            "SELECT id, start_us, end_us, reason, placed_us, missing_us FROM hold"
            " WHERE stream_id = ? AND released_us IS NULL ORDER BY start_us",
            (self.stream.id,),
        ).fetchall():
            hold = Hold(*columns)
            span = Span(hold.start_us, hold.end_us)
            held.append(_Held(hold, missing_us, missing(self._index, self.stream, span, placed_us)))
        return held

    def findings(self) -> list[Finding]:
        found = [*self._order(), *self._coverage()]
        if self._repair and found:
            self._look(self.stream.id)
        return [*found, *self._bitmap(), *self._holds()]

    def _error(self, invariant: int, message: str, repaired: bool = False) -> Finding:
        return Finding(invariant, "error", self._name, message, repaired)

    # -- 4, 5, 9 ----------------------------------------------------------------------------------------------

    def _order(self) -> Iterator[Finding]:
        rows = [row for row in self.rows if row.state != "deleting"]
        # Where the end of a segment was lost, it ends in a gap.
        lost = {gap.start_us for gap in self._gaps if gap.cause in _LOSSES}
        for before, after in pairwise(rows):
            end_us = before.start_us + 1 if before.end_us is None else before.end_us
            if end_us > after.start_us + TOLERANCE_US:
                yield self._error(5, f"{before.path} and {after.path} overlap")
            if before.run_id == after.run_id and before.seq + 1 == after.seq and before.end_us is not None:
                touches = before.end_ticks == after.start_ticks
                apart_us = abs(before.end_us - after.start_us)
                if (not touches or apart_us > TOLERANCE_US) and before.end_us not in lost:
                    yield self._error(4, f"{before.path} and {after.path} do not touch")
        open_rows = [row for row in rows if row.state == "open"]
        if len(open_rows) > 1:
            yield self._error(9, f"{len(open_rows)} segments are open at once")

    # -- 6 ----------------------------------------------------------------------------------------------------

    def _coverage(self) -> Iterator[Finding]:
        recorded = join_spans([Span(r.start_us, self._end(r.end_us)) for r in self.rows])
        yield from self._gaps_alone(recorded)
        is_open = any(row.state == "open" for row in self.rows) or any(g.end_us is None for g in self._gaps)
        if not is_open:
            if self._repair:
                take_up(self._index, self.stream.key, self.stream.code, self._now_us)
            yield self._error(6, "neither recorded nor in a gap since its last segment", self._repair)
        gaps = [Span(gap.start_us, self._end(gap.end_us)) for gap in self._gaps]
        covered = join_spans(sorted([*recorded, *gaps]), TOLERANCE_US)
        until_us = self._now_us if is_open else max((end for _, end in covered), default=0)
        begin = max(self.stream.since_us, self.stream.expired_us)
        holes = [s for s in uncovered(Span(begin, until_us), covered) if s.end_us - s.start_us > TOLERANCE_US]
        if holes and self._repair:
            fill_ledger(self._index, self.stream, self._now_us)
        for hole in holes:
            seconds = (hole.end_us - hole.start_us) / 1e6
            when = f"{to_datetime(hole.start_us):%Y-%m-%d %H:%M:%S} UTC"
            yield self._error(
                6, f"{seconds:.3f} s from {when} are neither recorded nor in a gap", self._repair
            )

    def _end(self, end_us: int | None) -> int:
        return self._now_us if end_us is None else end_us

    def _gaps_alone(self, recorded: list[Span]) -> Iterator[Finding]:
        """Gaps lie beside recordings and beside one another, and each has a cause."""
        at, after_us = 0, -(1 << 60)
        for gap in self._gaps:
            span = Span(gap.start_us, self._end(gap.end_us))
            if not gap.cause:
                self._mend("UPDATE gap SET cause = ? WHERE id = ?", (Cause.UNKNOWN, gap.id))
                yield self._error(6, "a gap has no cause", self._repair)
            if span.start_us < after_us - TOLERANCE_US:
                self._trim(gap, Span(after_us, span.end_us), [])
                yield self._error(6, f"a gap of cause {gap.cause} lies over another", self._repair)
            after_us = max(after_us, span.end_us)
            while at < len(recorded) and recorded[at].end_us <= span.start_us:
                at += 1
            over = []
            number = at
            while number < len(recorded) and recorded[number].start_us < span.end_us:
                over.append(recorded[number])
                number += 1
            # The clocks of a snapshot: an open segment and an open gap both end now.
            shared = sum(min(span.end_us, o.end_us) - max(span.start_us, o.start_us) for o in over)
            if shared > TOLERANCE_US:
                self._trim(gap, span, over)
                yield self._error(6, f"a gap of cause {gap.cause} lies over a recording", self._repair)

    def _mend(self, statement: str, values: tuple[object, ...]) -> None:
        if self._repair:
            self._index.db.execute(statement, values)

    def _trim(self, gap: _GapRow, window: Span, over: list[Span]) -> None:
        """Keep of the gap what lies in the window and under no recording."""
        if not self._repair:
            return
        with self._index.transaction():
            self._index.db.execute("DELETE FROM gap WHERE id = ?", (gap.id,))
            for piece in uncovered(window, over) if window.end_us > window.start_us else []:
                lasting = gap.end_us is None and piece.end_us == window.end_us
                kept = Gap(piece.start_us, None if lasting else piece.end_us, gap.cause, gap.detail)
                self._index.add_gap(self.stream.id, kept)

    # -- 7, 8 -------------------------------------------------------------------------------------------------

    def _bitmap(self) -> Iterator[Finding]:
        wanted: dict[int, int] = {}
        for row in self.rows:
            for day, bits in minute_bits(Span(row.start_us, row.end_us)) if row.end_us is not None else ():
                wanted[day] = wanted.get(day, 0) | bits
        for day in sorted(wanted.keys() | self._days.keys()):
            bits = wanted.get(day, 0)
            if int.from_bytes(self._days.get(day, b""), "little") != bits:
                if self._repair:
                    self._index.write_minutes(self.stream.id, day, bits.to_bytes(180, "little"))
                when = f"{to_datetime(day * US_PER_DAY):%Y-%m-%d}"
                yield self._error(7, f"the minute bitmap of {when} (UTC) is wrong", self._repair)

    def _holds(self) -> Iterator[Finding]:
        for held in self._held:
            lost_us = sum(end - start for start, end in held.missing) - held.missing_us
            if lost_us > TOLERANCE_US:
                for span in held.missing if self._repair else ():
                    self._index.add_gap(self.stream.id, Gap(*span, Cause.FILE_LOST, held.hold.id))
                text = f"{lost_us / 1e6:.3f} s of hold {held.hold.id} ({held.hold.reason}) were deleted"
                yield self._error(8, text, self._repair)
