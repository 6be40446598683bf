"""Recording hours: what people write, and what is none."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.base.errors import Error
from luytre.cameras.recording import hours
from luytre.recorder.hours import DAYS
from luytre.recorder.hours import EXAMPLE as HOURS_EXAMPLE

days = st.sampled_from(DAYS)
pieces = st.one_of(days, st.builds("{}-{}".format, days, days))
times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
spans = st.tuples(times, times).filter(lambda span: span[0] != span[1]).map("-".join)
entries = st.builds("{} {}".format, st.lists(pieces, min_size=1, max_size=4).map(",".join), spans)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("", ""),
        ("   ", ""),
        (HOURS_EXAMPLE, HOURS_EXAMPLE),
        ("mon - fri  18:00 - 06:00 ;sat , sun 00:00-24:00", HOURS_EXAMPLE),
        ("Sun 00:00-00:01", "Sun 00:00-00:01"),
        ("SAT-MON 22:30-05:00", "Sat-Mon 22:30-05:00"),
    ],
)
def test_hours_are_kept_in_one_way(written: str, kept: str) -> None:
    assert hours(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        "18:00-06:00",
        "Mon",
        "Mon 18:00",
        "Mon 8:00-9:00",
        "Mon 18:00-18:00",
        "Mon 24:00-06:00",
        "Mon 18:00-24:01",
        "Mon 18:60-19:00",
        "Thứ hai 18:00-06:00",
        "Monday 18:00-06:00",
        "Mon-Fri-Sun 18:00-06:00",
        "Mon 18:00-06:00;",
        "Mon,, Tue 18:00-06:00",
        "Mon 18:00-06:00 Tue 18:00-06:00",
        "Mon\x0018:00-06:00",
        "; ".join(["Mon 18:00-06:00"] * 30),
        "Mon ١٨:00-٢٠:00",
    ],
)
def test_what_are_no_hours(written: str) -> None:
    with pytest.raises(Error) as caught:
        hours(written)
    assert caught.value.cause == "bad_hours"
    assert HOURS_EXAMPLE in caught.value.hint


@given(st.lists(entries, min_size=1, max_size=8).map("; ".join))
def test_what_is_kept_can_be_given_again(written: str) -> None:
    assert hours(written) == written
    assert hours(written.lower().replace(" ", "  ")) == written


@given(entries, st.integers(0, 40), st.characters(exclude_categories=["Cs"]))
def test_one_more_character_in_the_middle_is_none_or_still_hours(entry: str, at: int, extra: str) -> None:
    """Never another exception, and what is taken is stable."""
    with suppress(Error):
        kept = hours(entry[:at] + extra + entry[at:])
        assert hours(kept) == kept
