"""NAL units in their three wrappings: Annex B start codes, 4-byte lengths, base64 in SDP.

Promises   what comes out is clean: no start code, no trailing zero bytes, nothing empty; junk in the input is
           passed over.
Does not   know what is in a NAL unit (h264.py, h265.py).
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterable, Iterator
from fractions import Fraction

_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")

# Table E-1 of ISO/IEC 14496-10 and of ISO/IEC 23008-2: aspect_ratio_idc -> sample aspect ratio.
SAMPLE_ASPECT_RATIOS: dict[int, tuple[int, int]] = {
    1: (1, 1),
    2: (12, 11),
    3: (10, 11),
    4: (16, 11),
    5: (40, 33),
    6: (24, 11),
    7: (20, 11),
    8: (32, 11),
    9: (80, 33),
    10: (18, 11),
    11: (15, 11),
    12: (64, 33),
    13: (160, 99),
    14: (4, 3),
    15: (3, 2),
    16: (2, 1),
}
EXTENDED_SAR = 255
SQUARE = (1, 1)
# Above this a "frame rate" in a header is a clock rate that somebody put into the wrong field.
FASTEST_FPS = 480.0


def split_annexb(data: bytes) -> list[bytes]:
    """NAL units of an Annex B byte stream (ISO/IEC 14496-10, annex B); bytes before the first start code are
    dropped.

    trailing_zero_8bits and the first byte of a 4-byte start code go too: a NAL unit never ends in a zero
    byte.
    """
    pieces = data.split(b"\x00\x00\x01")
    return [nal for piece in pieces[1:] if (nal := piece.rstrip(b"\x00"))]


def to_length_prefixed(nals: Iterable[bytes]) -> bytes:
    """NAL units with 4-byte big-endian lengths, as samples are stored (ISO/IEC 14496-15, 5.3.2)."""
    return b"".join([part for nal in nals for part in (len(nal).to_bytes(4, "big"), nal)])


def nal_spans(sample: bytes) -> Iterator[tuple[int, int]]:
    """(start, end) of each NAL unit in a sample with 4-byte lengths; ends at a length that leads outside."""
    position, size = 0, len(sample)
    while position + 4 < size:
        (length,) = struct.unpack_from(">I", sample, position)
        start, position = position + 4, position + 4 + length
        if position > size:
            return
        if length:
            yield start, position


def clean(nal: bytes) -> bytes:
    """A NAL unit as cameras hand it out, without start codes around it and trailing zeros.

    Seen from a GW camera: sprop-parameter-sets whose NAL units end in 00 00 00 01.
    """
    for piece in nal.split(b"\x00\x00\x01"):
        if stripped := piece.rstrip(b"\x00"):
            return stripped
    return b""


def from_base64(text: str) -> tuple[bytes, ...]:
    """Comma-separated base64 NAL units (RFC 6184, 8.1; RFC 7798, 7.1).

    Padding is ignored and made anew, since cameras forget it; so are white space, quotes and empty items.
    An item that cannot be base64 (one character more than a multiple of four) loses that character.
    """
    found = []
    for item in text.split(","):
        letters = _NOT_BASE64.sub("", item)
        letters = letters[: len(letters) - (len(letters) % 4 == 1)]
        if nal := clean(base64.b64decode(letters + "=" * (-len(letters) % 4))):
            found.append(nal)
    return tuple(found)


def frames_per_second(time_scale: int, units: int) -> float | None:
    """Rate from VUI timing numbers; None where they say nothing sensible."""
    if not time_scale or not units:
        return None
    rate = float(Fraction(time_scale, units))
    return rate if rate <= FASTEST_FPS else None
