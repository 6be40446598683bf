"""Turning cameras: moves, presets, patrols (design/onvif.md)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter

from luytre.api import onvif_shapes as shapes
from luytre.api.cameras import Code
from luytre.api.guards import needs
from luytre.api.onvif import Cameras, refusals
from luytre.cameras.onvif.cameras import OnvifCameras
from luytre.cameras.onvif.ptz import Head, Vector
from luytre.people.actor import Actor

routes = APIRouter(tags=["ptz"], prefix="/cameras/{code}/ptz")

Driver = Annotated[Actor, needs("ptz")]


@asynccontextmanager
async def head_of(cameras: OnvifCameras, code: str) -> AsyncIterator[Head]:
    with refusals():
        async with cameras.head(code) as head:
            yield head


@routes.get("", operation_id="getPosition")
async def get_position(code: Code, cameras: Cameras, _: Driver) -> shapes.Position:
    """Where it looks."""
    async with head_of(cameras, code) as head:
        return shapes.Position.model_validate(asdict(await head.position()))


@routes.post("/move", operation_id="moveCamera", status_code=204)
async def move(code: Code, body: shapes.Move, cameras: Cameras, _: Driver) -> None:
    """Moves until `stop`, or for `seconds`; a newer move takes its place."""
    with refusals():
        await cameras.move(code, Vector(body.pan, body.tilt, body.zoom), body.seconds)


@routes.post("/stop", operation_id="stopCamera", status_code=204)
async def stop(code: Code, cameras: Cameras, _: Driver) -> None:
    """Stops turning and zooming."""
    with refusals():
        await cameras.stop(code)


@routes.post("/step", operation_id="stepCamera", status_code=204)
async def step(code: Code, body: shapes.Step, cameras: Cameras, _: Driver) -> None:
    """Moves by so much."""
    async with head_of(cameras, code) as head:
        await head.step(Vector(body.pan, body.tilt, body.zoom))


@routes.post("/look", operation_id="pointCamera", status_code=204)
async def look(code: Code, body: shapes.Look, cameras: Cameras, _: Driver) -> None:
    """Moves there."""
    async with head_of(cameras, code) as head:
        await head.look(Vector(body.pan, body.tilt, body.zoom))


@routes.post("/home", operation_id="sendCameraHome", status_code=204)
async def home(code: Code, cameras: Cameras, _: Driver) -> None:
    """Moves to its home position."""
    async with head_of(cameras, code) as head:
        await head.home()


@routes.get("/presets", operation_id="listPresets")
async def list_presets(code: Code, cameras: Cameras, _: Driver) -> list[shapes.Preset]:
    """Its named positions."""
    async with head_of(cameras, code) as head:
        return [shapes.Preset(token=one.token, name=one.name) for one in await head.presets()]


@routes.post("/preset", operation_id="goToPreset", status_code=204)
async def go_to_preset(code: Code, body: shapes.PresetAsk, cameras: Cameras, _: Driver) -> None:
    """Moves to a preset."""
    async with head_of(cameras, code) as head:
        await head.go(body.preset)


@routes.post("/presets", operation_id="keepPreset", status_code=201)
async def keep_preset(code: Code, body: shapes.PresetKeep, cameras: Cameras, _: Driver) -> shapes.Preset:
    """Keeps where it looks now."""
    async with head_of(cameras, code) as head:
        token = await head.keep(body.name, body.preset)
    return shapes.Preset(token=token, name=body.name.strip())


@routes.post("/forget", operation_id="forgetPreset", status_code=204)
async def forget_preset(code: Code, body: shapes.PresetAsk, cameras: Cameras, _: Driver) -> None:
    """Takes a preset away."""
    async with head_of(cameras, code) as head:
        await head.forget(body.preset)


@routes.get("/patrols", operation_id="listPatrols")
async def list_patrols(code: Code, cameras: Cameras, _: Driver) -> list[shapes.Patrol]:
    """Its preset tours."""
    async with head_of(cameras, code) as head:
        return [
            shapes.Patrol(token=one.token, name=one.name, running=bool(one.running))
            for one in await head.patrols()
        ]


@routes.post("/patrol", operation_id="runPatrol", status_code=204)
async def run_patrol(code: Code, body: shapes.PatrolAsk, cameras: Cameras, _: Driver) -> None:
    """Starts a preset tour, or stops it."""
    async with head_of(cameras, code) as head:
        await head.patrol(body.patrol, start=body.start)
