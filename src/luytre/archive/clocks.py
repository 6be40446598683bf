"""How far the times of a stream's pictures can be trusted: the clocks of its segments, as runs of much the same value.

Promises   a run tells the larger error of what it joins; nothing is told of what nobody has measured yet.
"""

from __future__ import annotations

from typing import NamedTuple

from luytre.archive.catalog import Archive
from luytre.archive.keys import Clocks, Span, StreamKey

# Less apart than this, or than a quarter, and two errors are told as one.
ERROR_STEP_US = 50_000
# Cameras' clocks drift by seconds a day.
CAMERA_STEP_US = 500_000


class ClockSpan(NamedTuple):
    """[start_us, end_us): what is known of the clocks there; gaps in the recording may lie within."""

    start_us: int
    end_us: int
    clocks: Clocks


def clocks_in(archive: Archive, key: StreamKey, window: Span) -> list[ClockSpan]:
    """By start, clipped to the window. A segment that is being written goes with the one before it in its run, and is
    left out where there is none: its clocks are written when it is closed.
    """
    found: list[ClockSpan] = []
    first: Clocks | None = None
    run_id = ""
    for segment in archive.segments(key, window):
        row = segment.row
        start_us = max(row.start_us, window.start_us)
        end_us = min(archive.end_us(segment.volume, row), window.end_us)
        clocks = row.clocks
        if row.state == "open":
            if not found or row.run_id != run_id:
                continue
            clocks = found[-1].clocks
        run_id = row.run_id
        if found and first is not None and _alike(first, clocks):
            before = found[-1]
            found[-1] = ClockSpan(before.start_us, end_us, _joined(before.clocks, clocks))
        else:
            first = clocks
            found.append(ClockSpan(start_us, end_us, clocks))
    return found


def _alike(first: Clocks, other: Clocks) -> bool:
    """Compared with the first of a run, or a slow drift would be one run for ever."""
    step_us = max(ERROR_STEP_US, (first.error_us or 0) // 4)
    return _near(first.error_us, other.error_us, step_us) and _near(
        first.camera_us, other.camera_us, CAMERA_STEP_US
    )


def _near(one: int | None, other: int | None, step_us: int) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= step_us


def _joined(before: Clocks, after: Clocks) -> Clocks:
    errors = [error for error in (before.error_us, after.error_us) if error is not None]
    return Clocks(max(errors, default=None), after.camera_us)
