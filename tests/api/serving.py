"""A real server on a port of the system's, and a recorder whose camera is a clip: for the tests of live pictures."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from luytre.archive.keys import StreamKey
from luytre.archive.volume import open_volume
from luytre.archive.writer import DiskWriter
from luytre.base.timekeeping import NODE_CLOCK
from luytre.media.tracks import VIDEO_TIMESCALE, Sample, VideoTrack
from luytre.recorder.gate import OpenGate
from luytre.recorder.publish import Publisher
from luytre.recorder.run import Run, Target
from luytre.recorder.state import StreamState
from tests.api.ward import FPS, Ward, clip
from tests.recorder.camera import outlet_of

# A NAL unit of type 12 is filler (ISO/IEC 14496-10 table 7-1): decoders skip it, networks do not.
FILLER = b"\x0c" + b"\xff" * 60_000


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[tuple[str, uvicorn.Server]]:
    """`127.0.0.1:PORT` of the application, as luytre.app.web serves it."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, ws="websockets-sansio", access_log=False, log_config=None, timeout_graceful_shutdown=3
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        if task.done():
            await task
        await asyncio.sleep(0.01)
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}", server
    finally:
        server.should_exit = True
        await task
        listening.close()


class ClipRecorder:
    """The recorder's own publisher and runs. `feed` is the camera."""

    def __init__(self, ward: Ward) -> None:
        self.key = ward.main
        self._clock = ward.clock
        self._path = ward.node.run_folder / "recorder-0.sock"
        self._writer = DiskWriter(open_volume(ward.node.config.volumes[0].path), clock=ward.clock)
        self._publisher = Publisher(lambda: [self.state], lambda *_: None, self._run_of)
        self._run: Run | None = None
        self._number = 0
        self._floor_us = 0
        self.state = StreamState(*self.key, "recording", None, "", ward.clock.wall_us())

    async def __aenter__(self) -> ClipRecorder:
        self._writer.start()
        self._floor_us = await asyncio.wrap_future(self._writer.take_up(self.key, "DK-01"))
        self._outlet = await asyncio.to_thread(outlet_of, self._writer, self.key, "DK-01", self._clock)
        await self._publisher.start(self._path)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._publisher.stop()
        self._writer.stop()
        await asyncio.to_thread(self._writer.join, 20)

    def tell(self, state: StreamState) -> None:
        """The stream is in another state now."""
        self.state = state
        self._publisher.state(state)

    def is_watched(self) -> bool:
        return self._publisher.is_watched(self.key)

    def connect_again(self) -> None:
        """The camera came back: a new run."""
        assert self._run is not None
        self._run.end("closed_by_camera")
        self._floor_us = self._run.end_us
        self._run, self._number = None, 0

    async def feed(self, count: int, *, large: bool = False) -> None:
        """So many pictures. `large`: each with 60 kB of filler behind it."""
        coded = clip()
        track = coded.track
        assert isinstance(track, VideoTrack)
        for _ in range(count):
            source = coded.samples[self._number % len(coded.samples)]
            data = source.data + (len(FILLER).to_bytes(4, "big") + FILLER if large else b"")
            sample = Sample(self._number * VIDEO_TIMESCALE // FPS, data, source.key)
            self._number += 1
            self._clock.advance(1 / FPS)
            now_us = self._clock.wall_us()
            if self._run is None:
                target = Target(self.key, "DK-01", self._outlet, self._floor_us, OpenGate())
                self._run = Run(
                    target, track, None, self._floor_us, self._clock, sample, now_us, node=NODE_CLOCK
                )
            assert self._run.add_video(sample, now_us)
            self._publisher.sample(self._run, 0, sample, now_us)
            # What is sent passes through the loop we share with the server.
            await asyncio.sleep(0.001 if large else 0)

    def _run_of(self, key: StreamKey) -> Run | None:
        return self._run if key == self.key else None
