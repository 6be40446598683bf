"""The plan changes while the recorder runs: cameras come and go, volumes appear, writers die; the rest goes on."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from luytre.archive.index import Index
from luytre.archive.volume import create_volume, open_volume
from luytre.base.clock import SYSTEM, to_datetime
from luytre.base.errors import Error
from luytre.recorder.hours import DAYS
from luytre.recorder.plan import Plan, VolumePlan, load, save
from luytre.recorder.process import RecorderProcess
from luytre.recorder.subscribe import RecorderLink
from luytre.simulator.camera import Camera
from luytre.simulator.server import Simulator
from tests.recorder.ward import QUICK, Ear, Ward, clip, reel

Act = Callable[[Ward, Simulator, Ear], Awaitable[None]]


def play(folder: Path, act: Act, cameras: tuple[str, ...] = ("one", "two")) -> Ward:
    """Record `cameras` until `act` is done; three cameras are there to be recorded."""

    async def main() -> Ward:
        ward, picture = Ward(folder), reel(clip())
        async with Simulator([Camera(n, {"main": picture, "sub": picture}) for n in (1, 2, 3)]) as simulator:
            for number, name in enumerate(cameras, 1):
                ward.add(name, simulator.url(number))
            ward.write()
            async with ward.recording() as ear:
                await act(ward, simulator, ear)
        return ward

    return asyncio.run(main())


def test_a_camera_that_is_added_is_recorded_and_the_others_do_not_notice(tmp_path: Path) -> None:
    async def act(ward: Ward, simulator: Simulator, ear: Ear) -> None:
        await ear.recording("one", "two")
        ward.add("three", simulator.url(3))
        ward.write()
        await ear.recording("three")

    ward = play(tmp_path, act)
    assert [len(ward.coverage(name).spans) for name in ("one", "two", "three")] == [1, 1, 1]
    assert ward.check() == []


def test_a_camera_that_is_removed_ends_with_its_cause(tmp_path: Path) -> None:
    async def act(ward: Ward, simulator: Simulator, ear: Ear) -> None:
        await ear.recording("one", "two")
        del ward.streams["two"]
        ward.write()
        await ear.until(lambda: simulator.cameras[2].clients == 0, "the camera is let go")
        assert simulator.cameras[1].clients == 1

    ward = play(tmp_path, act)
    assert ward.causes("two")[-1] == "camera_disabled"
    assert len(ward.coverage("one").spans) == 1
    assert ward.check() == []


def test_a_camera_that_moves_is_found_at_its_new_address(tmp_path: Path) -> None:
    async def act(ward: Ward, simulator: Simulator, ear: Ear) -> None:
        await ear.recording("one", "two")
        ward.add("two", simulator.url(3))
        ward.write()
        await ear.until(lambda: simulator.cameras[3].clients == 1, "the new address is asked")
        await ear.recording("two")
        await ear.until(lambda: len(ward.coverage("two").spans) == 2, "and recorded")

    ward = play(tmp_path, act)
    assert ward.causes("two")[:2] == ["connecting", "connecting"]
    assert len(ward.coverage("one").spans) == 1
    assert ward.check() == []


def test_a_volume_that_is_missing_at_the_start_is_taken_when_it_appears(tmp_path: Path) -> None:
    async def act(ward: Ward, simulator: Simulator, ear: Ear) -> None:
        ward.streams["two"] = replace(ward.streams["two"], volume="late")
        ward.write((VolumePlan("volume"), VolumePlan("late")))
        await ear.until(lambda: ear.is_state("two", "retrying", "disk_missing"), "two waits for its disk")
        await ear.recording("one")
        assert not (tmp_path / "late").exists()
        create_volume(tmp_path / "late")
        await ear.recording("two")

    ward = play(tmp_path, act)
    assert len(ward.coverage("one").spans) == 1
    assert list((tmp_path / "late" / "video" / "two").rglob("*.mp4"))
    assert ward.check() == []


def test_a_plan_that_cannot_be_read_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def act(ward: Ward, simulator: Simulator, ear: Ear) -> None:
        await ear.recording("one", "two")
        (tmp_path / "run" / "plan.json").write_text("{ half a pl")
        await ear.until(lambda: "plan not taken" in caplog.text, "the log says so")
        begun = len(ear.of("one"))
        await ear.until(lambda: len(ear.of("one")) > begun + 2, "one goes on")
        assert caplog.text.count("plan not taken") == 1
        ward.write()

    ward = play(tmp_path, act)
    assert len(ward.coverage("one").spans) == 1


def test_a_recorder_whose_writer_died_ends_to_be_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    nothing: list[int] = []

    async def main() -> Ward:
        ward = Ward(tmp_path)
        async with Simulator([Camera(1, {"main": reel(clip())})]) as simulator:
            ward.add("one", simulator.url(1))
            ward.write()
            recorder = RecorderProcess(tmp_path, 0, 1, pace=QUICK)
            ended = asyncio.create_task(recorder.run())
            await ward.ear.until(lambda: bool(ward.coverage("one").spans), "a part is on the disk")
            (writer,) = recorder._writers()
            writer._commands.put(lambda: nothing[0])  # type: ignore[arg-type]
            async with asyncio.timeout(20):
                assert await ended == 1
            for segment in writer._open.values():
                # As the end of the process does.
                os.close(segment.fd)
            async with ward.recording() as ear:
                await ear.until(lambda: len(ward.coverage("one").spans) == 2, "it goes on")
        return ward

    ward = asyncio.run(main())
    assert ward.causes("one") == ["connecting", "node_crashed", "node_stopped"]
    assert ward.check() == []


def test_a_defect_in_one_stream_begins_that_stream_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_index: list[int] = []

    async def act(ward: Ward, simulator: Simulator, ear: Ear) -> None:
        await ear.recording("one", "two")
        await ear.until(lambda: bool(ward.coverage("two").spans), "a part is on the disk")
        assert ward.process is not None
        active = next(a for key, a in ward.process._active.items() if key.camera == "two")
        monkeypatch.setattr(active.recorder, "_recording", lambda ingest: no_index[0])
        await ear.until(lambda: len(ward.coverage("two").spans) == 2, "two is recorded again")

    ward = play(tmp_path, act)
    assert len(ward.coverage("one").spans) == 1
    assert ward.check() == []


def test_bytes_that_meet_a_defect_cost_one_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_index: list[int] = []

    async def act(ward: Ward, simulator: Simulator, ear: Ear) -> None:
        await ear.recording("one", "two")
        assert ward.process is not None
        active = next(a for key, a in ward.process._active.items() if key.camera == "two")
        assert active.recorder.drain is not None
        monkeypatch.setattr(active.recorder.drain.ingest, "feed", lambda data: no_index[0])
        await ear.until(lambda: ear.is_state("two", "retrying", "bad_media"), "two says so")
        await ear.recording("two")

    ward = play(tmp_path, act)
    assert len(ward.coverage("one").spans) == 1
    assert "bad_media" in ward.causes("two")


def test_a_plan_survives_its_file(tmp_path: Path) -> None:
    ward = Ward(tmp_path)
    ward.add("one", "rtsp://camera/main", "user", "geheim", audio=True)
    ward.write(segment_s=60.0)
    path = tmp_path / "run" / "plan.json"
    plan = load(path)
    assert plan == Plan(tuple(ward.streams.values()), (VolumePlan("volume"),), 60.0)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "geheim" not in repr(plan)
    save(Plan(), path)
    assert load(path) == Plan()
    assert [entry.name for entry in path.parent.iterdir()] == ["plan.json"]


def other_day() -> str:
    """Recording hours that are not now."""
    return f"{DAYS[(to_datetime(SYSTEM.wall_us()).weekday() + 3) % 7]} 00:00-24:00"


def run_of(ward: Ward, camera: str) -> str:
    assert ward.process is not None
    run = ward.process._run_of(ward.streams[camera].key)
    return run.id if run is not None else ""


def ledger(path: Path) -> dict[str, tuple[str, str]]:
    """Class and cause of the open gap, by camera, as the volume has them."""
    volume = open_volume(path)
    try:
        index = Index(volume.index_path, volume.id)
    except Error:
        # Not made yet.
        return {}
    try:
        gaps = {row: index.open_gap(row.id) for row in index.streams()}
        return {row.camera: (row.retention, gap.cause) for row, gap in gaps.items() if gap is not None}
    finally:
        index.close()


def test_what_does_not_concern_the_connection_leaves_it_alone(tmp_path: Path) -> None:
    async def act(ward: Ward, simulator: Simulator, ear: Ear) -> None:
        ward.streams["one"] = replace(ward.streams["one"], mode="schedule")
        ward.streams["two"] = replace(ward.streams["two"], mode="motion", preroll_s=0.0, postroll_s=600.0)
        ward.write()
        await ear.recording("one")
        await ear.until(lambda: ear.is_state("two", "standby"), "standby")
        link = RecorderLink(ward.socket, live := Ear())
        listening = asyncio.create_task(link.run())
        link.watch(ward.streams["two"].key)
        await live.until(lambda: bool(live.samples), "the link is up")
        link.trigger("two", SYSTEM.wall_us(), 1.0)
        await ear.recording("two")
        begun = [run_of(ward, name) for name in ("one", "two")]
        create_volume(tmp_path / "spare")
        for name in ("one", "two"):
            ward.streams[name] = replace(
                ward.streams[name], retention="gates", spares=("spare",), hours=other_day(), postroll_s=0.0
            )
        ward.write((VolumePlan("volume"), VolumePlan("spare")))
        await ear.until(lambda: ear.is_state("one", "standby", "not_scheduled"), "other hours")
        await ear.until(lambda: ledger(tmp_path / "spare").get("one") == ("gates", "elsewhere"), "a spare")
        # What was triggered goes on.
        assert ear.is_state("two", "recording")
        ward.streams["one"] = replace(ward.streams["one"], hours="")
        ward.write((VolumePlan("volume"), VolumePlan("spare")))
        await ear.recording("one")
        assert [run_of(ward, name) for name in ("one", "two")] == begun
        listening.cancel()

    ward = play(tmp_path, act)
    told = ledger(ward.volume)
    assert [told[name] for name in ("one", "two")] == [("gates", "node_stopped")] * 2
    assert ward.check() == []
