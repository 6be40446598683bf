"""A day of one stream, or of the best that there is of several: the ward's calendar laid over the archive's microseconds.

Promises   a day is a day of the given zone and may have 23 or 25 hours; one number per minute of it.
Does not   decide who may ask (viewing.py does).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from operator import or_
from typing import NamedTuple
from zoneinfo import ZoneInfo

from luytre.archive.catalog import Archive
from luytre.archive.clocks import ClockSpan, clocks_in
from luytre.archive.keys import PATCH_US, Gap, Hold, Span, StreamKey, join_spans, uncovered
from luytre.base.clock import US_PER_S, to_us

# Outside of these a calendar day cannot be a day of recording, and at the far ends it cannot be computed.
FIRST_YEAR, LAST_YEAR = 1971, 2199


class StreamSpan(NamedTuple):
    """[start_us, end_us), recorded of one stream."""

    start_us: int
    end_us: int
    stream: str


@dataclass(frozen=True, slots=True)
class Day:
    """`minutes`: one byte per minute; bit 0 recorded, 1 gap, 2 hold, 3 motion."""

    date: date
    zone: ZoneInfo
    start_us: int
    end_us: int
    minutes: bytes
    spans: tuple[StreamSpan, ...]
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


def day_of(archive: Archive, keys: Sequence[StreamKey], day: date, zone: ZoneInfo) -> Day:
    """Everything the archive knows of one day: each moment of the first of the streams that has it."""
    window = Span(*bounds(day, zone))
    spans: list[StreamSpan] = []
    gaps: list[Gap] = []
    holds: list[Hold] = []
    clocks: list[ClockSpan] = []
    flags = bytes(archive.minutes(keys[0], *window))
    for number, key in enumerate(keys):
        coverage = archive.coverage(key, *window)
        if number:
            flags = bytes(map(or_, flags, archive.minutes(key, *window)))
        explained = join_spans(sorted([*map(_plain, spans), *(_of_gap(gap, window) for gap in gaps)]))
        holes = uncovered(window, join_spans(sorted(map(_plain, spans))))
        fills = _within(coverage.spans, [hole for hole in holes if hole.end_us - hole.start_us >= PATCH_US])
        gaps = [piece for gap in gaps for piece in _without(gap, fills, window)]
        gaps += [piece for gap in coverage.gaps for piece in _without(gap, explained, window)]
        spans += [StreamSpan(*fill, key.stream) for fill in fills]
        holds += [hold for hold in coverage.holds if hold not in holds]
        clocks += [
            ClockSpan(*piece, told.clocks)
            for told in clocks_in(archive, key, window)
            for piece in _within([Span(told.start_us, told.end_us)], holes)
        ]
    return Day(
        date=day,
        zone=zone,
        start_us=window.start_us,
        end_us=window.end_us,
        minutes=flags,
        spans=tuple(sorted(spans)),
        gaps=tuple(sorted(gaps, key=lambda gap: gap.start_us)),
        holds=tuple(sorted(holds, key=lambda hold: hold.start_us)),
        clocks=tuple(sorted(clocks, key=lambda told: told.start_us)),
    )


def _plain(span: StreamSpan) -> Span:
    return Span(span.start_us, span.end_us)


def _of_gap(gap: Gap, window: Span) -> Span:
    return Span(gap.start_us, window.end_us if gap.end_us is None else gap.end_us)


def _within(spans: Sequence[Span], windows: Sequence[Span]) -> list[Span]:
    """What of the spans lies in the windows; both sorted and apart."""
    pieces = [
        Span(max(span.start_us, window.start_us), min(span.end_us, window.end_us))
        for span in spans
        for window in windows
    ]
    return [piece for piece in pieces if piece.end_us > piece.start_us]


def _without(gap: Gap, spans: Sequence[Span], window: Span) -> Iterator[Gap]:
    """What is left of a gap beside `spans`. One that lasts goes on lasting only in its last piece."""
    whole = _of_gap(gap, window)
    for piece in uncovered(whole, list(spans)):
        lasts = gap.end_us is None and piece.end_us == whole.end_us
        yield Gap(piece.start_us, None if lasts else piece.end_us, gap.cause, gap.detail)
