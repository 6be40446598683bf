"""AAC from RTP: MPEG4-GENERIC in mode AAC-hbr (RFC 3640 section 3.3.6)."""

from __future__ import annotations

from luytre.media.rtp.receiver import Receiver
from luytre.media.tracks import Sample

# AU-headers-length of a single 16-bit header.
_ONE_HEADER = b"\x00\x10"
# 13 bits in AAC-hbr; a description may ask for more.
_MAX_FRAME_BYTES = 1 << 16


class AacReceiver(Receiver):
    """size_length and index_length as in the SDP's fmtp (13 and 3 for hbr); `samples_per_frame` in ticks."""

    def __init__(
        self, payload_type: int, size_length: int = 13, index_length: int = 3, samples_per_frame: int = 1024
    ) -> None:
        super().__init__(payload_type)
        self._size_length = size_length
        self._header_bits = size_length + index_length
        self._index_mask_bits = index_length
        self._samples_per_frame = samples_per_frame
        self._usual = (size_length, index_length) == (13, 3)
        self._fragments: list[bytes] = []
        self._fragments_left = 0

    def payload(self, buffer: bytes, start: int, end: int, timestamp: int, marker: bool) -> None:
        if self._usual and end - start > 4 and buffer[start : start + 2] == _ONE_HEADER:
            # What nearly every packet is: one whole frame.
            size = (buffer[start + 2] << 8 | buffer[start + 3]) >> 3
            if size == end - start - 4:
                self.samples.append(Sample(self._clock.unwrap(timestamp), buffer[start + 4 : end], True))
                return
        headers_bits = buffer[start] << 8 | buffer[start + 1] if end - start >= 2 else 0
        headers_end = start + 2 + (headers_bits + 7) // 8
        count = headers_bits // self._header_bits if self._header_bits else 0
        if count == 0 or headers_end > end:
            self.invalid += 1
            return
        headers = int.from_bytes(buffer[start + 2 : headers_end], "big")
        headers >>= (headers_end - start - 2) * 8 - headers_bits
        pts = self._clock.unwrap(timestamp)
        at = headers_end
        for number in range(count):
            shift = headers_bits - (number + 1) * self._header_bits + self._index_mask_bits
            size = headers >> shift & (1 << self._size_length) - 1
            if at + size > end:
                self._fragment(buffer, at, end, size, pts, count)
                return
            if size:
                self.samples.append(
                    Sample(pts + number * self._samples_per_frame, buffer[at : at + size], True)
                )
            at += size

    def _fragment(self, buffer: bytes, at: int, end: int, size: int, pts: int, count: int) -> None:
        """One access unit over several packets (RFC 3640 section 3.2.3): each says the whole size."""
        if count != 1 or size > _MAX_FRAME_BYTES:
            self.invalid += 1
            return
        if not self._fragments:
            self._fragments_left = size
        self._fragments.append(buffer[at:end])
        self._fragments_left -= end - at
        if self._fragments_left <= 0:
            data = b"".join(self._fragments)
            self._fragments = []
            if self._fragments_left == 0:
                self.samples.append(Sample(pts, data, True))
            else:
                self.invalid += 1

    def discontinuity(self) -> None:
        self._fragments = []
