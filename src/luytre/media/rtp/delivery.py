"""From the bytes of a tick straight to the receivers of the tracks.

HOT: the loop below runs for each packet of each camera that is not one of many alike (`Receiver.alike`). It takes one
large `bytes` per tick and cuts it by index; frame header and RTP header are read by one call.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from luytre.media.rtp.interleaved import DOLLAR, Frames, message_end
from luytre.media.rtp.receiver import Receiver

# Interleaved header (RFC 2326 section 10.12), then RTP header without its SSRC (RFC 3550 section 5.1).
_HEADERS = struct.Struct(">BBHBBHI")
_FRAME = struct.Struct(">BBH")
# A packet of this size is usually one of many of a large NAL unit.
LARGE = 512


def deliver(buffer: bytes, receivers: Mapping[int, Receiver], at: int = 0) -> Frames:
    """As `interleaved.split` from byte `at` on, but frames of the channels in `receivers` are pushed to them; `frames` has
    the others.

    Raises Error(cause bad_media) when the bytes are neither frames nor RTSP messages.
    """
    frames: list[tuple[int, int, int]] = []
    messages: list[tuple[int, int]] = []
    unpack, receiver_of = _HEADERS.unpack_from, receivers.get
    size = len(buffer)
    while at + 16 <= size:
        dollar, channel, length, flags, marked_type, sequence, timestamp = unpack(buffer, at)
        if dollar != DOLLAR:
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
    if len(carry) < 4 or carry[0] != DOLLAR:
        return None
    return 4 + (carry[2] << 8 | carry[3]) - len(carry)


def _rest(buffer: bytes, at: int, receivers: Mapping[int, Receiver], found: Frames) -> Frames:
    """What the fast loop stopped at: a message between frames, a frame shorter than an RTP header, or an unfinished one."""
    size = len(buffer)
    while at + 4 <= size:
        dollar, channel, length = _FRAME.unpack_from(buffer, at)
        if dollar != DOLLAR:
            end = message_end(buffer, at)
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
