"""The alarm of a volume: its promise cannot be kept, or not for long (design/archive.md, "Retention").

Promises   an alarm that `current` tells is a line of the journal of certificates, and both are on the disk.
Does not   tell people: the doors read it in the index.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from luytre.archive.certificates import Certificate, Rule, append
from luytre.archive.disk import Disk
from luytre.archive.forecast import YOUNG_US, AlarmKind, Forecast
from luytre.archive.index import US_PER_DAY, Index
from luytre.archive.volume import Volume
from luytre.base.clock import to_datetime

# In the index's meta.
KEY = "alarm"


@dataclass(frozen=True, slots=True)
class Alarm:
    """breaks_at_us: when the first promised recording goes, as far as is known; missing_bytes: of room for the promise;
    broken_us: when a promise was last broken under this alarm.
    """

    kind: AlarmKind
    raised_us: int
    breaks_at_us: int | None
    missing_bytes: int
    broken_us: int | None = None


def current(index: Index) -> Alarm | None:
    text = index.meta(KEY)
    return Alarm(**json.loads(text)) if text else None


def follow(volume: Volume, index: Index, disk: Disk, forecast: Forecast) -> None:
    """Raise, change or clear the alarm as the forecast says. One under which a promise was broken stays for a day, and a
    young volume's forecast clears nothing.
    """
    before = current(index)
    if forecast.alarm is None:
        if before is not None and _is_over(before, forecast):
            index.set_meta(KEY, "")
        return
    found = Alarm(forecast.alarm, forecast.at_us, forecast.breaks_at_us, forecast.missing_bytes)
    if before is None:
        _raise(volume, index, disk, found)
    elif before.kind == found.kind:
        _enter(index, replace(found, raised_us=before.raised_us, broken_us=before.broken_us))
    else:
        _raise(volume, index, disk, replace(found, broken_us=before.broken_us))


def _is_over(alarm: Alarm, forecast: Forecast) -> bool:
    young = forecast.measured_s * 1e6 < YOUNG_US
    return not young and (alarm.broken_us is None or forecast.at_us - alarm.broken_us >= US_PER_DAY)


def must_be_raised(volume: Volume, index: Index, disk: Disk, now_us: int, missing_bytes: int) -> None:
    """What is promised has to go now. No alarm was raised when a volume fills faster than forecasts are made."""
    found = current(index)
    if found is None:
        _raise(volume, index, disk, Alarm("breaks_soon", now_us, now_us, missing_bytes, now_us))
    else:
        _enter(index, replace(found, broken_us=now_us))


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
        _enter(index, alarm)
    finally:
        index.db.execute("PRAGMA synchronous = NORMAL")


def _enter(index: Index, alarm: Alarm) -> None:
    index.set_meta(KEY, json.dumps(asdict(alarm)))
