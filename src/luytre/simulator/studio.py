"""A drawn scene, encoded live while somebody looks: a Source with one thread per stream.

Promises   draws and encodes only while there is a client; a new client gets a keyframe at once; a thread
           that cannot keep up leaves pictures out instead of falling behind.
Does not   touch the event loop: finished pictures wait in each client's queue for the next tick.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from av.video.frame import VideoFrame

from luytre.base.clock import SYSTEM, Clock
from luytre.simulator.encoders import VideoEncoder
from luytre.simulator.lanes import Lane
from luytre.simulator.scene import Scene
from luytre.simulator.sources import TICKS, Picture, Sound, Unit, VideoName, packets, parameter_sets

# Pictures that wait for a client that is not served any more (frozen): then the oldest go.
_QUEUE = 256


@dataclass(frozen=True, slots=True)
class View:
    """What to draw and how to encode it; sides are even, `gop_s` seconds from keyframe to keyframe."""

    number: int
    label: str
    width: int = 1280
    height: int = 720
    fps: float = 10.0
    codec: VideoName = "h264"
    gop_s: float = 2.0


@dataclass(frozen=True, slots=True)
class _Shot:
    """One encoded picture: ready packets, when it was captured (monotonic seconds), `pts` in 1/90000 s."""

    data: bytes
    starts: list[int]
    pts: int
    key: bool
    captured_s: float


class Studio:
    """A Source. `wall_offset_us` is how wrong the camera's clock is."""

    def __init__(self, view: View, sound: Sound | None = None, clock: Clock = SYSTEM) -> None:
        self.view = view
        self.sound = sound
        self.wall_offset_us = 0
        self._clock = clock
        self._scene: Scene | None = None
        self._picture: Picture | None = None
        self._lock = threading.Lock()
        self._cursors: list[StudioCursor] = []
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._want_key = False

    def prepare(self) -> None:
        """Draw the background and encode one picture, to know the parameter sets."""
        if self._picture is not None:
            return
        view = self.view
        self._scene = Scene(view.number, view.width, view.height, view.label)
        unit = self._encode(self._encoder(), 0, key=True)[0]
        self._picture = Picture(view.codec, parameter_sets(view.codec, unit.nals), view.fps)

    def picture(self) -> Picture:
        self.prepare()
        assert self._picture is not None
        return self._picture

    def open(self, now_s: float) -> StudioCursor:
        self.prepare()
        cursor = StudioCursor(self)
        with self._lock:
            self._cursors.append(cursor)
            self._want_key = True
            if self._thread is None:
                self._wake.clear()
                self._thread = threading.Thread(
                    target=self._run, name=f"studio-{self.view.label}", daemon=True
                )
                self._thread.start()
        return cursor

    def leave(self, cursor: StudioCursor) -> None:
        """A client is gone; with the last one the thread ends."""
        with self._lock:
            if cursor in self._cursors:
                self._cursors.remove(cursor)
            if not self._cursors:
                self._wake.set()

    def _encoder(self) -> VideoEncoder:
        view = self.view
        return VideoEncoder(view.codec, view.width, view.height, view.fps, gop_s=view.gop_s)

    def _encode(self, encoder: VideoEncoder, pts: int, *, key: bool) -> list[Unit]:
        assert self._scene is not None
        picture = self._scene.draw(self._clock.wall_us() + self.wall_offset_us)
        return encoder.encode(VideoFrame.from_ndarray(picture, format="yuv420p"), pts, key=key)

    def _run(self) -> None:
        """The thread: one picture per interval until nobody is left."""
        encoder = self._encoder()
        interval_s = 1 / self.view.fps
        began_s = due_s = self._clock.monotonic_s()
        number = -1
        while True:
            with self._lock:
                if not self._cursors:
                    self._thread = None
                    return
                want_key, self._want_key = self._want_key, False
                cursors = tuple(self._cursors)
            # Times are those of the plan, as a camera's sensor has them, not of the thread's waking.
            number = max(number + 1, round((self._clock.monotonic_s() - began_s) / interval_s))
            at_s = number * interval_s
            for unit in self._encode(encoder, round(at_s * TICKS), key=want_key):
                data, starts = packets(self.view.codec, unit.nals)
                shot = _Shot(data, starts, unit.pts, unit.key, began_s + at_s)
                for cursor in cursors:
                    cursor.queue.append(shot)
            due_s = max(due_s + interval_s, self._clock.monotonic_s() - interval_s)
            self._wake.wait(max(0.0, due_s - self._clock.monotonic_s()))
            self._wake.clear()


class StudioCursor:
    """One client's queue; the encoder's thread appends, the event loop takes."""

    __slots__ = ("_began", "_studio", "_waiting", "queue")

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._began = False
        self._waiting = True
        self.queue: deque[_Shot] = deque(maxlen=_QUEUE)

    def take(self, now_s: float, lane: Lane) -> list[bytearray]:
        pieces: list[bytearray] = []
        while self.queue:
            shot = self.queue.popleft()
            if self._waiting and not shot.key:
                continue
            self._waiting = False
            if not self._began:
                self._began = True
                lane.begin(shot.pts, shot.captured_s)
            buffer = bytearray(shot.data)
            lane.stamp(buffer, shot.starts, [shot.pts] * len(shot.starts), 0, 0)
            pieces.append(buffer)
        return pieces

    def skip(self, now_s: float) -> None:
        """Begin again with the next keyframe."""
        self.queue.clear()
        self._waiting = True

    def close(self) -> None:
        self._studio.leave(self)
