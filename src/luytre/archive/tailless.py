"""Segments that a full or broken disk closed without their tail, to be given one when there is room."""

from __future__ import annotations

from collections import deque

from luytre.archive import recover
from luytre.archive.disk import Disk
from luytre.archive.index import Index
from luytre.archive.open_segment import OpenSegment
from luytre.archive.volume import Volume

# A full disk makes some per try and stream.
MOST = 10_000


class Tailless:
    """Used by the volume's writer thread only."""

    def __init__(self) -> None:
        self._waiting: deque[OpenSegment] = deque(maxlen=MOST)

    def add(self, segment: OpenSegment) -> None:
        self._waiting.append(segment)

    def clear(self) -> None:
        self._waiting.clear()

    def give(self, volume: Volume, index: Index, disk: Disk) -> None:
        """There is room again, perhaps. Ends where there is not. Raises OSError."""
        while self._waiting:
            segment = self._waiting[0]
            row = index.segment(segment.run.run_id, segment.seq)
            if (
                row is not None
                and row.state == "closed"
                and row.tail_offset is None
                and segment.path.exists()
            ):
                found = recover.contents(segment.path)
                if found is None:
                    self._waiting.popleft()
                    return
                offset = recover.finish_file(segment.path, disk, found, segment.tail)
                if offset is None:
                    return
                segment.tail_offset, segment.size = offset, segment.path.stat().st_size
                index.close_segment(row.id, segment.closing)
            self._waiting.popleft()
