"""Cameras put together from the parts, and a simulator that runs beside blocking code."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from luytre.simulator.camera import Camera
from luytre.simulator.clips import AudioName, load
from luytre.simulator.server import Simulator
from luytre.simulator.sounds import tone
from luytre.simulator.sources import VideoName
from luytre.simulator.studio import Studio, View

MAIN = (1280, 720)
SUB = (640, 360)


def drawn(
    number: int,
    *,
    label: str = "",
    codec: VideoName = "h264",
    audio: AudioName = "none",
    fps: float = 10.0,
    main: tuple[int, int] = MAIN,
    sub: tuple[int, int] = SUB,
) -> Camera:
    """A camera that shows a drawn street; main and sub stream, sizes even, at `fps`."""
    label = label or f"CAM {number}"
    sound = tone(audio) if audio != "none" else None
    streams = {
        "main": Studio(View(number, label, *main, fps=fps, codec=codec), sound),
        "sub": Studio(View(number, label, *sub, fps=fps, codec=codec, gop_s=1.0)),
    }
    return Camera(number, dict(streams))


def of_clip(count: int, clip: Path, *, codec: VideoName = "h264", audio: AudioName = "none") -> list[Camera]:
    """`count` cameras that show the same clip as main and as sub stream; its packets are in memory once."""
    reel = load(clip, codec, audio)
    return [Camera(number, {"main": reel, "sub": reel}) for number in range(1, count + 1)]


@contextmanager
def running(simulator: Simulator) -> Iterator[Simulator]:
    """The simulator in an event loop of its own thread, for tests and tools that block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="simulator", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(simulator.start(), loop).result(60)
        yield simulator
    finally:
        asyncio.run_coroutine_threadsafe(simulator.close(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
