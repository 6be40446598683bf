"""The parts of a segment, for readers: from the tail of a closed segment, by walking the boxes of an open one.

Promises   only whole parts; an open segment is walked on from where the last look ended, so following a
           recording costs what is new.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from luytre.archive import segment as fmt
from luytre.archive.index import SegmentRow
from luytre.archive.recover import ticks_to_us
from luytre.archive.volume import Volume
from luytre.base.errors import Error

# 4,000 segments are two weeks of one stream; a table takes about 15 kB.
CACHED = 4000


@dataclass(frozen=True, slots=True)
class SegmentParts:
    """parts by offset; each ends where the next begins, the last at `end_us`."""

    parts: tuple[fmt.PartEntry, ...]
    end_us: int

    def end_of(self, number: int) -> int:
        """Wall time at which part `number` ends."""
        return self.parts[number + 1].wall_us if number + 1 < len(self.parts) else self.end_us


class PartTable:
    """A cache over segments; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed: OrderedDict[tuple[Path, int], SegmentParts] = OrderedDict()
        self._walked: OrderedDict[Path, list[fmt.PartEntry]] = OrderedDict()

    def of(self, volume: Volume, row: SegmentRow) -> SegmentParts:
        """Empty when the file is gone or holds no whole part."""
        path = volume.path / row.path
        if row.state == "closed" and row.tail_offset is not None:
            found = self._from_tail(path, row.tail_offset)
            if found is not None:
                return found
        parts = self._walk(path)
        if not parts:
            return SegmentParts((), row.start_us)
        end_us = parts[-1].wall_us + ticks_to_us(parts[-1].duration_ticks)
        return SegmentParts(tuple(parts), end_us if row.end_us is None else row.end_us)

    def _from_tail(self, path: Path, tail_offset: int) -> SegmentParts | None:
        """None where the tail cannot be read."""
        # A repair may cut the file: then its tail lies elsewhere.
        place = (path, tail_offset)
        with self._lock:
            known = self._closed.get(place)
            if known is not None:
                self._closed.move_to_end(place)
                return known
        try:
            with fmt.FileReader(path) as reader:
                tail = fmt.read_tail(reader, tail_offset)
        except Error:
            return None
        found = SegmentParts(tail.parts, tail.end_us)
        with self._lock:
            self._walked.pop(path, None)
            self._closed[place] = found
            if len(self._closed) > CACHED:
                self._closed.popitem(last=False)
        return found

    def _walk(self, path: Path) -> list[fmt.PartEntry]:
        with self._lock:
            known = self._walked.get(path, [])
        try:
            with fmt.FileReader(path) as reader:
                if known:
                    start = known[-1].offset + known[-1].size
                else:
                    opening = fmt.parse_opening(reader.read, reader.size)
                    if opening is None:
                        return []
                    start = opening.parts_offset
                parts = known + fmt.scan(reader.read, reader.size, start).parts
        except Error:
            return known
        with self._lock:
            self._walked[path] = parts
            self._walked.move_to_end(path)
            if len(self._walked) > CACHED:
                self._walked.popitem(last=False)
        return parts
