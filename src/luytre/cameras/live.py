"""The live hub: samples from the recorders become fragments, once per stream, for any number of viewers (design/live.md).

Promises   the same bytes for all viewers; a viewer that reads too slowly is moved to the next keyframe, never buffered for.
Does not   ask who may watch: `viewing` does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from luytre.archive.keys import StreamKey
from luytre.media.fmp4.write import PartSample, TrackPart, init_segment, part_header
from luytre.media.sound import sample_ticks
from luytre.media.tracks import VIDEO_TIMESCALE, Track, VideoTrack
from luytre.recorder.state import StreamState
from luytre.recorder.subscribe import RecorderLink
from luytre.recorder.wire import WireSample

# A viewer's queue: about 2 s of pictures and sound of one stream.
QUEUE = 150
# How often the set of recorder sockets is looked at.
LOOK_S = 1.0
# Seconds for which a stream nobody watches any more stays subscribed: switching tabs back and forth is cheap.
LINGER_S = 5.0


@dataclass(frozen=True, slots=True)
class LiveState:
    """None: the recorder is not running."""

    state: StreamState | None


@dataclass(frozen=True, slots=True)
class LiveInit:
    mime: str
    width: int
    height: int
    data: bytes


@dataclass(frozen=True, slots=True)
class LiveFragment:
    data: bytes
    key: bool = False


LiveMessage = LiveState | LiveInit | LiveFragment


class Viewer:
    """One viewer's queue. Fragments may be dropped, states and inits never."""

    def __init__(self) -> None:
        self._queue: deque[LiveMessage] = deque()
        self._ready = asyncio.Event()
        self._skipping = True

    def put(self, message: LiveMessage) -> None:
        if isinstance(message, LiveFragment):
            if len(self._queue) >= QUEUE:
                self._queue = deque(m for m in self._queue if not isinstance(m, LiveFragment))
                self._skipping = True
            if self._skipping and not message.key:
                return
            self._skipping = False
        elif isinstance(message, LiveInit):
            self._skipping = True
        self._queue.append(message)
        self._ready.set()

    async def get(self) -> LiveMessage:
        while not self._queue:
            self._ready.clear()
            await self._ready.wait()
        return self._queue.popleft()


class Channel:
    """One watched stream: its init, the fragments since the last keyframe, its viewers."""

    def __init__(self) -> None:
        self.viewers: set[Viewer] = set()
        self.init: LiveInit | None = None
        self._tracks: list[Track] = []
        self._group: list[LiveFragment] = []
        self._sequence = 0
        self._waiting: WireSample | None = None
        self._step = VIDEO_TIMESCALE // 25

    def join(self, viewer: Viewer) -> None:
        self.viewers.add(viewer)
        if self.init is not None:
            viewer.put(self.init)
            for fragment in self._group:
                viewer.put(fragment)

    def send(self, message: LiveMessage) -> None:
        for viewer in self.viewers:
            viewer.put(message)

    def begin(self, tracks: list[Track]) -> None:
        self._tracks = tracks
        self._group.clear()
        video = next(track for track in tracks if isinstance(track, VideoTrack))
        codecs = ",".join(track.codec_string for track in tracks)
        mime = f'video/mp4; codecs="{codecs}"'
        self.init = LiveInit(mime, video.width, video.height, init_segment(tracks))
        self.send(self.init)

    def sample(self, sample: WireSample) -> None:
        """One sample, one fragment: its duration is the last distance seen, the next fragment's time corrects it."""
        if sample.track >= len(self._tracks):
            return
        track = self._tracks[sample.track]
        duration = track.timescale // 25
        if isinstance(track, VideoTrack):
            if self._waiting is not None and 0 < sample.dts - self._waiting.dts < 10 * VIDEO_TIMESCALE:
                self._step = sample.dts - self._waiting.dts
            self._waiting = sample
            duration = self._step
        else:
            duration = sample_ticks(track, sample.data)
        self._sequence += 1
        part = TrackPart(
            sample.track + 1,
            max(sample.dts, 0),
            [PartSample(duration, len(sample.data), sample.pts - sample.dts, sample.key)],
        )
        wall_us = sample.wall_us if sample.track == 0 else None
        data = part_header(self._sequence, [part], wall_us) + sample.data
        fragment = LiveFragment(data, sample.key and sample.track == 0)
        if fragment.key:
            self._group.clear()
        if fragment.key or self._group:
            self._group.append(fragment)
        if len(self._group) > QUEUE * 4:
            # A keyframe that never comes: a new viewer then waits for it instead of us keeping everything.
            self._group.clear()
        self.send(fragment)


class LiveHub:
    """`sockets` gives the recorders' sockets; they may come and go."""

    def __init__(self, sockets: Callable[[], Sequence[Path]]) -> None:
        self._sockets = sockets
        self._links: dict[Path, tuple[RecorderLink, asyncio.Task[None]]] = {}
        self._states: dict[StreamKey, tuple[RecorderLink, StreamState]] = {}
        self._channels: dict[StreamKey, Channel] = {}

    async def run(self) -> None:
        """Keep the links alive until cancelled."""
        try:
            while True:
                wanted = set(self._sockets())
                for path in wanted - set(self._links):
                    link = RecorderLink(path, self)
                    for key in self._channels:
                        link.watch(key)
                    self._links[path] = link, asyncio.create_task(link.run())
                for path in set(self._links) - wanted:
                    self._links.pop(path)[1].cancel()
                await asyncio.sleep(LOOK_S)
        finally:
            for _, task in self._links.values():
                task.cancel()

    def state(self, key: StreamKey) -> StreamState | None:
        known = self._states.get(key)
        return None if known is None else known[1]

    def states(self) -> dict[StreamKey, StreamState]:
        return {key: state for key, (_, state) in self._states.items()}

    def viewers(self) -> int:
        return sum(len(channel.viewers) for channel in self._channels.values())

    async def watch(self, key: StreamKey) -> AsyncGenerator[LiveMessage, None]:
        """Endless: the state at once, then init and fragments as they come. Close the iterator to stop watching."""
        viewer = Viewer()
        viewer.put(LiveState(self.state(key)))
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = Channel()
            for link, _ in self._links.values():
                link.watch(key)
        channel.join(viewer)
        try:
            while True:
                yield await viewer.get()
        finally:
            channel.viewers.discard(viewer)
            if not channel.viewers:
                asyncio.get_running_loop().call_later(LINGER_S, self._leave, key)

    def _leave(self, key: StreamKey) -> None:
        channel = self._channels.get(key)
        if channel is not None and not channel.viewers:
            del self._channels[key]
            for link, _ in self._links.values():
                link.unwatch(key)

    # -- LinkEvents -------------------------------------------------------------------------------------------

    def on_state(self, link: RecorderLink, state: StreamState) -> None:
        key = StreamKey(state.camera, state.stream)
        self._states[key] = link, state
        if key in self._channels:
            self._channels[key].send(LiveState(state))

    def on_tracks(self, key: StreamKey, run_id: str, tracks: list[Track]) -> None:
        if key in self._channels:
            self._channels[key].begin(tracks)

    def on_sample(self, key: StreamKey, sample: WireSample) -> None:
        if key in self._channels:
            self._channels[key].sample(sample)

    def on_down(self, link: RecorderLink) -> None:
        for key, (owner, _) in list(self._states.items()):
            if owner is link:
                del self._states[key]
                if key in self._channels:
                    self._channels[key].send(LiveState(None))
