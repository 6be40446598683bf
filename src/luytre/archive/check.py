"""`luytre check`: prove the invariants of design/archive.md on a volume, and repair what can be repaired.

Promises   without `repair` nothing is changed; files that a living recorder writes are left alone in either case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from luytre.archive import recover
from luytre.archive.disk import Disk, OsDisk, is_being_written
from luytre.archive.index import US_PER_DAY, Index, SegmentRow, StreamRow, minute_bits
from luytre.archive.keys import Cause, Gap, Span, join_spans, uncovered
from luytre.archive.ledger import take_up
from luytre.archive.rebuild import fill_ledger, open_or_create, read_in, volume_lock
from luytre.archive.retention import clear_minutes
from luytre.archive.volume import Volume, open_volume
from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error

Progress = Callable[[int, int], None]
# Wall time of touching parts is stored in whole microseconds by two different sums.
TOLERANCE_US = 2_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken invariant (number as in design/archive.md). error: something is lost or wrong; note: worth knowing."""

    invariant: int
    severity: Literal["error", "note"]
    path: str
    message: str
    repaired: bool = False


def check(
    path: Path,
    *,
    repair: bool = False,
    progress: Progress = lambda done, total: None,
    clock: Clock = SYSTEM,
    disk: Disk | None = None,
) -> list[Finding]:
    """All findings of one volume; empty when every invariant holds. Raises Error when `path` is no volume."""
    volume = open_volume(path)
    disk = disk or OsDisk()
    findings: list[Finding] = []
    try:
        index = Index(volume.index_path, volume.id)
    except Error as error:
        findings.append(Finding(1, "error", "index.db", str(error), repair))
        if not repair:
            return findings
        index = open_or_create(volume, clock)
    try:
        if index.meta("import") == "pending" and repair:
            with volume_lock(volume):
                read_in(volume, index, disk, clock.wall_us())
        session = _Check(volume, index, disk, repair, clock)
        findings += session.files(progress)
        for stream in index.streams():
            findings += session.stream(stream)
    finally:
        index.close()
    return findings


class _Check:
    def __init__(self, volume: Volume, index: Index, disk: Disk, repair: bool, clock: Clock) -> None:
        self.volume, self.index, self.disk, self.repair, self.clock = volume, index, disk, repair, clock

    # -- files (invariants 2, 3, 4, 9) ------------------------------------------------------------------------

    def files(self, progress: Progress) -> list[Finding]:
        findings: list[Finding] = []
        rows = {
            row.path: row
            for stream in self.index.streams()
            for row in self.index.segments(stream.id, Span(-(1 << 60), 1 << 62), deleting=True)
        }
        # A window that wide starts before MAX_SEGMENT_US matters.
        paths = recover.all_files(self.volume)
        on_disk = {path.relative_to(self.volume.path).as_posix() for path in paths}
        for row in rows.values():
            if row.path not in on_disk and self._still(row):
                findings.append(self._lost_file(row))
        for done, path in enumerate(paths):
            listed = rows.get(path.relative_to(self.volume.path).as_posix())
            findings += self._file(path, listed)
            progress(done + 1, len(paths))
        return findings

    def _still(self, row: SegmentRow) -> bool:
        """Retention may have taken it since the rows were read."""
        now = self.index.segment(row.run_id, row.seq)
        return now is not None and now.state != "deleting"

    def _lost_file(self, row: SegmentRow) -> Finding:
        if self.repair:
            with self.index.transaction():
                self.index.remove_segment(row.id)
                if row.end_us is not None:
                    clear_minutes(self.index, row.stream_id, Span(row.start_us, row.end_us))
                    self.index.add_gap(
                        row.stream_id, Gap(row.start_us, row.end_us, Cause.FILE_LOST, row.path)
                    )
        return Finding(2, "error", row.path, "the index lists it, but the file is gone", self.repair)

    def _file(self, path: Path, row: SegmentRow | None) -> Iterator[Finding]:
        name = path.relative_to(self.volume.path).as_posix()
        try:
            if is_being_written(path):
                return
            found = recover.contents(path)
        except (OSError, Error) as error:
            yield Finding(3, "error", name, f"cannot be read: {error}")
            return
        if row is None:
            yield from self._unknown_file(path, name, found)
        elif row.state == "open":
            if self.repair:
                recover.heal(self.volume, self.index, self.disk, row)
            yield Finding(9, "error", name, "left open by a recorder that is gone", self.repair)
        elif row.state == "closed":
            yield from self._closed(path, name, row, found)

    def _unknown_file(self, path: Path, name: str, found: recover.Contents | None) -> Iterator[Finding]:
        if self.index.segment_at(name) is not None:
            return
        if found is None:
            if self.repair:
                self.disk.unlink(path)
            yield Finding(2, "note", name, "holds no whole part and is in no index", self.repair)
            return
        adopted = self.repair and recover.adopt(self.volume, self.index, self.disk, path)
        yield Finding(2, "error", name, "not in the index", adopted)

    def _closed(
        self, path: Path, name: str, row: SegmentRow, found: recover.Contents | None
    ) -> Iterator[Finding]:
        if found is None:
            yield Finding(3, "error", name, "no whole part is left in it", self._drop(path, row))
            return
        if not found.whole and row.tail_offset is None and found.parts_end == found.size:
            yield Finding(3, "note", name, "closed without its table of parts, the disk was full", False)
            return
        if not found.whole or row.bytes != found.size or row.end_ticks != found.end_ticks:
            yield Finding(
                3,
                "error",
                name,
                f"holds {len(found.parts)} whole parts, not what the index says",
                self._cut(path, row, found),
            )
        for before, after in pairwise(found.parts):
            if before.start_ticks + before.duration_ticks != after.start_ticks:
                yield Finding(4, "error", name, f"media time does not touch at byte {after.offset}")

    def _drop(self, path: Path, row: SegmentRow) -> bool:
        if self.repair:
            self.disk.unlink(path)
            self._lost_file(row)
        return self.repair

    def _cut(self, path: Path, row: SegmentRow, found: recover.Contents) -> bool:
        """Keep the whole parts; what is missing at the end becomes a gap."""
        if not self.repair:
            return False
        tail_offset = recover.finish_file(path, self.disk, found)
        with self.index.transaction():
            if row.end_us is not None:
                clear_minutes(self.index, row.stream_id, Span(row.start_us, row.end_us))
                self.index.add_gap(row.stream_id, Gap(found.end_us, row.end_us, Cause.FILE_LOST, row.path))
            self.index.close_segment(row.id, found.end_us, found.end_ticks, path.stat().st_size, tail_offset)
        return True

    # -- streams (invariants 4 to 8) --------------------------------------------------------------------------

    def stream(self, stream: StreamRow) -> list[Finding]:
        name = f"{stream.code}/{stream.name}"
        rows = [
            row
            for row in self.index.segments(stream.id, Span(-(1 << 60), 1 << 62))
            if row.state == "closed" and row.end_us is not None
        ]
        findings = list(_order(name, rows))
        findings += self._coverage(name, stream)
        findings += self._bitmap(name, stream, rows)
        return findings

    def _coverage(self, name: str, stream: StreamRow) -> Iterator[Finding]:
        now_us = self.clock.wall_us()
        open_rows = self.index.not_closed(stream.id)
        gaps = self.index.gaps(stream.id, Span(0, 1 << 62))
        if not open_rows and not any(gap.end_us is None for gap in gaps):
            if self.repair:
                take_up(self.index, stream.key, stream.code, now_us)
            yield Finding(
                6, "error", name, "neither recorded nor in a gap since its last segment", self.repair
            )
            return
        rows = self.index.segments(stream.id, Span(-(1 << 60), 1 << 62))
        spans = [Span(r.start_us, now_us if r.end_us is None else r.end_us) for r in rows]
        for gap in gaps:
            gap_span = Span(gap.start_us, now_us if gap.end_us is None else gap.end_us)
            for span in spans:
                both = min(span.end_us, gap_span.end_us) - max(span.start_us, gap_span.start_us)
                if both > TOLERANCE_US and gap.end_us is not None:
                    yield Finding(6, "error", name, f"a gap of cause {gap.cause} lies over a recording")
            spans.append(gap_span)
        begin = max(stream.since_us, stream.expired_us)
        missing = uncovered(Span(begin, now_us), join_spans(sorted(spans), TOLERANCE_US))
        missing = [span for span in missing if span.end_us - span.start_us > TOLERANCE_US]
        if missing and self.repair:
            fill_ledger(self.index, stream, now_us)
        for span in missing:
            seconds = (span.end_us - span.start_us) / 1e6
            yield Finding(6, "error", name, f"{seconds:.3f} s are neither recorded nor in a gap", self.repair)

    def _bitmap(self, name: str, stream: StreamRow, rows: list[SegmentRow]) -> Iterator[Finding]:
        wanted: dict[int, int] = {}
        for row in rows:
            assert row.end_us is not None
            for day, bits in minute_bits(Span(row.start_us, row.end_us)):
                wanted[day] = wanted.get(day, 0) | bits
        days = set(wanted) | set(self.index.days(stream.id))
        for day in sorted(days):
            bits = wanted.get(day, 0)
            if int.from_bytes(self.index.minutes(stream.id, day), "little") != bits:
                if self.repair:
                    self.index.write_minutes(stream.id, day, bits.to_bytes(180, "little"))
                yield Finding(
                    7, "error", name, f"the minute bitmap of day {day * US_PER_DAY} µs is wrong", self.repair
                )


def _order(name: str, rows: list[SegmentRow]) -> Iterator[Finding]:
    for before, after in pairwise(rows):
        assert before.end_us is not None
        if before.end_us > after.start_us + TOLERANCE_US:
            yield Finding(5, "error", name, f"{before.path} and {after.path} overlap")
        if before.run_id == after.run_id and before.seq + 1 == after.seq:
            touches = before.end_ticks == after.start_ticks
            if not touches or abs(before.end_us - after.start_us) > TOLERANCE_US:
                yield Finding(4, "error", name, f"{before.path} and {after.path} do not touch")
