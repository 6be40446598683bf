"""Times as a query writes them: RFC 3339 with any offset.

Promises   a `+` that arrives as a space is understood (design/api.md); a time without a zone is refused.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated

from fastapi import Query

from luytre.api.problems import Refusal
from luytre.archive.keys import Span
from luytre.base.clock import to_us
from luytre.base.errors import Kind
from luytre.cameras.days import FIRST_YEAR, LAST_YEAR

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(?:([Zz])|([+\- ])(\d\d):?(\d\d))", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

Moment = Annotated[
    str, Query(max_length=64, description="RFC 3339, any offset.", examples=["2026-11-22T14:05:00+07:00"])
]


def moment_us(text: str, field: str) -> int:
    """Microseconds since 1970. Raises Refusal naming the field."""
    match = _RFC3339.fullmatch(text.strip())
    if match is None:
        raise _bad_time(text, field)
    day, clock, zulu, sign, hours, minutes = match.groups()
    offset = "+00:00" if zulu else f"{'+' if sign == ' ' else sign}{hours}:{minutes}"
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{offset}")
    except ValueError:
        raise _bad_time(text, field) from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise _bad_time(text, field)
    return to_us(moment)


def span(start: str, end: str) -> Span:
    """[start, end); which of them is wrong is named, whether they make sense is for `cameras.viewing`."""
    return Span(moment_us(start, "start"), moment_us(end, "end"))


def calendar_day(text: str) -> date:
    """YYYY-MM-DD. Raises Refusal."""
    try:
        if not _DATE.fullmatch(text):
            raise ValueError(text)
        day = date.fromisoformat(text)
    except ValueError:
        raise _bad_date(text) from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise _bad_date(text)
    return day


def _bad_time(text: str, field: str) -> Refusal:
    return Refusal(Kind.INVALID, f"{field}={text[:64]!r} is not an RFC 3339 time", "bad_time", field=field)


def _bad_date(text: str) -> Refusal:
    return Refusal(Kind.INVALID, f"{text[:64]!r} is not a date", "bad_date")
