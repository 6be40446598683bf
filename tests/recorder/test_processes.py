"""The recorder as a process: stopped with a word, killed without one, small."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from luytre.archive.keys import Cause
from luytre.base.clock import SYSTEM
from luytre.recorder.subscribe import RecorderLink
from luytre.simulator.assembly import running
from luytre.simulator.camera import Camera
from luytre.simulator.server import Simulator
from tests.recorder.ward import Ear, Ward, clip, reel

HEAVY = {
    "pydantic",
    "sqlalchemy",
    "alembic",
    "av",
    "numpy",
    "cv2",
    "typer",
    "rich",
    "fastapi",
    "uvicorn",
    "structlog",
}


@contextmanager
def recorder(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "luytre.recorder", str(folder)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_for(ward: Ward, *cameras: str, spans: int = 1) -> None:
    """Until the recorder says that it records them, and the archive has that many spans of each."""

    async def main() -> None:
        ear = Ear()
        listening = asyncio.create_task(RecorderLink(ward.socket, ear).run())
        try:
            await ear.recording(*cameras)
            for camera in cameras:
                await ear.until(
                    lambda c=camera: len(ward.coverage(c).spans) >= spans,  # type: ignore[misc]
                    f"{spans} spans of {camera}",
                )
        finally:
            listening.cancel()

    asyncio.run(main())


def length_us(ward: Ward, camera: str) -> int:
    return sum(span.end_us - span.start_us for span in ward.coverage(camera).spans)


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    made, picture = Ward(tmp_path), reel(clip())
    with running(Simulator([Camera(n, {"main": picture}) for n in (1, 2)])) as simulator:
        made.add("one", simulator.url(1))
        made.add("two", simulator.url(2))
        made.write()
        yield made


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_writes_what_it_has_and_goes_on_where_it_was(
    ward: Ward, number: signal.Signals
) -> None:
    with recorder(ward.folder) as process:
        wait_for(ward, "one", "two")
        asked_us = SYSTEM.wall_us()
        process.send_signal(number)
        assert process.wait(20) == 0
    for camera in ("one", "two"):
        coverage = ward.coverage(camera)
        assert coverage.gaps[-1].cause == Cause.NODE_STOPPED
        # What was in memory is written: only what was still in the socket is missing.
        assert asked_us - coverage.spans[-1].end_us < 500_000
    assert ward.check() == []
    with recorder(ward.folder) as process:
        wait_for(ward, "one", "two", spans=2)
        process.terminate()
        assert process.wait(20) == 0
    assert ward.causes("one") == [Cause.CONNECTING, Cause.NODE_STOPPED, Cause.NODE_STOPPED]
    assert ward.check() == []


def test_killed_in_mid_segment_it_loses_the_last_part_at_most(ward: Ward) -> None:
    with recorder(ward.folder) as process:
        wait_for(ward, "one", "two")
        while length_us(ward, "one") < 3_000_000:
            wait_for(ward, "one")
        killed_us = SYSTEM.wall_us()
        process.kill()
        process.wait(20)
    with recorder(ward.folder) as process:
        wait_for(ward, "one", "two", spans=2)
        process.terminate()
        assert process.wait(20) == 0
    for camera in ("one", "two"):
        coverage = ward.coverage(camera)
        assert [gap.cause for gap in coverage.gaps] == [
            Cause.CONNECTING,
            Cause.NODE_CRASHED,
            Cause.NODE_STOPPED,
        ]
        # A GOP of one second, the picture that shows its end, and a tick.
        assert killed_us - coverage.spans[0].end_us < 1_500_000
    assert ward.check() == []


def test_one_shard_has_one_recorder(ward: Ward) -> None:
    with recorder(ward.folder):
        wait_for(ward, "one")
        with recorder(ward.folder) as second:
            assert second.wait(20) == 1
            assert second.stderr is not None
            assert (
                json.loads(second.stderr.read().splitlines()[-1])["event"]
                == "another recorder has this shard"
            )


def test_it_loads_nothing_heavy() -> None:
    code = "import sys, json, luytre.recorder.__main__; print(json.dumps(sorted(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(told.stdout)}
    assert "luytre" in loaded
    assert not loaded & HEAVY


def memory_kb(pid: int) -> int:
    """Proportional set size: shared pages are counted once over all who share them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise AssertionError("no Pss in smaps_rollup")


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="NO /proc/self/smaps_rollup HERE")
def test_thirty_two_cameras_fit_into_little_memory(tmp_path: Path) -> None:
    ward, picture = Ward(tmp_path), reel(clip())
    names = [f"c{number}" for number in range(1, 33)]
    with running(Simulator([Camera(n, {"main": picture}) for n in range(1, 33)])) as simulator:
        for number, name in enumerate(names, 1):
            ward.add(name, simulator.url(number))
        ward.write()
        with recorder(ward.folder) as process:
            wait_for(ward, *names)
            used_kb = memory_kb(process.pid)
            process.terminate()
            assert process.wait(20) == 0
    print(f"PSS of a recorder with 32 cameras: {used_kb} kB")
    assert used_kb < 64 << 10
    assert ward.check() == []
