"""From media time to wall time: minimum delay, bounded slew, a lead that decays (design/time.md).

Promises   `at` is monotonic in its argument, never before the floor, and moves from what was received by at most 500 ppm
           of the time that passed, a lead by at most half of it.
"""

from __future__ import annotations

from luytre.media.tracks import VIDEO_TIMESCALE

MAX_SLEW_PPM = 500
WINDOW_US = 5_000_000
# A frame this much too early, or a whole window this much too late, is not delay: a clock or the timestamps jumped.
JUMP_US = 2_000_000
# Presentation time may go back this far within a picture group that reorders.
REORDER_TICKS = 2 * VIDEO_TIMESCALE
# While wall time runs ahead it takes this many media seconds to win one back.
LEAD_SHARE = 2


def ticks_to_us(ticks: int) -> int:
    return ticks * 1_000_000 // VIDEO_TIMESCALE


class WallMapping:
    """Offsets are µs to add to media time. Observe frames as they come; ask `at` for the borders of parts, ascending.

    `floor_us`: wall time begins there at the earliest. Where that is later than what was received, the mapping runs
    ahead of the truth by a lead, and comes back to it.
    """

    def __init__(self, ticks: int, received_us: int, floor_us: int = 0) -> None:
        offset = received_us - ticks_to_us(ticks)
        self._offset = offset
        self._floor_us = floor_us
        self._lead_us = max(floor_us - received_us, 0)
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

    def step(self, ticks: int, step_us: int, floor_us: int) -> None:
        """The node's clock was set: what is received from `ticks` on is `step_us` later than before."""
        self._offset += step_us
        self._window_start += step_us
        self._window_min += step_us
        if self._previous_min is not None:
            self._previous_min += step_us
        self._floor_us = floor_us
        self._lead_us = max(floor_us - self.received(ticks), 0)
        self._slewed_to = max(self._slewed_to, ticks)

    @property
    def _target(self) -> int:
        """The smallest delay of the last one to two windows."""
        return self._window_min if self._previous_min is None else min(self._previous_min, self._window_min)

    @property
    def error_us(self) -> int:
        """How far the mapping is known to be off: what it has still to slew, and its lead."""
        return abs(self._target - self._offset) + self._lead_us

    def at(self, ticks: int) -> int:
        """Wall time of `ticks`; moves the mapping towards the smallest delay, and its lead towards nothing."""
        passed = self._passed(ticks)
        most = passed * MAX_SLEW_PPM // 1_000_000
        self._offset += max(-most, min(most, self._target - self._offset))
        self._lead_us = max(self._lead_us - passed // LEAD_SHARE, 0)
        self._slewed_to = max(self._slewed_to, ticks)
        if self._free:
            self._free = False
            self._lead_us = max(self._floor_us - self.received(ticks), 0)
        return self.received(ticks) + self._lead_us

    def live(self, ticks: int) -> int:
        """Wall time of a frame as it is believed now; does not move the mapping."""
        return self.received(ticks) + max(self._lead_us - self._passed(ticks) // LEAD_SHARE, 0)

    def received(self, ticks: int) -> int:
        """The node's clock at `ticks`, whatever the lead."""
        return ticks_to_us(ticks) + self._offset

    def arriving(self, received_us: int) -> int:
        """Media time of a picture that arrives then with the smallest delay known; does not move the mapping."""
        return (received_us - self._target) * VIDEO_TIMESCALE // 1_000_000

    def placed(self, received_us: int) -> int:
        """Wall time here of what was received then, not long ago; does not move the mapping."""
        if self._lead_us <= 0:
            return received_us
        # Before the last border the lead was larger.
        passed = received_us - self.received(self._slewed_to)
        return received_us + max(self._lead_us - passed // LEAD_SHARE, 0)

    def _passed(self, ticks: int) -> int:
        """µs of media time since the last border."""
        return max(ticks_to_us(ticks - self._slewed_to), 0)
