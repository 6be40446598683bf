"""A week's recording hours: `Mon-Fri 18:00-06:00; Sat,Sun 00:00-24:00`.

Promises   what `parse` takes is a rule for each minute of the week; hours go over midnight where the end is before the
           beginning, and belong to the day they begin on. An empty text is always.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from luytre.base.clock import to_datetime
from luytre.base.errors import Error, Kind

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EXAMPLE = "Mon-Fri 18:00-06:00; Sat,Sun 00:00-24:00"
MINUTES_PER_DAY = 1440
MINUTES_PER_WEEK = 7 * MINUTES_PER_DAY

_RULE = re.compile(r"([A-Za-z,\- ]+?) +([0-9]{2}):([0-9]{2}) *- *([0-9]{2}):([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Hours:
    """`minutes`: bit n is set when minute n of the week, from Monday 00:00 of the wall clock, is recorded."""

    minutes: int
    zone: ZoneInfo

    @staticmethod
    def parse(text: str, zone: ZoneInfo) -> Hours:
        """Raises Error(INVALID, cause="bad_hours")."""
        if not text.strip():
            return Hours((1 << MINUTES_PER_WEEK) - 1, zone)
        minutes = 0
        for rule in text.split(";"):
            minutes |= _minutes(rule.strip())
        return Hours(minutes, zone)

    def covers(self, wall_us: int) -> bool:
        """Whether that moment is to be recorded. An hour that the clock shows twice is recorded both times."""
        local = to_datetime(wall_us).astimezone(self.zone)
        minute = local.weekday() * MINUTES_PER_DAY + local.hour * 60 + local.minute
        return bool(self.minutes >> minute & 1)


def _minutes(rule: str) -> int:
    match = _RULE.fullmatch(rule)
    if match is None:
        raise _bad(rule)
    first_hour, first_minute, last_hour, last_minute = map(int, match.groups()[1:])
    begin, end = first_hour * 60 + first_minute, last_hour * 60 + last_minute
    if (
        max(first_minute, last_minute) > 59
        or begin in (end, MINUTES_PER_DAY)
        or max(begin, end) > MINUTES_PER_DAY
    ):
        raise _bad(rule)
    length = end - begin if end > begin else end - begin + MINUTES_PER_DAY
    found = 0
    for day in _days(match.group(1), rule):
        for minute in range(length):
            found |= 1 << (day * MINUTES_PER_DAY + begin + minute) % MINUTES_PER_WEEK
    return found


def _days(text: str, rule: str) -> list[int]:
    found = []
    for item in text.title().replace(" ", "").split(","):
        first, dash, last = item.partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise _bad(rule)
        begin = DAYS.index(first)
        end = DAYS.index(last) if dash else begin
        found += [day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)]
    return found


def _bad(rule: str) -> Error:
    return Error(
        Kind.INVALID,
        f"{rule[:60]!r} are no recording hours",
        hint=f"Write days and times like {EXAMPLE}; leave it empty for always.",
        cause="bad_hours",
    )
