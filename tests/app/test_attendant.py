"""The attendant with real recorders and cameras that report by ONVIF."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest

from luytre.app import attendant
from luytre.app.attendant import Attendant
from luytre.app.foundation import init
from luytre.app.store import Store
from luytre.archive.catalog import Archive
from luytre.archive.keys import Span, StreamKey
from luytre.base.clock import SYSTEM, US_PER_S
from luytre.base.config import NodeConfig, VolumeConfig
from luytre.base.errors import Error, Kind
from luytre.cameras.camera import Access
from luytre.cameras.events import DeviceEvent
from luytre.cameras.onvif import events
from luytre.cameras.recording import RecordingChange
from luytre.cameras.registry import CameraChange, NewCamera
from luytre.cameras.triggers import Triggers
from luytre.recorder.process import RecorderProcess
from luytre.recorder.subscribe import RecorderLink
from luytre.simulator.camera import Camera
from luytre.simulator.server import Simulator
from tests.cameras.onvif.soap_camera import PASSWORD, USER, SoapCamera, capabilities
from tests.media.clips import encode_video
from tests.recorder.ward import QUICK, Ear, reel

MOTION = "tns1:RuleEngine/CellMotionDetector/Motion"
ALWAYS = Span(0, 1 << 62)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    config = NodeConfig(name="Phường thử", volumes=(VolumeConfig(path=Path("volumes/1")),))
    return init(tmp_path / "node", config).directory


def reporting() -> SoapCamera:
    return SoapCamera(answers={"GetCapabilities": capabilities("Events", "Media")})


def new(code: str, url: str, camera: SoapCamera, mode: str = "motion") -> NewCamera:
    how = RecordingChange(mode="motion" if mode == "motion" else "continuous", preroll_s=0.5, postroll_s=1.0)
    return NewCamera(
        code, "", url, user=USER, password=PASSWORD, onvif=camera.url, onvif_events=True, recording=how
    )


class Counted(Triggers):
    """Keeps which cameras it was told of, too."""

    def __init__(self, sockets: Callable[[], Sequence[Path]]) -> None:
        super().__init__(sockets)
        self.sent: list[str] = []

    def send(self, camera: str, at_us: int, active_s: float) -> None:
        self.sent.append(camera)
        super().send(camera, at_us, active_s)


@asynccontextmanager
async def attending(store: Store, triggers: Triggers | None = None) -> AsyncIterator[None]:
    task = asyncio.create_task(Attendant(store, triggers or Triggers(store.sockets)).run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(ready: Callable[[], object]) -> None:
    # A loaded machine is slow to start a process; nobody waits this long when all is well.
    async with asyncio.timeout(90):
        while not ready():
            await asyncio.sleep(0.05)


def heard(store: Store, code: str) -> list[DeviceEvent]:
    return list(store.events.between(store.registry.get(code).id, ALWAYS))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("LOOK_S", 0.2), ("WRITE_S", 0.1), ("AGAIN_S", 0.5), ("ACTIVE_S", 1.5)):
        monkeypatch.setattr(attendant, name, seconds)


def test_a_camera_in_mode_motion_records_around_what_it_reports(folder: Path, quick: None) -> None:
    ear = Ear()

    async def scenario(camera: SoapCamera, store: Store) -> tuple[str, int]:
        shown = Camera(1, {"main": reel(encode_video("h264", frames=50, gop=25))})
        async with Simulator([shown]) as simulator:
            added = store.registry.add(new("DK-01", simulator.url(1), camera))
            recorder = RecorderProcess(folder, 0, 1, SYSTEM, pace=QUICK)
            running = asyncio.create_task(recorder.run())
            listening = asyncio.create_task(RecorderLink(folder / "run/recorder-0.sock", ear).run())
            triggers = Counted(store.sockets)
            async with attending(store, triggers):
                # It had been quiet before: that is no event.
                camera.report(MOTION, {"IsMotion": "false"}, "Initialized")
                await ear.until(lambda: ear.is_state(added.id, "standby", "no_motion"), "standby")
                triggers.sent.clear()
                at_us = SYSTEM.wall_us()
                camera.report(MOTION, {"IsMotion": "true"})
                await ear.until(lambda: ear.is_state(added.id, "recording"), "recording")
                # It goes on for longer than one trigger lasts.
                await until(lambda: len(triggers.sent) >= 6)
                assert ear.is_state(added.id, "recording")
                camera.report(MOTION, {"IsMotion": "false"})
                await ear.until(lambda: ear.is_state(added.id, "standby"), "standby again")
                await until(lambda: len(heard(store, "DK-01")) == 2)
            listening.cancel()
            recorder.stop()
            await asyncio.wait([running], timeout=30)
            running.result()
        return added.id, at_us

    with reporting() as camera, closing(Store.open(folder)) as store:
        key, at_us = asyncio.run(scenario(camera, store))
        told = heard(store, "DK-01")
    (span,) = Archive([folder / "volumes/1"], SYSTEM).coverage(StreamKey(key, "main"), *ALWAYS).spans
    assert span.start_us <= at_us - US_PER_S // 2
    assert 3 < (span.end_us - at_us) / US_PER_S < 20
    assert [(one.kind, one.active, one.source) for one in told] == [
        ("motion", True, "VideoSourceToken=0"),
        ("motion", False, "VideoSourceToken=0"),
    ]


def test_one_dead_camera_costs_the_others_nothing(folder: Path, quick: None) -> None:
    async def scenario(good: SoapCamera, mute: SoapCamera, mad: SoapCamera, store: Store) -> None:
        gone = SoapCamera(port=1)
        for code, camera in (("A", good), ("B", gone), ("C", mute), ("D", mad)):
            store.registry.add(new(code, "rtsp://192.0.2.5/", camera, "continuous"))
        async with attending(store):
            await until(lambda: "PullMessages" in good.operations())
            for _ in range(3):
                # It repeats itself: that is one event.
                good.report(MOTION, {"State": "1"})
            good.report("tns1:VideoSource/GlobalSceneChange/ImagingService", {"State": "true"})
            good.report("tns1:Device/Trigger/DigitalInput", {"LogicalState": "true"})
            good.report("tns1:Monitoring/ProcessorUsage", {"Value": "1"})
            await until(lambda: len(heard(store, "A")) == 3)
            # Who it is told to leave alone is left alone.
            store.registry.change("A", CameraChange(onvif_events=False))
            await until(lambda: "Unsubscribe" in good.operations())
        assert {one.kind for one in heard(store, "A")} == {"motion", "tamper", "input"}
        assert [heard(store, code) for code in "BCD"] == [[], [], []]

    mad = SoapCamera(raw=b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\n<x>")
    mute = SoapCamera(silent={"GetSystemDateAndTime"})
    with reporting() as good, mute, mad, closing(Store.open(folder)) as store:
        asyncio.run(scenario(good, mute, mad, store))


def test_a_subscription_that_is_lost_is_made_again(folder: Path, quick: None) -> None:
    async def scenario(camera: SoapCamera, store: Store) -> None:
        store.registry.add(new("A", "rtsp://192.0.2.5/", camera, "continuous"))
        async with attending(store):
            await until(lambda: "PullMessages" in camera.operations())
            camera.faults["PullMessages"] = "ter:ResourceUnknown"
            camera.report(MOTION, {"State": "true"})
            await until(lambda: camera.operations().count("CreatePullPointSubscription") >= 2)
            del camera.faults["PullMessages"]
            camera.report(MOTION, {"State": "false"})
            await until(lambda: [one.active for one in heard(store, "A")][-1:] == [False])

    with reporting() as camera, closing(Store.open(folder)) as store:
        asyncio.run(scenario(camera, store))
        assert store.registry.get("A").identified_us is not None


def test_a_camera_that_cannot_be_heard_is_recorded_all_the_same(folder: Path, quick: None) -> None:
    async def scenario(store: Store) -> None:
        added = store.registry.add(new("A", "rtsp://192.0.2.5/", SoapCamera(port=1)))
        triggers = Counted(store.sockets)
        async with attending(store, triggers):
            await until(lambda: len(triggers.sent) >= 2)
        assert set(triggers.sent) == {added.id}

    with closing(Store.open(folder)) as store:
        asyncio.run(scenario(store))


def test_a_camera_that_has_not_answered_yet_is_recorded(
    folder: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It takes the subscription and says nothing, for longer than anybody waits here.
    monkeypatch.setattr(events, "PULL_S", 3600)

    async def scenario(store: Store) -> None:
        added = store.registry.add(new("A", "rtsp://192.0.2.5/", camera))
        triggers = Counted(store.sockets)
        async with attending(store, triggers):
            await until(lambda: "PullMessages" in camera.operations())
            triggers.sent.clear()
            await until(lambda: len(triggers.sent) >= 2)
        assert set(triggers.sent) == {added.id}

    with reporting() as camera, closing(Store.open(folder)) as store:
        camera.silent.add("PullMessages")
        asyncio.run(scenario(store))


def test_a_database_that_does_not_answer_costs_no_subscription(
    folder: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = []

    def down(code: str) -> Access:
        refused.append(code)
        raise Error(Kind.UNAVAILABLE, "away", hint="wait", cause="database_down")

    async def scenario(camera: SoapCamera, store: Store) -> None:
        store.registry.add(new("A", "rtsp://192.0.2.5/", camera, "continuous"))
        async with attending(store):
            await until(lambda: "PullMessages" in camera.operations())
            with monkeypatch.context() as away:
                away.setattr(store.registry, "access", down)
                await until(lambda: len(refused) >= 3)
            camera.report(MOTION, {"State": "true"})
            await until(lambda: heard(store, "A"))
        assert camera.operations().count("CreatePullPointSubscription") == 1

    with reporting() as camera, closing(Store.open(folder)) as store:
        asyncio.run(scenario(camera, store))


def test_while_the_database_is_away_a_mad_camera_drives_out_only_its_own_events(
    folder: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attendant, "MOST_WAITING", 3)
    tried: list[DeviceEvent] = []

    def down(told: list[DeviceEvent]) -> None:
        tried.extend(told)
        raise Error(Kind.UNAVAILABLE, "away", hint="wait", cause="database_down")

    async def scenario(calm: SoapCamera, mad: SoapCamera, store: Store) -> None:
        added = [
            store.registry.add(new(code, "rtsp://192.0.2.5/", camera, "continuous")).id
            for code, camera in (("A", calm), ("B", mad))
        ]
        async with attending(store):
            await until(lambda: "PullMessages" in calm.operations() and "PullMessages" in mad.operations())
            with monkeypatch.context() as away:
                away.setattr(store.events, "append", down)
                calm.report(MOTION, {"State": "true"})
                await until(lambda: added[0] in {one.camera for one in tried})
                for number in range(10):
                    mad.report(MOTION, {"State": str(number % 2)})
                mad.report("tns1:Device/Trigger/DigitalInput", {"LogicalState": "true"})
                await until(lambda: "input" in {one.kind for one in tried})
            await until(lambda: heard(store, "A") and heard(store, "B"))
        assert len(heard(store, "A")) == 1
        assert len(heard(store, "B")) == 3

    with reporting() as calm, reporting() as mad, closing(Store.open(folder)) as store:
        asyncio.run(scenario(calm, mad, store))


@pytest.mark.parametrize("before", [True, False])
def test_the_process_comes_when_it_is_wanted_and_ends_when_it_is_told_to(folder: Path, before: bool) -> None:
    with reporting() as camera, closing(Store.open(folder)) as store:
        if before:
            store.registry.add(new("A", "rtsp://192.0.2.5/", camera, "continuous"))
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "luytre.app.on_call", str(folder)],
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ,
        )
        try:
            if not before:
                assert not (folder / "run" / "attended").exists()
                store.registry.add(new("A", "rtsp://192.0.2.5/", camera, "continuous"))
            asyncio.run(until(lambda: "PullMessages" in camera.operations()))
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=90)
        finally:
            process.kill()
            process.communicate()
    assert process.returncode == 0
    assert "Traceback" not in said
    assert PASSWORD not in said


def test_nobody_on_call_keeps_the_node_from_ending(folder: Path) -> None:
    process = subprocess.Popen([sys.executable, "-m", "luytre.app.on_call", str(folder)])
    try:
        # Once it asks for the file, it also hears signals; before, it dies by them.
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.wait()
