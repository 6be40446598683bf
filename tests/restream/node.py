"""A node that gives its cameras on: simulated cameras, a recorder, and the door for readers, in one event loop."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import uvloop

from luytre.app.foundation import init
from luytre.app.store import Store
from luytre.base.config import NodeConfig, VolumeConfig
from luytre.cameras.registry import NewCamera
from luytre.cameras.restreaming import Restreaming
from luytre.media import h264, h265
from luytre.media.nal import nal_spans
from luytre.media.rtp.receiver import NalReceiver
from luytre.media.rtsp.client import Playing
from luytre.media.tracks import Sample
from luytre.people.actor import LOCAL
from luytre.people.readers import NewReader
from luytre.recorder.ingest import nal_receiver
from luytre.recorder.process import RecorderProcess
from luytre.recorder.subscribe import RecorderLink
from luytre.restream.server import RestreamServer
from luytre.simulator.camera import Camera
from luytre.simulator.server import Simulator
from tests.recorder.ward import QUICK, Ear
from tests.simulator.watching import Watcher

DEADLINE_S = 25.0


@dataclass
class Door:
    """What is running. Camera number 1 has the code C-1."""

    folder: Path
    store: Store
    simulator: Simulator
    server: RestreamServer
    ear: Ear
    port: int
    key: NewReader

    @property
    def who(self) -> tuple[str, str]:
        """User and secret of the key for all cameras."""
        return self.key.reader.user, self.key.secret

    def url(self, path: str = "C-1/main") -> str:
        return f"rtsp://127.0.0.1:{self.port}/{path}"

    def login(self, path: str = "C-1/main") -> str:
        """The same with user and secret inside, as people give it to players."""
        return self.url(path).replace("//", "//{}:{}@".format(*self.who), 1)

    async def watch(self, path: str = "C-1/main", *, audio: bool = False) -> Watcher:
        """Our own client, each packet to be seen."""
        user, secret = self.who
        return await asyncio.to_thread(Watcher, self.url(path), audio=audio, user=user, password=secret)

    async def until(self, done: Callable[[], bool], what: str) -> None:
        await self.ear.until(done, what)


@asynccontextmanager
async def giving(
    folder: Path, cameras: Sequence[Camera], *, audio: bool = False, round_s: float = 0.1
) -> AsyncIterator[Door]:
    """Everything, each camera being recorded."""
    init(folder, NodeConfig(name="Thử", rtsp_port=0, volumes=(VolumeConfig(path=Path("volumes/1")),)))
    store = Store.open(folder)
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    ear = Ear()
    tasks = []
    recorder = RecorderProcess(folder, 0, 1, pace=QUICK)
    async with Simulator(cameras, tick_s=0.01) as simulator:
        for one in cameras:
            main, sub = (simulator.url(one.number, name) for name in ("main", "sub"))
            store.registry.add(NewCamera(f"C-{one.number}", f"Cổng {one.number}", main, sub, audio=audio))
        store.registry.write_plan(folder)
        server = RestreamServer(
            Restreaming(store.registry, store.looks, store.sockets), store.readers, round_s=0.1
        )
        door = Door(
            folder, store, simulator, server, ear, listening.getsockname()[1], store.readers.add(LOCAL, "VMS")
        )
        recording = asyncio.create_task(recorder.run())
        tasks.append(asyncio.create_task(RecorderLink(folder / "run" / "recorder-0.sock", ear).run()))
        try:
            with served(server, listening):
                await ear.recording(*(camera.id for camera in store.registry.list()))
                yield door
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            recorder.stop()
            await asyncio.wait([recording], timeout=30)
            store.close()


@contextmanager
def served(server: RestreamServer, listening: socket.socket) -> Iterator[None]:
    """The door in a thread, by the event loop that its own process has (restream/__main__.py)."""
    loop = uvloop.new_event_loop()
    task = loop.create_task(server.serve(listening))

    def run() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        # Connections that were told goodbye.
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    thread = threading.Thread(target=run, name="restream")
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(20)


def play(
    folder: Path, cameras: Sequence[Camera], act: Callable[[Door], Awaitable[None]], *, audio: bool = False
) -> None:
    """Run `act` against such a node."""

    async def main() -> None:
        async with giving(folder / "node", cameras, audio=audio) as door:
            await act(door)

    asyncio.run(main())


def pictures(watcher: Watcher, count: int) -> list[Sample]:
    """So many access units, put together by our own receiver; they may hold parameter sets."""
    playing: Playing = watcher.playing
    (client, *_) = playing.tracks
    receiver: NalReceiver = nal_receiver(client)
    found: list[Sample] = []
    for channel, payload in watcher.frames():
        if channel == client.channel:
            receiver.push(payload, 0, len(payload))
            samples, _ = receiver.take()
            found += samples
        if len(found) >= count:
            return found[:count]
    raise AssertionError("unreachable")


def nals(sample: Sample, codec: str) -> tuple[bytes, ...]:
    """What a picture is made of, without parameter sets: they may come with it or before."""
    room = h264 if codec == "h264" else h265
    units = (sample.data[start:end] for start, end in nal_spans(sample.data))
    return tuple(nal for nal in units if not room.is_parameter_set(room.nal_type(nal[0])))


async def closed(watcher: Watcher) -> int:
    """Wait for the end of the connection. -> frames that came before"""

    def drain() -> int:
        count = 0
        with watcher, suppress(EOFError, ConnectionError):
            for _ in watcher.frames():
                count += 1
        return count

    return await asyncio.to_thread(drain)
