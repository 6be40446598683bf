"""The alarm of a volume: its promise cannot be kept, or not for long (design/archive.md, "Retention").

Promises   an alarm that `current` tells is a line of the journal of certificates, and both are on the disk.
Does not   tell people: the doors read it in the index.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from luytre.archive.certificates import Certificate, Rule, append
from luytre.archive.disk import Disk
from luytre.archive.forecast import YOUNG_US, AlarmKind, Forecast
from luytre.archive.index import Index
from luytre.archive.volume import Volume
from luytre.base.clock import to_datetime

# In the index's meta.
KEY = "alarm"


@dataclass(frozen=True, slots=True)
class Alarm:
    """breaks_at_us: when the first promised recording goes, as far as is known; missing_bytes: of room for the promise."""

    kind: AlarmKind
    raised_us: int
    breaks_at_us: int | None
    missing_bytes: int


def current(index: Index) -> Alarm | None:
    text = index.meta(KEY)
    return Alarm(**json.loads(text)) if text else None


def follow(volume: Volume, index: Index, disk: Disk, forecast: Forecast) -> None:
    """Raise, change or clear the alarm as the forecast says. A young volume's says nothing."""
    before = current(index)
    if forecast.alarm is not None:
        known = before is not None and before.kind == forecast.alarm
        raised_us = before.raised_us if before is not None and known else forecast.at_us
        alarm = Alarm(forecast.alarm, raised_us, forecast.breaks_at_us, forecast.missing_bytes)
        if known:
            index.set_meta(KEY, _text(alarm))
        else:
            _raise(volume, index, disk, alarm)
    elif before is not None and forecast.measured_s * 1e6 >= YOUNG_US:
        index.set_meta(KEY, "")


def must_be_raised(volume: Volume, index: Index, disk: Disk, now_us: int, missing_bytes: int) -> None:
    """What is promised has to go now. No alarm was raised when a volume fills faster than forecasts are made."""
    if current(index) is None:
        _raise(volume, index, disk, Alarm("breaks_soon", now_us, now_us, missing_bytes))


def _raise(volume: Volume, index: Index, disk: Disk, alarm: Alarm) -> None:
    breaks = (
        ""
        if alarm.breaks_at_us is None
        else f", breaks at {to_datetime(alarm.breaks_at_us):%Y-%m-%dT%H:%M:%SZ}"
    )
    detail = f"{alarm.kind}: {alarm.missing_bytes} bytes missing{breaks}"
    append(volume, disk, [Certificate(alarm.raised_us, Rule.ALARM, detail=detail)])
    # The index's log is on the disk when this transaction ends, as those of others need not be.
    index.db.execute("PRAGMA synchronous = FULL")
    try:
        index.set_meta(KEY, _text(alarm))
    finally:
        index.db.execute("PRAGMA synchronous = NORMAL")


def _text(alarm: Alarm) -> str:
    return json.dumps(asdict(alarm))
