"""One watched stream: its init, its fragments, its viewers.

Promises   the same bytes for all viewers; a viewer that reads too slowly is moved to the next keyframe, never buffered for.
Does not   know where samples come from: the hub's are a recorder's, a rendition's are a worker's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from luytre.media.fmp4.write import PartSample, TrackPart, init_segment, part_header
from luytre.media.sound import sample_ticks
from luytre.media.tracks import VIDEO_TIMESCALE, Track, VideoTrack
from luytre.recorder.state import StreamState
from luytre.recorder.wire import WireSample

# A viewer's queue: about 2 s of pictures and sound of one stream.
QUEUE = 150


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
    codecs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LiveFragment:
    """`body`: where the sample's own bytes begin in `data`."""

    data: bytes
    key: bool = False
    body: int = 0


@dataclass(frozen=True, slots=True)
class LiveShown:
    """Which picture a viewer gets, told before its init and again as it goes on.

    stream         the one that is shown; `instead` of the wanted one
    codec, sound   what the camera sends; `video_as`, `sound_as` what they were made into, None as they are
    cpu            cores that making it takes now; None for what is not made, or not measured yet
    busy, places   conversions of pictures that run, and that may
    cause          why there is no picture: "renditions_full", "rendition_failed"
    """

    stream: str
    instead: bool = False
    codec: str | None = None
    sound: str | None = None
    video_as: str | None = None
    sound_as: str | None = None
    width: int = 0
    height: int = 0
    cpu: float | None = None
    busy: int = 0
    places: int = 0
    cause: str | None = None


LiveMessage = LiveState | LiveInit | LiveFragment | LiveShown


class Tap(Protocol):
    """Who takes samples as they come instead of fragments: a rendition."""

    def on_state(self, state: StreamState | None) -> None: ...

    def on_tracks(self, tracks: list[Track]) -> None: ...

    def on_sample(self, sample: WireSample) -> None: ...


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
        self.taps: set[Tap] = set()
        self.init: LiveInit | None = None
        self._tracks: list[Track] = []
        self._group: list[tuple[LiveFragment, WireSample]] = []
        self._sequence = 0
        self._waiting: WireSample | None = None
        self._step = VIDEO_TIMESCALE // 25

    def join(self, viewer: Viewer) -> None:
        self.viewers.add(viewer)
        if self.init is not None:
            viewer.put(self.init)
            for fragment, _ in self._group:
                viewer.put(fragment)

    @property
    def wanted(self) -> bool:
        return bool(self.viewers or self.taps)

    def tap(self, tap: Tap, *, replay: bool = True) -> None:
        """Hand out samples too; `replay`: those since the newest keyframe at once."""
        self.taps.add(tap)
        if self.init is not None:
            tap.on_tracks(self._tracks)
            for fragment, sample in self._group if replay else ():
                tap.on_sample(sample._replace(data=fragment.data[fragment.body :]))

    def tell(self, state: StreamState | None) -> None:
        self.send(LiveState(state))
        for tap in list(self.taps):
            tap.on_state(state)

    def send(self, message: LiveMessage) -> None:
        for viewer in self.viewers:
            viewer.put(message)

    def begin(self, tracks: list[Track]) -> None:
        self._tracks = tracks
        self._group.clear()
        video = next(track for track in tracks if isinstance(track, VideoTrack))
        codecs = ",".join(track.codec_string for track in tracks)
        mime = f'video/mp4; codecs="{codecs}"'
        names = tuple(track.codec for track in tracks)
        self.init = LiveInit(mime, video.width, video.height, init_segment(tracks), names)
        self.send(self.init)
        for tap in list(self.taps):
            tap.on_tracks(tracks)

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
        header = part_header(self._sequence, [part], wall_us)
        fragment = LiveFragment(header + sample.data, sample.key and sample.track == 0, len(header))
        if fragment.key:
            self._group.clear()
        if fragment.key or self._group:
            self._group.append((fragment, sample._replace(data=b"")))
        if len(self._group) > QUEUE * 4:
            # A keyframe that never comes: a new viewer then waits for it instead of us keeping everything.
            self._group.clear()
        self.send(fragment)
        for tap in list(self.taps):
            tap.on_sample(sample)
