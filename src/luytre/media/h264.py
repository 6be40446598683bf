"""H.264 headers: parameter sets in, a VideoTrack out (ISO/IEC 14496-10, ISO/IEC 14496-15).

Promises   a sequence parameter set that any decoder takes is read; a broken VUI costs only what the VUI says.
Does not   look into slices; decode; join RTP packets (rtp/h264.py).
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
from luytre.media.nal import split_annexb as split_annexb
from luytre.media.nal import to_length_prefixed as to_length_prefixed
from luytre.media.tracks import VideoTrack

# nal_unit_type, ISO/IEC 14496-10 table 7-1.
NON_IDR: Final = 1
IDR: Final = 5
SEI: Final = 6
SPS: Final = 7
PPS: Final = 8
ACCESS_UNIT_DELIMITER: Final = 9
END_OF_SEQUENCE: Final = 10
END_OF_STREAM: Final = 11
FILLER: Final = 12
SPS_EXTENSION: Final = 13
_LAST_SLICE: Final = IDR

# profile_idc with chroma_format_idc and the rest in the SPS, 7.3.2.1.1.
_HIGH_PROFILES: Final = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
# profile_idc whose avcC has no extension bytes, ISO/IEC 14496-15 5.3.3.1.2.
_PLAIN_PROFILES: Final = frozenset({66, 77, 88})
# Profiles in which constraint_set3_flag means "intra only", so nothing is reordered (E.2.1
# max_num_reorder_frames).
_INTRA_BY_FLAG: Final = frozenset({44, 86, 100, 110, 122, 244})
# Level 6.2 allows 139,264 macroblocks; a side is at most sqrt(8 * that) (A.3.1).
_LONGEST_SIDE_MBS: Final = 1056
_COUNT_LIMITS: Final = {SPS: 31, PPS: 255, SPS_EXTENSION: 255}


@dataclass(frozen=True, slots=True)
class Sps:
    """A sequence parameter set. `width` and `height` are what is shown (cropped), in luma samples.

    constraints       the byte of constraint_set flags between profile and level
    fps               from VUI timing; None where absent or absurd
    max_num_reorder   frames that may follow in decoding and precede in output; None where the SPS does not
                      say
    sar               sample aspect ratio, (1, 1) where not told
    """

    id: int
    profile: int
    constraints: int
    level: int
    chroma_format: int
    bit_depth_luma: int
    bit_depth_chroma: int
    width: int
    height: int
    interlaced: bool
    num_ref_frames: int
    poc_type: int
    sar: tuple[int, int] = nals.SQUARE
    fps: float | None = None
    fixed_rate: bool = False
    max_num_reorder: int | None = None


@dataclass(frozen=True, slots=True)
class _Vui:
    sar: tuple[int, int] = nals.SQUARE
    fps: float | None = None
    fixed_rate: bool = False
    max_num_reorder: int | None = None


def nal_type(b0: int) -> int:
    """nal_unit_type of a NAL unit's first byte."""
    return b0 & 0x1F


def is_parameter_set(kind: int) -> bool:
    """Whether a nal_unit_type belongs into the sample entry and not into samples."""
    return kind in (SPS, PPS, SPS_EXTENSION)


def is_key(sample: bytes) -> bool:
    """Whether a sample (4-byte lengths) is an IDR picture: decided by its first slice."""
    for start, _ in nals.nal_spans(sample):
        kind = sample[start] & 0x1F
        if NON_IDR <= kind <= _LAST_SLICE:
            return kind == IDR
    return False


def sprop_parameter_sets(text: str) -> tuple[bytes, ...]:
    """NAL units of the SDP parameter `sprop-parameter-sets` (RFC 6184, 8.1), as tolerant as cameras need."""
    return nals.from_base64(text)


def parse_sps(nal: bytes) -> Sps:
    """Read one SPS NAL unit, header byte included (7.3.2.1). Raises Error(INVALID, cause="bad_media")."""
    if not nal or nal_type(nal[0]) != SPS:
        raise damaged("not an H.264 sequence parameter set")
    bits = BitReader(unescape(nal)[1:])
    profile, constraints, level = bits.bits(8), bits.bits(8), bits.bits(8)
    number = bits.ue()
    chroma, depth_luma, depth_chroma, planes = 1, 8, 8, False
    if profile in _HIGH_PROFILES:
        chroma = bits.ue()
        planes = chroma == 3 and bits.flag()
        depth_luma, depth_chroma = 8 + bits.ue(), 8 + bits.ue()
        bits.skip(1)
        if bits.flag():
            _skip_scaling_matrix(bits, 12 if chroma == 3 else 8)
    if number > 31 or chroma > 3 or depth_luma > 14 or depth_chroma > 14:
        raise damaged("H.264 sequence parameter set with impossible values")
    bits.ue()
    poc_type = _skip_poc(bits)
    refs = bits.ue()
    bits.skip(1)
    across, units = bits.ue() + 1, bits.ue() + 1
    frame_only = bits.flag()
    down = units * (1 if frame_only else 2)
    if across > _LONGEST_SIDE_MBS or down > _LONGEST_SIDE_MBS:
        raise damaged(f"H.264 picture of {across} x {down} macroblocks")
    bits.skip(1 if frame_only else 2)
    width, height = _crop(bits, across * 16, down * 16, 0 if planes else chroma, frame_only)
    vui = _vui(bits)
    reorder = vui.max_num_reorder
    if reorder is None and (poc_type == 2 or (profile in _INTRA_BY_FLAG and constraints & 0x10)):
        reorder = 0
    return Sps(
        id=number,
        profile=profile,
        constraints=constraints,
        level=level,
        chroma_format=chroma,
        bit_depth_luma=depth_luma,
        bit_depth_chroma=depth_chroma,
        width=width,
        height=height,
        interlaced=not frame_only,
        num_ref_frames=refs,
        poc_type=poc_type,
        sar=vui.sar,
        fps=vui.fps,
        fixed_rate=vui.fixed_rate,
        max_num_reorder=reorder,
    )


def _skip_scaling_matrix(bits: BitReader, lists: int) -> None:
    """scaling_list(), 7.3.2.1.1.1."""
    for index in range(lists):
        if not bits.flag():
            continue
        last = following = 8
        for _ in range(16 if index < 6 else 64):
            if following:
                following = (last + bits.se()) & 0xFF
            last = following or last


def _skip_poc(bits: BitReader) -> int:
    poc_type = bits.ue()
    if poc_type == 0:
        bits.ue()
    elif poc_type == 1:
        bits.skip(1)
        bits.se()
        bits.se()
        cycle = bits.ue()
        if cycle > 255:
            raise damaged("H.264 sequence parameter set with impossible picture order")
        for _ in range(cycle):
            bits.se()
    elif poc_type != 2:
        raise damaged("H.264 sequence parameter set with unknown picture order type")
    return poc_type


def _crop(bits: BitReader, width: int, height: int, chroma: int, frame_only: bool) -> tuple[int, int]:
    """Size after frame_cropping, in units of equations 7-19 .. 7-22 (chroma 0: ChromaArrayType)."""
    if not bits.flag():
        return width, height
    unit_x = 2 if chroma in (1, 2) else 1
    unit_y = (2 if chroma == 1 else 1) * (1 if frame_only else 2)
    left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
    width -= unit_x * (left + right)
    height -= unit_y * (top + bottom)
    if width <= 0 or height <= 0:
        raise damaged("H.264 picture is cropped to nothing")
    return width, height


def _vui(bits: BitReader) -> _Vui:
    """Annex E.1.1. Cameras cut or garble it, decoders take the rest all the same: so does this."""
    sar, fps, fixed = nals.SQUARE, None, False
    try:
        if not bits.flag():
            return _Vui()
        if bits.flag():
            sar = _aspect(bits)
        if bits.flag():
            bits.skip(1)
        if bits.flag():
            bits.skip(4)
            bits.skip(24 if bits.flag() else 0)
        if bits.flag():
            bits.ue()
            bits.ue()
        if bits.flag():
            units, scale = bits.bits(32), bits.bits(32)
            fixed = bits.flag()
            fps = nals.frames_per_second(scale, units * 2)
        return _Vui(sar, fps, fixed, _reorder(bits))
    except Error:
        return _Vui(sar, fps, fixed)


def _aspect(bits: BitReader) -> tuple[int, int]:
    idc = bits.bits(8)
    if idc != nals.EXTENDED_SAR:
        return nals.SAMPLE_ASPECT_RATIOS.get(idc, nals.SQUARE)
    sar = bits.bits(16), bits.bits(16)
    return sar if all(sar) else nals.SQUARE


def _reorder(bits: BitReader) -> int | None:
    """max_num_reorder_frames, after the hypothetical decoder's parameters that stand before it."""
    hrd = 0
    for _ in range(2):
        if bits.flag():
            hrd += 1
            count = bits.ue() + 1
            if count > 32:
                raise damaged("H.264 hrd_parameters with too many buffers")
            bits.skip(8)
            for _ in range(count):
                bits.ue()
                bits.ue()
                bits.skip(1)
            bits.skip(20)
    bits.skip(2 if hrd else 1)
    if not bits.flag():
        return None
    bits.skip(1)
    for _ in range(4):
        bits.ue()
    reorder = bits.ue()
    return reorder if reorder <= 16 else None


def video_track(parameter_sets: Sequence[bytes]) -> VideoTrack:
    """A track from its SPS and PPS NAL units, in any order and however often; the first SPS gives the size.

    A set with the number of an earlier one replaces it, as in a decoder. Other NAL units are ignored.
    Raises Error(INVALID): cause "no_parameters" where SPS or PPS is missing, "bad_media" where they cannot be
    read.
    """
    kept: dict[tuple[int, int], bytes] = {}
    for raw in parameter_sets:
        nal = nals.clean(raw)
        if len(nal) > 1 and is_parameter_set(kind := nal_type(nal[0])) and len(nal) <= 0xFFFF:
            # seq_parameter_set_id stands behind three bytes in an SPS, at once in the others.
            number = BitReader(unescape(nal)[4 if kind == SPS else 1 :]).ue()
            kept[kind, number] = nal
    grouped = {kind: [nal for (of, _), nal in kept.items() if of == kind] for kind in _COUNT_LIMITS}
    if not grouped[SPS] or not grouped[PPS]:
        raise Error(
            Kind.INVALID,
            "the H.264 stream has no " + ("sequence" if not grouped[SPS] else "picture") + " parameter set",
            hint="Wait for the next keyframe; if it stays so, restart the camera or choose another profile.",
            cause="no_parameters",
        )
    if any(len(grouped[kind]) > most for kind, most in _COUNT_LIMITS.items()):
        raise damaged("too many H.264 parameter sets")
    sps = parse_sps(grouped[SPS][0])
    if sps.profile in _PLAIN_PROFILES:
        # These have no extension, and avcC no place for one.
        grouped[SPS_EXTENSION] = []
    entry = visual_entry(b"avc1", sps.width, sps.height, sps.sar, box(b"avcC", _avcc(sps, grouped)))
    return VideoTrack(
        codec="h264",
        width=sps.width,
        height=sps.height,
        parameter_sets=tuple(nal for kind in (SPS, PPS, SPS_EXTENSION) for nal in grouped[kind]),
        codec_string=codec_string(entry),
        sample_entry=entry,
    )


def _avcc(sps: Sps, grouped: dict[int, list[bytes]]) -> bytes:
    """AVCDecoderConfigurationRecord, ISO/IEC 14496-15 5.3.3.1."""
    out = bytearray([1, sps.profile, sps.constraints, sps.level, 0xFF, 0xE0 | len(grouped[SPS])])
    _append(out, grouped[SPS])
    out.append(len(grouped[PPS]))
    _append(out, grouped[PPS])
    if sps.profile not in _PLAIN_PROFILES:
        out += bytes(
            [0xFC | sps.chroma_format, 0xF8 | sps.bit_depth_luma - 8, 0xF8 | sps.bit_depth_chroma - 8]
        )
        out.append(len(grouped[SPS_EXTENSION]))
        _append(out, grouped[SPS_EXTENSION])
    return bytes(out)


def _append(out: bytearray, sets: list[bytes]) -> None:
    for nal in sets:
        out += len(nal).to_bytes(2, "big") + nal


def sets_of_avcc(avcc: bytes) -> tuple[bytes, ...]:
    """The parameter sets in an avcC payload. Raises Error(INVALID) where it is cut."""
    found: list[bytes] = []
    position = 5
    for kind, mask in ((SPS, 0x1F), (PPS, 0xFF), (SPS_EXTENSION, 0xFF)):
        if kind == SPS_EXTENSION:
            # Behind chroma format and bit depths; many writers leave all of it out.
            position += 3
            if position >= len(avcc):
                break
        if position >= len(avcc):
            raise damaged("avcC is cut")
        count = avcc[position] & mask
        position += 1
        for _ in range(count):
            end = position + 2 + int.from_bytes(avcc[position : position + 2], "big")
            if end > len(avcc):
                raise damaged("avcC is cut")
            found.append(avcc[position + 2 : end])
            position = end
    return tuple(found)
