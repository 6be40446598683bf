"""From media time to wall time: minimum delay, bounded slew (design/time.md).

Promises   `at` is monotonic in its argument, and moves from what was received by at most 500 ppm of the time that passed.
"""

from __future__ import annotations

from luytre.media.tracks import VIDEO_TIMESCALE

MAX_SLEW_PPM = 500
WINDOW_US = 5_000_000
# A frame this much too early, or a whole window this much too late, is not delay: a clock or the timestamps jumped.
JUMP_US = 2_000_000
# Presentation time may go back this far within a picture group that reorders.
REORDER_TICKS = 2 * VIDEO_TIMESCALE


def ticks_to_us(ticks: int) -> int:
    return ticks * 1_000_000 // VIDEO_TIMESCALE


class WallMapping:
    """Offsets are µs to add to media time. Observe frames as they come; ask `at` for the borders of parts, ascending."""

    def __init__(self, ticks: int, received_us: int) -> None:
        offset = received_us - ticks_to_us(ticks)
        self._offset = offset
        # Until the first border was asked for, the smallest delay seen is taken at once.
        self._free = True
        self._slewed_to = ticks
        # In received time: media time may stand still.
        self._window_start = received_us
        self._window_min = offset
        self._previous_min: int | None = None
        self.newest = ticks

    def observe(self, ticks: int, received_us: int) -> bool:
        """False when media time or a clock jumped: this frame does not belong to the run."""
        offset = received_us - ticks_to_us(ticks)
        if ticks < self.newest - REORDER_TICKS or offset < self._offset - JUMP_US:
            return False
        self.newest = max(self.newest, ticks)
        if received_us - self._window_start >= WINDOW_US:
            if self._window_min > self._offset + JUMP_US:
                return False
            self._previous_min, self._window_min = self._window_min, offset
            self._window_start = received_us
        self._window_min = min(self._window_min, offset)
        if self._free:
            self._offset = min(self._offset, offset)
        return True

    def at(self, ticks: int) -> int:
        """Wall time of `ticks`; moves the mapping towards the smallest delay of the last one to two windows."""
        self._free = False
        target = self._window_min if self._previous_min is None else min(self._previous_min, self._window_min)
        most = max(ticks_to_us(ticks - self._slewed_to) * MAX_SLEW_PPM // 1_000_000, 0)
        self._offset += max(-most, min(most, target - self._offset))
        self._slewed_to = max(self._slewed_to, ticks)
        return ticks_to_us(ticks) + self._offset

    def live(self, ticks: int) -> int:
        """Wall time of a frame as it is believed now; does not move the mapping."""
        return ticks_to_us(ticks) + self._offset
