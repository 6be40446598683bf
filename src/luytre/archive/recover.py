"""Recover segments that no writer has open: heal what a crash cut short, adopt files the index does not know.

Procedures "Heal" and "Rebuild" of design/archive.md. Each function leaves the file and its row agreeing
(invariants 2 and 3).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from luytre.archive import segment as fmt
from luytre.archive.chain import HASH_BYTES, MARK_SIZE, leaf_of, link_of
from luytre.archive.disk import UNBORN, Disk, flush, is_being_written, probe
from luytre.archive.faults import ReadFault
from luytre.archive.index import Closing, Index, SegmentRow, StreamRow
from luytre.archive.keys import Cause, Gap, Span, StreamKey
from luytre.archive.volume import Volume
from luytre.base.errors import Error, Kind
from luytre.media.tracks import VIDEO_TIMESCALE

US_PER_S = 1_000_000
# A file that cannot be read from its beginning is thrown away up to this size: the opening that a crash cut short.
# A longer one may hold pictures that somebody can save.
OPENING_BYTES = 1 << 16
# What a power cut may have kept from the disk: two and a half flushes of the longest interval (`flush_s`, 10 s).
UNFLUSHED_US = 25 * US_PER_S
# Ending of what is set aside: it is not looked at again, and never deleted by us.
DAMAGED = ".damaged"
# Holds the tail of a segment of 8 min of parts of 1 s; longer ones are walked.
TAIL_BYTES = 1 << 15


@dataclass(frozen=True, slots=True)
class Contents:
    """What a segment file really holds. `whole` means: closed properly, nothing after the tail; else `tail` is the one
    it ought to have. `opened`: its bytes before the first part.
    """

    opening: fmt.Opening
    opened: bytes
    tail: fmt.Tail
    parts_end: int
    whole: bool
    size: int

    @property
    def parts(self) -> tuple[fmt.PartEntry, ...]:
        return self.tail.parts

    @property
    def end_us(self) -> int:
        return self.tail.end_us

    @property
    def end_ticks(self) -> int:
        last = self.parts[-1]
        return last.start_ticks + last.duration_ticks

    def closing(self, tail: fmt.Tail, size: int, tail_offset: int | None) -> Closing:
        """The row's fields, for a file that ends in `tail` (its own, or one that knows the end better)."""
        root = tail.root(self.opened)
        link = link_of(bytes.fromhex(self.opening.header.prev), root)
        return Closing(tail.end_us, self.end_ticks, size, tail_offset, root, link, tail.clocks)


def ticks_to_us(ticks: int) -> int:
    return ticks * US_PER_S // VIDEO_TIMESCALE


def contents(path: Path) -> Contents | None:
    """None when the file holds no whole part. Trusts a tail only if the boxes before it are the parts it lists."""
    with fmt.FileReader(path) as reader:
        opening = fmt.parse_opening(reader.read, reader.size)
        if opening is None:
            return None
        opened = reader.read(0, opening.parts_offset)
        found = fmt.scan(reader.read, reader.size, opening.parts_offset)
        if not found.parts:
            return None
        end, tail = fmt.find_tail(reader, found.parts, opening.parts_offset)
        return judge(opening, opened, found, end, tail, reader.size)


def judge(
    opening: fmt.Opening, opened: bytes, found: fmt.Scanned, end: int, tail: fmt.Tail | None, size: int
) -> Contents:
    """What a walked file holds. `end`: where its parts end; `tail`: what follows them, trusted only if it lists them."""
    if tail is not None and (tail.parts, tail.leaves) == (tuple(found.parts), found.leaves):
        return Contents(opening, opened, tail, end, True, size)
    last = found.parts[-1]
    end_us = last.wall_us + ticks_to_us(last.duration_ticks)
    own = fmt.Tail(end_us, tuple(found.parts), found.leaves)
    return Contents(opening, opened, own, end, False, size)


def crashed_contents(path: Path) -> Contents | None:
    """The same after a crash: boxes may be whole whose bytes never reached the disk. Ends before the first part that is
    not what its mark tells, looking back until UNFLUSHED_US of recording are proved.
    """
    found = contents(path)
    if found is None:
        return None
    keep, proved_us = len(found.parts), 0
    with fmt.FileReader(path) as reader:
        for number in range(len(found.parts) - 1, -1, -1):
            part = found.parts[number]
            data = reader.read(part.offset + MARK_SIZE, part.size - MARK_SIZE)
            if leaf_of([data]) == found.tail.leaves[number * HASH_BYTES : (number + 1) * HASH_BYTES]:
                proved_us += ticks_to_us(part.duration_ticks)
            else:
                keep, proved_us = number, 0
            if proved_us >= UNFLUSHED_US:
                break
    return found if keep == len(found.parts) else _cut(found, keep)


def _cut(found: Contents, keep: int) -> Contents | None:
    """The first `keep` parts of it."""
    if not keep:
        return None
    after, last = found.parts[keep], found.parts[keep - 1]
    # A part that never reached the disk may have any time.
    end_us = last.wall_us + ticks_to_us(last.duration_ticks)
    if abs(after.wall_us - end_us) < US_PER_S:
        end_us = after.wall_us
    tail = fmt.Tail(end_us, found.parts[:keep], found.tail.leaves[: keep * HASH_BYTES], found.tail.clocks)
    return replace(found, tail=tail, parts_end=after.offset, whole=False)


def closed_contents(path: Path) -> Contents | None:
    """The same from opening and tail alone, in two reads; what does not end in a fitting tail is walked."""
    with fmt.FileReader(path) as reader:
        opening = fmt.parse_opening(reader.read, reader.size)
        if opening is None:
            return None
        begin = max(opening.parts_offset, reader.size - TAIL_BYTES)
        end_of_file = reader.read(begin, TAIL_BYTES)
        at = end_of_file.rfind(fmt.TAIL_TYPE) - 8
        if at >= 0:
            try:
                tail = fmt.parse_tail(end_of_file[at:])
            except Error:
                return contents(path)
            if _touch(tail.parts, opening.parts_offset, begin + at):
                opened = reader.read(0, opening.parts_offset)
                return Contents(opening, opened, tail, begin + at, True, reader.size)
    return contents(path)


def _touch(parts: tuple[fmt.PartEntry, ...], begin: int, end: int) -> bool:
    """The parts fill the bytes from `begin` to `end`."""
    at = begin
    for part in parts:
        if part.offset != at:
            return False
        at += part.size
    return bool(parts) and at == end


def discard(path: Path, disk: Disk) -> Path | None:
    """Do away with a file that holds no whole part. One that may hold pictures all the same is set aside: gives its
    new place.
    """
    if not path.exists():
        return None
    with fmt.FileReader(path) as reader:
        opening = fmt.parse_opening(reader.read, reader.size)
        nothing = reader.size <= OPENING_BYTES or (
            opening is not None and not fmt.scan(reader.read, reader.size, opening.parts_offset).parts
        )
    if nothing:
        disk.unlink(path)
        return None
    return set_aside(path)


def set_aside(path: Path) -> Path:
    """Raises OSError."""
    aside = path.with_name(path.name + DAMAGED)
    path.rename(aside)
    return aside


class Salvage(NamedTuple):
    """What a crash left of a file. `unreadable`: the disk cannot give back what it holds; it was set aside."""

    found: Contents | None
    unreadable: bool = False


def salvage(volume: Volume, path: Path, disk: Disk) -> Salvage:
    """A file that holds no good part is done away with. Raises ReadFault for what may pass, and OSError from a disk that
    takes nothing either: then it is not this file's place alone that is broken.
    """
    # Not Path.exists: it raises where not even the file's inode can be read.
    if not os.path.exists(path):
        return Salvage(None)
    try:
        found = crashed_contents(path)
        if found is None:
            discard(path, disk)
        return Salvage(found)
    except ReadFault as fault:
        if not fault.lasting:
            raise
    probe(disk, volume.path)
    flush(disk, volume.path)
    set_aside(path)
    return Salvage(None, True)


def heal(volume: Volume, index: Index, disk: Disk, row: SegmentRow, now_us: int) -> int | None:
    """Close an open segment that nobody writes. Returns its end, or None when nothing of it could be kept."""
    path = volume.path / row.path
    if os.path.exists(path) and is_being_written(path):
        raise Error(
            Kind.CONFLICT,
            f"{row.path} is being written by another recorder",
            hint="Stop the other one: two nodes may not use one volume.",
            cause="disk_error",
        )
    found, unreadable = salvage(volume, path, disk)
    if found is None:
        with index.transaction():
            index.remove_segment(row.id)
            if unreadable:
                _tell_unreadable(volume, index, row, now_us)
        return None
    tail_offset = finish_file(path, disk, found, found.tail)
    index.close_segment(row.id, found.closing(found.tail, path.stat().st_size, tail_offset))
    return found.end_us


def _tell_unreadable(volume: Volume, index: Index, row: SegmentRow, now_us: int) -> None:
    """When its last part ended nobody can read any more: when it was written last is near."""
    aside = volume.path / (row.path + DAMAGED)
    after = index.next_segment(row.stream_id, row.start_us + 1)
    ends = [aside.stat().st_mtime_ns // 1000, now_us if after is None else after.start_us]
    add_known_gap(index, row.stream_id, Gap(row.start_us, min(ends), Cause.FILE_LOST, row.path))


def finish_file(path: Path, disk: Disk, found: Contents, tail: fmt.Tail) -> int | None:
    """Cut the file after its last whole part and give it `tail`. Returns the tail's offset; None when the disk is too
    full for one.
    """
    if found.whole:
        return found.parts_end
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        disk.truncate(fd, found.parts_end)
        box = fmt.tail_box(tail)
        try:
            complete = disk.write(fd, [box]) == len(box)
        except OSError:
            complete = False
        if not complete:
            disk.truncate(fd, found.parts_end)
            return None
        return found.parts_end
    finally:
        disk.close(fd)


def adopt(
    volume: Volume,
    index: Index,
    disk: Disk,
    path: Path,
    look: Callable[[Path], Contents | None] = contents,
) -> bool:
    """Enter a file that has no row. False when it is not a segment of ours or holds no whole part; it is left
    where it is. `look`: `closed_contents` is quicker, for files that were closed long ago.
    """
    relative = path.relative_to(volume.path).as_posix()
    if index.segment_at(relative) is not None:
        return True
    try:
        if is_being_written(path):
            return False
        found = look(path)
    except (OSError, Error):
        # Gone meanwhile, or the disk cannot read it: `luytre check` tells.
        return False
    if found is None:
        return False
    header = found.opening.header
    tail_offset = finish_file(path, disk, found, found.tail)
    first = found.parts[0]
    try:
        with index.transaction():
            stream = _stream_of(index, found)
            index.add_run(header.run, stream.id, first.wall_us, found.opening.init)
            row_id = index.add_segment(
                stream.id, header.run, header.seq, relative, first.wall_us, first.start_ticks
            )
            index.close_segment(row_id, found.closing(found.tail, path.stat().st_size, tail_offset))
            # The index may be older than the file: what it took for a gap was recorded.
            index.cut_gaps(stream.id, Span(first.wall_us, found.end_us))
            for gap in header.gaps:
                add_known_gap(index, stream.id, Gap(gap.start_us, gap.end_us, gap.cause, gap.detail))
    except sqlite3.IntegrityError:
        return False
    return True


def _stream_of(index: Index, found: Contents) -> StreamRow:
    """Its row. Class and code are those of the newest that is known of the stream: a file, or a ledger that goes on."""
    header = found.opening.header
    key = StreamKey(header.camera, header.stream)
    known = index.stream(key)
    if known is not None:
        last, gap = index.last_segment(known.id), index.open_gap(known.id)
        if last is not None and last.start_us > found.parts[0].wall_us:
            return known
        if gap is not None and gap.start_us >= found.end_us:
            return known
    earliest = min([header.start_us, *(gap.start_us for gap in header.gaps)])
    return index.add_stream(key, header.code, earliest, header.retention)


def add_known_gap(index: Index, stream_id: int, gap: Gap) -> None:
    """A gap a header tells of, unless the ledger has one at that place already."""
    known = index.db.execute(
        "SELECT 1 FROM gap WHERE stream_id = ? AND start_us < ? AND (end_us IS NULL OR end_us > ?)",
        (stream_id, gap.end_us, gap.start_us),
    ).fetchone()
    if known is None:
        index.add_gap(stream_id, gap)


def adopt_newest(volume: Volume, index: Index, disk: Disk, code: str, stream: str) -> None:
    """Enter what a crash left without a row: files newer than all known ones. With an index that is still to be
    filled this ends at the newest whole file; the others are the keeper's.
    """
    newest_us: int | None = None
    for path in _newest_files(volume, code, stream, disk):
        row = index.segment_at(path.relative_to(volume.path).as_posix())
        if row is not None:
            newest_us = row.start_us if newest_us is None else newest_us
            if newest_us - row.start_us > UNFLUSHED_US:
                return
            # Between those that were not flushed may lie one that was thrown away and came back.
            continue
        if adopt(volume, index, disk, path, crashed_contents):
            if index.meta("import") == "pending":
                return
        elif os.path.exists(path) and not is_being_written(path):
            salvage(volume, path, disk)


def _newest_files(volume: Volume, code: str, stream: str, disk: Disk, days: int = 2) -> list[Path]:
    """Segment files of the stream's newest days, newest first; none where a folder cannot be read. What a crash left
    unborn is thrown away.
    """
    folder = volume.video_path / code / stream
    try:
        newest = sorted((day for day in folder.iterdir() if day.is_dir()), key=lambda day: day.name)[-days:]
        files = sorted((path for day in newest for path in day.iterdir()), reverse=True)
    except OSError:
        return []
    for path in files:
        if path.suffix == UNBORN and os.path.exists(path) and not is_being_written(path):
            disk.unlink(path)
    return [path for path in files if path.suffix == ".mp4"]


def all_files(volume: Volume) -> Iterator[Path]:
    """Segment files of all streams together, the oldest first; a day's names are read when its turn comes."""
    folders = sorted(volume.video_path.glob("*/*/*"), key=lambda folder: folder.name)
    for _, own in groupby(folders, key=lambda folder: folder.name):
        files = (path for folder in own for path in folder.glob("*.mp4"))
        yield from sorted(files, key=lambda path: (path.name, path))


def newest_files(volume: Volume) -> Iterator[Path]:
    """Three of each stream, the newest first: they tell its class and its code."""
    for folder in volume.video_path.glob("*/*"):
        days = sorted(folder.glob("*"))[-2:]
        yield from sorted((path for day in days for path in day.glob("*.mp4")), reverse=True)[:3]
