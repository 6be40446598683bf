"""RTP packets: the header, built and read (RFC 3550 section 5.1).

Does not   know payload formats. A recorder reads headers in place (interleaved.py); this is for the rest.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from luytre.base.errors import Error, Kind

HEADER = struct.Struct(">BBHII")
VERSION = 2


@dataclass(frozen=True, slots=True)
class Packet:
    """`seq` 16 bits, `timestamp` and `ssrc` 32 bits; `extension` is (profile, words) of 5.3.1."""

    payload_type: int
    marker: bool
    seq: int
    timestamp: int
    ssrc: int
    payload: bytes
    csrc: tuple[int, ...] = ()
    extension: tuple[int, bytes] | None = None


def build(packet: Packet, *, padding: int = 0) -> bytes:
    """The packet as bytes; `padding` bytes (0 to 255, the last one holds the count) are put at the end.

    Raises ValueError for fields out of range: that is a mistake of the caller.
    """
    if not 0 <= padding <= 255 or len(packet.csrc) > 15 or not 0 <= packet.payload_type < 128:
        raise ValueError("RTP header field out of range")
    first = VERSION << 6 | bool(padding) << 5 | (packet.extension is not None) << 4 | len(packet.csrc)
    head = HEADER.pack(
        first,
        packet.marker << 7 | packet.payload_type,
        packet.seq & 0xFFFF,
        packet.timestamp & 0xFFFF_FFFF,
        packet.ssrc & 0xFFFF_FFFF,
    )
    parts = [head, struct.pack(f">{len(packet.csrc)}I", *packet.csrc)]
    if packet.extension is not None:
        profile, data = packet.extension
        if len(data) % 4:
            raise ValueError("an RTP header extension is made of whole 32-bit words")
        parts += [struct.pack(">HH", profile, len(data) // 4), data]
    parts.append(packet.payload)
    if padding:
        parts.append(bytes(padding - 1) + bytes((padding,)))
    return b"".join(parts)


def parse(data: bytes | bytearray | memoryview) -> Packet:
    """Raises Error(cause="bad_media") when the bytes are not an RTP packet."""
    if len(data) < HEADER.size:
        raise _bad("shorter than its header")
    first, second, seq, timestamp, ssrc = HEADER.unpack_from(data)
    if first >> 6 != VERSION:
        raise _bad(f"version {first >> 6}")
    start = HEADER.size + 4 * (first & 0xF)
    if len(data) < start:
        raise _bad("shorter than its list of sources")
    csrc = struct.unpack_from(f">{first & 0xF}I", data, HEADER.size)
    extension = None
    if first & 0x10:
        if len(data) < start + 4:
            raise _bad("shorter than its extension")
        profile, words = struct.unpack_from(">HH", data, start)
        start += 4
        extension = (profile, bytes(data[start : start + 4 * words]))
        start += 4 * words
        if len(data) < start:
            raise _bad("shorter than its extension")
    end = len(data)
    if first & 0x20:
        end -= data[end - 1] or len(data) + 1
        if end < start:
            raise _bad("more padding than packet")
    return Packet(
        second & 0x7F, bool(second & 0x80), seq, timestamp, ssrc, bytes(data[start:end]), csrc, extension
    )


def _bad(why: str) -> Error:
    return Error(
        Kind.UNAVAILABLE,
        f"a broken RTP packet: {why}",
        hint="Restart the camera; if it comes back, update its firmware.",
        cause="bad_media",
    )
