"""Turning a camera: what it is sent, and who stops it."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from luytre.base.db import Database
from luytre.base.errors import Error
from luytre.base.secrets import Secrets
from luytre.cameras.onvif import camera_clock, ptz
from luytre.cameras.onvif.cameras import OnvifCameras
from luytre.cameras.onvif.ptz import Vector
from luytre.cameras.registry import NewCamera, Registry
from tests.cameras.onvif.asking import with_head
from tests.cameras.onvif.soap_camera import PASSWORD, USER, SoapCamera


def test_a_head_turns(dome: SoapCamera) -> None:
    async def work(head: ptz.Head) -> None:
        await head.move(Vector(pan=0.5, tilt=-0.25), 1.5)
        await head.stop()
        await head.step(Vector(zoom=0.1))
        await head.look(Vector(0.1, 0.2, 0.3))
        await head.home()

    with dome:
        with_head(dome, work)
    move = dome.last("ContinuousMove")
    assert move.findtext("{*}ProfileToken") == "0"
    assert dict(move.find("{*}Velocity/{*}PanTilt").attrib) == {"x": "0.5", "y": "-0.25"}
    assert move.find("{*}Velocity/{*}Zoom") is None
    assert move.findtext("{*}Timeout") == "PT2S"
    assert dome.last("Stop").findtext("{*}PanTilt") == "true"
    assert dome.last("RelativeMove").find("{*}Translation/{*}Zoom").get("x") == "0.1"
    assert dome.last("AbsoluteMove").find("{*}Position/{*}Zoom").get("x") == "0.3"
    assert "GotoHomePosition" in dome.operations()


def test_presets_patrols_and_where_it_looks(dome: SoapCamera) -> None:
    async def work(head: ptz.Head) -> tuple[Any, ...]:
        await head.go("2")
        await head.forget("1")
        await head.patrol("t1", start=False)
        return (
            await head.presets(),
            await head.keep(" Cổng chợ "),
            await head.patrols(),
            await head.position(),
        )

    with dome:
        presets, kept, patrols, position = with_head(dome, work)
    assert presets == [ptz.Named("1", "tabletop"), ptz.Named("2", "tabletopzoom54")]
    assert kept == "9"
    assert dome.last("SetPreset").findtext("{*}PresetName") == "Cổng chợ"
    assert patrols == [ptz.Named("t1", "Quanh cho", True)]
    assert position == ptz.Position(1.0, -0.844, 0.006, False)
    assert dome.last("GotoPreset").findtext("{*}PresetToken") == "2"
    assert dome.last("OperatePresetTour").findtext("{*}Operation") == "Stop"


@pytest.mark.parametrize(
    "work",
    [
        lambda head: head.move(Vector(), 1),
        lambda head: head.move(Vector(pan=2), 1),
        lambda head: head.move(Vector(pan=float("nan")), 1),
        lambda head: head.move(Vector(pan=1), 0),
        lambda head: head.move(Vector(pan=1), 11),
        lambda head: head.look(Vector(zoom=-1)),
        lambda head: head.go(""),
        lambda head: head.keep("  "),
    ],
)
def test_moves_that_make_no_sense_are_not_sent(dome: SoapCamera, work: Any) -> None:
    with dome:
        with pytest.raises(Error) as caught:
            with_head(dome, work)
        assert caught.value.cause == "bad_move"
    assert set(dome.operations()) <= {"GetSystemDateAndTime", "GetServices", "GetCapabilities", "GetProfiles"}


def test_whoever_moves_a_head_need_not_come_back(
    dome: SoapCamera, database: Database, tmp_path: Path
) -> None:
    registry = Registry(database, Secrets(b"k" * 32))

    async def work() -> None:
        cameras = OnvifCameras(registry)
        await cameras.move("a", Vector(pan=1), 0.2)
        # The next move takes its place, so there is one stop for both; and nothing is asked for twice.
        await cameras.move("A", Vector(pan=-1), 0.2)
        async with asyncio.timeout(60):
            while "Stop" not in dome.operations():
                await asyncio.sleep(0.02)
        await cameras.stop("A")

    with dome:
        registry.add(NewCamera("A", "", "rtsp://10.0.0.5/", user=USER, password=PASSWORD, onvif=dome.url))
        asyncio.run(work())
    told = [name for name in dome.operations() if name in ("ContinuousMove", "Stop", "GetCapabilities")]
    assert told == ["GetCapabilities", "ContinuousMove", "ContinuousMove", "Stop", "Stop"]


def test_a_camera_that_changed_is_asked_anew(dome: SoapCamera, database: Database) -> None:
    registry = Registry(database, Secrets(b"k" * 32))

    async def work() -> None:
        cameras = OnvifCameras(registry)
        await cameras.stop("A")
        dome.off_s = 3600.0
        with pytest.raises(Error) as caught:
            await cameras.stop("A")
        assert caught.value.cause == "auth_failed"
        await cameras.stop("A")

    with dome:
        registry.add(NewCamera("A", "", "rtsp://10.0.0.5/", user=USER, password=PASSWORD, onvif=dome.url))
        asyncio.run(work())


def test_a_clock_that_was_set_is_remembered(dome: SoapCamera, database: Database) -> None:
    registry = Registry(database, Secrets(b"k" * 32))

    def set_to(asked: Any) -> str:
        dome.off_s = 0.0
        return "<tds:SetSystemDateAndTimeResponse/>"

    async def work() -> None:
        cameras = OnvifCameras(registry)
        async with cameras.device("A") as device:
            await camera_clock.set_to_node(device)
        await cameras.stop("A")

    dome.off_s = 5000.0
    dome.answers |= {"SetSystemDateAndTime": set_to}
    with dome:
        registry.add(NewCamera("A", "", "rtsp://10.0.0.5/", user=USER, password=PASSWORD, onvif=dome.url))
        asyncio.run(work())
    assert dome.operations().count("GetCapabilities") == 1


def test_a_move_that_fails_leaves_the_stop_of_the_one_before(dome: SoapCamera, database: Database) -> None:
    registry = Registry(database, Secrets(b"k" * 32))

    async def work() -> None:
        cameras = OnvifCameras(registry)
        await cameras.move("A", Vector(pan=1), 0.3)
        with pytest.raises(Error):
            await cameras.move("A", Vector(pan=2), 5.0)
        async with asyncio.timeout(60):
            while "Stop" not in dome.operations():
                await asyncio.sleep(0.02)

    with dome:
        registry.add(NewCamera("A", "", "rtsp://10.0.0.5/", user=USER, password=PASSWORD, onvif=dome.url))
        asyncio.run(work())


def test_no_password_in_the_most_talkative_log(dome: SoapCamera, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), dome:
        with_head(dome, lambda head: head.presets())
    assert "UsernameToken" in caplog.text
    assert PASSWORD not in caplog.text
