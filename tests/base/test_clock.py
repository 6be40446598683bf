"""Time in its three forms: microseconds, datetime, NTP."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.base.clock import ManualClock, from_ntp, rfc3339, to_datetime, to_ntp, to_us

ERA_1 = to_us(datetime(2036, 2, 7, 6, 28, 16, tzinfo=UTC))


@given(st.integers(0, to_us(datetime(2105, 12, 31, tzinfo=UTC))))
def test_ntp_and_back_is_the_same_microsecond_in_both_eras(wall_us: int) -> None:
    ntp = to_ntp(wall_us)
    assert 0 <= ntp < 1 << 64
    assert from_ntp(ntp) == wall_us


def test_known_ntp_moments() -> None:
    assert to_ntp(0) == 2_208_988_800 << 32
    assert to_ntp(ERA_1) == 0
    assert to_ntp(ERA_1 - 1) >> 32 == 0xFFFF_FFFF


@given(st.integers(0, 10**16))
def test_datetime_and_back(wall_us: int) -> None:
    assert to_us(to_datetime(wall_us)) == wall_us


def test_a_time_without_a_zone_is_no_time() -> None:
    with pytest.raises(ValueError, match="naive"):
        to_us(datetime(2026, 11, 22))


def test_rfc3339_leaves_out_what_is_zero() -> None:
    assert rfc3339(to_us(datetime(2026, 11, 22, 7, 5, tzinfo=UTC))) == "2026-11-22T07:05:00Z"
    assert rfc3339(to_us(datetime(2026, 11, 22, 7, 5, 0, 123_456, tzinfo=UTC))) == "2026-11-22T07:05:00.123Z"


def test_a_manual_clock_steps_its_wall_apart_from_its_pace() -> None:
    clock = ManualClock()
    wall_us, pace_s = clock.wall_us(), clock.monotonic_s()
    clock.advance(1.5)
    clock.step_wall(-3600)
    assert clock.wall_us() - wall_us == 1_500_000 - 3_600_000_000
    assert clock.monotonic_s() - pace_s == 1.5
