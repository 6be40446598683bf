"""Recording modes with a real recorder and a real camera: triggers come over the local socket."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from luytre.base.clock import SYSTEM, US_PER_S
from luytre.recorder.plan import VolumePlan
from luytre.recorder.subscribe import RecorderLink
from luytre.simulator.camera import Camera
from luytre.simulator.server import Simulator
from tests.media.clips import encode_video
from tests.recorder.ward import Ear, Ward, reel


def test_motion_keeps_what_is_around_triggers_and_live_goes_on(tmp_path: Path) -> None:
    ward = Ward(tmp_path)
    ear = Ear()

    async def scenario() -> None:
        async with Simulator(
            [Camera(1, {"main": reel(encode_video("h264", frames=50, gop=25))})]
        ) as simulator:
            ward.add("one", simulator.url(1))
            ward.streams["one"] = replace(ward.streams["one"], mode="motion", preroll_s=0.5, postroll_s=1.0)
            ward.write()
            async with ward.recording() as first:
                link = RecorderLink(ward.socket, ear)
                listening = asyncio.create_task(link.run())
                link.watch(ward.streams["one"].key)
                await first.until(lambda: first.is_state("one", "standby", "no_motion"), "standby")
                await ear.until(lambda: len(ear.samples) > 100, "live pictures")
                assert ward.coverage("one").spans == []
                # Of a camera that is not here: nothing happens.
                link.trigger("two", SYSTEM.wall_us(), 1.0)
                at_us = SYSTEM.wall_us()
                link.trigger("one", at_us, 0.5)
                await first.until(lambda: first.is_state("one", "recording"), "recording")
                await first.until(lambda: first.is_state("one", "standby"), "standby again")
                (span,) = ward.coverage("one").spans
                assert span.start_us <= at_us - US_PER_S // 2
                assert span.end_us >= at_us + round(1.5 * US_PER_S)
                assert (span.end_us - span.start_us) / US_PER_S < 8
                listening.cancel()
        # To the viewers it was one run.
        assert len({run for _, run, _ in ear.tracks}) == 1

    asyncio.run(scenario())
    assert ward.check() == []
    coverage = ward.coverage("one")
    causes = [gap.cause for gap in coverage.gaps]
    assert causes == ["connecting", "no_motion", "no_motion", "node_stopped"]
    borders = sorted([*coverage.spans, *((g.start_us, g.end_us) for g in coverage.gaps)])
    assert all(before[1] == after[0] for before, after in pairwise(borders))


@pytest.mark.parametrize(("hours", "state"), [("Mon-Sun 00:00-24:00", "recording"), ("Moonday", "recording")])
def test_hours_decide_and_hours_that_make_no_sense_keep_everything(
    hours: str, state: str, tmp_path: Path
) -> None:
    ward = Ward(tmp_path)

    async def scenario() -> None:
        async with Simulator(
            [Camera(1, {"main": reel(encode_video("h264", frames=50, gop=25))})]
        ) as simulator:
            ward.add("one", simulator.url(1))
            ward.streams["one"] = replace(ward.streams["one"], mode="schedule", hours=hours)
            ward.write()
            async with ward.recording() as ear:
                await ear.until(lambda: ear.is_state("one", state), state)

    asyncio.run(scenario())
    assert ward.coverage("one").spans
    assert ward.check() == []


def test_in_standby_a_disk_that_is_gone_is_told(tmp_path: Path) -> None:
    ward = Ward(tmp_path)

    async def scenario() -> None:
        async with Simulator(
            [Camera(1, {"main": reel(encode_video("h264", frames=50, gop=25))})]
        ) as simulator:
            ward.add("one", simulator.url(1))
            ward.streams["one"] = replace(ward.streams["one"], mode="motion")
            ward.write((VolumePlan("volume", flush_s=0.2),))
            async with ward.recording() as ear:
                await ear.until(lambda: ear.is_state("one", "standby", "no_motion"), "standby")
                away = ward.volume.rename(tmp_path / "away")
                await ear.until(lambda: ear.is_state("one", "retrying", "disk_missing"), "the disk is missed")
                away.rename(ward.volume)
                await ear.until(lambda: ear.is_state("one", "standby", "no_motion"), "standby again")
                assert simulator.cameras[1].clients == 1

    asyncio.run(scenario())
    assert ward.causes("one") == ["connecting", "no_motion", "node_stopped"]
    assert ward.check() == []
