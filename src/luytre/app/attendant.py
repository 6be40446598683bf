"""The attendant: listens to what cameras report by ONVIF, writes it down, and wakes the recorders when something moves.

    python -m luytre.app.attendant DIR

Promises   one camera that is dead, slow or mad costs the others nothing; one that has not answered yet, or no more, is
           recorded without waiting for its reports; a change in the registry counts within seconds.
Does not   record, or hear cameras whose reports nobody asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
from collections import defaultdict, deque
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Final

from luytre.app.ear import Ear
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
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 60.0
# So many events of a camera wait for a database that does not answer; then its oldest go.
MOST_WAITING: Final = 200
# So many are written at once: other writers wait meanwhile.
BATCH: Final = 500
TRIM_S: Final = 3600.0
IDENTIFY_US: Final = 86_400 * US_PER_S

_log = log.get("attendant")


class Attendant:
    """Run `run()`; it ends when cancelled."""

    def __init__(self, store: Store, triggers: Triggers) -> None:
        self._store = store
        self._triggers = triggers
        self._listening: dict[str, tuple[Access, asyncio.Task[None]]] = {}
        self._ears: dict[str, Ear] = {}
        # By camera: none takes another's place.
        self._heard: dict[str, deque[DeviceEvent]] = defaultdict(lambda: deque(maxlen=MOST_WAITING))

    async def run(self) -> None:
        tasks = [
            asyncio.create_task(work)
            for work in (self._triggers.run(), self._follow(), self._write(), self._remind(), self._trim())
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
                    self._ears[camera].lost()
                    if camera not in wanted:
                        del self._ears[camera]
                for camera, access in wanted.items():
                    if camera not in self._listening:
                        ear = self._ears.setdefault(camera, Ear(access.code, self._store.clock))
                        self._listening[camera] = access, asyncio.create_task(self._attend(access, ear))
            await asyncio.sleep(LOOK_S)

    def _wanted(self) -> dict[str, Access]:
        found = {}
        for camera in self._store.registry.list():
            if camera.is_attended:
                try:
                    found[camera.id] = self._store.registry.access(camera.code)
                except Error as error:
                    # It may be gone since a moment ago. Anything else says nothing of the camera.
                    if error.cause not in ("no_camera", "no_onvif"):
                        raise
        return found

    async def _attend(self, access: Access, ear: Ear) -> None:
        """Listen to one camera, again and again."""
        wait_s, told = FIRST_WAIT_S, ""
        while True:
            # Until it has answered, nobody knows what goes on in front of it.
            self._wake(access.camera, ear)
            began_s = self._store.clock.monotonic_s()
            try:
                async with connect(access, self._store.clock) as device:
                    await self._identify(access, device)
                    await listen(device, partial(self._hear, ear), partial(self._answered, access, ear))
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
            ear.lost()
            self._wake(access.camera, ear)
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

    def _answered(self, access: Access, ear: Ear) -> None:
        if ear.answered():
            _log.info("listening", camera=access.code)

    def _hear(self, ear: Ear, event: DeviceEvent) -> None:
        if ear.hear(event):
            self._heard[event.camera].append(event)
        if event.kind == "motion" and event.active is not False:
            self._triggers.send(event.camera, event.at_us, ACTIVE_S if event.active else 0.0)

    async def _remind(self) -> None:
        """Says again what goes on; and what cannot be heard is taken for moving: doubt keeps."""
        while True:
            await asyncio.sleep(AGAIN_S)
            for camera, ear in self._ears.items():
                self._wake(camera, ear)

    def _wake(self, camera: str, ear: Ear) -> None:
        moves = ear.moves()
        if moves is not None:
            since_us, for_s = moves
            self._triggers.send(camera, since_us, for_s + ACTIVE_S)

    async def _write(self) -> None:
        while True:
            await asyncio.sleep(WRITE_S)
            heard = [event for waiting in self._heard.values() for event in waiting]
            self._heard.clear()
            while heard:
                try:
                    await asyncio.to_thread(self._store.events.append, heard[:BATCH])
                except Error as error:
                    _log.warning("events are not written", cause=error.cause, count=len(heard))
                    # In front of what was heard meanwhile.
                    later = [event for waiting in self._heard.values() for event in waiting]
                    self._heard.clear()
                    for event in [*heard, *later]:
                        self._heard[event.camera].append(event)
                    break
                heard = heard[BATCH:]

    async def _trim(self) -> None:
        while True:
            try:
                removed = self._store.events.trim()
                while await asyncio.to_thread(next, removed, None):
                    # Others want to write, too.
                    await asyncio.sleep(WRITE_S)
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
