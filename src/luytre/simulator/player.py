"""One client that plays one stream: what is sent to it at each tick.

Promises   one write per tick, however many packets are due; sender reports every five seconds; a client that
           does not read is dropped when it has cost 4 MB.
Does not   know RTSP (server.py does).
"""

from __future__ import annotations

import asyncio
import os

from luytre.base.clock import US_PER_S, Clock, to_ntp
from luytre.media.rtsp.server import ServerTrack
from luytre.simulator.camera import Camera, Stream
from luytre.simulator.lanes import Lane
from luytre.simulator.sources import TICKS, Cursor

REPORT_EVERY_S = 5.0
MAX_UNSENT = 4 * 1024 * 1024
_VIDEO, _AUDIO = 0, 1


class Player:
    """Made by PLAY, closed by PAUSE, TEARDOWN or the end of the connection."""

    def __init__(self, camera: Camera, stream: Stream, tracks: tuple[ServerTrack, ...], clock: Clock) -> None:
        self._camera, self._stream, self._clock = camera, stream, clock
        self._source = stream.source
        self._version = stream.version
        self._drops = camera.drops
        self._started_s = clock.monotonic_s()
        self._reported_s = self._started_s
        self._frozen = False
        self._cursor: Cursor | None = None
        self._video: Lane | None = None
        self._audio: Lane | None = None
        self._frame = 0
        for track in tracks:
            if track.index == _VIDEO:
                self._video = Lane(track.channel, track.ssrc, track.seq, track.rtptime, TICKS)
                self._cursor = self._source.open(self._started_s)
            elif self._source.sound is not None:
                rate = self._source.sound.rate
                self._audio = Lane(track.channel, track.ssrc, track.seq, track.rtptime, rate)
                self._audio.begin(0, self._started_s)

    def tick(self, transport: asyncio.WriteTransport) -> bool:
        """Send what is due; False when the connection is to be closed."""
        now_s = self._clock.monotonic_s()
        camera = self._camera
        age_s = now_s - self._started_s
        if camera.drops != self._drops or (camera.close_every_s and age_s >= camera.close_every_s):
            return False
        if camera.frozen:
            self._frozen = True
            return True
        data = self._due(now_s)
        if camera.garbage and data:
            data = _noise(camera.garbage == "packets", len(data))
        if data:
            transport.write(data)
        return transport.get_write_buffer_size() <= MAX_UNSENT

    def _due(self, now_s: float) -> bytes | bytearray:
        if self._frozen:
            self._frozen = False
            if self._cursor is not None:
                self._cursor.skip(now_s)
            self._frame = self._frames_due(now_s)
        if self._stream.version != self._version:
            self._change(now_s)
        pieces: list[bytes | bytearray] = []
        if self._cursor is not None and self._video is not None:
            pieces += self._cursor.take(now_s, self._video)
        if self._audio is not None:
            pieces += self._sound(now_s, self._audio)
        if now_s - self._reported_s >= REPORT_EVERY_S:
            pieces += self._reports(now_s)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _change(self, now_s: float) -> None:
        self._version = self._stream.version
        if self._cursor is not None:
            self._cursor.close()
            self._source = self._stream.source
            self._cursor = self._source.open(now_s)

    def _frames_due(self, now_s: float) -> int:
        sound = self._source.sound
        return int((now_s - self._started_s) * sound.rate) // sound.frame_ticks if sound is not None else 0

    def _sound(self, now_s: float, lane: Lane) -> list[bytes | bytearray]:
        pieces: list[bytes | bytearray] = []
        sound = self._source.sound
        due = self._frames_due(now_s)
        if sound is None or sound.rate != lane.rate:
            self._frame = due
            return pieces
        for number in range(self._frame, due):
            data, starts = sound.at(number)
            buffer = bytearray(data)
            lane.stamp(buffer, starts, [number * sound.frame_ticks] * len(starts), 0, 0)
            pieces.append(buffer)
        self._frame = due
        return pieces

    def _reports(self, now_s: float) -> list[bytes | bytearray]:
        self._reported_s = now_s
        wall_us = self._clock.wall_us() + round(self._camera.clock_offset_s * US_PER_S)
        name = f"cam{self._camera.number}"
        lanes = [lane for lane in (self._video, self._audio) if lane is not None and lane.begun]
        return [lane.sender_report(now_s, to_ntp(wall_us), name) for lane in lanes]

    def close(self) -> None:
        if self._cursor is not None:
            self._cursor.close()
            self._cursor = None


def _noise(framed: bool, length: int) -> bytes:
    """As much noise as there was media; never a "$" in front where it shall not look like a frame."""
    length = max(16, min(length, 60_000))
    if framed:
        return b"$\0" + length.to_bytes(2, "big") + os.urandom(length)
    return b"\xff" + os.urandom(length)
