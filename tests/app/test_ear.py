"""What one camera has said, and what counts of it."""

from __future__ import annotations

import pytest

from luytre.app.ear import LONGEST_DOUBT_S, LONGEST_MOTION_S, MOST_NEWS, MOST_SOURCES, NEWS_S, Ear
from luytre.base.clock import US_PER_S, ManualClock
from luytre.cameras.events import DeviceEvent, EventKind


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def ear(clock: ManualClock) -> Ear:
    """Of a camera that has answered."""
    ear = Ear("DK-01", clock)
    assert ear.answered()
    assert not ear.answered()
    return ear


def said(
    clock: ManualClock, active: bool | None, source: str = "a", kind: EventKind = "motion"
) -> DeviceEvent:
    return DeviceEvent("1", kind, active, clock.wall_us(), source)


def test_a_state_is_written_down_once(ear: Ear, clock: ManualClock) -> None:
    assert [ear.hear(said(clock, active)) for active in (True, True, False, False, True)] == [1, 0, 1, 0, 1]
    assert ear.hear(said(clock, True, "b"))
    assert ear.hear(said(clock, True, kind="tamper"))


def test_what_only_happens_is_written_down_once_a_second(ear: Ear, clock: ManualClock) -> None:
    assert [ear.hear(said(clock, None)) for _ in range(3)] == [True, False, False]
    clock.advance(1)
    assert ear.hear(said(clock, None))


def test_it_moves_while_any_source_does(ear: Ear, clock: ManualClock) -> None:
    assert ear.moves() is None
    ear.hear(said(clock, True, "a"))
    ear.hear(said(clock, True, "b"))
    ear.hear(said(clock, False, "a"))
    assert ear.moves() == (clock.wall_us(), 0)
    clock.advance(LONGEST_MOTION_S + 1)
    assert ear.moves() is None


def test_a_camera_is_taken_for_moving_until_it_has_answered(clock: ManualClock) -> None:
    ear = Ear("DK-01", clock)
    assert ear.moves() == (clock.wall_us(), 0)
    ear.answered()
    assert ear.moves() is None


def test_doubt_reaches_back_to_the_last_answer(ear: Ear, clock: ManualClock) -> None:
    good_us = clock.wall_us()
    clock.advance(30)
    ear.lost()
    assert ear.moves() == (good_us, 30)
    clock.advance(4)
    assert ear.moves() == (good_us, 34)
    clock.advance(3600)
    assert ear.moves() == (clock.wall_us() - 60 * US_PER_S, LONGEST_DOUBT_S)


def test_one_that_invents_rules_is_forgotten_from_the_oldest_on(ear: Ear, clock: ManualClock) -> None:
    assert ear.hear(said(clock, True, "first"))
    for number in range(MOST_SOURCES):
        clock.advance(NEWS_S)
        ear.hear(said(clock, True, str(number)))
    assert ear.moves() is not None
    assert not ear.hear(said(clock, True, "0"))
    assert ear.hear(said(clock, True, "first"))


def test_so_many_a_minute_and_it_is_said_once(
    ear: Ear, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    taken = [ear.hear(said(clock, number % 2 == 0)) for number in range(MOST_NEWS + 40)]
    assert taken == [True] * MOST_NEWS + [False] * 40
    assert [record.getMessage() for record in caplog.records].count(
        "camera reports too much: the rest is not written down"
    ) == 1
    # The last that was written down is that it does not move: what was left out is no news either.
    clock.advance(NEWS_S)
    assert not ear.hear(said(clock, False))
    assert ear.hear(said(clock, True))


def test_what_is_not_written_down_still_counts_as_moving(ear: Ear, clock: ManualClock) -> None:
    for number in range(MOST_NEWS):
        assert ear.hear(said(clock, number % 2 == 0))
    assert not ear.hear(said(clock, True))
    assert ear.moves() is not None
