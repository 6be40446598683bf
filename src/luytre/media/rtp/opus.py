"""Opus from RTP: a packet is a sample (RFC 7587 section 4.2)."""

from __future__ import annotations

from luytre.media.opus import packet_ticks
from luytre.media.rtp.receiver import Receiver
from luytre.media.tracks import Sample


class OpusReceiver(Receiver):
    def payload(self, buffer: bytes, start: int, end: int, timestamp: int, marker: bool) -> None:
        data = buffer[start:end]
        if not packet_ticks(data):
            self.invalid += 1
            return
        self.samples.append(Sample(self._clock.unwrap(timestamp), data, True))

    def discontinuity(self) -> None:
        """Nothing is put together from several packets."""
