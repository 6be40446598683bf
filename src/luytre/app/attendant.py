"""The attendant: listens to what cameras report by ONVIF, writes it down, and wakes the recorders when something moves.

    python -m luytre.app.attendant DIR

Promises   one camera that is dead, slow or mad costs the others nothing; one that cannot be heard is recorded without
           waiting for its reports; a change in the registry counts within seconds.
Does not   record, or hear cameras whose reports nobody asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from luytre.app.store import Store
from luytre.base import log
from luytre.base.clock import US_PER_S
from luytre.base.errors import Error
from luytre.cameras.camera import Access, Camera
from luytre.cameras.events import DeviceEvent
from luytre.cameras.onvif.description import identity
from luytre.cameras.onvif.events import listen
from luytre.cameras.onvif.soap import Device, connect
from luytre.cameras.triggers import Triggers

# How often the registry is asked, and what was heard is written down.
LOOK_S: Final = 2.0
WRITE_S: Final = 0.5
# While something moves, its recorder is told again before the last word runs out.
AGAIN_S: Final = 4.0
ACTIVE_S: Final = 6.0
# Some cameras never say that it has ended.
LONGEST_MOTION_S: Final = 600.0
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 60.0
# So many events wait for a database that does not answer; then the oldest go.
MOST_WAITING: Final = 5000
# A camera invents names of rules without an end.
MOST_SOURCES: Final = 10_000
TRIM_S: Final = 3600.0
IDENTIFY_US: Final = 86_400 * US_PER_S

_log = log.get("attendant")


class Attendant:
    """Run `run()`; it ends when cancelled."""

    def __init__(self, store: Store, triggers: Triggers) -> None:
        self._store = store
        self._triggers = triggers
        self._listening: dict[str, tuple[Access, asyncio.Task[None]]] = {}
        self._heard: list[DeviceEvent] = []
        # What was said last of each thing, and when: cameras repeat themselves.
        self._last: dict[tuple[str, str, str], tuple[bool | None, int]] = {}
        # (camera, source) -> until when it is believed to move, on the monotonic clock.
        self._moving: dict[tuple[str, str], float] = {}
        self._deaf: set[str] = set()

    async def run(self) -> None:
        tasks = [
            asyncio.create_task(work)
            for work in (self._triggers.run(), self._follow(), self._write(), self._wake(), self._trim())
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            listeners = [task for _, task in self._listening.values()]
            for task in [*tasks, *listeners]:
                task.cancel()
            await asyncio.gather(*tasks, *listeners, return_exceptions=True)

    async def _follow(self) -> None:
        """One listener per camera that is to be heard; a new one when how to reach it changed."""
        while True:
            try:
                wanted = await asyncio.to_thread(self._wanted)
            except Error as error:
                # The database is away: those that listen go on.
                _log.warning("cameras are not known", cause=error.cause)
            else:
                for camera in [id for id, (access, _) in self._listening.items() if wanted.get(id) != access]:
                    _, task = self._listening.pop(camera)
                    task.cancel()
                    self._quiet(camera)
                for camera, access in wanted.items():
                    if camera not in self._listening:
                        self._listening[camera] = access, asyncio.create_task(self._attend(access))
            await asyncio.sleep(LOOK_S)

    def _wanted(self) -> dict[str, Access]:
        found = {}
        for camera in self._store.registry.list():
            if camera.is_attended:
                # It may be gone since a moment ago.
                with suppress(Error):
                    found[camera.id] = self._store.registry.access(camera.code)
        return found

    async def _attend(self, access: Access) -> None:
        """Listen to one camera, again and again."""
        wait_s, told = FIRST_WAIT_S, ""
        while True:
            began_s = self._store.clock.monotonic_s()
            try:
                async with connect(access, self._store.clock) as device:
                    await self._identify(access, device)
                    self._deaf.discard(access.camera)
                    _log.info("listening", camera=access.code)
                    await listen(device, self._hear)
            except Error as error:
                if error.cause != told:
                    _log.warning(
                        "camera is not heard", camera=access.code, cause=error.cause, error=error.message
                    )
                told = error.cause
                if error.cause == "auth_failed":
                    # Cameras lock out who tries again and again.
                    wait_s = LONGEST_WAIT_S
            except Exception as error:
                # Supervision: whatever one camera's answers break, the other cameras are listened to.
                _log.exception("listening failed", camera=access.code, error=type(error).__name__)
            self._quiet(access.camera)
            self._deaf.add(access.camera)
            if self._store.clock.monotonic_s() - began_s > LONGEST_WAIT_S:
                wait_s, told = FIRST_WAIT_S, ""
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    async def _identify(self, access: Access, device: Device) -> None:
        """Who made it, once a day. A database that does not answer keeps nobody from listening."""
        try:
            camera: Camera = await asyncio.to_thread(self._store.registry.get, access.code)
        except Error:
            return
        now_us = self._store.clock.wall_us()
        if camera.identified_us is None or now_us - camera.identified_us > IDENTIFY_US:
            told = await identity(device)
            with suppress(Error):
                await asyncio.to_thread(self._store.registry.identify, access.code, told)

    def _hear(self, event: DeviceEvent) -> None:
        if self._is_news(event):
            self._heard.append(event)
            del self._heard[:-MOST_WAITING]
        if event.kind != "motion":
            return
        if event.active is False:
            self._moving.pop((event.camera, event.source), None)
            return
        if event.active:
            until_s = self._store.clock.monotonic_s() + LONGEST_MOTION_S
            self._moving[event.camera, event.source] = until_s
        self._triggers.send(event.camera, event.at_us, ACTIVE_S if event.active else 0.0)

    def _is_news(self, event: DeviceEvent) -> bool:
        """Not the state that it had anyway; of what only happens, once a second is enough."""
        key = event.camera, event.kind, event.source
        active, at_us = self._last.get(key, (None, 0))
        if event.active == active and (active is not None or event.at_us - at_us < US_PER_S):
            return False
        if len(self._last) >= MOST_SOURCES:
            self._last.clear()
            self._moving.clear()
        self._last[key] = event.active, event.at_us
        return True

    def _quiet(self, camera: str) -> None:
        """Nothing is known of it any more."""
        for key in [key for key in self._moving if key[0] == camera]:
            del self._moving[key]
        for thing in [thing for thing in self._last if thing[0] == camera]:
            del self._last[thing]
        self._deaf.discard(camera)

    async def _wake(self) -> None:
        """Says again what goes on; and what cannot be heard is taken for moving: doubt keeps."""
        while True:
            await asyncio.sleep(AGAIN_S)
            now_s = self._store.clock.monotonic_s()
            for key in [key for key, until_s in self._moving.items() if until_s < now_s]:
                del self._moving[key]
            for camera in {key[0] for key in self._moving} | self._deaf:
                self._triggers.send(camera, self._store.clock.wall_us(), ACTIVE_S)

    async def _write(self) -> None:
        while True:
            await asyncio.sleep(WRITE_S)
            heard, self._heard = self._heard, []
            if not heard:
                continue
            try:
                await asyncio.to_thread(self._store.events.append, heard)
            except Error as error:
                _log.warning("events are not written", cause=error.cause, count=len(heard))
                self._heard = [*heard, *self._heard][-MOST_WAITING:]

    async def _trim(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._store.events.trim)
            except Error as error:
                _log.warning("old events are not removed", cause=error.cause)
            await asyncio.sleep(TRIM_S)


async def attend(directory: Path) -> None:
    """Until SIGTERM or SIGINT. Raises Error when DIR is no node."""
    with closing(Store.open(directory)) as store:
        work = asyncio.ensure_future(Attendant(store, Triggers(store.sockets)).run())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, work.cancel)
        with suppress(asyncio.CancelledError):
            await work


def main() -> None:
    parser = argparse.ArgumentParser(prog="luytre.app.attendant")
    parser.add_argument("directory", type=Path)
    directory: Path = parser.parse_args().directory
    log.configure()
    asyncio.run(attend(directory))


if __name__ == "__main__":
    main()
