"""H.265 from RTP (RFC 7798): single NAL units, aggregation packets, fragmentation units; with or without DONL.

Does not   bring NAL units into decoding order: decoding order numbers are stepped over, and streams that need them
           are refused (rtsp/tracks.py).
"""

from __future__ import annotations

from luytre.media.rtp.receiver import NalReceiver

_IRAP_FIRST, _IRAP_LAST = 16, 21
_VPS, _SPS, _PPS, _AUD, _SEI_PREFIX = 32, 33, 34, 35, 39
_AP, _FU = 48, 49
_START, _END = 0x80, 0x40


class H265Receiver(NalReceiver):
    """HOT: `payload` runs for each packet."""

    # RTP header, payload header, FU header.
    fragment_header = 15

    def __init__(self, payload_type: int, parameter_sets: tuple[bytes, ...], donl: bool = False) -> None:
        """`donl`: the description told of decoding order numbers (sprop-max-don-diff above 0)."""
        super().__init__(payload_type, parameter_sets)
        self._donl = 2 if donl else 0

    def payload(self, buffer: bytes, start: int, end: int, timestamp: int, marker: bool) -> None:
        if timestamp != self._timestamp:
            self.at_timestamp(timestamp)
        if end - start < 3:
            self.invalid += 1
            return
        kind = buffer[start] >> 1 & 0x3F
        if kind == _FU:
            fu = buffer[start + 2]
            if fu & _START:
                kind = fu & 0x3F
                # DONL stands in the first fragment only (section 4.4.3).
                body = min(start + 3 + self._donl, end)
                self._nal_begins(kind, buffer, body, end)
                header = bytes((buffer[start] & 0x81 | kind << 1, buffer[start + 1]))
                self.fragment_begins(header, buffer, body, end)
                if fu & _END:
                    # Forbidden, and sent all the same: a whole NAL unit in one fragment.
                    self.fragment_ends()
            else:
                self.fragment_goes_on(buffer, start + 3, end, bool(fu & _END))
        elif self._donl:
            self._numbered(kind, buffer, start, end)
        elif kind < _AP:
            self.whole(buffer, start, end)
        elif kind == _AP:
            self.aggregate(buffer, start + 2, end, smallest=2)
        else:
            self.invalid += 1
        if marker:
            self.marked()

    def _numbered(self, kind: int, buffer: bytes, start: int, end: int) -> None:
        """The same with DONL behind the payload header (section 4.4.1), and DOND between units (section 4.4.2)."""
        if kind > _AP or end - start < 5:
            self.invalid += 1
        elif kind < _AP:
            nal = buffer[start : start + 2] + buffer[start + 4 : end]
            self.whole(nal, 0, len(nal))
        else:
            self.aggregate(buffer, start + 4, end, smallest=2, between=1)

    def whole(self, buffer: bytes, start: int, end: int) -> None:
        kind = buffer[start] >> 1 & 0x3F
        self._nal_begins(kind, buffer, start + 2, end)
        if _VPS <= kind <= _PPS:
            self.learn(buffer[start:end])
        self.whole_nal(buffer, start, end)

    def _nal_begins(self, kind: int, buffer: bytes, body: int, end: int) -> None:
        """Access unit borders (ITU-T H.265 section 7.4.2.4.4): first_slice_segment_in_pic_flag, or a NAL unit
        that precedes a picture.
        """
        if kind < _VPS:
            if body < end and buffer[body] & 0x80:
                self.next_picture()
            else:
                self.continued()
            self._has_picture = True
            if _IRAP_FIRST <= kind <= _IRAP_LAST:
                self._key = True
        elif kind == _AUD:
            self.next_picture()
        elif kind in (_VPS, _SPS, _PPS, _SEI_PREFIX):
            self.may_precede()

    def is_slice(self, nal: bytes) -> bool:
        return nal[0] >> 1 & 0x3F < _VPS

    def set_key(self, nal: bytes) -> tuple[int, int] | None:
        """The id is not read for SPS (it lies behind the profile): cameras have one; its place in the list is enough."""
        kind = nal[0] >> 1 & 0x3F if len(nal) > 2 else 0
        if kind == _VPS:
            return 0, nal[2] >> 4
        if kind == _SPS:
            return 1, 0
        if kind == _PPS:
            # pps_pic_parameter_set_id, ue(v): 1 -> 0, 010 -> 1, 011 -> 2, then longer codes.
            return 2, 0 if nal[2] & 0x80 else nal[2]
        return None
