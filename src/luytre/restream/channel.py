"""One stream that is read: its samples become packets, once for all readers.

Promises   a reader begins at a keyframe; when the stream's parameters change all readers end, and come again.
Does not   know who reads, or how much of it a reader takes (delivery.py).
"""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple, Protocol

from luytre.base.clock import Clock
from luytre.cameras.restreaming import WireSample
from luytre.media.rtp.lane import interleave
from luytre.media.rtsp.offering import audio_payloads, media_of, video_payloads
from luytre.media.sdp import Media
from luytre.media.tracks import VIDEO_TIMESCALE, Track, VideoTrack

# A picture group that is younger than this goes to a new reader at once. Of an older one a recorder would believe that the
# camera's clock jumps (2 s, recorder/wall.py): the reader waits for the next keyframe.
FRESH_TICKS: Final = 3 * VIDEO_TIMESCALE // 2
# Where keyframes are rarer than this, the whole group is better than a reader that gives up.
PATIENCE_S: Final = 4.0
# A keyframe that never comes: new readers then wait for it.
GROUP_BYTES: Final = 16 << 20


class Packed(NamedTuple):
    """A sample as packets. `pts` in ticks of its track from the start of run number `run`; `wall_us` of a picture, else 0;
    `starts`, `later`: where each packet begins, and by how many ticks it is later.
    """

    run: int
    track: int
    key: bool
    pts: int
    wall_us: int
    data: bytes
    starts: list[int]
    later: list[int]


class Taker(Protocol):
    """One reader's delivery."""

    has_begun: bool

    def take(self, packed: Packed) -> None: ...

    def end(self, why: str) -> None:
        """No more is coming."""


class Channel:
    """A `cameras.restreaming.Listener`."""

    def __init__(self, clock: Clock) -> None:
        self.takers: set[Taker] = set()
        self.tracks: list[Track] = []
        self.media: tuple[Media, ...] = ()
        self.heard_s = clock.monotonic_s()
        self._clock = clock
        self._known = asyncio.Event()
        self._run = 0
        self._group: list[Packed] = []
        self._group_bytes = 0
        self._newest = 0

    async def described(self, patience_s: float) -> tuple[Media, ...] | None:
        """What is offered, the video first; None when the camera does not come within `patience_s`."""
        try:
            await asyncio.wait_for(self._known.wait(), patience_s)
        except TimeoutError:
            return None
        return self.media

    def join(self, taker: Taker) -> None:
        """From a keyframe on: the one that is at hand, or the next one."""
        self.takers.add(taker)
        if self._group and self._newest - self._group[0].pts <= FRESH_TICKS:
            self._catch_up(taker)
        else:
            asyncio.get_running_loop().call_later(PATIENCE_S, self._catch_up, taker)

    def leave(self, taker: Taker) -> None:
        self.takers.discard(taker)

    def _catch_up(self, taker: Taker) -> None:
        if taker in self.takers and not taker.has_begun:
            for packed in list(self._group):
                taker.take(packed)

    # -- Listener ---------------------------------------------------------------------------------------------

    def on_tracks(self, tracks: list[Track]) -> None:
        changed = bool(self.tracks) and tracks != self.tracks
        self.tracks = tracks
        self.media = tuple(media_of(track, number) for number, track in enumerate(tracks))
        self._run += 1
        self._group.clear()
        self._group_bytes = 0
        if tracks:
            self._known.set()
        if changed:
            for taker in list(self.takers):
                taker.end("parameters changed")

    def on_sample(self, sample: WireSample) -> None:
        if sample.track >= len(self.tracks):
            return
        packed = self._pack(sample, self.tracks[sample.track])
        if packed.track == 0:
            self.heard_s = self._clock.monotonic_s()
            self._newest = packed.pts
            if packed.key:
                self._group.clear()
                self._group_bytes = 0
        if packed.key or self._group:
            self._group.append(packed)
            self._group_bytes += len(packed.data)
            if self._group_bytes > GROUP_BYTES:
                self._group.clear()
                self._group_bytes = 0
        for taker in list(self.takers):
            taker.take(packed)

    def _pack(self, sample: WireSample, track: Track) -> Packed:
        if isinstance(track, VideoTrack):
            payloads = video_payloads(track, sample.data, sample.key)
            later = [0] * len(payloads)
            marker = True
        else:
            payloads, later = audio_payloads(track, sample.data)
            # Of AAC it ends a frame (RFC 3640 section 3.1); of other sound it begins a talk-spurt (RFC 3551 section 4.1).
            marker = track.codec == "aac"
        data, starts = interleave(payloads, self.media[sample.track].payload_type, marker=marker)
        key = sample.key and sample.track == 0
        return Packed(self._run, sample.track, key, sample.pts, sample.wall_us, data, starts, later)
