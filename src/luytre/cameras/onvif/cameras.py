"""The ward's cameras by ONVIF: finding new ones, asking and steering those that are registered.

Promises   what a camera told of its clock and services is remembered for a while, so that a turn of its head is one call;
           who moves a head need not come back to stop it.
Does not   ask who may do this: the doors do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from luytre.base import log
from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error
from luytre.cameras.camera import Access
from luytre.cameras.onvif import description, discovery, ptz
from luytre.cameras.onvif.description import Description
from luytre.cameras.onvif.discovery import Found
from luytre.cameras.onvif.soap import Device, Known, connect
from luytre.cameras.registry import Registry
from luytre.media.rtsp.url import address

# A camera's clock drifts by seconds a day; its services change with its firmware.
REMEMBER_S = 600.0

_log = log.get("onvif")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A device that was found, and the codes of registered cameras that are there."""

    found: Found
    codes: tuple[str, ...]


@dataclass(slots=True)
class _Remembered:
    access: Access
    known: Known
    at_s: float
    head: ptz.Head | None = None


class OnvifCameras:
    """Methods raise Error as `cameras.onvif` does, and as `Registry.access` does for a code."""

    def __init__(self, registry: Registry, clock: Clock = SYSTEM) -> None:
        self._registry = registry
        self._clock = clock
        self._memory: dict[str, _Remembered] = {}
        self._stops: dict[str, asyncio.Task[None]] = {}

    async def discover(self, seconds: float) -> list[Candidate]:
        """What answers on the node's networks within `seconds`."""
        answered = await discovery.discover(seconds)
        registered = await asyncio.to_thread(self._where)
        return [
            Candidate(
                one, tuple(code for code, where in registered.items() if where & (one.places | one.hosts))
            )
            for one in answered
        ]

    async def describe(self, access: Access) -> Description:
        """A device that need not be registered."""
        async with connect(access, self._clock) as device:
            return await description.describe(device)

    async def about(self, code: str) -> Description:
        """A registered one; what it says of itself is written down."""
        access = await asyncio.to_thread(self._registry.access, code)
        async with connect(access, self._clock) as device:
            told = await description.describe(device)
        await asyncio.to_thread(self._registry.identify, code, told.identity)
        return told

    @asynccontextmanager
    async def device(self, code: str) -> AsyncIterator[Device]:
        """A registered one, to work with."""
        access = await asyncio.to_thread(self._registry.access, code)
        remembered = self._memory.get(access.camera)
        now_s = self._clock.monotonic_s()
        if remembered is not None and (remembered.access != access or now_s - remembered.at_s > REMEMBER_S):
            remembered = None
        known = None if remembered is None else remembered.known
        try:
            async with connect(access, self._clock, known) as device:
                if remembered is None:
                    remembered = self._memory[access.camera] = _Remembered(access, device.known, now_s)
                yield device
                # Its clock may have been set.
                remembered.known = device.known
        except Error:
            # Whatever it was: the next one asks for everything again.
            self._memory.pop(access.camera, None)
            raise

    @asynccontextmanager
    async def head(self, code: str) -> AsyncIterator[ptz.Head]:
        """The moving part of a registered one."""
        async with self.device(code) as device:
            remembered = self._memory[device.access.camera]
            profile = None if remembered.head is None else remembered.head.profile
            head = await ptz.head(device) if profile is None else ptz.Head(device, profile)
            remembered.head = head
            yield head

    async def move(self, code: str, velocity: ptz.Vector, seconds: float) -> None:
        """Move until `stop`, or for `seconds`."""
        async with self.head(code) as head:
            await head.move(velocity, seconds)
        # Only now: if this move had failed, the one before would still have to be stopped.
        self._hold(code)
        # Some cameras do not heed the time they are given.
        self._stops[code.upper()] = asyncio.create_task(self._stop_after(code, seconds))

    async def stop(self, code: str) -> None:
        async with self.head(code) as head:
            await head.stop()
        self._hold(code)

    def _hold(self, code: str) -> None:
        """A newer command decides when to stop."""
        task = self._stops.pop(code.upper(), None)
        if task is not None:
            task.cancel()

    async def _stop_after(self, code: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        try:
            async with self.head(code) as head:
                await head.stop()
        except Error as error:
            _log.warning("camera was not stopped", camera=code, cause=error.cause)

    def _where(self) -> dict[str, frozenset[str]]:
        """Where the registered cameras are, by code: host and port of the ONVIF address, hosts of one without."""
        found = {}
        for camera in self._registry.list():
            place = discovery.place_of(camera.onvif)
            if place:
                found[camera.code] = frozenset({place})
                continue
            hosts = set()
            for stream in camera.streams:
                try:
                    hosts.add(address(stream.url).host.lower())
                except Error:
                    continue
            found[camera.code] = frozenset(hosts)
        return found
