"""Interleaved frames: RTP and RTCP inside an RTSP connection (RFC 2326 section 10.12).

    $ | channel (1 byte) | length (2 bytes, big endian) | payload

`split` only looks; recorders use `delivery.deliver`, which hands frames on as it finds them.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from luytre.base.errors import Error, Kind

DOLLAR = 0x24
_HEADER = struct.Struct(">BBH")
# An RTSP message between frames is small; more than this without an end is garbage.
MAX_MESSAGE = 16_384


class Frames(NamedTuple):
    """frames: (channel, start, end) of each whole frame's payload in the buffer;
    messages: (start, end) of RTSP text found between frames; rest: where the first unfinished frame begins."""

    frames: list[tuple[int, int, int]]
    messages: list[tuple[int, int]]
    rest: int


def split(buffer: bytes) -> Frames:
    """All whole frames. Raises Error(cause bad_media) when the bytes are neither frames nor RTSP messages."""
    frames: list[tuple[int, int, int]] = []
    messages: list[tuple[int, int]] = []
    append, unpack = frames.append, _HEADER.unpack_from
    at, size = 0, len(buffer)
    while at + 4 <= size:
        dollar, channel, length = unpack(buffer, at)
        if dollar != DOLLAR:
            end = message_end(buffer, at)
            if end is None:
                break
            messages.append((at, end))
            at = end
            continue
        end = at + 4 + length
        if end > size:
            break
        append((channel, at + 4, end))
        at = end
    return Frames(frames, messages, at)


def message_end(buffer: bytes, at: int) -> int | None:
    """End of the RTSP message at `at`, None when it is not whole yet."""
    if not buffer[at : at + 1].isalpha() and buffer[at] not in (0x0D, 0x0A):
        raise Error(
            Kind.INVALID,
            "the camera sent bytes that are neither RTP nor RTSP",
            hint="Restart the camera; if it happens again, try its other stream or update its firmware.",
            cause="bad_media",
        )
    blank = at
    while blank < len(buffer) and buffer[blank] in (0x0D, 0x0A):
        blank += 1
    if blank > at:
        # Some cameras pad between frames with line ends.
        return blank
    for mark in (b"\r\n\r\n", b"\n\n"):
        head_end = buffer.find(mark, at, at + MAX_MESSAGE)
        if head_end >= 0:
            head_end += len(mark)
            break
    else:
        if len(buffer) - at >= MAX_MESSAGE:
            raise Error(
                Kind.INVALID,
                "an RTSP message without an end",
                hint="Restart the camera.",
                cause="bad_media",
            )
        return None
    length = 0
    for line in buffer[at:head_end].split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon and name.strip().lower() == b"content-length" and value.strip().isdigit():
            length = min(int(value), MAX_MESSAGE)
    end = head_end + length
    return end if end <= len(buffer) else None
