"""Between the web and a worker: frames over a socket pair (design/renditions.md).

4 bytes length (big endian), 1 byte type, payload. To the worker BEGIN, then PACKETs, then FINISH; back come TRACK, PICTUREs
and DONE, or FAILED. After DONE or FAILED the worker takes another BEGIN.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final, NamedTuple

from luytre.base.errors import Error, Kind
from luytre.media.tracks import VideoCodec

BEGIN, PACKET, FINISH = b"B", b"P", b"F"
TRACK, PICTURE, DONE, FAILED = b"T", b"V", b"D", b"X"
# A keyframe of an 8K camera fits.
MAX_FRAME: Final = 32 << 20
_LENGTH = struct.Struct(">I")
_HEAD = struct.Struct(">IcqBI")


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is to make.

    codec, sets    of what comes in; `sets` are parameter sets as NAL units
    width, height  of what goes out; `sar` the shape of a pixel
    from_ticks     pictures before are decoded, and not encoded
    at_once        hand out each picture as it is made; else all of them at FINISH, so that who writes need not read
    """

    codec: VideoCodec
    sets: tuple[bytes, ...]
    width: int
    height: int
    sar: tuple[int, int]
    from_ticks: int = 0
    at_once: bool = True

    def to_bytes(self) -> bytes:
        fields = {**asdict(self), "sets": [base64.b64encode(nal).decode() for nal in self.sets]}
        return json.dumps(fields).encode()

    @staticmethod
    def from_bytes(data: bytes) -> Job:
        fields = json.loads(data)
        fields["sets"] = tuple(base64.b64decode(nal) for nal in fields["sets"])
        fields["sar"] = tuple(fields["sar"])
        return Job(**fields)


class Packet(NamedTuple):
    """One access unit either way: 4-byte lengths in, the same out. `cpu_us`: what the worker has spent on the job so far."""

    pts: int
    key: bool
    data: bytes
    cpu_us: int = 0


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    return _LENGTH.pack(1 + len(payload)) + kind + payload


def packet_frame(kind: bytes, packet: Packet) -> bytes:
    size = _HEAD.size - _LENGTH.size + len(packet.data)
    return _HEAD.pack(size, kind, packet.pts, packet.key, min(packet.cpu_us, 0xFFFF_FFFF)) + packet.data


def parse_packet(payload: bytes) -> Packet:
    pts, key, cpu_us = struct.unpack_from(">qBI", payload)
    return Packet(pts, bool(key), payload[13:], cpu_us)


def sets_payload(sets: Sequence[bytes]) -> bytes:
    return b"\n".join(base64.b64encode(nal) for nal in sets)


def parse_sets(payload: bytes) -> tuple[bytes, ...]:
    return tuple(base64.b64decode(line) for line in payload.split(b"\n"))


def done_payload(cpu_us: int) -> bytes:
    return cpu_us.to_bytes(8, "big")


def parse_done(payload: bytes) -> int:
    """CPU microseconds of the whole job."""
    return int.from_bytes(payload[:8], "big")


class Splitter:
    """Bytes in, (type, payload) out. Raises Error(INVALID) on a length that cannot be."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        self._buffer += data
        while len(self._buffer) >= 4:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if not 1 <= length <= MAX_FRAME:
                raise Error(Kind.INVALID, "nonsense between web and worker", hint="Restart the node.")
            if len(self._buffer) < 4 + length:
                return
            kind, payload = bytes(self._buffer[4:5]), bytes(self._buffer[5 : 4 + length])
            del self._buffer[: 4 + length]
            yield kind, payload
