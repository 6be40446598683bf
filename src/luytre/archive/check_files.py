"""Invariants 2, 3, 9, 10, and 4 inside a file: rows and files, day folder by day folder.

Promises   memory does not grow with the archive; a recorder and retention at work raise no alarm: what looks wrong is looked
           at again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from luytre.archive import losses, recover
from luytre.archive.chain import link_of
from luytre.archive.disk import Disk, is_being_written
from luytre.archive.findings import CHAINED, TOLERANCE_US, Altered, Finding
from luytre.archive.index import Index, SegmentRow
from luytre.archive.keys import Cause, Gap, Span
from luytre.archive.proof import Proof, prove
from luytre.archive.retention import clear_minutes
from luytre.archive.volume import Volume
from luytre.base.clock import Clock, to_datetime
from luytre.base.errors import Error

Progress = Callable[[int, int], None]


class FileCheck:
    """quick    names and sizes; only files that look wrong are opened
    altered  files whose parts are not what their marks tell; whether that is on record, the certificates say
    pending  the index is being made again: files without a row are counted (`to_go`) and nothing more
    """

    def __init__(
        self,
        volume: Volume,
        index: Index,
        disk: Disk,
        clock: Clock,
        *,
        repair: bool,
        quick: bool,
        pending: bool = False,
    ) -> None:
        self.volume, self.index, self.disk, self.clock = volume, index, disk, clock
        self.repair, self.quick, self.pending = repair, quick, pending
        self.to_go = 0
        self.altered: list[Altered] = []
        # The chain after the last file that was found lost, by stream.
        self._lost_link: dict[int, bytes] = {}

    def all(self, progress: Progress) -> Iterator[Finding]:
        """progress: files when quick, bytes otherwise."""
        files, size, _ = self.index.totals()
        total = files if self.quick else size
        done = 0
        for folder in self._folders():
            rows = self._rows(folder)
            for name, length in self._listed(folder):
                path = f"{folder}/{name}"
                row = rows.pop(path, None)
                if row is None and self.pending:
                    self.to_go += 1
                elif not self.quick or row not in (("closed", length), ("deleting", length)):
                    yield from self._file(self.volume.path / path, path)
                done += 1 if self.quick else length
                if not self.quick:
                    progress(done, max(done, total))
            for path in rows if not self.pending else ():
                yield from self._without_file(path)
            if self.quick:
                progress(done, max(done, total))

    def _folders(self) -> list[str]:
        """Day folders that hold files or ought to, in order."""
        found = {
            folder.relative_to(self.volume.path).as_posix()
            for folder in self.volume.video_path.glob("*/*/*")
            if folder.is_dir()
        }
        at = ""
        while row := self.index.db.execute(
            "SELECT path FROM segment WHERE path >= ? ORDER BY path LIMIT 1", (at,)
        ).fetchone():
            folder = row[0].rpartition("/")[0]
            found.add(folder)
            at = _behind(folder)
        return sorted(found)

    def _rows(self, folder: str) -> dict[str, tuple[str, int | None]]:
        """State and size by path."""
        found = self.index.db.execute(
            "SELECT path, state, bytes FROM segment WHERE path > ? AND path < ?",
            (f"{folder}/", _behind(folder)),
        )
        return {path: (state, size) for path, state, size in found}

    def _listed(self, folder: str) -> list[tuple[str, int]]:
        """Names and sizes of segment files, in order."""
        found = []
        try:
            with os.scandir(self.volume.path / folder) as entries:
                for entry in entries:
                    if entry.name.endswith(".mp4"):
                        # Retention may take a file between its name and its size.
                        try:
                            found.append((entry.name, entry.stat().st_size))
                        except FileNotFoundError:
                            continue
        except FileNotFoundError:
            return []
        return sorted(found)

    # -- a row without a file ---------------------------------------------------------------------------------

    def _without_file(self, path: str) -> Iterator[Finding]:
        """Retention may have taken it since the rows were read."""
        row = self.index.segment_at(path)
        if row is None or row.state == "deleting" or (self.volume.path / path).exists():
            return
        if self.repair:
            self._forget(row, None)
        text = f"the index lists it ({_when(row.start_us)}), but the file is gone"
        yield Finding(2, "error", path, text, self.repair)

    def _forget(self, row: SegmentRow, prev: bytes | None) -> None:
        if row.link is not None:
            self._lose(row, prev or self._link_before(row), None, "the file is lost")
            self._lost_link[row.stream_id] = row.link
        with self.index.transaction():
            self.index.remove_segment(row.id)
            if row.end_us is not None:
                clear_minutes(self.index, row.stream_id, Span(row.start_us, row.end_us))
                gap = Gap(row.start_us, row.end_us, Cause.FILE_LOST, row.path)
                self.index.add_gap(row.stream_id, gap)

    def _link_before(self, row: SegmentRow) -> bytes:
        lost = self._lost_link.get(row.stream_id)
        if lost is not None and row.root is not None and link_of(lost, row.root) == row.link:
            return lost
        return losses.link_before(self.volume, self.index, row)

    def _lose(self, row: SegmentRow, prev: bytes, root: bytes | None, why: str) -> None:
        stream = next(stream for stream in self.index.streams() if stream.id == row.stream_id)
        now_us = self.clock.wall_us()
        losses.write_down(self.volume, self.disk, stream, row, prev, root, now_us, f"{row.path}: {why}")

    # -- a file -----------------------------------------------------------------------------------------------

    def _file(self, path: Path, name: str) -> Iterator[Finding]:
        try:
            if is_being_written(path):
                return
            proof = self._look(path)
            row = self.index.segment_at(name)
        except (OSError, Error) as error:
            if path.exists():
                yield Finding(3, "error", name, f"cannot be read: {error}")
            return
        if row is None:
            yield from self._unknown(path, name, proof)
        elif row.state == "open":
            if self.repair:
                recover.heal(self.volume, self.index, self.disk, row, self.clock.wall_us())
            yield Finding(9, "error", name, "left open by a recorder that is gone", self.repair)
        elif row.state == "closed":
            yield from self._closed(path, name, row, proof)

    def _look(self, path: Path) -> Proof | None:
        if not self.quick:
            return prove(path)
        found = recover.contents(path)
        return None if found is None else Proof(found, (), found.tail.leaves)

    def _unknown(self, path: Path, name: str, proof: Proof | None) -> Iterator[Finding]:
        if not path.exists():
            return
        if proof is None:
            aside = recover.discard(path, self.disk) if self.repair else None
            where = f"; set aside as {aside.name}" if aside else ""
            yield Finding(2, "note", name, f"holds no whole part and is in no index{where}", self.repair)
            return
        adopted = self.repair and recover.adopt(self.volume, self.index, self.disk, path)
        yield Finding(2, "error", name, "not in the index", adopted)

    def _closed(self, path: Path, name: str, row: SegmentRow, proof: Proof | None) -> Iterator[Finding]:
        if proof is None:
            if self.repair:
                recover.discard(path, self.disk)
                self._forget(row, None)
            yield Finding(3, "error", name, "no whole part is left in it", self.repair)
            return
        found = proof.found
        wrong = disagreement(row, found)
        if wrong is not None:
            # Where another segment stands, no repair may choose which one to lose.
            repaired = self.repair and _is_of(row, found)
            if repaired:
                self._rewrite(path, row, found, row.end_us if wrong.severity == "note" else None)
                row = self.index.segment_at(name) or row
            yield replace(wrong, repaired=repaired)
        for before, after in pairwise(found.parts):
            if before.start_ticks + before.duration_ticks != after.start_ticks:
                yield Finding(4, "error", name, f"media time does not touch at byte {after.offset}")
        if proof.altered:
            first = found.parts[proof.altered[0]]
            text = (
                f"{len(proof.altered)} of its {len(found.parts)} parts are not what was recorded,"
                f" the first at {_when(first.wall_us)}"
            )
            stream = next(stream for stream in self.index.streams() if stream.id == row.stream_id)
            prev = bytes.fromhex(found.opening.header.prev)
            self.altered.append(Altered(stream, row, prev, proof.root(), text))

    def _rewrite(self, path: Path, row: SegmentRow, found: recover.Contents, end_us: int | None) -> None:
        """The file keeps its whole parts, the row says what they are; time that is missing at the end becomes a gap."""
        tail = found.tail if end_us is None else replace(found.tail, end_us=end_us, clocks=row.clocks)
        tail_offset = recover.finish_file(path, self.disk, found, tail)
        end_us = tail.end_us
        first = found.parts[0]
        closing = found.closing(tail, path.stat().st_size, tail_offset)
        if row.link is not None and row.link != closing.link and not self._goes_on(row, closing.link):
            prev = bytes.fromhex(found.opening.header.prev)
            self._lose(row, prev, closing.root, f"{len(found.parts)} parts are left")
        with self.index.transaction():
            if row.end_us is not None:
                missing = Gap(end_us, row.end_us, Cause.FILE_LOST, row.path)
                recover.add_known_gap(self.index, row.stream_id, missing)
            self.index.db.execute(
                "UPDATE segment SET start_us = ?, start_ticks = ? WHERE id = ?",
                (first.wall_us, first.start_ticks, row.id),
            )
            self.index.close_segment(row.id, closing)
            if row.end_us is not None:
                # After the row: what is left standing is set again.
                clear_minutes(self.index, row.stream_id, Span(row.start_us, row.end_us))

    def _goes_on(self, row: SegmentRow, link: bytes) -> bool:
        """The chain continues from `link`: then it was the row that was wrong, and not the file."""
        after = self.index.next_segment(row.stream_id, row.start_us + 1)
        if after is not None and after.root is not None:
            return link_of(link, after.root) == after.link
        return any(stream.head == link for stream in self.index.streams() if stream.id == row.stream_id)


def _behind(folder: str) -> str:
    """What sorts behind all paths in the folder: "0" follows "/"."""
    return folder + "0"


def disagreement(row: SegmentRow, found: recover.Contents) -> Finding | None:
    """What the file and its row disagree in; `repaired` is the caller's."""
    if not _is_of(row, found):
        text = f"is another segment than the one that was closed here ({_when(row.start_us)})"
        return Finding(2, "error", row.path, text)
    if not found.whole and row.tail_offset is None and found.parts_end == found.size == row.bytes:
        return Finding(3, "note", row.path, "closed without its table of parts, the disk was full")
    if not found.whole or row.bytes != found.size or row.tail_offset != found.parts_end:
        return Finding(3, "error", row.path, f"holds {len(found.parts)} whole parts, not what the index says")
    if (difference := _difference(row, found)) is not None:
        return Finding(2, "error", row.path, f"{difference} in the index is not that of the file")
    root = found.tail.root(found.opened)
    if root != row.root or link_of(bytes.fromhex(found.opening.header.prev), root) != row.link:
        text = f"is not the file that was closed here ({_when(row.start_us)}): its hash is another"
        return Finding(CHAINED, "error", row.path, text)
    return None


def _is_of(row: SegmentRow, found: recover.Contents) -> bool:
    header = found.opening.header
    return (row.run_id, row.seq) == (header.run, header.seq)


def _difference(row: SegmentRow, found: recover.Contents) -> str | None:
    first = found.parts[0]
    if row.start_us != first.wall_us or row.end_us is None or abs(row.end_us - found.end_us) > TOLERANCE_US:
        return "the time"
    if (row.start_ticks, row.end_ticks) != (first.start_ticks, found.end_ticks):
        return "the media time"
    return None if row.clocks == found.tail.clocks else "what is known of the clocks"


def _when(wall_us: int) -> str:
    return f"{to_datetime(wall_us):%Y-%m-%d %H:%M:%S} UTC"
