"""Live renditions: one per stream and form, whoever watches it (design/renditions.md).

Promises   several viewers share one; it stops a few seconds after the last has left; the event loop decodes nothing:
           pictures are a worker's, sound is one thread's; a worker that falls is replaced, and nobody else notices.
Does not   choose what is shown (choice.py), nor ask who may watch.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from luytre.archive.keys import StreamKey
from luytre.base.clock import SYSTEM, US_PER_S
from luytre.base.errors import Error
from luytre.cameras.channel import Channel, LiveMessage, LiveShown, LiveState, Viewer
from luytre.cameras.live import LiveHub
from luytre.cameras.renditions import wire
from luytre.cameras.renditions.form import Form, size_of, sound_of, video_of
from luytre.cameras.renditions.places import FAILED, FULL, Places
from luytre.cameras.renditions.sound import Frame, SoundConverter, aac_track
from luytre.cameras.renditions.wire import Job, Packet
from luytre.cameras.renditions.workers import COMMAND, Worker
from luytre.media import h264
from luytre.media.fmp4.entry import pixel_aspect
from luytre.media.tracks import VIDEO_TIMESCALE, AudioTrack, Track, VideoTrack
from luytre.recorder.state import StreamState
from luytre.recorder.wire import WireSample

LINGER_S: Final = 5.0
# How often what it costs is told, and a place is asked for again.
TELL_S: Final = 3.0
ASK_S: Final = 1.0
# A worker that is behind by this much, in ticks and in bytes, is given no more until a keyframe finds it caught up.
MOST_BEHIND: Final = VIDEO_TIMESCALE
MOST_WAITING: Final = 4 << 20
_BACK_OFF_S: Final = (0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
# After so long without a fall the next one counts as the first.
_WELL_S: Final = 30.0


class LiveRendition:
    """One stream in one form. A tap of the hub's channel on one side, a channel of its own on the other."""

    def __init__(
        self,
        key: StreamKey,
        form: Form,
        hub: LiveHub,
        places: Places,
        ears: ThreadPoolExecutor,
        command: tuple[str, ...] = COMMAND,
    ) -> None:
        self.key, self.form = key, form
        self._hub = hub
        self.channel = Channel()
        self.shown = LiveShown(key.stream, video_as=_made(form.video), sound_as=_made(form.sound))
        self._places = places
        self._ears = ears
        self._command = command
        self._tracks: list[Track] = []
        self._out: list[Track] = []
        self._sound: SoundConverter | None = None
        self._walls: dict[int, int] = {}
        self._pipe: asyncio.StreamWriter | None = None
        self._skipping = True
        self._falls = 0
        self._cpu_us = 0
        # Presentation times of the newest picture that was handed to the worker, and that came back.
        self._sent = 0
        self._got: int | None = None

    async def run(self) -> None:
        """Until cancelled: have a worker where pictures are to be made."""
        if self.form.video == "keep":
            return
        while True:
            if not self._places.take():
                self._tell(cause=FULL)
                await asyncio.sleep(ASK_S)
                continue
            began_s = SYSTEM.monotonic_s()
            try:
                await self._work()
            finally:
                self._places.give()
            if SYSTEM.monotonic_s() - began_s > _WELL_S:
                self._falls = 0
            if self._falls:
                self._tell(cause=FAILED)
            await asyncio.sleep(_BACK_OFF_S[min(self._falls, len(_BACK_OFF_S) - 1)])
            self._falls += 1

    # -- what comes from the recorder -----------------------------------------------------------------------------

    def on_state(self, state: StreamState | None) -> None:
        self.channel.send(LiveState(state))

    def on_tracks(self, tracks: list[Track]) -> None:
        self._tracks = tracks
        self._sound = None
        self._skipping = True
        self._walls.clear()
        if self.form.video == "keep":
            self._begin(video_of(tracks))
        else:
            self._send_job()

    def on_sample(self, sample: WireSample) -> None:
        if sample.track:
            self._hear(sample)
        elif self.form.video == "keep":
            self.channel.sample(sample)
        elif self._pipe is not None:
            self._see(sample)

    def _see(self, sample: WireSample) -> None:
        pipe = self._pipe
        assert pipe is not None
        behind = 0 if self._got is None else self._sent - self._got
        waiting = pipe.transport.get_write_buffer_size()
        late = behind > MOST_BEHIND or waiting > MOST_WAITING
        # Where nothing waits a keyframe is always tried: pictures that could not be decoded never come back.
        if (late and (waiting or not sample.key)) or (self._skipping and not sample.key):
            self._skipping = True
            return
        self._skipping = False
        self._sent = sample.pts
        self._walls[sample.pts] = sample.wall_us
        while len(self._walls) > 500:
            del self._walls[next(iter(self._walls))]
        pipe.write(wire.packet_frame(wire.PACKET, Packet(sample.pts, sample.key, sample.data)))

    def _hear(self, sample: WireSample) -> None:
        if self.form.sound == "keep":
            self.channel.sample(sample)
        elif (sound := self._sound) is not None:
            loop = asyncio.get_running_loop()
            making = loop.run_in_executor(self._ears, sound.add, sample.pts, sample.data)
            making.add_done_callback(lambda done: self._heard(sound, done))

    def _heard(self, sound: SoundConverter, done: asyncio.Future[list[Frame]]) -> None:
        if done.cancelled() or done.exception() is not None or sound is not self._sound:
            return
        for frame in done.result():
            self.channel.sample(WireSample(0, 1, True, frame.pts, frame.pts, 0, frame.data))

    # -- what comes from the worker -------------------------------------------------------------------------------

    async def _work(self) -> None:
        """One worker's life."""
        worker = Worker(self._command)
        try:
            reader, self._pipe = await asyncio.open_connection(sock=worker.link)
            self._cpu_us, told_us, told_s = 0, 0, SYSTEM.monotonic_s()
            # The pictures since the newest keyframe once more; not after a fall, which may be their doing.
            self._hub.tap(self.key, self, replay=not self._falls)
            splitter = wire.Splitter()
            while data := await reader.read(1 << 18):
                for kind, payload in splitter.feed(data):
                    self._take(kind, payload)
                now_s = SYSTEM.monotonic_s()
                if now_s - told_s >= TELL_S:
                    spent_us = self._cpu_us - told_us
                    self._places.spent(spent_us)
                    self._tell(cpu=round(spent_us / US_PER_S / (now_s - told_s), 2))
                    told_us, told_s = self._cpu_us, now_s
        except (OSError, Error, ValueError):
            # The same as a worker that ended: the next one begins clean.
            pass
        finally:
            if self._pipe is not None:
                self._pipe.close()
                self._pipe = None
            worker.stop()

    def _send_job(self) -> None:
        if self._pipe is None or not self._tracks:
            return
        self._got = None
        video = video_of(self._tracks)
        sar = pixel_aspect(video.sample_entry)
        job = Job(video.codec, video.parameter_sets, *size_of(video.width, video.height), sar)
        self._pipe.write(wire.frame(wire.BEGIN, job.to_bytes()))

    def _take(self, kind: bytes, payload: bytes) -> None:
        if kind == wire.TRACK:
            self._begin(h264.video_track(wire.parse_sets(payload)))
        elif kind == wire.PICTURE:
            picture = wire.parse_packet(payload)
            self._got = picture.pts
            self._cpu_us = max(self._cpu_us, picture.cpu_us)
            wall_us = self._walls.pop(picture.pts, 0)
            self.channel.sample(
                WireSample(0, 0, picture.key, picture.pts, picture.pts, wall_us, picture.data)
            )
        elif kind == wire.FAILED:
            raise ValueError(payload.decode(errors="replace"))

    def _begin(self, video: VideoTrack) -> None:
        source, sound = video_of(self._tracks), sound_of(self._tracks)
        out: list[Track] = [video]
        if sound is not None and (heard := self._sound_track(sound)) is not None:
            out.append(heard)
        self._tell(
            codec=source.codec,
            sound=sound and sound.codec,
            width=video.width,
            height=video.height,
            cause=None,
        )
        self.channel.begin(out)

    def _sound_track(self, sound: AudioTrack) -> AudioTrack | None:
        if self.form.sound == "keep":
            return sound
        if self.form.sound == "none":
            return None
        heard = aac_track(sound)
        self._sound = SoundConverter(sound) if heard is not None else None
        return heard

    def _tell(self, **what: object) -> None:
        fields = {name: getattr(self.shown, name) for name in self.shown.__dataclass_fields__}
        fields |= {"busy": self._places.busy, "places": self._places.most} | what
        self.shown = LiveShown(**fields)
        self.channel.send(self.shown)


def _made(form: str) -> str | None:
    return None if form == "keep" else form


class LiveRenditions:
    """All that run in this process. For asyncio."""

    def __init__(self, hub: LiveHub, places: Places, command: tuple[str, ...] = COMMAND) -> None:
        self._hub = hub
        self._places = places
        self._command = command
        self._running: dict[tuple[StreamKey, Form], tuple[LiveRendition, asyncio.Task[None]]] = {}
        # Sound costs a thousandth of a core a stream: one thread hears them all, in order.
        self._ears = ThreadPoolExecutor(1, "sound")

    def running(self) -> list[LiveRendition]:
        return [rendition for rendition, _ in self._running.values()]

    async def watch(self, key: StreamKey, form: Form) -> AsyncGenerator[LiveMessage, None]:
        """As `LiveHub.watch`, with a LiveShown before each init. Close the iterator to stop watching."""
        viewer = Viewer()
        viewer.put(LiveState(self._hub.state(key)))
        rendition = self._rendition(key, form)
        viewer.put(rendition.shown)
        rendition.channel.join(viewer)
        try:
            while True:
                yield await viewer.get()
        finally:
            rendition.channel.viewers.discard(viewer)
            if not rendition.channel.viewers:
                asyncio.get_running_loop().call_later(LINGER_S, self._leave, key, form)

    def _rendition(self, key: StreamKey, form: Form) -> LiveRendition:
        known = self._running.get((key, form))
        if known is not None:
            return known[0]
        rendition = LiveRendition(key, form, self._hub, self._places, self._ears, self._command)
        self._hub.tap(key, rendition)
        self._running[key, form] = rendition, asyncio.create_task(rendition.run())
        return rendition

    def _leave(self, key: StreamKey, form: Form) -> None:
        known = self._running.get((key, form))
        if known is not None and not known[0].channel.viewers:
            self._stop(key, form)

    def _stop(self, key: StreamKey, form: Form) -> None:
        rendition, task = self._running.pop((key, form))
        self._hub.untap(key, rendition)
        task.cancel()

    async def close(self) -> None:
        """Stop all: the process ends."""
        tasks = [task for _, task in self._running.values()]
        for key, form in list(self._running):
            self._stop(key, form)
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._ears.shutdown(wait=False, cancel_futures=True)
