"""The deep end of an H.265 sequence parameter set: everything that stands between picture size and VUI, and
VUI itself.

Promises   frame rate, pixel shape and segmentation where they can be read; their defaults where anything is
           damaged.
Does not   raise for damage: no decoder needs these values, and no camera is refused because of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from luytre.base.errors import Error
from luytre.media import nal as nals
from luytre.media.bits import BitReader, damaged


@dataclass(frozen=True, slots=True)
class Vui:
    """Annex E.2.1, as far as a file or a person asks for it."""

    sar: tuple[int, int] = nals.SQUARE
    fps: float | None = None
    min_spatial_segmentation: int = 0


def skip_profile_tier_level(bits: BitReader, layers: int) -> None:
    """profile_tier_level(1, layers - 1), 7.3.3: 96 general bits, then flags and values of the sub-layers."""
    bits.skip(96)
    if layers == 1:
        return
    present = [(bits.flag(), bits.flag()) for _ in range(layers - 1)]
    bits.skip(2 * (8 - len(present)))
    for profile, level in present:
        bits.skip((88 if profile else 0) + (8 if level else 0))


def read_vui(bits: BitReader, poc_bits: int, layers: int) -> Vui:
    """From log2_min_luma_coding_block_size_minus3 to the end of the SPS."""
    try:
        _skip_tools(bits)
        _skip_reference_sets(bits)
        if bits.flag():
            count = bits.ue()
            if count > 32:
                raise damaged("H.265 SPS with too many long-term pictures")
            bits.skip(count * (poc_bits + 1))
        bits.skip(2)
        if not bits.flag():
            return Vui()
    except Error:
        return Vui()
    return _vui(bits, layers)


def _skip_tools(bits: BitReader) -> None:
    for _ in range(6):
        bits.ue()
    if bits.flag() and bits.flag():
        _skip_scaling_lists(bits)
    bits.skip(2)
    if bits.flag():
        bits.skip(8)
        bits.ue()
        bits.ue()
        bits.skip(1)


def _skip_scaling_lists(bits: BitReader) -> None:
    """scaling_list_data(), 7.3.4. The 32x32 lists of chroma are never sent."""
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            if not bits.flag():
                bits.ue()
                continue
            if size > 1:
                bits.se()
            for _ in range(min(64, 16 << (size << 1))):
                bits.se()


def _skip_reference_sets(bits: BitReader) -> None:
    """st_ref_pic_set() of all indices, 7.3.7; a predicted set has as many pictures as its flags keep."""
    count = bits.ue()
    if count > 64:
        raise damaged("H.265 SPS with too many reference picture sets")
    pictures = 0
    for index in range(count):
        if index and bits.flag():
            bits.skip(1)
            bits.ue()
            kept = 0
            for _ in range(pictures + 1):
                used = bits.flag()
                kept += used or bits.flag()
            pictures = kept
        else:
            negative, positive = bits.ue(), bits.ue()
            pictures = negative + positive
            if negative > 16 or positive > 16:
                raise damaged("H.265 reference picture set with too many pictures")
            for _ in range(pictures):
                bits.ue()
                bits.skip(1)


def _vui(bits: BitReader, layers: int) -> Vui:
    sar, fps, segmentation = nals.SQUARE, None, 0
    try:
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
        bits.skip(3)
        if bits.flag():
            for _ in range(4):
                bits.ue()
        if bits.flag():
            units, scale = bits.bits(32), bits.bits(32)
            fps = nals.frames_per_second(scale, units)
            if bits.flag():
                bits.ue()
            if bits.flag():
                _skip_hrd(bits, layers)
        if bits.flag():
            bits.skip(3)
            segmentation = bits.ue()
    except Error:
        pass
    return Vui(sar, fps, segmentation if segmentation <= 0xFFF else 0)


def _aspect(bits: BitReader) -> tuple[int, int]:
    idc = bits.bits(8)
    if idc != nals.EXTENDED_SAR:
        return nals.SAMPLE_ASPECT_RATIOS.get(idc, nals.SQUARE)
    sar = bits.bits(16), bits.bits(16)
    return sar if all(sar) else nals.SQUARE


def _skip_hrd(bits: BitReader, layers: int) -> None:
    """hrd_parameters(1, layers - 1), E.2.2."""
    nal, vcl = bits.flag(), bits.flag()
    sub_pictures = False
    if nal or vcl:
        sub_pictures = bits.flag()
        bits.skip(19 if sub_pictures else 0)
        bits.skip(8)
        bits.skip(4 if sub_pictures else 0)
        bits.skip(15)
    for _ in range(layers):
        fixed_general = bits.flag()
        fixed_in_sequence = fixed_general or bits.flag()
        low_delay = False
        if fixed_in_sequence:
            bits.ue()
        else:
            low_delay = bits.flag()
        buffers = 1 if low_delay else bits.ue() + 1
        if buffers > 32:
            raise damaged("H.265 hrd_parameters with too many buffers")
        for _ in range((nal + vcl) * buffers):
            for _ in range(4 if sub_pictures else 2):
                bits.ue()
            bits.skip(1)
