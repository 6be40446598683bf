"""A recorder at work on real sockets while somebody sets the node's clock."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from luytre.archive.keys import Cause
from luytre.base.clock import SYSTEM
from luytre.media.rtsp.server import ServerTrack
from luytre.recorder.subscribe import RecorderLink
from tests.recorder.ward import Ear, Speak, Ward, at_25_fps, camera_that, clip, description, port_that

HOUR_US = 3_600_000_000


class SetClock:
    """The machine's clocks, of which the wall clock is set by `step`: forward to the true time, or back from it."""

    def __init__(self, step_us: int) -> None:
        self._step_us = step_us
        self._off_us = -max(step_us, 0)

    def wall_us(self) -> int:
        return SYSTEM.wall_us() + self._off_us

    def monotonic_s(self) -> float:
        return SYSTEM.monotonic_s()

    def step(self) -> None:
        self._off_us += self._step_us


def a_camera() -> Speak:
    coded = clip()

    async def sends(writer: asyncio.StreamWriter, track: ServerTrack) -> None:
        await at_25_fps(coded, writer, track, lambda _: b"")

    return camera_that(sends, description(coded))


@pytest.mark.parametrize("step_us", [HOUR_US, -HOUR_US])
def test_set_between_two_attempts(tmp_path: Path, step_us: int) -> None:
    """Two causes are in the ledger already, of which the second begins where the clock was."""
    clock, camera, attempts = SetClock(step_us), a_camera(), 0

    async def speaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            writer.write(b"SSH-2.0-OpenSSH_9.2p1\r\n")
            await reader.read(1000)
        elif attempts > 2:
            if attempts == 3:
                clock.step()
            await camera(reader, writer)

    async def main() -> Ward:
        ward = Ward(tmp_path)
        async with port_that(speaks) as port:
            ward.add("gate", f"rtsp://127.0.0.1:{port}/cam")
            ward.write()
            async with ward.recording(clock=clock) as ear:
                await ear.until(lambda: bool(ward.coverage("gate").spans), "something on disk")
        return ward

    ward = asyncio.run(main())
    assert ward.check() == []
    coverage = ward.coverage("gate")
    (span,) = coverage.spans
    *before, last = coverage.gaps
    assert (before[-1].end_us, last.start_us) == span
    causes = [Cause.CONNECTING, Cause.NOT_RTSP, Cause.CLOSED_BY_CAMERA]
    if step_us > 0:
        assert [gap.cause for gap in before] == causes
        assert step_us <= (before[-1].end_us or 0) - before[-1].start_us < step_us + 60_000_000
    else:
        # The run goes on where the last cause began, which leaves nothing of that.
        assert [gap.cause for gap in before] == causes[:2]


@pytest.mark.parametrize("step_us", [HOUR_US, -HOUR_US])
def test_set_while_it_records(tmp_path: Path, step_us: int) -> None:
    clock = SetClock(step_us)

    async def main() -> Ward:
        ward = Ward(tmp_path)
        async with port_that(a_camera()) as port:
            ward.add("gate", f"rtsp://127.0.0.1:{port}/cam")
            ward.write()
            async with ward.recording(clock=clock) as ear:
                await ear.until(lambda: bool(ward.coverage("gate").spans), "something on disk")
                clock.step()
                await ear.until(lambda: len(list(tmp_path.rglob("*.mp4"))) == 2, "another run")
        return ward

    ward = asyncio.run(main())
    assert ward.check() == []
    coverage = ward.coverage("gate")
    if step_us > 0:
        assert [gap.cause for gap in coverage.gaps[1:-1]] == [Cause.CLOCK_STEPPED]
        gap = coverage.gaps[1]
        # To the microsecond, but for what passed between two looks at two clocks.
        assert (gap.end_us or 0) - gap.start_us == pytest.approx(step_us, abs=50_000)
    else:
        assert len(coverage.spans) == 1
        assert [gap.cause for gap in coverage.gaps[1:-1]] == []


@pytest.mark.parametrize("step_us", [HOUR_US, -HOUR_US])
def test_a_trigger_speaks_of_the_clock_as_it_is_now(tmp_path: Path, step_us: int) -> None:
    clock = SetClock(step_us)

    async def main() -> Ward:
        ward = Ward(tmp_path)
        async with port_that(a_camera()) as port:
            ward.add("gate", f"rtsp://127.0.0.1:{port}/cam")
            plan = ward.streams["gate"] = replace(ward.streams["gate"], mode="motion", preroll_s=0.5)
            ward.write()
            async with ward.recording(clock=clock) as ear:
                await ear.until(lambda: ear.is_state("gate", "standby"), "standby")
                process = ward.process
                assert process is not None
                link = RecorderLink(ward.socket, live := Ear())
                listening = asyncio.create_task(link.run())
                link.watch(plan.key)
                await live.until(lambda: bool(live.samples), "the link is up")
                before = process._run_of(plan.key)
                clock.step()
                await ear.until(lambda: process._run_of(plan.key) is not before, "another run")
                link.trigger("gate", clock.wall_us(), 1.0)
                await ear.until(lambda: ear.is_state("gate", "recording"), "recording")
                listening.cancel()
        return ward

    ward = asyncio.run(main())
    assert ward.check() == []
    assert len(ward.coverage("gate").spans) == 1
