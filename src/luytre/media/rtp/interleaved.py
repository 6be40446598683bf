"""Interleaved frames: RTP and RTCP inside an RTSP connection (RFC 2326 section 10.12).

    $ | channel (1 byte) | length (2 bytes, big endian) | payload

HOT: the loop in `deliver` runs for each packet of each camera that is not one of many alike (`Receiver.alike`). It takes
one large `bytes` per tick and cuts it by index; frame header and RTP header are read by one call.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import NamedTuple

from luytre.base.errors import Error, Kind
from luytre.media.rtp.receiver import Receiver

_DOLLAR = 0x24
# What text begins with at the least.
_TEXT = b" "
# An RTSP message between frames is small; more than this without an end is garbage.
MAX_MESSAGE = 16_384
# Interleaved header (RFC 2326 section 10.12), then RTP header without its SSRC (RFC 3550 section 5.1).
_HEADERS = struct.Struct(">BBHBBHI")
_FRAME = struct.Struct(">BBH")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
# A packet of this size is usually one of many of a large NAL unit.
LARGE = 512


class Frames(NamedTuple):
    """frames: (channel, start, end) of each whole frame's payload in the buffer;
    messages: (start, end) of RTSP text found between frames; rest: where the first unfinished frame begins."""

    frames: list[tuple[int, int, int]]
    messages: list[tuple[int, int]]
    rest: int


def split(buffer: bytes) -> Frames:
    """All whole frames. Raises Error(cause bad_media) when the bytes are neither frames nor RTSP messages."""
    return deliver(buffer, {})


def deliver(buffer: bytes, receivers: Mapping[int, Receiver], at: int = 0) -> Frames:
    """All whole frames from byte `at` on: those of the channels in `receivers` are pushed to them, `frames` has the others.

    Raises Error(cause bad_media) when the bytes are neither frames nor RTSP messages.
    """
    frames: list[tuple[int, int, int]] = []
    messages: list[tuple[int, int]] = []
    unpack, receiver_of = _HEADERS.unpack_from, receivers.get
    size = len(buffer)
    while at + 16 <= size:
        dollar, channel, length, flags, marked_type, sequence, timestamp = unpack(buffer, at)
        if dollar != _DOLLAR:
            break
        end = at + 4 + length
        if end > size:
            break
        receiver = receiver_of(channel)
        if receiver is None:
            frames.append((channel, at + 4, end))
        elif (
            flags == 0x80
            and length > 12
            and sequence == receiver.next_sequence
            and marked_type & 0x7F == receiver.payload_type
        ):
            # What nearly every packet is: no extension, no padding, the next one in order.
            receiver.next_sequence = sequence + 1 & 0xFFFF
            receiver.packets += 1
            receiver.payload(buffer, at + 16, end, timestamp, marked_type >= 0x80)
            if length > LARGE:
                end = receiver.alike(buffer, end, 4 + length)
        else:
            receiver.push(buffer, at + 4, end)
        at = end
    return _rest(buffer, at, receivers, Frames(frames, messages, at))


def missing(carry: bytes) -> int | None:
    """How many bytes the frame that begins in `carry` still lacks; None where that cannot be told yet."""
    if len(carry) < 4 or carry[0] != _DOLLAR:
        return None
    return 4 + (carry[2] << 8 | carry[3]) - len(carry)


def _rest(buffer: bytes, at: int, receivers: Mapping[int, Receiver], found: Frames) -> Frames:
    """What the fast loop stopped at: a message between frames, a frame shorter than an RTP header, or an unfinished one."""
    size = len(buffer)
    while at + 4 <= size:
        dollar, channel, length = _FRAME.unpack_from(buffer, at)
        if dollar != _DOLLAR:
            end = _message_end(buffer, at)
            if end is None:
                break
            found.messages.append((at, end))
        else:
            end = at + 4 + length
            if end > size:
                break
            receiver = receivers.get(channel)
            if receiver is None:
                found.frames.append((channel, at + 4, end))
            else:
                receiver.push(buffer, at + 4, end)
        at = end
    return Frames(found.frames, found.messages, at)


def _message_end(buffer: bytes, at: int) -> int | None:
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
    head = _HEAD_END.search(buffer, at, at + MAX_MESSAGE)
    if head is None:
        if len(buffer) - at >= MAX_MESSAGE:
            raise Error(
                Kind.INVALID,
                "an RTSP message without an end",
                hint="Restart the camera.",
                cause="bad_media",
            )
        return None
    length = 0
    for line in buffer[at : head.end()].split(b"\n"):
        name, colon, value = line.partition(b":")
        # Nine digits: Python refuses to read thousands of them.
        if colon and name.strip().lower() == b"content-length" and value.strip().isdigit():
            length = min(int(value.strip()[:9]), MAX_MESSAGE)
    end = head.end()
    if buffer[end : end + 1] == b"$" and buffer[end + 1 : end + 2] < _TEXT:
        # The next frame, so there is no body, whatever was announced: its channel is no letter.
        return end
    end += length
    return end if end <= len(buffer) else None
