"""How good the node's own clock is: steps of it, and the error that the kernel believes it has.

Promises   reads only; where nothing is known (no such call, not allowed, not synchronised) it says so.
Does not   ask for the time itself (clock.py), or set it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from luytre.base.clock import SYSTEM, US_PER_S, Clock

# A wall clock that moved this much against the monotonic one was set; less is what a time service corrects.
STEP_US = 500_000
# Longer between the two readings, and the difference says more of the scheduler than of the clocks.
AWAY_S = 0.05
ERROR_KEPT_S = 10.0
# linux/timex.h
STA_UNSYNC = 0x0040
TIME_ERROR = 5
# Where a time service estimates nothing, the kernel's bound grows by 500 ppm, ten times what a crystal does.
BOUND_SHARE = 5


class StepWatch:
    """Tells when the wall clock was set, from how it moves against the monotonic clock."""

    __slots__ = ("_ahead_us", "_clock")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead_us: int | None = None

    def look(self) -> tuple[int, int]:
        """(wall µs now, by how many µs the wall clock was set since the last look: 0 as a rule)."""
        before_s = self._clock.monotonic_s()
        wall_us = self._clock.wall_us()
        if self._clock.monotonic_s() - before_s > AWAY_S:
            return wall_us, 0
        ahead_us = wall_us - round(before_s * US_PER_S)
        step_us = 0 if self._ahead_us is None else ahead_us - self._ahead_us
        self._ahead_us = ahead_us
        return wall_us, step_us if abs(step_us) > STEP_US else 0


class _Timex(ctypes.Structure):
    """struct timex of adjtimex(2) up to what is read here; the kernel fills the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 32),
    )


def kernel_error_us() -> int | None:
    """The estimated error of the system's clock by adjtimex(2); None when nobody keeps it, or it cannot be asked."""
    try:
        read = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None
    found = _Timex()
    state = read(ctypes.byref(found))
    if state in (-1, TIME_ERROR) or found.status & STA_UNSYNC:
        return None
    return estimate_us(found.esterror, found.maxerror)


def estimate_us(esterror_us: int, maxerror_us: int) -> int:
    """The service's own estimate; of one that makes none (systemd-timesyncd says 0) a share of the bound."""
    return esterror_us if esterror_us > 0 else max(maxerror_us, 0) // BOUND_SHARE


class NodeClock:
    """The error of the node's clock, asked for at most every 10 s."""

    def __init__(self, clock: Clock = SYSTEM, read: Callable[[], int | None] = kernel_error_us) -> None:
        self._clock = clock
        self._read = read
        self._error_us: int | None = None
        self._read_s: float | None = None

    def error_us(self) -> int | None:
        """Estimated error; None while the clock is not synchronised."""
        now_s = self._clock.monotonic_s()
        if self._read_s is None or now_s - self._read_s >= ERROR_KEPT_S:
            self._read_s = now_s
            self._error_us = self._read()
        return self._error_us


NODE_CLOCK = NodeClock()
