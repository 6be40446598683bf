"""Ways to work with a played camera."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from luytre.base.errors import Error
from luytre.cameras.camera import Access
from luytre.cameras.onvif import ptz
from luytre.cameras.onvif.soap import Device, connect
from tests.cameras.onvif.soap_camera import PASSWORD, USER, SoapCamera

T = TypeVar("T")


def with_device(camera: SoapCamera, work: Callable[[Device], Awaitable[T]]) -> T:
    async def go() -> T:
        async with connect(Access("1", "DK-01", camera.url, USER, PASSWORD)) as device:
            return await work(device)

    return asyncio.run(go())


def with_head(camera: SoapCamera, work: Callable[[ptz.Head], Awaitable[T]]) -> T:
    async def go(device: Device) -> T:
        return await work(await ptz.head(device))

    return with_device(camera, go)


def refused(camera: SoapCamera, work: Callable[..., Awaitable[object]], *given: object) -> str:
    """The cause for which `work` with the device is refused."""
    with pytest.raises(Error) as caught:
        with_device(camera, lambda device: work(device, *given))
    assert caught.value.hint
    return caught.value.cause
