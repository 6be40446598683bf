"""Ready interleaved packets, and what makes them one client's own: number, timestamp, source, channel.

Promises   packets are built once and shared; per client 10 bytes of each are written over in a copy.
Does not   decide when a packet is sent (reels.py, studio.py do).
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
_MASK = 0xFFFF_FFFF


def interleave(payloads: Sequence[bytes], payload_type: int) -> tuple[bytes, list[int]]:
    """One access unit: its packets one behind the other, the marker on the last, and where each begins."""
    parts: list[bytes] = []
    starts: list[int] = []
    position = 0
    last = len(payloads) - 1
    for index, payload in enumerate(payloads):
        marker = 0x80 if index == last else 0
        parts += (_FRAME.pack(0x24, 0, 12 + len(payload), 0x80, marker | payload_type, 0, 0, 0), payload)
        starts.append(position)
        position += FRAME_SIZE + len(payload)
    return b"".join(parts), starts


class Lane:
    """One track on its way to one client. Times are in ticks of `rate`, any origin, until they are stamped.

    `seq` and `rtptime` are what RTP-Info announced: the first packet stamped carries exactly these.
    """

    __slots__ = (
        "anchor_s",
        "base",
        "begun",
        "channel",
        "last",
        "octets",
        "packets",
        "rate",
        "rtptime",
        "seq",
        "ssrc",
    )

    def __init__(self, channel: int, ssrc: int, seq: int, rtptime: int, rate: int) -> None:
        self.channel = channel
        self.ssrc = ssrc
        self.seq = seq
        self.rtptime = rtptime
        self.rate = rate
        self.begun = False
        self.base = rtptime
        self.anchor_s = 0.0
        self.last = rtptime
        self.packets = 0
        self.octets = 0

    def clock(self, now_s: float) -> int:
        """The timestamp, not yet cut to 32 bits, of what is captured at `now_s` (monotonic)."""
        return self.rtptime + round((now_s - self.anchor_s) * self.rate)

    def begin(self, first_time: int, at_s: float) -> None:
        """Say that `first_time` of what follows was captured at `at_s`; again when another source follows."""
        if not self.begun:
            self.begun = True
            self.anchor_s = at_s
            self.base = self.rtptime - first_time
        else:
            # Never behind what was sent: B-frames make the last timestamp run ahead of the clock.
            self.base = max(self.clock(at_s), self.last + self.rate // 30) - first_time

    def stamp(
        self, buffer: bytearray, starts: Sequence[int], times: Sequence[int], shift: int, offset: int
    ) -> None:
        """Write this client's fields into all packets of `buffer`.

        starts, times  of each packet, which begins at `start - offset` in the buffer and has `time + shift`
        """
        pack_into, seq, ssrc, base = _OWN.pack_into, self.seq, self.ssrc, self.base + shift
        at = OWN_AT - offset
        for start, moment in zip(starts, times, strict=True):
            pack_into(buffer, start + at, seq, (base + moment) & _MASK, ssrc)
            seq = (seq + 1) & 0xFFFF
        if self.channel:
            for start in starts:
                buffer[start - offset + 1] = self.channel
        self.seq = seq
        self.last = max(self.last, base + max(times, default=self.last - base))
        self.packets += len(starts)
        self.octets += len(buffer) - FRAME_SIZE * len(starts)

    def sender_report(self, now_s: float, ntp: int, cname: str) -> bytes:
        """An interleaved RTCP packet on the odd channel: sender report and name (RFC 3550 section 6.4.1)."""
        report = rtcp.SenderReport(self.ssrc, ntp, self.clock(now_s) & _MASK, self.packets, self.octets)
        body = rtcp.build(report, rtcp.SourceDescription(self.ssrc, cname))
        return struct.pack(">BBH", 0x24, self.channel + 1, len(body)) + body
