"""Many cameras that drop at once come back one after the other; one alone comes back after a second."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from luytre.recorder.stream import PACE
from luytre.recorder.turns import LONGEST_S, Turns
from luytre.simulator.camera import Camera
from luytre.simulator.server import Simulator
from tests.media.clips import encode_video
from tests.recorder.ward import Ward, reel

FLEET = 127


def test_one_alone_waits_for_nobody() -> None:
    turns = Turns()
    assert [turns.claim(now_s) for now_s in (0.0, 10.0, 20.0)] == [0.0, 0.0, 0.0]
    assert sum(turns.claim(30.0) for _ in range(4)) == 0.0


@pytest.mark.parametrize("shards", [1, 2, 4])
def test_a_fleet_is_spread_over_half_a_minute_whatever_the_shards(shards: int) -> None:
    waits = []
    for shard in range(shards):
        turns = Turns(shards)
        waits += [turns.claim(100.0) for number in range(FLEET) if number % shards == shard]
    waits.sort()
    assert 29.0 <= waits[-1] <= 45.0
    # In no second more than a handful.
    assert max(sum(begin <= wait < begin + 1 for wait in waits) for begin in range(46)) <= 8
    # With the first wait of a second, and its jitter, all of them tried within a minute.
    assert waits[-1] + PACE.first_s * 1.3 < 60.0


def test_a_crowd_is_over_when_it_is_over() -> None:
    turns = Turns()
    for _ in range(FLEET):
        turns.claim(0.0)
    assert turns.claim(60.0) == 0.0


def test_more_than_fit_come_closer_together() -> None:
    turns = Turns()
    waits = [turns.claim(0.0) for _ in range(1000)]
    assert max(waits) <= LONGEST_S
    assert sum(wait > LONGEST_S / 2 for wait in waits) > 300
    assert turns.claim(LONGEST_S + 1.0) == 0.0


def test_those_who_lost_their_cameras_together_wait_in_turns(tmp_path: Path) -> None:
    async def main() -> None:
        ward = Ward(tmp_path)
        coded = encode_video("h264", frames=25, gop=25)
        names = [f"cam{number}" for number in range(1, 13)]
        cameras = [Camera(number, {"main": reel(coded)}) for number in range(1, 13)]
        async with Simulator(cameras) as simulator:
            for number, name in enumerate(names, 1):
                ward.add(name, simulator.url(number))
            ward.write()
            async with ward.recording(PACE) as ear:
                await ear.recording(*names)
                for connection in list(simulator.connections):
                    connection.abort()
                await ear.until(lambda: all(ear.is_state(name, "retrying") for name in names), "all are gone")
                due = [max(state.retry_at_us or 0 for state in ear.of(name)) for name in names]
                assert all(due)
                # Twelve, of which four wait a second: the others follow at four a second.
                assert max(due) - min(due) > 1_400_000
                await ear.recording(*names)

    asyncio.run(main())


@pytest.mark.slow
def test_a_fleet_that_drops_at_once_is_back_within_a_minute(tmp_path: Path) -> None:
    """For real: 127 light cameras of the simulator, one recorder."""
    back_s: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        ward = Ward(tmp_path)
        coded = encode_video("h264", frames=25, gop=25)
        shown = reel(coded)
        cameras = [Camera(number, {"main": shown}) for number in range(1, FLEET + 1)]
        names = [f"cam{number}" for number in range(1, FLEET + 1)]
        async with Simulator(cameras) as simulator:
            for number, name in enumerate(names, 1):
                ward.add(name, simulator.url(number))
            ward.write()
            async with ward.recording(PACE) as ear:
                await ear.until(
                    lambda: all(ear.is_state(name, "recording") for name in names), "all record", 90
                )
                seen = set(simulator.connections)
                for connection in list(seen):
                    connection.abort()
                dropped_s = loop.time()
                while len(back_s) < FLEET and loop.time() - dropped_s < 70:
                    fresh = set(simulator.connections) - seen
                    back_s.extend([loop.time() - dropped_s] * len(fresh))
                    seen |= fresh
                    await asyncio.sleep(0.05)
                await ear.until(
                    lambda: all(ear.is_state(name, "recording") for name in names), "all are back", 60
                )

    asyncio.run(main())
    assert len(back_s) == FLEET
    assert back_s[0] < 3.0
    assert 25.0 < back_s[-1] < 60.0
    assert max(sum(begin <= at < begin + 1 for at in back_s) for begin in range(60)) <= 12
