"""Ready interleaved packets, and what makes them one client's own: number, timestamp, source, channel.

Promises   packets are built once and shared; per client 10 bytes of each are written over in a copy.
Does not   decide when a packet is sent, or which timestamp it has.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from luytre.media.rtp import rtcp

# `$`, channel, length (RFC 2326 section 10.12), then the RTP header (RFC 3550 section 5.1).
_FRAME = struct.Struct(">BBHBBHII")
_OWN = struct.Struct(">HII")
FRAME_SIZE = _FRAME.size
# Where _OWN (seq, timestamp, ssrc) begins in a packet.
OWN_AT = 6
MASK = 0xFFFF_FFFF


def interleave(
    payloads: Sequence[bytes], payload_type: int, *, marker: bool = True
) -> tuple[bytes, list[int]]:
    """One access unit: its packets one behind the other, the marker on the last (if any), and where each begins."""
    parts: list[bytes] = []
    starts: list[int] = []
    position = 0
    last = len(payloads) - 1 if marker else -1
    for index, payload in enumerate(payloads):
        mark = 0x80 if index == last else 0
        parts += (_FRAME.pack(0x24, 0, 12 + len(payload), 0x80, mark | payload_type, 0, 0, 0), payload)
        starts.append(position)
        position += FRAME_SIZE + len(payload)
    return b"".join(parts), starts


class PacketLane:
    """One track on its way to one client: counts what was sent. `seq` is the next packet's."""

    __slots__ = ("channel", "octets", "packets", "seq", "ssrc")

    def __init__(self, channel: int, ssrc: int, seq: int) -> None:
        self.channel = channel
        self.ssrc = ssrc
        self.seq = seq
        self.packets = 0
        self.octets = 0

    def write(self, buffer: bytearray, starts: Sequence[int], times: Sequence[int]) -> None:
        """Write this client's fields into all packets of `buffer`, which begin at `starts` and have these timestamps."""
        pack_into, seq, ssrc = _OWN.pack_into, self.seq, self.ssrc
        for start, moment in zip(starts, times, strict=True):
            pack_into(buffer, start + OWN_AT, seq, moment & MASK, ssrc)
            seq = (seq + 1) & 0xFFFF
        if self.channel:
            for start in starts:
                buffer[start + 1] = self.channel
        self.seq = seq
        self.packets += len(starts)
        self.octets += len(buffer) - FRAME_SIZE * len(starts)

    def report(self, ntp: int, rtp_time: int, cname: str) -> bytes:
        """An interleaved RTCP packet on the odd channel: sender report and name (RFC 3550 section 6.4.1)."""
        report = rtcp.SenderReport(self.ssrc, ntp, rtp_time & MASK, self.packets, self.octets)
        return self._framed(rtcp.build(report, rtcp.SourceDescription(self.ssrc, cname)))

    def goodbye(self, cname: str) -> bytes:
        """The last word: no more of this source."""
        return self._framed(
            rtcp.build(
                rtcp.ReceiverReport(self.ssrc),
                rtcp.SourceDescription(self.ssrc, cname),
                rtcp.Bye((self.ssrc,)),
            )
        )

    def _framed(self, body: bytes) -> bytes:
        return struct.pack(">BBH", 0x24, self.channel + 1, len(body)) + body
