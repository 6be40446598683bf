"""`luytre check`: prove the invariants of design/archive.md on a volume, and repair what can be repaired.

Promises   without `repair` nothing is changed; files that a living recorder writes are left alone in either case;
           a repair throws away no picture: what cannot be read is set aside (`*.damaged`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from luytre.archive import recover
from luytre.archive.check_stream import StreamCheck
from luytre.archive.disk import Disk, OsDisk, is_being_written
from luytre.archive.findings import TOLERANCE_US
from luytre.archive.findings import Finding as Finding
from luytre.archive.index import Index, SegmentRow
from luytre.archive.keys import Cause, Gap, Span
from luytre.archive.rebuild import PENDING, READING, open_or_create, read_in, volume_lock
from luytre.archive.retention import clear_minutes
from luytre.archive.volume import Volume, open_volume
from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error

Progress = Callable[[int, int], None]
ALL_TIME = Span(-(1 << 60), 1 << 62)


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
        index = open_or_create(volume, clock, foreign=True)
    try:
        if index.meta("import") == PENDING and repair:
            read_in(volume, index, disk, clock, progress)
        files = _FileCheck(volume, index, disk, repair)
        if repair:
            with volume_lock(volume, READING):
                findings += files.all(progress)
        else:
            findings += files.all(progress)
        for stream in index.streams():
            findings += StreamCheck(index, stream, clock, repair).findings()
    finally:
        index.close()
    return findings


class _FileCheck:
    """Invariants 2, 3, 9, and 4 inside a file. Rows are asked for file by file: a recorder may be at work."""

    def __init__(self, volume: Volume, index: Index, disk: Disk, repair: bool) -> None:
        self.volume, self.index, self.disk, self.repair = volume, index, disk, repair

    def all(self, progress: Progress) -> list[Finding]:
        findings: list[Finding] = []
        for stream in self.index.streams():
            for row in self.index.segments(stream.id, ALL_TIME):
                if not (self.volume.path / row.path).exists() and self._is_listed(row):
                    findings.append(self._lost_file(row))
        total = sum(1 for _ in recover.all_files(self.volume))
        for done, path in enumerate(recover.all_files(self.volume), 1):
            findings += self._file(path)
            progress(done, max(done, total))
        return findings

    def _is_listed(self, row: SegmentRow) -> bool:
        """Retention may have taken it since the rows were read."""
        now = self.index.segment(row.run_id, row.seq)
        return now is not None and now.state != "deleting"

    def _lost_file(self, row: SegmentRow) -> Finding:
        if self.repair:
            self._forget(row)
        return Finding(2, "error", row.path, "the index lists it, but the file is gone", self.repair)

    def _forget(self, row: SegmentRow) -> None:
        with self.index.transaction():
            self.index.remove_segment(row.id)
            if row.end_us is not None:
                clear_minutes(self.index, row.stream_id, Span(row.start_us, row.end_us))
                gap = Gap(row.start_us, row.end_us, Cause.FILE_LOST, row.path)
                self.index.add_gap(row.stream_id, gap)

    def _file(self, path: Path) -> Iterator[Finding]:
        name = path.relative_to(self.volume.path).as_posix()
        try:
            if is_being_written(path):
                return
            found = recover.contents(path)
            row = self.index.segment_at(name)
        except (OSError, Error) as error:
            if path.exists():
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
        if not path.exists():
            return
        if found is None:
            aside = recover.discard(path, self.disk) if self.repair else None
            where = f"; set aside as {aside.name}" if aside else ""
            yield Finding(2, "note", name, f"holds no whole part and is in no index{where}", self.repair)
            return
        adopted = self.repair and recover.adopt(self.volume, self.index, self.disk, path)
        yield Finding(2, "error", name, "not in the index", adopted)

    def _closed(
        self, path: Path, name: str, row: SegmentRow, found: recover.Contents | None
    ) -> Iterator[Finding]:
        if found is None:
            if self.repair:
                recover.discard(path, self.disk)
                self._forget(row)
            yield Finding(3, "error", name, "no whole part is left in it", self.repair)
            return
        if not found.whole and row.tail_offset is None and found.parts_end == found.size == row.bytes:
            if self.repair:
                self._rewrite(path, row, found, row.end_us)
            yield Finding(
                3, "note", name, "closed without its table of parts, the disk was full", self.repair
            )
            return
        if not found.whole or row.bytes != found.size or row.tail_offset != found.parts_end:
            if self.repair:
                self._rewrite(path, row, found, None)
            text = f"holds {len(found.parts)} whole parts, not what the index says"
            yield Finding(3, "error", name, text, self.repair)
        elif difference := _difference(row, found):
            if self.repair:
                self._rewrite(path, row, found, None)
            yield Finding(2, "error", name, f"{difference} in the index is not that of the file", self.repair)
        for before, after in pairwise(found.parts):
            if before.start_ticks + before.duration_ticks != after.start_ticks:
                yield Finding(4, "error", name, f"media time does not touch at byte {after.offset}")

    def _rewrite(self, path: Path, row: SegmentRow, found: recover.Contents, end_us: int | None) -> None:
        """The file keeps its whole parts, the row says what they are; time that is missing at the end becomes a gap."""
        tail = found.tail if end_us is None else replace(found.tail, end_us=end_us, clocks=row.clocks)
        tail_offset = recover.finish_file(path, self.disk, found, tail)
        end_us = tail.end_us
        first = found.parts[0]
        with self.index.transaction():
            if row.end_us is not None:
                clear_minutes(self.index, row.stream_id, Span(row.start_us, row.end_us))
                missing = Gap(end_us, row.end_us, Cause.FILE_LOST, row.path)
                recover.add_known_gap(self.index, row.stream_id, missing)
            self.index.db.execute(
                "UPDATE segment SET start_us = ?, start_ticks = ? WHERE id = ?",
                (first.wall_us, first.start_ticks, row.id),
            )
            self.index.close_segment(row.id, found.closing(tail, path.stat().st_size, tail_offset))


def _difference(row: SegmentRow, found: recover.Contents) -> str | None:
    first, header = found.parts[0], found.opening.header
    if (row.run_id, row.seq) != (header.run, header.seq):
        return "the run"
    if row.start_us != first.wall_us or row.end_us is None or abs(row.end_us - found.end_us) > TOLERANCE_US:
        return "the time"
    if (row.start_ticks, row.end_ticks) != (first.start_ticks, found.end_ticks):
        return "the media time"
    return None
