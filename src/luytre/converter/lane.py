"""One track on its way to the recorder: RTP packets and sender reports, interleaved (RFC 2326 10.12, RFC 3550 5.1, 6.4.1).

Promises   the origin that both tracks share has exactly the timestamp that RTP-Info announced for each.
"""

from __future__ import annotations

import struct

from luytre.base.clock import to_ntp
from luytre.converter.tracks import Unit
from luytre.media.rtp import rtcp
from luytre.media.rtp.packet import Packet, build
from luytre.media.rtsp.server import ServerTrack

_NAME = "luytre-converter"


class Lane:
    """`origin`: what ticks are counted from, in this track's own."""

    def __init__(self, track: ServerTrack, payload_type: int, origin: int) -> None:
        self.origin = origin
        self._track = track
        self._payload_type = payload_type
        self._base = track.rtptime - origin
        self._seq = track.seq
        self._packets = self._octets = 0
        self._newest: tuple[int, int] | None = None

    def frames(self, unit: Unit, arrived_us: int) -> bytes:
        """The unit's packets; `arrived_us`: wall time at which it came."""
        stamp = unit.ticks + self._base
        if self._newest is None or stamp >= self._newest[0]:
            self._newest = stamp, arrived_us
        parts: list[bytes] = []
        last = len(unit.payloads) - 1
        for number, payload in enumerate(unit.payloads):
            packet = build(
                Packet(self._payload_type, number == last, self._seq, stamp, self._track.ssrc, payload)
            )
            parts += (struct.pack(">BBH", 0x24, self._track.channel, len(packet)), packet)
            self._seq += 1
            self._packets += 1
            self._octets += len(payload)
        return b"".join(parts)

    def report(self) -> bytes:
        """Pairs the newest timestamp with the time at which it came; b"" before the first unit."""
        if self._newest is None:
            return b""
        stamp, arrived_us = self._newest
        sent = rtcp.SenderReport(self._track.ssrc, to_ntp(arrived_us), stamp, self._packets, self._octets)
        body = rtcp.build(sent, rtcp.SourceDescription(self._track.ssrc, _NAME))
        return struct.pack(">BBH", 0x24, self._track.channel + 1, len(body)) + body
