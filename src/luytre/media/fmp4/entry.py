"""Sample entries: what `stsd` says of a track (ISO/IEC 14496-12, 8.5.2 and 12; ISO/IEC 14496-15).

Promises   `codec_string` reads the very bytes a player will get, so name and entry cannot disagree.
Does not   make decoder configurations: h264.py, h265.py, aac.py and opus.py do, and hand them in as boxes.
"""

from __future__ import annotations

import struct

from luytre.media.fmp4.boxes import Box, box, find

# Payload offset of the child boxes of a VisualSampleEntry and of an AudioSampleEntry (version 0).
VISUAL_CHILDREN = 78
AUDIO_CHILDREN = 28
_AUDIO_KINDS = (b"mp4a", b"alaw", b"ulaw", b"Opus")
_VISUAL = struct.Struct(">6xH16xHHII4xH32xHh")
_AUDIO = struct.Struct(">6xH8xHH4xI")


def visual_entry(kind: bytes, width: int, height: int, sar: tuple[int, int], configuration: bytes) -> bytes:
    """`avc1` or `hvc1` with its configuration box; `pasp` only where pixels are not square."""
    head = _VISUAL.pack(1, width, height, 0x48_0000, 0x48_0000, 1, 0x18, -1)
    pasp = box(b"pasp", struct.pack(">II", *sar)) if sar[0] != sar[1] else b""
    return box(kind, head, configuration, pasp)


def audio_entry(kind: bytes, channels: int, rate: int, configuration: bytes) -> bytes:
    """`mp4a`, `Opus` with its configuration box; `alaw`, `ulaw` without. Rates above 16 bits are written as 0: esds has
    the truth.
    """
    return box(kind, _AUDIO.pack(1, channels, 16, rate << 16 if rate <= 0xFFFF else 0), configuration)


def configuration(sample_entry: bytes, kind: bytes) -> bytes | None:
    """Payload of a child box (avcC, hvcC, esds, pasp) of a video or audio sample entry."""
    children = AUDIO_CHILDREN if sample_entry[4:8] in _AUDIO_KINDS else VISUAL_CHILDREN
    found: Box | None = find(sample_entry, kind, 8 + children)
    return sample_entry[found.payload : found.end] if found else None


def visual_size(sample_entry: bytes) -> tuple[int, int]:
    """(width, height) in pixels; zeros where the entry is cut."""
    if len(sample_entry) < 8 + VISUAL_CHILDREN:
        return 0, 0
    _, width, height, *_ = _VISUAL.unpack_from(sample_entry, 8)
    return width, height


def audio_format(sample_entry: bytes) -> tuple[int, int]:
    """(channels, rate); zeros where the entry is cut."""
    if len(sample_entry) < 8 + AUDIO_CHILDREN:
        return 0, 0
    _, channels, _, rate = _AUDIO.unpack_from(sample_entry, 8)
    return channels, rate >> 16


def pixel_aspect(sample_entry: bytes) -> tuple[int, int]:
    """Sample aspect ratio from `pasp`; (1, 1) without one or with a zero in it."""
    pasp = configuration(sample_entry, b"pasp")
    if pasp is None or len(pasp) < 8:
        return 1, 1
    across, down = struct.unpack_from(">II", pasp)
    return (across, down) if across and down else (1, 1)


def decoder_specific_info(esds: bytes) -> tuple[int, bytes] | None:
    """(objectTypeIndication, AudioSpecificConfig) of an `esds` payload (ISO/IEC 14496-1, 7.2.6), or None."""
    object_type = 0
    position, end = 4, len(esds)
    while position < end:
        tag, size, position = _descriptor(esds, position)
        if tag == 0x03 and position + 3 <= end:
            flags = esds[position + 2]
            position += 3 + (2 if flags & 0x80 else 0) + (2 if flags & 0x20 else 0)
            if flags & 0x40:
                position += 1 + (esds[position] if position < end else 0)
        elif tag == 0x04 and position + 13 <= end:
            object_type = esds[position]
            position += 13
        elif tag == 0x05:
            return object_type, esds[position : position + size]
        else:
            position += size
    return None


def _descriptor(data: bytes, position: int) -> tuple[int, int, int]:
    """(tag, size, payload position): sizes have 7 bits a byte, four bytes at most."""
    tag, size = data[position], 0
    position += 1
    for _ in range(4):
        if position >= len(data):
            break
        piece = data[position]
        position += 1
        size = size << 7 | piece & 0x7F
        if not piece & 0x80:
            break
    return tag, size, position


def codec_string(sample_entry: bytes) -> str:
    """RFC 6381 name, e.g. "avc1.4D401F", "hvc1.1.6.L93.B0", "mp4a.40.2"; just the four letters of others,
    in lower case for Opus, as browsers know it.
    """
    kind = sample_entry[4:8]
    letters = kind.decode("latin-1")
    if kind in (b"avc1", b"avc3") and len(avcc := configuration(sample_entry, b"avcC") or b"") >= 4:
        return f"{letters}.{avcc[1:4].hex().upper()}"
    if kind in (b"hvc1", b"hev1") and len(hvcc := configuration(sample_entry, b"hvcC") or b"") >= 13:
        return f"{letters}.{_hevc_profile(hvcc[1:13])}"
    if kind == b"mp4a" and (specific := decoder_specific_info(configuration(sample_entry, b"esds") or b"")):
        return f"{letters}.{_audio_object(*specific)}"
    return "opus" if kind == b"Opus" else letters


def _hevc_profile(general: bytes) -> str:
    """Twelve bytes of general profile, tier and level, as ISO/IEC 14496-15 annex E.3 spells them."""
    space, tier, profile = general[0] >> 6, general[0] >> 5 & 1, general[0] & 0x1F
    # The flags are named in reverse bit order: bit 31 of the string's number is flag 31.
    compatibility = int(f"{int.from_bytes(general[1:5], 'big'):032b}"[::-1], 2)
    constraints = general[5:11].rstrip(b"\x00")
    name = f"{('', 'A', 'B', 'C')[space]}{profile}.{compatibility:X}.{'LH'[tier]}{general[11]}"
    return name + "".join(f".{constraint:X}" for constraint in constraints)


def _audio_object(object_type: int, config: bytes) -> str:
    """For MPEG-4 audio 40.N, where N is the audio object type (RFC 6381, 3.3); else the object type."""
    if object_type != 0x40 or len(config) < 2:
        return f"{object_type:02X}"
    first = config[0] >> 3
    if first == 31:
        first = 32 + (int.from_bytes(config[:2], "big") >> 5 & 0x3F)
    return f"40.{first}"
