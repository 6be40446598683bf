"""Wall time of pictures over jitter, drift, stepped clocks and jumping timestamps; the clock is simulated."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from luytre.media.tracks import VIDEO_TIMESCALE
from luytre.recorder.wall import MAX_SLEW_PPM, WINDOW_US, WallMapping

START_US = 1_795_330_000_000_000
FRAME = 3600
FRAME_US = 40_000


def received(number: int, delay_us: int = 0, drift_ppm: float = 0.0) -> int:
    """When picture `number` arrives; a camera that runs `drift_ppm` slow needs longer for its frame."""
    return START_US + round(number * FRAME_US * (1 + drift_ppm / 1e6)) + delay_us


def test_jitter_does_not_shake_the_picture_and_the_smallest_delay_counts() -> None:
    dice = random.Random(7)
    mapping = WallMapping(0, received(0, 150_000))
    borders = []
    for number in range(1, 4000):
        delay_us = 5_000 + round(dice.expovariate(1 / 60_000))
        assert mapping.observe(number * FRAME, received(number, delay_us))
        if number % 50 == 0:
            borders.append(mapping.at(number * FRAME))
    steps = [after - before for before, after in pairwise(borders)]
    assert all(abs(step - 2_000_000) <= 2_000_000 * MAX_SLEW_PPM / 1e6 + 1 for step in steps)
    assert abs(borders[-1] - received(3950) - 5_000) < 10_000


@pytest.mark.parametrize("drift_ppm", [30.0, -30.0, 120.0])
def test_a_drifting_camera_is_followed_for_six_hours(drift_ppm: float) -> None:
    dice = random.Random(11)
    mapping = WallMapping(0, received(0))
    worst, before = 0, None
    for number in range(0, 6 * 3600 * 25, 5):
        delay_us = dice.randrange(0, 200_000)
        assert mapping.observe(number * FRAME, received(number, delay_us, drift_ppm))
        if number % 50 == 0:
            at = mapping.at(number * FRAME)
            worst = max(worst, abs(at - received(number, 0, drift_ppm)))
            if before is not None:
                assert abs(at - before - 2_000_000) <= 2_000_000 * MAX_SLEW_PPM / 1e6 + 1
            before = at
    assert worst < 500_000


def test_a_burst_at_the_beginning_is_not_taken_for_lateness() -> None:
    mapping = WallMapping(0, START_US)
    for number in range(1, 25):
        assert mapping.observe(number * FRAME, START_US + 1000)
    assert mapping.at(0) == START_US + 1000 - 24 * FRAME_US


def test_a_late_burst_after_a_hiccup_of_the_line_goes_on() -> None:
    mapping = WallMapping(0, START_US)
    for number in range(1, 500):
        late_us = max(0, 4_000_000 - (number - 200) * FRAME_US) if number >= 200 else 0
        assert mapping.observe(number * FRAME, received(number, late_us)), number


@pytest.mark.parametrize("seconds", [3, 3600, 26 * 3600])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_jump_of_timestamps_ends_the_run(seconds: int, sign: int) -> None:
    mapping = WallMapping(0, START_US)
    for number in range(1, 1000):
        assert mapping.observe(number * FRAME, received(number))
    jumped = 1000 * FRAME + sign * seconds * VIDEO_TIMESCALE
    assert not mapping.observe(jumped, received(1000))


def test_reordered_pictures_are_no_jump() -> None:
    mapping = WallMapping(0, START_US)
    for number in range(3, 600, 3):
        for shown in (number, number - 2, number - 1):
            assert mapping.observe(shown * FRAME, received(number))


def test_timestamps_that_stand_still_end_the_run_within_three_windows() -> None:
    mapping = WallMapping(0, START_US)
    for number in range(1, 250):
        assert mapping.observe(number * FRAME, received(number))
    ended = next(number for number in range(250, 2500) if not mapping.observe(249 * FRAME, received(number)))
    assert (ended - 249) * FRAME_US <= 3 * WINDOW_US


def test_a_node_clock_set_forward_ends_the_run_within_two_windows() -> None:
    mapping = WallMapping(0, START_US)
    for number in range(1, 250):
        assert mapping.observe(number * FRAME, received(number))
    ended = next(
        number
        for number in range(250, 2500)
        if not mapping.observe(number * FRAME, received(number, 3_600_000_000))
    )
    assert (ended - 249) * FRAME_US <= 2 * WINDOW_US


def test_a_node_clock_set_back_ends_the_run_at_once() -> None:
    mapping = WallMapping(0, START_US)
    assert mapping.observe(FRAME, received(1))
    assert not mapping.observe(2 * FRAME, received(2, -3_600_000_000))


def test_borders_never_run_backwards() -> None:
    dice = random.Random(3)
    mapping = WallMapping(0, START_US)
    last = 0
    for number in range(1, 3000):
        mapping.observe(number * FRAME, received(number, dice.randrange(1_500_000)))
        at = mapping.at(number * FRAME)
        assert at > last
        last = at


def test_looking_live_moves_nothing() -> None:
    mapping = WallMapping(0, START_US)
    mapping.observe(FRAME, received(1))
    assert mapping.live(FRAME) == mapping.live(FRAME) == mapping.at(FRAME)


@pytest.mark.parametrize("lead_us", [1, 999_999, 3_600_000_000])
def test_a_lead_is_won_back_by_half_of_what_passes_and_no_faster(lead_us: int) -> None:
    mapping = WallMapping(0, START_US, START_US + lead_us)
    number, ahead, last = 0, lead_us, 0
    assert mapping.at(0) == START_US + lead_us
    while ahead:
        number += 50
        for frame in range(number - 49, number + 1):
            assert mapping.observe(frame * FRAME, received(frame))
        assert mapping.error_us == ahead
        at = mapping.live(number * FRAME)
        assert mapping.at(number * FRAME) == at > last
        left = at - received(number)
        assert left == max(ahead - 1_000_000, 0)
        ahead, last = left, at
    assert mapping.error_us == 0


@pytest.mark.parametrize("step_s", [3600, 5, -5, -3600])
def test_a_step_moves_what_comes_after_it_and_nothing_runs_back(step_s: int) -> None:
    dice = random.Random(5)
    delays = [dice.randrange(5_000, 200_000) for _ in range(2000)]
    plain, stepped = WallMapping(0, received(0, delays[0])), WallMapping(0, received(0, delays[0]))
    step_us = step_s * 1_000_000
    for number in range(1, 2000):
        assert plain.observe(number * FRAME, received(number, delays[number]))
        moved = step_us if number > 1000 else 0
        assert stepped.observe(number * FRAME, received(number, delays[number]) + moved)
        if number % 50 == 0:
            usual, at = plain.at(number * FRAME), stepped.at(number * FRAME)
            lead = max(-moved - (number - 1000) * FRAME_US // 2, 0) if number > 1000 else 0
            assert at == usual + moved + lead
        if number == 1000:
            stepped.step(number * FRAME, step_us, at)


@pytest.mark.parametrize("lead_us", [0, 3_000_000, 3_600_000_000])
def test_a_moment_of_the_clock_is_found_in_a_mapping_that_is_ahead(lead_us: int) -> None:
    mapping = WallMapping(0, received(0), received(0) + lead_us)
    borders = []
    for number in range(250):
        assert mapping.observe(number * FRAME, received(number))
        if number % 25 == 0:
            borders.append((received(number), mapping.at(number * FRAME)))
    newest_us, lies_us = borders[-1]
    assert mapping.placed(newest_us) == lies_us
    if lies_us > newest_us:
        # Also of what has passed, as detectors speak of it.
        assert [mapping.placed(at_us) for at_us, _ in borders] == pytest.approx(
            [lies for _, lies in borders], abs=10
        )
        assert mapping.placed(newest_us + 1_000_000) == lies_us + 500_000
