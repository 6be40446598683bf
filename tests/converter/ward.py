"""A ward with odd cameras: the converter beside a recorder, both in the test's event loop, workers as processes."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import av

from luytre.archive.catalog import Archive
from luytre.archive.export import movie
from luytre.archive.keys import StreamKey
from luytre.base.clock import SYSTEM
from luytre.converter import plan, state
from luytre.converter.plan import ForeignPlan, ForeignStream
from luytre.converter.process import Converter
from luytre.converter.state import Conversion
from luytre.recorder.drain import Patience
from luytre.recorder.plan import StreamPlan
from luytre.recorder.stream import Pace
from tests.recorder.ward import Ward

# A worker must start, and FFmpeg look at the source, on a loaded machine.
PATIENT = Pace(
    first_s=0.3,
    longest_s=0.6,
    good_s=3.0,
    handshake_s=20.0,
    patience=Patience(stall_s=8.0, first_s=15.0, keyframe_s=20.0, look_s=0.2),
)


class OddWard(Ward):
    """Streams are "main" of cameras whose id and code are the same word."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.foreign: dict[str, ForeignStream] = {}
        self.max_encodes = 4
        self.converter: Converter | None = None
        self.seen: dict[str, Conversion | None] = {}

    @property
    def run_folder(self) -> Path:
        return self.folder / "run"

    def odd(self, camera: str, url: str, user: str = "", password: str = "", *, audio: bool = False) -> None:
        """A camera that goes through the converter."""
        foreign = ForeignStream(camera, camera, "main", url, user, password, audio)
        self.foreign[camera] = foreign
        self.streams[camera] = StreamPlan(
            camera,
            camera,
            "main",
            f"rtsp://converter/{camera}/main",
            audio=audio,
            volume="volume",
            socket=f"run/{foreign.socket}",
        )

    def write_foreign(self) -> None:
        plan.save(ForeignPlan(tuple(self.foreign.values()), self.max_encodes), self.run_folder / plan.FILE)

    @asynccontextmanager
    async def converting(self) -> AsyncIterator[Converter]:
        """The converter until the end of the block; its sockets are there."""
        self.write_foreign()
        self.converter = converter = Converter(self.folder)
        task = asyncio.create_task(converter.run())
        try:
            await until(
                lambda: all((self.run_folder / one.socket).exists() for one in self.foreign.values()),
                "sockets",
            )
            yield converter
        finally:
            converter.stop()
            await asyncio.wait([task], timeout=30)
            task.result()

    def told(self, camera: str) -> Conversion | None:
        return state.read(self.run_folder, camera, "main", SYSTEM.wall_us())

    def length_s(self, camera: str) -> float:
        return sum(span.end_us - span.start_us for span in self.coverage(camera).spans) / 1e6

    def played_back(self, camera: str) -> bytes:
        """The last span as one MP4."""
        span = self.coverage(camera).spans[-1]
        made = movie(Archive([self.volume]), StreamKey(camera, "main"), span.start_us, span.end_us)
        return b"".join(made.read(0, made.size))


async def until(condition: Any, what: str, deadline_s: float = 40.0) -> None:
    end_s = SYSTEM.monotonic_s() + deadline_s
    while not condition():
        assert SYSTEM.monotonic_s() < end_s, f"it never happened: {what}"
        await asyncio.sleep(0.05)


def decoded(file: bytes) -> tuple[int, int, tuple[int, int]]:
    """(pictures, sound frames, size) that libav decodes without an error."""
    opened: Any = av.open(io.BytesIO(file))
    pictures = sounds = 0
    size = (0, 0)
    with opened as container:
        for packet in container.demux():
            for frame in packet.decode():
                if isinstance(frame, av.VideoFrame):
                    pictures, size = pictures + 1, (frame.width, frame.height)
                else:
                    sounds += 1
    return pictures, sounds, size
