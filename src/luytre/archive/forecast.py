"""Forecasts. Stands in, with the names that the doors use, until the room's own module takes its place."""

from __future__ import annotations

from dataclasses import dataclass

from luytre.archive.index import Index
from luytre.archive.retention import Policy
from luytre.archive.volume import Volume


@dataclass(frozen=True, slots=True)
class ClassForecast:
    name: str
    streams: int
    bytes_per_day: int
    promised_days: float
    sub_days: float
    needed_bytes: int


@dataclass(frozen=True, slots=True)
class Forecast:
    at_us: int
    measured_s: float
    bytes_per_day: int
    capacity_bytes: int
    needed_bytes: int
    missing_bytes: int
    days_left: float | None
    breaks_at_us: int | None
    alarm: str | None
    classes: tuple[ClassForecast, ...]


def forecast(volume: Volume, index: Index, policy: Policy, now_us: int) -> Forecast:
    """What the last day says about the next ones."""
    return Forecast(now_us, 0.0, 0, volume.space()[1], 0, 0, None, None, None, ())
