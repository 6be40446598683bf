"""G.711 from RTP: a packet is a sample (RFC 3551 section 4.5.14)."""

from __future__ import annotations

from luytre.media.rtp.receiver import Receiver
from luytre.media.tracks import Sample


class G711Receiver(Receiver):
    """`channels`: bytes per moment; a packet that is no multiple of it is not taken."""

    def __init__(self, payload_type: int, channels: int = 1) -> None:
        super().__init__(payload_type)
        self._channels = channels

    def payload(self, buffer: bytes, start: int, end: int, timestamp: int, marker: bool) -> None:
        if (end - start) % self._channels:
            self.invalid += 1
            return
        self.samples.append(Sample(self._clock.unwrap(timestamp), buffer[start:end], True))

    def discontinuity(self) -> None:
        """Nothing is put together from several packets."""
