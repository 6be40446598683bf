"""A day of one stream: the ward's calendar laid over the archive's microseconds.

Promises   a day is a day of the given zone and may have 23 or 25 hours; one number per minute of it.
Does not   decide who may ask (viewing.py does).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from luytre.archive.catalog import Archive
from luytre.archive.clocks import ClockSpan, clocks_in
from luytre.archive.keys import Gap, Hold, Span, StreamKey
from luytre.base.clock import US_PER_S, to_us

# Outside of these a calendar day cannot be a day of recording, and at the far ends it cannot be computed.
FIRST_YEAR, LAST_YEAR = 1971, 2199


@dataclass(frozen=True, slots=True)
class Day:
    """`minutes`: one byte per minute; bit 0 recorded, 1 gap, 2 hold, 3 motion."""

    date: date
    zone: ZoneInfo
    start_us: int
    end_us: int
    minutes: bytes
    spans: tuple[Span, ...]
    gaps: tuple[Gap, ...]
    holds: tuple[Hold, ...]
    clocks: tuple[ClockSpan, ...]

    @property
    def recorded_s(self) -> float:
        return sum(span.end_us - span.start_us for span in self.spans) / US_PER_S


def bounds(day: date, zone: ZoneInfo) -> tuple[int, int]:
    """[start_us, end_us) of a calendar day in a zone."""
    start = datetime.combine(day, time.min, zone)
    end = datetime.combine(day + timedelta(days=1), time.min, zone)
    return to_us(start), to_us(end)


def day_of(archive: Archive, key: StreamKey, day: date, zone: ZoneInfo) -> Day:
    """Everything the archive knows of one day of one stream."""
    start_us, end_us = bounds(day, zone)
    coverage = archive.coverage(key, start_us, end_us)
    return Day(
        date=day,
        zone=zone,
        start_us=start_us,
        end_us=end_us,
        minutes=archive.minutes(key, start_us, end_us),
        spans=tuple(coverage.spans),
        gaps=tuple(coverage.gaps),
        holds=tuple(coverage.holds),
        clocks=tuple(clocks_in(archive, key, Span(start_us, end_us))),
    )
