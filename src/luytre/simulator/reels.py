"""A clip as a loop of ready packets, shared by all cameras and clients that show it.

Promises   timestamps and sequence numbers go on over the end of the loop, the end of its last picture;
           a tick of a client costs one copy of the bytes that are due and one small write per packet.
Does not   decode, read files (clips.py), or keep anything per client but a position.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from luytre.simulator.lanes import Lane
from luytre.simulator.sources import TICKS, Picture, Sound, Unit, packets

# A client that is further behind than this was standing still; what was due meanwhile is not sent.
LATE_S = 2.0


class Reel:
    """A Source. `units` in sending order, the first one a keyframe; `length` in 1/90000 s."""

    def __init__(
        self, units: Sequence[Unit], picture: Picture, length: int, sound: Sound | None = None
    ) -> None:
        if not units or not units[0].key:
            raise ValueError("a reel begins with a keyframe")
        self._picture = picture
        self.sound = sound
        self.length = length
        self.sends = [unit.send for unit in units]
        self.keys = [index for index, unit in enumerate(units) if unit.key]
        self.starts: list[int] = []
        self.times: list[int] = []
        # Of each unit, and one more for the end: first packet, first byte.
        self.first_packet: list[int] = []
        self.first_byte: list[int] = []
        parts: list[bytes] = []
        position = 0
        for unit in units:
            data, starts = packets(picture.codec, unit.nals)
            self.first_packet.append(len(self.starts))
            self.first_byte.append(position)
            self.starts += [position + start for start in starts]
            self.times += [unit.pts] * len(starts)
            parts.append(data)
            position += len(data)
        self.first_packet.append(len(self.starts))
        self.first_byte.append(position)
        self.data = memoryview(b"".join(parts))

    def prepare(self) -> None:
        """Nothing: the packets are ready."""

    def picture(self) -> Picture:
        return self._picture

    def open(self, now_s: float) -> ReelCursor:
        """On an endless timeline, so that clients see the same: the keyframe at or before `now_s`."""
        place = int(now_s * TICKS) % self.length
        wanted = bisect_right(self.sends, place) - 1
        return ReelCursor(self, self.keys[max(0, bisect_right(self.keys, wanted) - 1)], now_s)


class ReelCursor:
    """One client's place in a reel: unit `index` of loop `loop` is the next one."""

    __slots__ = ("_began", "_index", "_loop", "_origin", "_reel", "_started_s")

    def __init__(self, reel: Reel, index: int, now_s: float) -> None:
        self._reel = reel
        self._index = index
        self._loop = 0
        self._started_s = now_s
        self._origin = reel.sends[index]
        self._began = False

    def _due(self, now_s: float) -> int:
        return self._origin + round((now_s - self._started_s) * TICKS)

    def take(self, now_s: float, lane: Lane) -> list[bytearray]:
        reel, due = self._reel, self._due(now_s)
        if due - (reel.sends[self._index] + self._loop * reel.length) > LATE_S * TICKS:
            self.skip(now_s)
        if not self._began:
            self._began = True
            first = reel.times[reel.first_packet[self._index]]
            lane.begin(first + self._loop * reel.length, now_s)
        pieces: list[bytearray] = []
        while True:
            shift = self._loop * reel.length
            end = bisect_right(reel.sends, due - shift, self._index)
            if end > self._index:
                pieces.append(self._piece(end, shift, lane))
                self._index = end
            if self._index < len(reel.sends):
                return pieces
            self._index = 0
            self._loop += 1

    def _piece(self, end: int, shift: int, lane: Lane) -> bytearray:
        reel = self._reel
        first, last = reel.first_packet[self._index], reel.first_packet[end]
        offset = reel.first_byte[self._index]
        buffer = bytearray(reel.data[offset : reel.first_byte[end]])
        lane.stamp(buffer, reel.starts[first:last], reel.times[first:last], shift, offset)
        return buffer

    def skip(self, now_s: float) -> None:
        """Go to the first keyframe that is not yet due: one that is due may have been sent."""
        reel = self._reel
        self._loop, place = divmod(self._due(now_s), reel.length)
        self._index = next((key for key in reel.keys if reel.sends[key] >= place), -1)
        if self._index < 0:
            self._index = 0
            self._loop += 1

    def close(self) -> None:
        """Nothing to give back."""
