"""Packets of a fuzzed track as one row of bytes, so that a changed byte changes one packet.

head (1 byte: marker, lost, next timestamp, extension, 4 bits of length) | 8 bits of length | payload
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from luytre.media.rtp.packet import Packet, build
from luytre.media.rtp.receiver import Receiver

MARKER, LOST, NEXT, EXTENDED = 0x80, 0x40, 0x20, 0x10
PAYLOAD_TYPE = 96


def written(payloads: Iterable[bytes], *, head: int = MARKER | NEXT) -> bytes:
    """Payloads as records; those of 4 KiB and more are cut."""
    found = []
    for payload in payloads:
        payload = payload[:0xFFF]
        found.append(bytes((head | len(payload) >> 8, len(payload) & 0xFF)) + payload)
    return b"".join(found)


def packets(data: bytes) -> Iterator[bytes]:
    """RTP packets out of any bytes."""
    at, seq, timestamp = 0, 65_530, 0xFFFF_F000
    while at + 2 <= len(data):
        head = data[at]
        size = (head & 0x0F) << 8 | data[at + 1]
        payload = data[at + 2 : at + 2 + size]
        at += 2 + size
        seq += 2 if head & LOST else 1
        # By a little, or by what the payload says: anything up to 32 bits.
        timestamp += 960 if head & NEXT else int.from_bytes(payload[-4:], "big") if head & LOST else 0
        extension = (0xBEDE, payload[:4].ljust(4, b"\0")) if head & EXTENDED else None
        yield build(
            Packet(PAYLOAD_TYPE, bool(head & MARKER), seq, timestamp, 7, payload, extension=extension)
        )


def push(receiver: Receiver, data: bytes) -> int:
    """Hand all of them over, and the first bytes as a packet of their own. How many bytes of payload there were."""
    total = len(data)
    receiver.push(data, 0, len(data))
    for packet in packets(data):
        total += len(packet)
        receiver.push(packet, 0, len(packet))
    receiver.flush()
    return total
