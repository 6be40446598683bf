"""A week's recording hours, in the ward's zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from luytre.base.clock import to_us
from luytre.base.errors import Error, Kind
from luytre.recorder.hours import DAYS, MINUTES_PER_WEEK, Hours

WARD = ZoneInfo("Asia/Ho_Chi_Minh")
BERLIN = ZoneInfo("Europe/Berlin")


def covers(text: str, moment: str, zone: ZoneInfo = WARD) -> bool:
    return Hours.parse(text, zone).covers(to_us(datetime.fromisoformat(moment).replace(tzinfo=zone)))


@pytest.mark.parametrize(
    ("text", "moment", "wanted"),
    [
        # 2026-11-23 is a Monday.
        ("", "2026-11-23T03:00", True),
        ("  ", "2026-11-23T03:00", True),
        ("Mon-Fri 18:00-06:00", "2026-11-23T17:59:59", False),
        ("Mon-Fri 18:00-06:00", "2026-11-23T18:00", True),
        ("Mon-Fri 18:00-06:00", "2026-11-24T05:59:59", True),
        ("Mon-Fri 18:00-06:00", "2026-11-24T06:00", False),
        # Friday's night ends on Saturday morning; Sunday's would have begun on Sunday.
        ("Mon-Fri 18:00-06:00", "2026-11-28T05:00", True),
        ("Mon-Fri 18:00-06:00", "2026-11-23T05:00", False),
        ("Sat,Sun 00:00-24:00", "2026-11-29T23:59", True),
        ("Sat,Sun 00:00-24:00", "2026-11-30T00:00", False),
        ("Sun 22:00-02:00", "2026-11-30T01:00", True),
        ("fri-mon 08:00-09:00", "2026-11-29T08:30", True),
        ("fri-mon 08:00-09:00", "2026-11-24T08:30", False),
        ("Mon 08:00-09:00; Mon 10:00-11:00", "2026-11-23T09:30", False),
        ("Mon 08:00-09:00; Mon 10:00-11:00", "2026-11-23T10:30", True),
    ],
)
def test_a_moment(text: str, moment: str, wanted: bool) -> None:
    assert covers(text, moment) is wanted


@pytest.mark.parametrize(
    "text",
    [
        "x",
        ";",
        "Mon 08:00-09:00;",
        "Mon 8:00-9:00",
        "Mon ١٨:00-٢٠:00",
        "Mon",
        "Mon 8-9",
        "Mon 08:60-09:00",
        "Mon 07:00-07:00",
        "Mon 24:00-24:00",
        "Mon 08:00-24:01",
        "Mo 08:00-09:00",
        "Mon- 08:00-09:00",
        "Mon-Fri-Sat 08:00-09:00",
        "Mon 08:00-09:00 Tue 08:00-09:00",
        ", 08:00-09:00",
    ],
)
def test_what_is_no_hours_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Error) as caught:
        Hours.parse(text, WARD)
    assert (caught.value.kind, caught.value.cause) == (Kind.INVALID, "bad_hours")
    assert "Mon-Fri 18:00-06:00" in caught.value.hint


def test_the_hour_that_the_clock_shows_twice_is_recorded_both_times() -> None:
    hours = Hours.parse("Sun 02:00-03:00", BERLIN)
    first = to_us(datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN))
    assert hours.covers(first)
    assert hours.covers(first + 3_600_000_000)
    assert not hours.covers(first + 2 * 3_600_000_000)


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 1439), st.integers(0, 1439))
def test_a_rule_is_as_long_as_it_says(first: int, last: int, begin: int, end: int) -> None:
    assume(begin != end)
    text = f"{DAYS[first]}-{DAYS[last]} {begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"
    days = (last - first) % 7 + 1
    length = (end - begin) % 1440
    minutes = Hours.parse(text, WARD).minutes
    assert minutes < 1 << MINUTES_PER_WEEK
    assert minutes.bit_count() == days * length
