"""RTP packets of one track as UDP brings them, put in order again (RFC 3550 section 6.4.1, appendices A.1, A.3, A.8).

    window.push(packets)               # as they came
    window.expire(now_s)               # what has been missing for too long is given up
    ready = window.take()              # in order, each once

Promises   what comes in order passes at once; a packet is waited for while fewer than WINDOW_PACKETS came after it, and for
           WINDOW_S to twice that (a tick of the caller's more or less); another source is followed as soon as the
           one before is silent, without its packets being counted as losses.
Does not   repair or ask again; look into payloads; count what a decoder misses (receiver.py does).
"""

from __future__ import annotations

from luytre.media.rtp.rtcp import ReportBlock
from luytre.media.rtp.sequence import MAX_DROPOUT

WINDOW_PACKETS = 64
WINDOW_S = 0.2
# Of another source so many in a row, and the one before is taken to have ended.
STRANGERS = 8
HEADER_BYTES = 12


class Window:
    """One track. Packets are whole RTP packets; times are seconds of a clock that never steps.

    ssrc     of the source that is followed, None before its first packet
    invalid  packets that are no RTP, or of another source than the one followed
    late     packets that came twice, or after they were given up
    """

    def __init__(self, rate: int) -> None:
        self.ssrc: int | None = None
        self.invalid = 0
        self.late = 0
        self._rate = rate
        # Longer than any: what is too short for a header is nobody's.
        self._source = b"nobody"
        self._next = -1
        self._ready: list[bytes] = []
        # By sequence number, what came too early. At `_since_s` the newest of it was `_until`.
        self._early: dict[int, bytes] = {}
        self._since_s: float | None = None
        self._until = 0
        self._strangers: list[bytes] = []
        self._cycles = self._base = self._received = 0
        self._expected_before = self._received_before = 0
        self._jitter = 0.0
        self._transit: float | None = None

    def push(self, packets: list[bytes]) -> None:
        """HOT: once per tick, a few hundred packets."""
        source, following, ready = self._source, self._next, self._ready
        taken = 0
        for packet in packets:
            if packet[8:12] == source and packet[2] << 8 | packet[3] == following and not self._early:
                following = following + 1 & 0xFFFF
                if not following:
                    self._cycles += 0x10000
                ready.append(packet)
                taken += 1
            else:
                self._next = following
                self._odd(packet)
                source, following = self._source, self._next
        self._next = following
        if taken:
            self._received += taken
            if self._strangers:
                self._drop_strangers()

    def _odd(self, packet: bytes) -> None:
        """Not simply the next one."""
        if len(packet) < HEADER_BYTES or packet[0] >> 6 != 2:
            self.invalid += 1
        elif packet[8:12] != self._source:
            self._stranger(packet)
        else:
            if self._strangers:
                self._drop_strangers()
            self._received += 1
            self._place(packet)

    def _place(self, packet: bytes) -> None:
        sequence = packet[2] << 8 | packet[3]
        ahead = self._ahead(sequence)
        if ahead == 0:
            self._pass(packet)
            self._pass_early()
        elif ahead < MAX_DROPOUT:
            if sequence in self._early:
                self.late += 1
                return
            self._early[sequence] = packet
            while len(self._early) >= WINDOW_PACKETS:
                self._give_up()
        elif ahead >= 0x10000 - MAX_DROPOUT:
            self.late += 1
        else:
            # The same source, and its numbers begin anew.
            self._flush()
            self._begin(packet)

    def _pass(self, packet: bytes) -> None:
        self._ready.append(packet)
        self._next = self._next + 1 & 0xFFFF
        if not self._next:
            self._cycles += 0x10000

    def _pass_early(self) -> None:
        early = self._early
        while (packet := early.pop(self._next, None)) is not None:
            self._pass(packet)

    def _give_up(self) -> None:
        """On with the first one behind the hole."""
        first = min(self._early, key=self._ahead)
        if first < self._next:
            self._cycles += 0x10000
        self._next = first
        self._pass_early()

    def _ahead(self, sequence: int) -> int:
        return sequence - self._next & 0xFFFF

    def _is_out(self, sequence: int) -> bool:
        return self._ahead(sequence) >= 0x8000

    def _flush(self) -> None:
        while self._early:
            self._give_up()

    def _stranger(self, packet: bytes) -> None:
        if self.ssrc is None:
            self._begin(packet)
            return
        if self._strangers and self._strangers[-1][8:12] != packet[8:12]:
            self._drop_strangers()
        self._strangers.append(packet)
        if len(self._strangers) >= STRANGERS:
            self._flush()
            strangers, self._strangers = self._strangers, []
            self._begin(strangers[0])
            for following in strangers[1:]:
                self._received += 1
                self._place(following)

    def _drop_strangers(self) -> None:
        self.invalid += len(self._strangers)
        self._strangers = []

    def _begin(self, packet: bytes) -> None:
        """A source's first packet. Its statistics count from here."""
        self._source = packet[8:12]
        self.ssrc = int.from_bytes(self._source, "big")
        self._next = self._base = packet[2] << 8 | packet[3]
        self._cycles = self._expected_before = self._received_before = 0
        self._received = 1
        self._jitter, self._transit = 0.0, None
        self._pass(packet)

    def expire(self, now_s: float) -> None:
        """Call after each push: a packet that has been missing for WINDOW_S is not waited for any longer."""
        if self._since_s is not None and self._is_out(self._until):
            self._since_s = None
        if self._since_s is not None and now_s - self._since_s >= WINDOW_S:
            while self._early and not self._is_out(self._until):
                self._give_up()
            self._since_s = None
        if self._since_s is None and self._early:
            self._since_s = now_s
            self._until = max(self._early, key=self._ahead)

    def take(self) -> list[bytes]:
        """The packets that are in order by now."""
        ready, self._ready = self._ready, []
        return ready

    def arrived(self, timestamp: int, at_s: float) -> None:
        """One packet's RTP timestamp and arrival: from those that are told of, the jitter is estimated."""
        transit = at_s * self._rate - timestamp
        if self._transit is not None:
            # The timestamp wraps, and so does the difference.
            change = abs((round(transit - self._transit) + (1 << 31) & 0xFFFF_FFFF) - (1 << 31))
            if change < self._rate:
                self._jitter += (change - self._jitter) / 16
        self._transit = transit

    def report(self, last_sr: int, delay_since_sr: int) -> ReportBlock | None:
        """What a receiver report says of this source since the one before; None while there is none."""
        if self.ssrc is None:
            return None
        highest = self._cycles + self._next - 1
        expected = highest - self._base + 1
        lost = expected - self._received
        expected_now = expected - self._expected_before
        lost_now = expected_now - (self._received - self._received_before)
        self._expected_before, self._received_before = expected, self._received
        fraction = min((lost_now << 8) // expected_now, 255) if expected_now > 0 and lost_now > 0 else 0
        return ReportBlock(
            self.ssrc,
            fraction,
            max(min(lost, 0x7F_FFFF), -0x80_0000),
            highest & 0xFFFF_FFFF,
            int(self._jitter),
            last_sr,
            delay_since_sr,
        )
