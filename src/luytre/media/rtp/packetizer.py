"""Access units into RTP payloads, the sending half (RFC 6184, RFC 7798, RFC 3640, RFC 3551, RFC 7587).

Promises   no payload is longer than `max_payload`; the last one of an access unit is to carry the marker bit.
Does not   number packets or write RTP headers (packet.py, luytre.simulator do).
"""

from __future__ import annotations

from collections.abc import Iterable

MAX_PAYLOAD = 1400


def h264(nals: Iterable[bytes], max_payload: int = MAX_PAYLOAD) -> list[bytes]:
    """Single NAL units, STAP-A for SPS, PPS, SEI and AUD, FU-A for what is too long (5.6 to 5.8)."""
    payloads: list[bytes] = []
    group: list[bytes] = []
    for nal in nals:
        if not nal:
            continue
        if nal[0] & 0x1F in (6, 7, 8, 9) and len(nal) + 3 <= max_payload:
            if 1 + sum(2 + len(unit) for unit in group) + 2 + len(nal) > max_payload:
                payloads += _stap_a(group)
                group = []
            group.append(nal)
            continue
        payloads += _stap_a(group)
        group = []
        payloads += [nal] if len(nal) <= max_payload else _fu_a(nal, max_payload)
    return payloads + _stap_a(group)


def _stap_a(group: list[bytes]) -> list[bytes]:
    if len(group) < 2:
        return group
    importance = max(nal[0] & 0x60 for nal in group)
    return [bytes((importance | 24,)) + b"".join(len(nal).to_bytes(2, "big") + nal for nal in group)]


def _fu_a(nal: bytes, max_payload: int) -> list[bytes]:
    indicator, kind = nal[0] & 0x60 | 28, nal[0] & 0x1F
    size = max_payload - 2
    pieces = [nal[at : at + size] for at in range(1, len(nal), size)]
    last = len(pieces) - 1
    return [
        bytes((indicator, (index == 0) << 7 | (index == last) << 6 | kind)) + piece
        for index, piece in enumerate(pieces)
    ]


def h265(nals: Iterable[bytes], max_payload: int = MAX_PAYLOAD) -> list[bytes]:
    """Single NAL units, AP for runs of VPS, SPS, PPS, AUD and SEI, FU for what is too long (4.4); without DONL."""
    payloads: list[bytes] = []
    group: list[bytes] = []
    for nal in nals:
        if len(nal) < 2:
            continue
        if nal[0] >> 1 & 0x3F in (32, 33, 34, 35, 39) and len(nal) + 4 <= max_payload:
            if 2 + sum(2 + len(unit) for unit in group) + 2 + len(nal) > max_payload:
                payloads += _ap(group)
                group = []
            group.append(nal)
            continue
        payloads += _ap(group)
        group = []
        payloads += [nal] if len(nal) <= max_payload else _fu(nal, max_payload)
    return payloads + _ap(group)


def _ap(group: list[bytes]) -> list[bytes]:
    if len(group) < 2:
        return group
    # Layer and temporal id are the lowest of all units in the packet (section 4.4.2).
    layer = min((nal[0] & 1) << 5 | nal[1] >> 3 for nal in group)
    temporal = min(nal[1] & 7 for nal in group)
    head = bytes((48 << 1 | layer >> 5, (layer & 0x1F) << 3 | temporal))
    return [head + b"".join(len(nal).to_bytes(2, "big") + nal for nal in group)]


def _fu(nal: bytes, max_payload: int) -> list[bytes]:
    head, kind = bytes((nal[0] & 0x81 | 49 << 1, nal[1])), nal[0] >> 1 & 0x3F
    size = max_payload - 3
    pieces = [nal[at : at + size] for at in range(2, len(nal), size)]
    last = len(pieces) - 1
    return [
        head + bytes(((index == 0) << 7 | (index == last) << 6 | kind,)) + piece
        for index, piece in enumerate(pieces)
    ]


def aac(frame: bytes, max_payload: int = MAX_PAYLOAD) -> list[bytes]:
    """One raw AAC frame as AAC-hbr: 13 bits size, 3 bits index; in pieces when too long (RFC 3640, 3.3.6)."""
    if not 0 < len(frame) < 1 << 13:
        raise ValueError("an AAC-hbr frame has 1 to 8191 bytes")
    head = b"\x00\x10" + (len(frame) << 3).to_bytes(2, "big")
    size = max_payload - len(head)
    return [head + frame[at : at + size] for at in range(0, len(frame), size)]


def g711(sound: bytes, channels: int = 1, max_payload: int = MAX_PAYLOAD) -> list[bytes]:
    """A-law or mu-law as it is, cut between moments; the timestamp of each goes on by its bytes over `channels`."""
    size = max_payload - max_payload % channels
    return [sound[at : at + size] for at in range(0, len(sound), size)]


def opus(packet: bytes) -> list[bytes]:
    """An Opus packet is the payload (RFC 7587 section 4.2); it cannot be cut."""
    return [packet]
