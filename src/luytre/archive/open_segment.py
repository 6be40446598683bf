"""A segment while it is being written, and what the recorder hands the writer: runs and parts."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from luytre.archive import segment as fmt
from luytre.archive.chain import MARK_SIZE, leaf_of, link_of, mark
from luytre.archive.disk import Disk
from luytre.archive.index import Closing, Index, StreamRow
from luytre.archive.keys import UNKNOWN_CLOCKS, Clocks, StreamKey
from luytre.archive.volume import Volume


class Part(NamedTuple):
    """One moof + mdat, ready to be written: `buffers` in order make `size` bytes. Times as in design/time.md. `clocks`: what
    was known of the clocks when it was made.
    """

    buffers: list[bytes]
    size: int
    start_ticks: int
    duration_ticks: int
    start_us: int
    end_us: int
    key: bool
    clocks: Clocks = UNKNOWN_CLOCKS


@dataclass(slots=True)
class RunHandle:
    """One run, shared by the recorder (enqueued) and the writer (written, end_us, failure, next_seq).

    end_us    where the last part that came to the writer ends, written or dropped
    failure   set by the writer when the run is over for it; parts that still come are dropped
    """

    key: StreamKey
    code: str
    run_id: str
    init: bytes
    enqueued: int = 0
    written: int = 0
    end_us: int = 0
    failure: str | None = None
    next_seq: int = 0

    @property
    def pending_bytes(self) -> int:
        """Each side writes its own counter, so no lock is needed."""
        return self.enqueued - self.written


@dataclass(slots=True)
class OpenSegment:
    run: RunHandle
    path: Path
    relative: str
    fd: int
    size: int
    seq: int
    start_us: int
    start_ticks: int
    end_us: int
    end_ticks: int
    opening: bytes
    prev: bytes
    row_id: int = 0
    parts: list[fmt.PartEntry] = field(default_factory=list)
    leaves: bytearray = field(default_factory=bytearray)
    clocks: Clocks = UNKNOWN_CLOCKS
    # A failed write left bytes behind the last whole part that could not be cut off.
    torn: bool = False
    finished: bool = False
    tail_offset: int | None = None

    @classmethod
    def create(
        cls,
        volume: Volume,
        disk: Disk,
        run: RunHandle,
        part: Part,
        gaps: tuple[fmt.GapNote, ...],
        stream: StreamRow,
    ) -> OpenSegment:
        """The file with init and header, ready for its first part. Leaves no file behind when that fails. `stream`: its
        row, with the chain as it is before this segment.
        """
        seq = run.next_seq
        relative = f"video/{run.code}/{run.key.stream}/{fmt.file_name(run.run_id, seq, part.start_us)}"
        header = fmt.Header(
            run.key.camera,
            run.code,
            run.key.stream,
            run.run_id,
            seq,
            part.start_us,
            part.start_ticks,
            stream.head.hex(),
            stream.retention,
            gaps,
        )
        path = volume.path / relative
        fd = disk.create(path)
        opening = run.init + fmt.header_box(header)
        size = len(opening)
        try:
            if disk.write(fd, [opening]) != size:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            _abandon(disk, fd, path)
            raise
        return cls(
            run,
            path,
            relative,
            fd,
            size,
            seq,
            part.start_us,
            part.start_ticks,
            part.start_us,
            part.start_ticks,
            opening,
            stream.head,
        )

    def enter(self, index: Index, stream_id: int) -> int:
        """Run and segment rows; in the caller's transaction. Gives the segment's row id."""
        known = index.segment(self.run.run_id, self.seq)
        if known is not None:
            # An older copy of the index was put in place.
            return known.id
        index.add_run(self.run.run_id, stream_id, self.start_us, self.run.init)
        return index.add_segment(
            stream_id, self.run.run_id, self.seq, self.relative, self.start_us, self.start_ticks
        )

    def is_due(self, part: Part, segment_us: int) -> bool:
        """Whether `part` belongs into the next segment: at a keyframe after the stream's turn, or at twice the length."""
        phase = crc32("/".join(self.run.key).encode()) % segment_us
        turn_us = (self.start_us - phase) // segment_us * segment_us + segment_us + phase
        return (part.key and part.start_us >= turn_us) or part.start_us >= self.start_us + 2 * segment_us

    def append(self, disk: Disk, part: Part) -> None:
        """Raises OSError after cutting the file back to its last whole part."""
        leaf = leaf_of(part.buffers)
        size = part.size + MARK_SIZE
        try:
            if disk.write(self.fd, [mark(leaf), *part.buffers]) != size:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            self._cut(disk)
            raise
        self.clocks = part.clocks if not self.parts else merged(self.clocks, part.clocks)
        self.leaves += leaf
        self.parts.append(
            fmt.PartEntry(self.size, size, part.start_ticks, part.duration_ticks, part.start_us, part.key)
        )
        self.size += size
        self.end_us = part.end_us
        self.end_ticks = part.start_ticks + part.duration_ticks

    def _cut(self, disk: Disk) -> None:
        """Back to the end of the last whole part."""
        try:
            disk.truncate(self.fd, self.size)
        except OSError:
            self.torn = True
        else:
            self.torn = False

    @property
    def tail(self) -> fmt.Tail:
        return fmt.Tail(self.end_us, tuple(self.parts), bytes(self.leaves), self.clocks)

    def finish(self, disk: Disk) -> None:
        """Write the tail. On a disk too full for it, or broken, the segment goes without: `tail_offset` is None."""
        if self.torn:
            self._cut(disk)
        if self.torn or self.finished:
            return
        self.finished = True
        tail = fmt.tail_box(self.tail)
        try:
            complete = disk.write(self.fd, [tail]) == len(tail)
        except OSError:
            complete = False
        if complete:
            self.tail_offset = self.size
            self.size += len(tail)
        else:
            self._cut(disk)

    def let_go(self, disk: Disk) -> None:
        """Close the file; one that holds no part goes."""
        if not self.parts:
            self.abandon(disk)
            return
        with suppress(OSError):
            # Nothing was buffered; the descriptor is gone in any case.
            disk.close(self.fd)

    def abandon(self, disk: Disk) -> None:
        """Close and remove the file, which holds no part."""
        _abandon(disk, self.fd, self.path)

    def withdraw(self, index: Index) -> None:
        """The rows of a segment that got no part."""
        index.remove_segment(self.row_id)

    def enter_end(self, index: Index) -> None:
        index.close_segment(self.row_id, self.closing)

    @property
    def closing(self) -> Closing:
        """The row's fields, once finished."""
        root = self.tail.root(self.opening)
        link = link_of(self.prev, root)
        return Closing(self.end_us, self.end_ticks, self.size, self.tail_offset, root, link, self.clocks)


def merged(before: Clocks, after: Clocks) -> Clocks:
    """Of two parts of one segment: the larger error, the newer offset."""
    errors = (before.error_us, after.error_us)
    error_us = None if None in errors else max(error for error in errors if error is not None)
    return Clocks(error_us, before.camera_us if after.camera_us is None else after.camera_us)


def _abandon(disk: Disk, fd: int, path: Path) -> None:
    with suppress(OSError):
        disk.unlink(path)
    with suppress(OSError):
        disk.close(fd)
