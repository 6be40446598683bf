"""Where sound is put when its timestamps are right, drift, jump, stand still or are in the wrong unit."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luytre.media import g711
from luytre.media.tracks import Sample
from luytre.recorder.sound_clock import SoundClock, told_origin

RATE = 8000
TRACK = g711.audio_track("alaw", RATE, 1)
PACKET = 160
TICK = 5
Stamp = Callable[[int], int]


def heard(
    clock: SoundClock,
    stamp: Stamp,
    packets: range,
    *,
    ppm: float = 0.0,
    late: Callable[[int], int] = lambda _: 0,
) -> list[tuple[int, int]]:
    """(true time, time given) of each packet: packet n holds the sound of n * PACKET, `stamp(n)` is its timestamp. The
    camera's sound clock is `ppm` too quick; packets come five at a time, `late` ticks after they could.
    """
    found = []
    for first in range(packets.start, packets.stop, TICK):
        numbers = range(first, first + TICK)
        samples = [Sample(stamp(number), bytes(PACKET), True) for number in numbers]
        truth = [round(number * PACKET / (1 + ppm / 1e6)) for number in numbers]
        clock.place(samples, truth[-1] + late(first))
        found += [(true, sample.pts) for true, sample in zip(truth, samples, strict=True)]
    return found


def furthest(found: list[tuple[int, int]]) -> int:
    return max(abs(given - true) for true, given in found)


@pytest.mark.parametrize("base", [0, 0xFFFF_FF00, -123456])
def test_right_timestamps_are_kept_as_they_are(base: int) -> None:
    found = heard(SoundClock(TRACK), lambda n: base + n * PACKET, range(3000))
    assert furthest(found) == 0


def test_jitter_moves_nothing() -> None:
    jitter = (0, 900, 50, 1500, 0, 300, 2400)
    clock = SoundClock(TRACK)
    found = heard(clock, lambda n: n * PACKET, range(30_000), late=lambda n: jitter[n // TICK % 7])
    assert {b - a for (_, a), (_, b) in pairwise(found)} == {PACKET}
    assert clock.jumps == 0


@pytest.mark.parametrize("ppm", [-200.0, 40.0, 200.0])
def test_drift_over_hours_is_made_good(ppm: float) -> None:
    clock = SoundClock(TRACK)
    found = heard(clock, lambda n: n * PACKET, range(3 * 3600 * 50), ppm=ppm)
    # Left alone it would be 2 s off after three hours at 200 ppm.
    assert furthest(found) <= 0.04 * RATE
    assert clock.jumps == 0
    assert all(b > a for (_, a), (_, b) in pairwise(found))


@pytest.mark.parametrize("jump", [7_777_777, -400_000, -9_000_000_000])
def test_a_restart_of_the_timestamps_is_followed_at_once(jump: int) -> None:
    clock = SoundClock(TRACK)
    # In the middle of a batch.
    found = heard(clock, lambda n: n * PACKET + (jump if n >= 503 else 0), range(1500))
    assert furthest(found) == 0
    assert (clock.jumps, clock.counts) == (1, False)


@pytest.mark.parametrize(
    "stamp",
    [
        lambda n: n * 1800,  # 90 kHz
        lambda n: n * 20,  # milliseconds
        lambda n: n * 2 * PACKET,  # as if it were 16 kHz
        lambda n: 5,  # none
        lambda n: n,  # packets
        lambda n: -n * PACKET,  # backwards
    ],
)
def test_timestamps_in_the_wrong_unit_are_given_up(stamp: Stamp) -> None:
    clock = SoundClock(TRACK)
    found = heard(clock, stamp, range(50 * 60))
    assert clock.counts
    # What stands still looks late, and late it may be for five seconds, three times over.
    assert furthest(found) <= 7 * RATE
    later = found[30 * 50 :]
    assert furthest(later) <= 0.25 * RATE
    assert {b - a for (_, a), (_, b) in pairwise(later)} == {PACKET}


@pytest.mark.parametrize("size", [80, 320, 333])
def test_counted_sound_is_as_long_as_its_bytes(size: int) -> None:
    clock, found = SoundClock(TRACK), []
    for number in range(60 * RATE // size):
        sample = Sample(5, bytes(size), True)
        clock.place([sample], number * size)
        found.append((number * size, sample.pts))
    assert clock.counts
    later = found[len(found) // 2 :]
    assert {b - a for (_, a), (_, b) in pairwise(later)} == {size}
    assert furthest(later) <= 0.25 * RATE


def test_a_pause_is_a_pause_whether_the_timestamps_went_on_or_not() -> None:
    for gap in (0, 3000 * PACKET):
        clock = SoundClock(TRACK)
        heard(clock, lambda n: n * PACKET, range(500))
        found = heard(clock, lambda n, gap=gap: (n - 3000) * PACKET + gap, range(3500, 4000))  # type: ignore[misc]
        assert furthest(found) == 0


def test_a_stall_of_the_network_is_no_jump() -> None:
    clock = SoundClock(TRACK)
    stall = {number: (250 - number) * PACKET for number in range(100, 250)}
    found = heard(clock, lambda n: n * PACKET, range(1000), late=lambda n: stall.get(n, 0))
    assert clock.jumps == 0
    assert furthest(found) == 0


def test_sound_long_after_the_pictures_began_lies_where_it_came() -> None:
    clock = SoundClock(TRACK, told=0)
    found = heard(clock, lambda n: (n - 90_000) * PACKET + 4444, range(90_000, 90_100))
    assert furthest(found) == 0


@pytest.mark.parametrize(
    ("told", "off"), [(700, -700), (-500, 500), (2**32 + 100, -100), (9000, 0), (None, 0)]
)
def test_the_announced_origin_is_believed_within_a_second(told: int | None, off: int) -> None:
    found = heard(SoundClock(TRACK, told), lambda n: n * PACKET, range(50))
    assert {given - true for true, given in found} == {off}


def test_counted_sound_keeps_up_when_packets_are_lost() -> None:
    clock = SoundClock(TRACK)
    heard(clock, lambda n: 0, range(2000))
    assert clock.counts
    found = heard(clock, lambda n: 0, range(2200, 4200))
    assert furthest(found[1000:]) <= 0.1 * RATE


def test_origin_out_of_rtp_info() -> None:
    # The picture at 95,000 is 5,000 after the announced one; sound has 1,000 there.
    assert told_origin(95_000, 90_000, 1000, 8000) == 1000 - 8000
    assert told_origin((1 << 32) + 10, 0xFFFF_FFF0, 50, 90_000) == 50 - 0xFFFF_FFF0
    assert told_origin(0, None, 5, 8000) is None
    assert told_origin(0, 5, None, 8000) is None


@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 40_000),
            st.lists(st.integers(-(1 << 40), 1 << 40), min_size=1, max_size=5),
        ),
        min_size=1,
        max_size=60,
    ),
    told=st.one_of(st.none(), st.integers(-(1 << 40), 1 << 40)),
)
@settings(deadline=None)
def test_whatever_a_camera_writes_times_rise_and_none_lies_far_ahead(
    steps: list[tuple[int, list[int]]], told: int | None
) -> None:
    clock, now, last, count = SoundClock(TRACK, told), 0, None, 0
    for passed, stamps in steps:
        now += passed
        samples = [Sample(stamp, bytes(PACKET), True) for stamp in stamps]
        clock.place(samples, now)
        for sample in samples:
            assert last is None or sample.pts > last
            last = sample.pts
        count += len(samples)
        # What lies ahead waits in memory: never more than a second, and a tick for each that was too early.
        assert last is not None
        assert last <= now + RATE + count
