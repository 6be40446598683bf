"""Forecast: for how long a volume can hold what is promised, from what was recorded in the last day
(design/archive.md, "Retention").

Promises   reads only, and keeps no writer waiting.
Does not   raise the alarm (alarm.py), nor delete (retention.py).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from luytre.archive.index import MAX_SEGMENT_US, US_PER_DAY, US_PER_MINUTE, Index, StreamRow
from luytre.archive.promise import Policy, Promise, promise_of
from luytre.archive.volume import Volume

US_PER_HOUR = 60 * US_PER_MINUTE
# Less than this says nothing of a day.
YOUNG_US = US_PER_HOUR

AlarmKind = Literal["cannot_hold", "breaks_soon"]


@dataclass(frozen=True, slots=True)
class ClassForecast:
    """Of one retention class on this volume. needed_bytes: what its promise takes at the measured rates."""

    name: str
    streams: int
    bytes_per_day: int
    promised_days: float
    sub_days: float
    needed_bytes: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """Of one volume.

    measured_s      time that the rates were measured over, a day at most
    capacity_bytes  what the volume may hold of recordings: what it holds, and what is free beyond the reserve
    missing_bytes   what lacks for the promise, of the volume or of a class's bytes per camera; 0 when nothing does
    days_left       days of all that is recorded that the volume can hold; None while nothing, or less than an hour, is
    breaks_at_us    when the first promised recording will have to go; None: never, or nothing is known yet
    alarm           cannot_hold: the promise takes more than there is; breaks_soon: it breaks within the policy's days
    """

    at_us: int
    measured_s: float
    bytes_per_day: int
    capacity_bytes: int
    needed_bytes: int
    missing_bytes: int
    days_left: float | None
    breaks_at_us: int | None
    alarm: AlarmKind | None
    classes: tuple[ClassForecast, ...]


class _Rate(NamedTuple):
    """A stream, its class, and the bytes it makes in a day."""

    stream: StreamRow
    promise: Promise
    per_day: float

    @property
    def promised_us(self) -> int:
        return round(self.promise.promised(self.stream.key) * US_PER_DAY)

    @property
    def needed(self) -> float:
        return self.per_day * self.promise.promised(self.stream.key)


def forecast(volume: Volume, index: Index, policy: Policy, now_us: int) -> Forecast:
    """Raises Error when the volume cannot be asked for its room."""
    _, free = volume.space()
    with index.snapshot():
        rates, measured_us = _rates(index, policy, now_us)
        _, used, _ = index.totals()
        held = _held_bytes(index)
        leaving = _leaving(index, rates, now_us)
    capacity = max(used + free - policy.reserve_bytes, 0)
    if policy.max_bytes is not None:
        capacity = min(capacity, policy.max_bytes)
    per_day = sum(rate.per_day for rate in rates)
    needed = sum(rate.needed for rate in rates)
    missing = max(needed - capacity, _beyond_class(rates), 0.0)
    young = measured_us < YOUNG_US
    breaks_at_us = None if young else _breaks_at(now_us, capacity - held, leaving, rates)
    return Forecast(
        now_us,
        measured_us / 1e6,
        round(per_day),
        capacity,
        round(needed),
        round(missing),
        None if young or not per_day else capacity / per_day,
        breaks_at_us,
        None if young else _alarm(missing, breaks_at_us, now_us + round(policy.alarm_days * US_PER_DAY)),
        tuple(_of_class(promise, rates) for promise in policy.promises),
    )


def _alarm(missing: float, breaks_at_us: int | None, soon_us: int) -> AlarmKind | None:
    if missing >= 1:
        return "cannot_hold"
    return "breaks_soon" if breaks_at_us is not None and breaks_at_us <= soon_us else None


def _of_class(promise: Promise, rates: list[_Rate]) -> ClassForecast:
    mine = [rate for rate in rates if rate.promise == promise]
    return ClassForecast(
        promise.name,
        len(mine),
        round(sum(rate.per_day for rate in mine)),
        promise.days,
        promise.sub_days,
        round(sum(rate.needed for rate in mine)),
    )


def _beyond_class(rates: list[_Rate]) -> float:
    """What cameras need for their promise beyond the bytes that their class allows each."""
    needed: dict[tuple[str, int], float] = defaultdict(float)
    for rate in rates:
        if rate.promise.max_bytes is not None:
            needed[rate.stream.camera, rate.promise.max_bytes] += rate.needed
    return sum(max(bytes_ - allowed, 0.0) for (_, allowed), bytes_ in needed.items())


# -- what was measured --------------------------------------------------------------------------------------------


def _rates(index: Index, policy: Policy, now_us: int) -> tuple[list[_Rate], int]:
    """Of all streams; and the longest time that one was measured over. What retention has taken of the last day, from a
    small volume, is not part of the measure.
    """
    window_us = now_us - US_PER_DAY
    sizes = dict(
        index.db.execute(
            # A segment that began before the window counts by the part of it that lies inside.
            "WITH begin AS (SELECT id, max(since_us, expired_us, ?1) AS us FROM stream)"
            " SELECT s.stream_id, sum(1.0 * bytes * min(end_us - begin.us, end_us - start_us) / max(end_us - start_us, 1))"
            " FROM segment AS s JOIN begin ON begin.id = s.stream_id"
            " WHERE start_us > ?1 - ?2 AND end_us > begin.us GROUP BY s.stream_id",
            (window_us, MAX_SEGMENT_US),
        ).fetchall()
    )
    # What an open segment holds is not in the index yet: its time is left out too.
    open_since = dict(
        index.db.execute("SELECT stream_id, start_us FROM segment WHERE state = 'open' AND state <> 'closed'")
    )
    rates, longest_us = [], 0
    for stream in index.streams():
        since_us = max(stream.since_us, stream.expired_us, window_us)
        measured_us = open_since.get(stream.id, now_us) - since_us
        longest_us = max(longest_us, measured_us)
        per_day = sizes.get(stream.id, 0.0) * US_PER_DAY / max(measured_us, YOUNG_US)
        rates.append(_Rate(stream, promise_of(policy.promises, stream.retention), per_day))
    return rates, longest_us


_HELD = (
    "SELECT s.id FROM hold JOIN segment AS s ON s.stream_id = hold.stream_id AND s.start_us < hold.end_us"
    f" AND s.start_us > hold.start_us - {MAX_SEGMENT_US} AND s.end_us > hold.start_us WHERE released_us IS NULL"
)


def _held_bytes(index: Index) -> int:
    row = index.db.execute(f"SELECT coalesce(sum(bytes), 0) FROM segment WHERE id IN ({_HELD})").fetchone()
    return int(row[0])


def _leaving(index: Index, rates: list[_Rate], now_us: int) -> dict[int, int]:
    """Bytes that are promised now and under no hold, by the end of the hour in which their promise ends (µs)."""
    streams: dict[int, list[int]] = defaultdict(list)
    for rate in rates:
        streams[rate.promised_us].append(rate.stream.id)
    leaving: dict[int, int] = defaultdict(int)
    for promised_us, ids in streams.items():
        for hour, size in index.db.execute(
            "SELECT (end_us + ?1) / ?3 + 1, sum(bytes) FROM segment"
            " WHERE stream_id IN (SELECT value FROM json_each(?4)) AND state = 'closed' AND end_us > ?2 - ?1"
            f" AND id NOT IN ({_HELD}) GROUP BY 1",
            (promised_us, now_us, US_PER_HOUR, json.dumps(ids)),
        ):
            leaving[hour * US_PER_HOUR] += size
    return leaving


# -- what will be -------------------------------------------------------------------------------------------------


def _breaks_at(now_us: int, capacity: int, leaving: dict[int, int], rates: Iterable[_Rate]) -> int | None:
    """When what is promised passes `capacity`: what is there leaves hour by hour, each stream adds to it until its own
    promise ends and it takes as much as it gives.
    """
    level = float(sum(leaving.values()))
    slope = 0.0
    events: list[tuple[int, float, float]] = [(at_us, float(size), 0.0) for at_us, size in leaving.items()]
    for rate in rates:
        slope += rate.per_day / US_PER_DAY
        events.append((now_us + rate.promised_us, 0.0, rate.per_day / US_PER_DAY))
    at_us = now_us
    for event_us, size, bend in sorted(events):
        reached = level + slope * (event_us - at_us)
        if level > capacity:
            return at_us
        # A byte more is the rounding of sums.
        if reached > capacity + 1:
            return at_us + int((capacity - level) / slope)
        level, slope, at_us = reached - size, slope - bend, event_us
    return None
