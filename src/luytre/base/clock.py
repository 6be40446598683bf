"""The only place that asks the system for the time.

Wall time is integer microseconds since 1970-01-01T00:00:00Z (`*_us`) inside, aware UTC `datetime` where people are near.
Intervals use the monotonic clock (`*_s` float seconds). A `Clock` is handed in, so tests need not wait.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

US_PER_S = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Seconds from 1900-01-01 (NTP, RFC 5905 section 6) to 1970-01-01.
NTP_EPOCH_OFFSET_S = 2_208_988_800


class Clock(Protocol):
    """Where the time comes from."""

    def wall_us(self) -> int:
        """Microseconds since 1970-01-01T00:00:00Z."""

    def monotonic_s(self) -> float:
        """Seconds of a clock that never steps."""


class SystemClock:
    """The machine's clocks."""

    __slots__ = ()

    def wall_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic_s(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self, wall_us: int = 1_790_000_000_000_000, monotonic_s: float = 1000.0) -> None:
        self._wall_us = wall_us
        self._monotonic_s = monotonic_s

    def wall_us(self) -> int:
        return self._wall_us

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def advance(self, seconds: float) -> None:
        """Both clocks move on by `seconds`."""
        self._wall_us += round(seconds * US_PER_S)
        self._monotonic_s += seconds

    def step_wall(self, seconds: float) -> None:
        """Only the wall clock jumps, as when somebody sets the time."""
        self._wall_us += round(seconds * US_PER_S)


SYSTEM = SystemClock()


def to_datetime(wall_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=wall_us)


def to_us(moment: datetime) -> int:
    """Raises ValueError for a naive datetime: a time without a zone is not a time."""
    if moment.tzinfo is None:
        raise ValueError("naive datetime")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def rfc3339(wall_us: int) -> str:
    """`2026-11-22T07:05:00.123Z`, milliseconds left out when zero."""
    text = to_datetime(wall_us).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z").replace(".000Z", "Z")


def to_ntp(wall_us: int) -> int:
    """64-bit NTP timestamp: 32 bits seconds since 1900, 32 bits fraction (RFC 5905 section 6).

    The seconds begin again at 0 on 2036-02-07 (era 1), as they must.
    """
    seconds, micros = divmod(wall_us, US_PER_S)
    return ((seconds + NTP_EPOCH_OFFSET_S & 0xFFFF_FFFF) << 32) | ((micros << 32) // US_PER_S)


def from_ntp(ntp: int) -> int:
    """Microseconds since 1970 of a 64-bit NTP timestamp, rounded to the nearest microsecond; 1970 to 2106."""
    seconds, fraction = ntp >> 32, ntp & 0xFFFF_FFFF
    if seconds < NTP_EPOCH_OFFSET_S:
        seconds += 1 << 32
    return (seconds - NTP_EPOCH_OFFSET_S) * US_PER_S + (fraction * US_PER_S + (1 << 31) >> 32)
