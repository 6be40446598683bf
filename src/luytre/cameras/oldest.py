"""The oldest picture of a stream that can still be seen: measured by opening it, not read off the index.

Promises   a picture counts when its bytes are those that were written (their hash) and a decoder makes a picture of them.
Does not   show it to anybody, so nothing is written down as a look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from luytre.archive import playback
from luytre.archive.catalog import Archive, Found
from luytre.archive.chain import MARK_SIZE, leaf_of, parse_mark
from luytre.archive.keys import Span, StreamKey
from luytre.archive.segment import FileReader
from luytre.base.clock import US_PER_S
from luytre.base.errors import Error, Kind
from luytre.cameras import stills

# Beyond a damaged oldest segment this many are tried: an hour at 5 minutes each. More is a job for `luytre check`.
TRIED: Final = 12
# Twice the longest segment: the first look finds several.
_WINDOW_US: Final = 3 * 3600 * US_PER_S


@dataclass(frozen=True, slots=True)
class Oldest:
    """at_us      where the oldest recording begins, as the index says
    problem       why it cannot be seen; "" when it can
    plays_us      the oldest picture that was seen; None when none of those tried was
    """

    at_us: int
    problem: str
    plays_us: int | None

    @property
    def ok(self) -> bool:
        return not self.problem


def oldest(archive: Archive, key: StreamKey) -> Oldest | None:
    """None while nothing is recorded."""
    recorded = archive.recorded_range(key)
    if recorded is None:
        return None
    begin_us = recorded[0]
    problem = ""
    for found in archive.segments(key, Span(begin_us, begin_us + _WINDOW_US))[:TRIED]:
        try:
            seen_us = _see(archive, key, found)
        except Error as error:
            problem = problem or error.message
            continue
        if seen_us is not None:
            return Oldest(begin_us, problem, seen_us)
    return Oldest(begin_us, problem or "no keyframe in its first segments", None)


def _see(archive: Archive, key: StreamKey, found: Found) -> int | None:
    """When the segment's first keyframe was taken; None when there is none to begin with, which is no damage: its
    GOP began in a segment that has expired. Raises Error(DATA_LOSS).
    """
    parts = archive.parts_of(found).parts
    if not parts:
        raise _damaged(found, "cannot be read")
    first = next((part for part in parts if part.key), None)
    if first is None:
        return None
    with FileReader(found.volume.path / found.row.path) as reader:
        data = memoryview(reader.read(first.offset, first.size))
    if parse_mark(bytes(data[:MARK_SIZE])) != leaf_of([data[MARK_SIZE:]]):
        raise _damaged(found, "was changed: a part does not have its hash")
    stills.jpeg(playback.keyframe(archive, key, first.wall_us))
    return first.wall_us


def _damaged(found: Found, how: str) -> Error:
    return Error(
        Kind.DATA_LOSS,
        f"{found.row.path} {how}",
        hint="Run `luytre check --repair`.",
        cause="file_lost",
    )
