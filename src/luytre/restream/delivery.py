"""One reader's share of a stream: which access units it gets, and their numbers and times.

Promises   the first picture is a keyframe with the number and time that PLAY announced; times of all tracks count from the
           same moment; sender reports say when a picture was taken, by the node's clock; what a reader is too slow for is
           left out up to the next keyframe, and costs nobody else anything; over a camera's reconnect times go on.
Does not   build packets (channel.py) or know RTSP (connection.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from luytre.base.clock import US_PER_S, Clock, to_ntp
from luytre.media.rtp.lane import PacketLane
from luytre.media.rtsp.server import ServerTrack
from luytre.media.tracks import VIDEO_TIMESCALE, Track
from luytre.restream.channel import Packed

REPORT_EVERY_S: Final = 5.0
# Unsent bytes of one reader: about 8 s of a camera of 4 Mbit/s.
MAX_UNSENT: Final = 4 << 20
# The next run of a camera that was away begins at least this much later.
_STEP: Final = VIDEO_TIMESCALE // 30


class Pipe(Protocol):
    """Where to: an asyncio transport."""

    def write(self, data: bytes | bytearray, /) -> None: ...

    def get_write_buffer_size(self) -> int: ...


class _Lane(PacketLane):
    """A track on its way. `rtptime` is that of the position 0."""

    __slots__ = ("rate", "rtptime")

    def __init__(self, track: ServerTrack, rate: int) -> None:
        super().__init__(track.channel, track.ssrc, track.seq)
        self.rtptime = track.rtptime
        self.rate = rate


class Delivery:
    """From PLAY until PAUSE, TEARDOWN or the end. Positions are in ticks of the video from the first picture sent."""

    def __init__(
        self,
        set_up: Sequence[ServerTrack],
        tracks: Sequence[Track],
        pipe: Pipe,
        clock: Clock,
        name: str,
        on_end: Callable[[str], None],
    ) -> None:
        self.has_begun = False
        # Since when it has been skipping pictures for being slow; None while it is not.
        self.slow_since_s: float | None = None
        self._lanes = {one.index: _Lane(one, tracks[one.index].timescale) for one in set_up}
        self._pipe = pipe
        self._clock = clock
        self._name = name
        self._on_end = on_end
        self._run = -1
        self._waits = True
        # Position of the run's beginning; where this run was joined; the newest picture's position and wall time.
        self._origin = 0
        self._joined = 0
        self._newest = -_STEP
        self._newest_us = 0
        self._reported_s = -REPORT_EVERY_S

    def take(self, packed: Packed) -> None:
        """Send it, or leave it out."""
        if packed.run != self._run:
            self._waits = True
        if packed.track == 0 and self._pipe.get_write_buffer_size() > MAX_UNSENT:
            self._waits = True
            if self.slow_since_s is None:
                self.slow_since_s = self._clock.monotonic_s()
        elif self._waits and packed.key:
            self._begin(packed)
        if not self._waits:
            self._send(packed)

    def _begin(self, packed: Packed) -> None:
        """At a keyframe: of another run than before, or the first one that the reader has room for again."""
        self._waits, self.has_begun, self.slow_since_s = False, True, None
        if packed.run != self._run:
            passed_us = packed.wall_us - self._newest_us if self._run >= 0 else 0
            passed = max(passed_us * VIDEO_TIMESCALE // US_PER_S, _STEP)
            self._origin = self._newest + passed - packed.pts
            self._run = packed.run
        self._joined = packed.pts + self._origin

    def _send(self, packed: Packed) -> None:
        lane = self._lanes.get(packed.track)
        if lane is not None:
            origin = self._origin * lane.rate // VIDEO_TIMESCALE
            joined = self._joined * lane.rate // VIDEO_TIMESCALE
            # Sound from before the keyframe would have a time before the announced one.
            if packed.track == 0 or packed.pts + origin >= joined:
                moment = lane.rtptime + origin + packed.pts
                buffer = bytearray(packed.data)
                lane.write(buffer, packed.starts, [moment + later for later in packed.later])
                self._pipe.write(buffer)
        if packed.track == 0:
            position = packed.pts + self._origin
            if position >= self._newest:
                self._newest, self._newest_us = position, packed.wall_us
            self._report(position, packed.wall_us)

    def _report(self, position: int, wall_us: int) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._reported_s < REPORT_EVERY_S:
            return
        self._reported_s = now_s
        ntp = to_ntp(wall_us)
        for lane in self._lanes.values():
            moment = lane.rtptime + position * lane.rate // VIDEO_TIMESCALE
            self._pipe.write(lane.report(ntp, moment, self._name))

    def end(self, why: str) -> None:
        """Say goodbye, and tell who owns the connection."""
        for lane in self._lanes.values():
            self._pipe.write(lane.goodbye(self._name))
        self._on_end(why)
