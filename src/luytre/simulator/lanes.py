"""One client's timestamps: from a source's own times to what RTP-Info announced (packets: luytre.media.rtp.lane).

Does not   decide when a packet is sent (reels.py, studio.py do).
"""

from __future__ import annotations

from collections.abc import Sequence

from luytre.media.rtp.lane import FRAME_SIZE, OWN_AT, PacketLane, interleave

__all__ = ["FRAME_SIZE", "OWN_AT", "Lane", "interleave"]


class Lane(PacketLane):
    """One track on its way to one client. Times are in ticks of `rate`, any origin, until they are stamped.

    `seq` and `rtptime` are what RTP-Info announced: the first packet stamped carries exactly these.
    """

    __slots__ = (
        "anchor_s",
        "base",
        "begun",
        "last",
        "rate",
        "rtptime",
    )

    def __init__(self, channel: int, ssrc: int, seq: int, rtptime: int, rate: int) -> None:
        super().__init__(channel, ssrc, seq)
        self.rtptime = rtptime
        self.rate = rate
        self.begun = False
        self.base = rtptime
        self.anchor_s = 0.0
        self.last = rtptime

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
        base = self.base + shift
        own = [start - offset for start in starts] if offset else starts
        self.write(buffer, own, [base + moment for moment in times])
        self.last = max(self.last, base + max(times, default=self.last - base))

    def sender_report(self, now_s: float, ntp: int, cname: str) -> bytes:
        """An interleaved RTCP packet on the odd channel: sender report and name (RFC 3550 section 6.4.1)."""
        return self.report(ntp, self.clock(now_s), cname)
