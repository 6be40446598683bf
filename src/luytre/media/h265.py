"""H.265 headers: parameter sets in, a VideoTrack out (ISO/IEC 23008-2, ISO/IEC 14496-15 clause 8).

Promises   what a file needs (profile, level, size, depth) is read from any sequence parameter set a decoder
           takes; damage behind the picture size costs only frame rate and pixel shape.
Does not   look into slices; decode; join RTP packets (rtp/h265.py); read the layers of MV-HEVC and SHVC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from luytre.base.errors import Error, Kind
from luytre.media import nal as nals
from luytre.media.bits import BitReader, damaged, unescape
from luytre.media.fmp4.boxes import box
from luytre.media.fmp4.entry import codec_string, visual_entry
from luytre.media.h265_vui import Vui, read_vui, skip_profile_tier_level
from luytre.media.nal import split_annexb as split_annexb
from luytre.media.nal import to_length_prefixed as to_length_prefixed
from luytre.media.tracks import VideoTrack

# nal_unit_type, ISO/IEC 23008-2 table 7-1.
BLA_W_LP: Final = 16
IDR_W_RADL: Final = 19
IDR_N_LP: Final = 20
CRA: Final = 21
VPS: Final = 32
SPS: Final = 33
PPS: Final = 34
ACCESS_UNIT_DELIMITER: Final = 35
END_OF_SEQUENCE: Final = 36
END_OF_BITSTREAM: Final = 37
FILLER: Final = 38
PREFIX_SEI: Final = 39
SUFFIX_SEI: Final = 40
_FIRST_NOT_VCL: Final = 32

# Level 6.2: 35,651,584 luma samples; a side is at most sqrt(8 * that) (A.4.1).
_LONGEST_SIDE: Final = 16888
_MOST_SETS: Final = {VPS: 16, SPS: 16, PPS: 64}


@dataclass(frozen=True, slots=True)
class Sps:
    """A sequence parameter set. `width` and `height` are what is shown (conformance window applied), in luma
    samples.

    general           twelve bytes: profile space, tier, profile, compatibility flags, constraint flags,
                      level, in the order they have in `hvcC`
    max_num_reorder   pictures that may precede in decoding and follow in output, of the highest temporal
                      layer
    fps               from VUI timing; None where absent or absurd
    """

    id: int
    profile: int
    level: int
    general: bytes
    temporal_layers: int
    temporal_nesting: bool
    chroma_format: int
    bit_depth_luma: int
    bit_depth_chroma: int
    width: int
    height: int
    max_num_reorder: int
    vui: Vui

    @property
    def fps(self) -> float | None:
        return self.vui.fps

    @property
    def sar(self) -> tuple[int, int]:
        return self.vui.sar


def nal_type(b0: int) -> int:
    """nal_unit_type of a NAL unit's first byte."""
    return b0 >> 1 & 0x3F


def is_parameter_set(kind: int) -> bool:
    """Whether a nal_unit_type belongs into the sample entry and not into samples."""
    return VPS <= kind <= PPS


def is_key(sample: bytes) -> bool:
    """Whether a sample (4-byte lengths) is an IRAP picture (types 16 to 21): decided by its first slice."""
    for start, _ in nals.nal_spans(sample):
        kind = sample[start] >> 1 & 0x3F
        if kind < _FIRST_NOT_VCL:
            return BLA_W_LP <= kind <= CRA
    return False


def sprop_parameter_sets(*texts: str) -> tuple[bytes, ...]:
    """NAL units of SDP `sprop-vps`, `sprop-sps`, `sprop-pps` (RFC 7798, 7.1), as tolerant as cameras need."""
    return tuple(nal for text in texts for nal in nals.from_base64(text))


def parse_sps(nal: bytes) -> Sps:
    """Read one SPS NAL unit, header included (7.3.2.2.1). Raises Error(INVALID, cause="bad_media")."""
    if len(nal) < 3 or nal_type(nal[0]) != SPS:
        raise damaged("not an H.265 sequence parameter set")
    rbsp = unescape(nal)
    bits = BitReader(rbsp[2:])
    bits.skip(4)
    layers, nesting = bits.bits(3) + 1, bits.flag()
    skip_profile_tier_level(bits, layers)
    general = rbsp[3:15]
    number, chroma = bits.ue(), bits.ue()
    if number > 15 or chroma > 3 or layers > 7:
        raise damaged("H.265 sequence parameter set with impossible values")
    planes = chroma == 3 and bits.flag()
    width, height = _picture_size(bits, 0 if planes else chroma)
    depth_luma, depth_chroma = 8 + bits.ue(), 8 + bits.ue()
    if depth_luma > 16 or depth_chroma > 16:
        raise damaged("H.265 sequence parameter set with an impossible bit depth")
    poc_bits = bits.ue() + 4
    reorder = 0
    for _ in range(layers if bits.flag() else 1):
        bits.ue()
        reorder = bits.ue()
        bits.ue()
    return Sps(
        id=number,
        profile=general[0] & 0x1F,
        level=general[11],
        general=general,
        temporal_layers=layers,
        temporal_nesting=nesting,
        chroma_format=chroma,
        bit_depth_luma=depth_luma,
        bit_depth_chroma=depth_chroma,
        width=width,
        height=height,
        max_num_reorder=min(reorder, 16),
        vui=read_vui(bits, poc_bits, layers),
    )


def _picture_size(bits: BitReader, chroma: int) -> tuple[int, int]:
    """Picture size less conformance window, whose units are SubWidthC and SubHeightC (table 6-1)."""
    width, height = bits.ue(), bits.ue()
    if not 0 < width <= _LONGEST_SIDE or not 0 < height <= _LONGEST_SIDE:
        raise damaged(f"H.265 picture of {width} x {height}")
    if bits.flag():
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
        width -= (2 if chroma in (1, 2) else 1) * (left + right)
        height -= (2 if chroma == 1 else 1) * (top + bottom)
    if width <= 0 or height <= 0:
        raise damaged("H.265 picture is cropped to nothing")
    return width, height


def vps_fps(nal: bytes) -> float | None:
    """Frame rate in a VPS (7.3.2.1): cameras that leave VUI out put it here. None where absent or damaged."""
    bits = BitReader(unescape(nal)[2:])
    try:
        bits.skip(4 + 2 + 6)
        layers = bits.bits(3) + 1
        bits.skip(1 + 16)
        skip_profile_tier_level(bits, layers)
        for _ in range(layers if bits.flag() else 1):
            for _ in range(3):
                bits.ue()
        highest, sets = bits.bits(6), bits.ue()
        bits.skip(sets * (highest + 1))
        if not bits.flag():
            return None
        units, scale = bits.bits(32), bits.bits(32)
    except Error:
        return None
    return nals.frames_per_second(scale, units)


def video_track(parameter_sets: Sequence[bytes]) -> VideoTrack:
    """A track from its VPS, SPS and PPS NAL units, in any order and however often; the first SPS gives the
    size.

    A set with the number of an earlier one replaces it, as in a decoder. Other NAL units are ignored.
    Raises Error(INVALID): cause "no_parameters" where one kind is missing, "bad_media" where they cannot be
    read.
    """
    kept: dict[tuple[int, int], bytes] = {}
    for raw in parameter_sets:
        nal = nals.clean(raw)
        if 2 < len(nal) <= 0xFFFF and is_parameter_set(kind := nal_type(nal[0])):
            kept[kind, _set_number(kind, nal)] = nal
    grouped = {kind: [nal for (of, _), nal in kept.items() if of == kind] for kind in _MOST_SETS}
    missing = [
        name for kind, name in ((VPS, "video"), (SPS, "sequence"), (PPS, "picture")) if not grouped[kind]
    ]
    if missing:
        raise Error(
            Kind.INVALID,
            f"the H.265 stream has no {missing[0]} parameter set",
            hint="Wait for the next keyframe; if it stays so, restart the camera or choose another profile.",
            cause="no_parameters",
        )
    sps = parse_sps(grouped[SPS][0])
    entry = visual_entry(b"hvc1", sps.width, sps.height, sps.sar, box(b"hvcC", _hvcc(sps, grouped)))
    return VideoTrack(
        codec="h265",
        width=sps.width,
        height=sps.height,
        parameter_sets=tuple(nal for kind in (VPS, SPS, PPS) for nal in grouped[kind]),
        codec_string=codec_string(entry),
        sample_entry=entry,
    )


def _set_number(kind: int, nal: bytes) -> int:
    if kind == SPS:
        return parse_sps(nal).id
    bits = BitReader(unescape(nal)[2:])
    number = bits.bits(4) if kind == VPS else bits.ue()
    if number >= _MOST_SETS[kind]:
        raise damaged(f"H.265 parameter set with number {number}")
    return number


def _hvcc(sps: Sps, grouped: dict[int, list[bytes]]) -> bytes:
    """HEVCDecoderConfigurationRecord, ISO/IEC 14496-15 8.3.3.1; `hvc1` wants array_completeness."""
    out = bytearray([1]) + sps.general
    out += (0xF000 | sps.vui.min_spatial_segmentation).to_bytes(2, "big")
    # parallelismType 0: unknown or mixed. avgFrameRate 0: not said.
    out += bytes([0xFC, 0xFC | sps.chroma_format, 0xF8 | sps.bit_depth_luma - 8 & 7])
    out += bytes([0xF8 | sps.bit_depth_chroma - 8 & 7, 0, 0])
    out += bytes([sps.temporal_layers << 3 | sps.temporal_nesting << 2 | 3, len(grouped)])
    for kind, sets in grouped.items():
        out.append(0x80 | kind)
        out += len(sets).to_bytes(2, "big")
        for nal in sets:
            out += len(nal).to_bytes(2, "big") + nal
    return bytes(out)


def sets_of_hvcc(hvcc: bytes) -> tuple[bytes, ...]:
    """The parameter sets in an hvcC payload. Raises Error(INVALID) where it is cut."""
    if len(hvcc) < 23:
        raise damaged("hvcC is cut")
    found: list[bytes] = []
    position = 23
    for _ in range(hvcc[22]):
        kind = hvcc[position] & 0x3F if position < len(hvcc) else 0
        count = int.from_bytes(hvcc[position + 1 : position + 3], "big")
        position += 3
        for _ in range(count):
            end = position + 2 + int.from_bytes(hvcc[position : position + 2], "big")
            if end > len(hvcc):
                raise damaged("hvcC is cut")
            if is_parameter_set(kind):
                found.append(hvcc[position + 2 : end])
            position = end
    return tuple(found)
