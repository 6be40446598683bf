"""H.264 from RTP (RFC 6184): single NAL units, STAP-A, FU-A; packetization modes 0 and 1."""

from __future__ import annotations

from luytre.media.rtp.receiver import NalReceiver

_IDR, _SEI, _SPS, _PPS, _AUD = 5, 6, 7, 8, 9
_STAP_A, _FU_A = 24, 28
# FU-A: start and end bits of the FU header (RFC 6184 section 5.8).
_START, _END = 0x80, 0x40
_SEI_RECOVERY_POINT = 6
_HEADERS = [bytes([value]) for value in range(256)]


class H264Receiver(NalReceiver):
    """HOT: `payload` runs for each packet."""

    # RTP header, FU indicator, FU header.
    fragment_header = 14

    def payload(self, buffer: bytes, start: int, end: int, timestamp: int, marker: bool) -> None:
        if timestamp != self._timestamp:
            self.at_timestamp(timestamp)
        first = buffer[start]
        kind = first & 0x1F
        if kind == _FU_A:
            if end - start < 3:
                self.invalid += 1
                return
            fu = buffer[start + 1]
            if fu & _START:
                nal_header = first & 0xE0 | fu & 0x1F
                self._nal_begins(fu & 0x1F, buffer, start + 2, end)
                self.fragment_begins(_HEADERS[nal_header], buffer, start + 2, end)
                if fu & _END:
                    # Forbidden, and sent all the same: a whole NAL unit in one fragment.
                    self.fragment_ends()
            else:
                self.fragment_goes_on(buffer, start + 2, end, bool(fu & _END))
        elif 1 <= kind <= 23:
            self.whole(buffer, start, end)
        elif kind == _STAP_A:
            self.aggregate(buffer, start + 1, end)
        else:
            # STAP-B, MTAP and FU-B need interleaved mode, which no camera offers.
            self.invalid += 1
        if marker:
            self.marked()

    def whole(self, buffer: bytes, start: int, end: int) -> None:
        kind = buffer[start] & 0x1F
        self._nal_begins(kind, buffer, start + 1, end)
        if kind in (_SPS, _PPS):
            self.learn(buffer[start:end])
        self.whole_nal(buffer, start, end)

    def _nal_begins(self, kind: int, buffer: bytes, body: int, end: int) -> None:
        """Access unit borders (ITU-T H.264 section 7.4.1.2.3): a slice with first_mb_in_slice 0, or a NAL
        unit that precedes a picture.
        """
        if 1 <= kind <= _IDR:
            if body < end and buffer[body] & 0x80:
                self.next_picture()
            else:
                self.continued()
            self._has_picture = True
            if kind == _IDR:
                self._key = True
        elif kind == _AUD:
            self.next_picture()
        elif kind in (_SEI, _SPS, _PPS):
            self.may_precede(key=kind == _SEI and _has_recovery_point(buffer, body, end))

    def is_slice(self, nal: bytes) -> bool:
        return 1 <= nal[0] & 0x1F <= _IDR

    def set_key(self, nal: bytes) -> tuple[int, int] | None:
        kind = nal[0] & 0x1F if nal else 0
        if kind == _SPS and len(nal) > 4:
            number = _exp_golomb(nal, 4)
            return (0, number) if number < 32 else None
        if kind == _PPS and len(nal) > 1:
            number = _exp_golomb(nal, 1)
            return (1, number) if number < 256 else None
        return None


def _has_recovery_point(buffer: bytes, at: int, end: int) -> bool:
    """A recovery point SEI with recovery_frame_cnt 0 (ITU-T H.264 section D.1.8): a decoder can start here
    without an IDR.
    """
    while at + 2 < end:
        kind = buffer[at]
        size = buffer[at + 1]
        if kind == _SEI_RECOVERY_POINT:
            # recovery_frame_cnt is ue(v): 0 is a single 1 bit.
            return size > 0 and bool(buffer[at + 2] & 0x80)
        if kind == 0xFF or size == 0xFF:
            return False
        at += 2 + size
    return False


def _exp_golomb(nal: bytes, at: int) -> int:
    """A small ue(v) that begins at byte `at` (ITU-T H.264 section 9.1): parameter set ids are below 256 where they
    are right.
    """
    bits = int.from_bytes(nal[at : at + 4].ljust(4, b"\x00"), "big")
    if bits == 0:
        return 0
    zeros = 32 - bits.bit_length()
    return (bits >> 31 - 2 * zeros) - 1 if zeros <= 15 else 0
