"""Cameras by ONVIF: finding and describing them, their clocks, pictures, texts, masks, recordings (design/onvif.md)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.requests import HTTPConnection

from luytre.api import onvif_shapes as shapes
from luytre.api.cameras import Code, time_or_none
from luytre.api.guards import WardNode, needs
from luytre.api.languages import language_of
from luytre.api.problems import CameraRefusal
from luytre.api.times import Moment, span
from luytre.base.clock import US_PER_S, rfc3339
from luytre.base.errors import Error
from luytre.cameras.credentials import stranger
from luytre.cameras.onvif import camera_clock, imaging, masks, osd, recordings
from luytre.cameras.onvif.cameras import OnvifCameras
from luytre.cameras.onvif.description import Description
from luytre.cameras.onvif.soap import Device
from luytre.cameras.reasons import WEAK_PASSWORD, Language
from luytre.cameras.weak_passwords import is_weak
from luytre.people.actor import Actor

routes = APIRouter(tags=["onvif"])


def onvif_of(connection: HTTPConnection) -> OnvifCameras:
    """This application's way to cameras."""
    cameras: OnvifCameras = connection.app.state.onvif
    return cameras


Cameras = Annotated[OnvifCameras, Depends(onvif_of)]
Admin = Annotated[Actor, needs("configure")]


@contextmanager
def refusals() -> Iterator[None]:
    """What a camera says no to is not what the reader may not do."""
    try:
        yield
    except Error as error:
        raise CameraRefusal(error) from error


@asynccontextmanager
async def device_of(cameras: OnvifCameras, code: str) -> AsyncIterator[Device]:
    with refusals():
        async with cameras.device(code) as device:
            yield device


@routes.post("/onvif/discover", operation_id="discoverDevices")
async def discover(body: shapes.DiscoverAsk, cameras: Cameras, _: Admin) -> list[shapes.FoundDevice]:
    """Cameras on the node's networks, after so many seconds."""
    return [
        shapes.FoundDevice.model_validate(
            {
                **asdict(one.found),
                "addresses": list(one.found.addresses),
                "scopes": list(one.found.scopes),
                "address": one.found.addresses[0],
                "codes": list(one.codes),
            }
        )
        for one in await cameras.discover(body.seconds)
    ]


@routes.post("/onvif/describe", operation_id="describeDevice")
async def describe(
    body: shapes.DescribeAsk, request: Request, cameras: Cameras, _: Admin
) -> shapes.DeviceDescription:
    """What a device says of itself, and what to record of it."""
    password = None if body.password is None else body.password.get_secret_value()
    with refusals():
        access = stranger(body.address, body.user, password)
        told = await cameras.describe(access)
    return _told(told, is_weak(access.user, access.password, ""), language_of(request))


@routes.get("/cameras/{code}/onvif", operation_id="describeCamera")
async def describe_camera(
    code: Code, request: Request, node: WardNode, cameras: Cameras, _: Admin
) -> shapes.DeviceDescription:
    """The same of a registered camera; who made it is kept."""
    with refusals():
        told = await cameras.about(code)
    return _told(told, node.registry.get(code).weak_password, language_of(request))


@routes.get("/cameras/{code}/clock", operation_id="getDeviceClock")
async def get_clock(code: Code, cameras: Cameras, _: Admin) -> shapes.DeviceClock:
    """How far the camera's clock is off."""
    async with device_of(cameras, code) as device:
        await device.read_clock()
        return _clock(device)


@routes.post("/cameras/{code}/clock", operation_id="setDeviceClock")
async def set_clock(code: Code, body: shapes.ClockAsk, cameras: Cameras, _: Admin) -> shapes.DeviceClock:
    """Sets it to the node's time, or lets it follow a time server."""
    async with device_of(cameras, code) as device:
        if body.ntp is None:
            await camera_clock.set_to_node(device)
        else:
            await camera_clock.follow_ntp(device, body.ntp)
        return _clock(device)


@routes.get("/cameras/{code}/imaging", operation_id="getImaging")
async def get_imaging(code: Code, cameras: Cameras, _: Admin) -> shapes.Imaging:
    """The picture's settings in the camera."""
    async with device_of(cameras, code) as device:
        return _imaging(await imaging.read(device))


@routes.put("/cameras/{code}/imaging", operation_id="setImaging")
async def set_imaging(code: Code, body: shapes.ImagingChange, cameras: Cameras, _: Admin) -> shapes.Imaging:
    """What is left out stays as it is."""
    wanted: dict[str, float | str] = body.model_dump(exclude_none=True)
    async with device_of(cameras, code) as device:
        return _imaging(await imaging.write(device, wanted))


@routes.get("/cameras/{code}/osd", operation_id="listOsd")
async def list_osd(code: Code, cameras: Cameras, _: Admin) -> list[shapes.Osd]:
    """Texts that the camera writes into its picture."""
    async with device_of(cameras, code) as device:
        return [shapes.Osd.model_validate(asdict(one)) for one in await osd.read(device)]


@routes.put("/cameras/{code}/osd", operation_id="changeOsd")
async def change_osd(code: Code, body: list[shapes.OsdAsk], cameras: Cameras, _: Admin) -> list[shapes.Osd]:
    """Changes those that are given; the others stay."""
    wanted = [osd.Osd(one.token, one.content, one.text, one.corner) for one in body]
    async with device_of(cameras, code) as device:
        return [shapes.Osd.model_validate(asdict(one)) for one in await osd.write(device, wanted)]


@routes.get("/cameras/{code}/masks", operation_id="listMasks")
async def list_masks(code: Code, cameras: Cameras, _: Admin) -> list[shapes.Mask]:
    """Private parts that the camera blackens."""
    async with device_of(cameras, code) as device:
        return [_mask(one) for one in await masks.read(device)]


@routes.put("/cameras/{code}/masks", operation_id="setMasks")
async def set_masks(code: Code, body: list[shapes.MaskAsk], cameras: Cameras, _: Admin) -> list[shapes.Mask]:
    """These masks and no others."""
    wanted = [masks.Mask(one.token, tuple(one.polygon), one.enabled) for one in body]
    async with device_of(cameras, code) as device:
        return [_mask(one) for one in await masks.write(device, wanted)]


@routes.get("/cameras/{code}/recordings", operation_id="listDeviceRecordings")
async def list_recordings(code: Code, cameras: Cameras, _: Admin) -> list[shapes.DeviceRecording]:
    """What the camera has on its own card."""
    async with device_of(cameras, code) as device:
        return [
            shapes.DeviceRecording(
                token=one.token,
                source=one.source,
                start=time_or_none(one.start_us),
                end=time_or_none(one.end_us),
            )
            for one in await recordings.find(device)
        ]


@routes.get("/cameras/{code}/events", operation_id="listEvents")
def list_events(
    code: Code, start: Moment, end: Moment, node: WardNode, _: Annotated[Actor, needs("playback")]
) -> list[shapes.DeviceEvent]:
    """What the camera reported, oldest first, at most 10 000."""
    camera = node.registry.get(code)
    return [
        shapes.DeviceEvent(at=rfc3339(one.at_us), kind=one.kind, active=one.active, source=one.source)
        for one in node.events.between(camera.id, span(start, end))
    ]


def _told(told: Description, weak: bool, language: Language) -> shapes.DeviceDescription:
    return shapes.DeviceDescription.model_validate(
        {
            "address": told.address,
            **asdict(told.identity),
            "clock_offset_s": _seconds(told.clock_offset_us),
            "abilities": list(told.abilities),
            "profiles": [asdict(one) for one in told.profiles],
            "views": [asdict(one) for one in told.views],
            "weak_password": weak,
            "password_hint": WEAK_PASSWORD[language].hint if weak else None,
        }
    )


def _clock(device: Device) -> shapes.DeviceClock:
    return shapes.DeviceClock(offset_s=_seconds(device.offset_us))


def _seconds(offset_us: int | None) -> float | None:
    return None if offset_us is None else round(offset_us / US_PER_S, 1)


def _imaging(told: imaging.Imaging) -> shapes.Imaging:
    choices = [{**asdict(one), "choices": list(one.choices)} for one in told.choices]
    return shapes.Imaging.model_validate({"levels": [asdict(one) for one in told.levels], "choices": choices})


def _mask(mask: masks.Mask) -> shapes.Mask:
    return shapes.Mask(token=mask.token or "", polygon=list(mask.polygon), enabled=mask.enabled)
