"""Times as people and programs write them on the command line.

2026-11-22T14:05:00+07:00   2026-11-22T07:05:00.250Z     RFC 3339
22/11/2026 14:05:07   22/11/2026 14:05                   the node's zone
22/11 14:05                                              the same, of the last twelve months
14:05                                                    today
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from luytre.base.clock import to_datetime, to_us
from luytre.base.errors import Error, Kind

_LOCAL = re.compile(
    r"^(?:(\d{1,2})[/-](\d{1,2})(?:[/-](\d{4}))?[ ,T]+)?(\d{1,2})[:hg](\d{2})(?::(\d{2})(?:[.,](\d{1,6}))?)?$"
)


def parse(text: str, zone: ZoneInfo, now_us: int) -> int:
    """Microseconds since the epoch. Raises Error(INVALID, cause="bad_time")."""
    clean = text.strip()
    try:
        local = _LOCAL.match(clean)
        if local:
            return _local(local, zone, to_datetime(now_us).astimezone(zone))
        moment = datetime.fromisoformat(clean)
        return to_us(moment if moment.tzinfo else moment.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        raise Error(Kind.INVALID, f'"{clean[:60]}"', cause="bad_time") from None


def _local(match: re.Match[str], zone: ZoneInfo, now: datetime) -> int:
    day, month, year, hour, minute, second, fraction = match.groups()
    clock = {
        "hour": int(hour),
        "minute": int(minute),
        "second": int(second or 0),
        "microsecond": int((fraction or "").ljust(6, "0")),
    }
    if day is None:
        return to_us(datetime(now.year, now.month, now.day, **clock, tzinfo=zone))
    if year is not None:
        return to_us(datetime(int(year), int(month), int(day), **clock, tzinfo=zone))
    for candidate in range(now.year, now.year - 5, -1):
        # 29/02 is not in every year; a day of tomorrow may be meant as an end.
        try:
            moment = datetime(candidate, int(month), int(day), **clock, tzinfo=zone)
        except ValueError:
            continue
        if moment <= now + timedelta(days=2):
            return to_us(moment)
    raise ValueError(match.string)


def show(at_us: int, zone: ZoneInfo) -> str:
    """`22/11/2026 14:05:07` in the node's zone."""
    return to_datetime(at_us).astimezone(zone).strftime("%d/%m/%Y %H:%M:%S")
