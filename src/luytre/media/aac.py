"""AAC headers: AudioSpecificConfig in, an AudioTrack out (ISO/IEC 14496-3, 1.6.2.1).

Promises   the configuration goes into the file byte for byte as the camera gave it.
Does not   decode; split RTP payloads into frames (rtp/aac.py).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from luytre.base.errors import Error, Kind
from luytre.media.bits import BitReader, damaged
from luytre.media.fmp4.boxes import full_box
from luytre.media.fmp4.entry import audio_entry, codec_string
from luytre.media.tracks import AudioTrack

# samplingFrequencyIndex, table 1.18; 13 and 14 are reserved, 15 means that the rate is written out.
RATES: Final = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_EXPLICIT_RATE: Final = 15
# channelConfiguration, table 1.19; 0 means that a program_config_element follows.
_CHANNELS: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8, 11: 7, 12: 8, 14: 8}
# audioObjectType, table 1.17.
_MAIN, _LC, _SSR, _LTP, _SBR, _PS = 1, 2, 3, 4, 5, 29
_LOW_DELAY, _ENHANCED_LOW_DELAY = 23, 39
_FRAMED_BY_GA: Final = frozenset({_MAIN, _LC, _SSR, _LTP, 6, 17, 19, 20, 22, _LOW_DELAY})


@dataclass(frozen=True, slots=True)
class AudioConfig:
    """What AudioSpecificConfig says. `rate` is that of the coded frames; `sbr_rate` that of SBR, where told."""

    object_type: int
    rate: int
    channels: int
    samples_per_frame: int
    sbr_rate: int | None = None


def parse_config(config: bytes) -> AudioConfig:
    """Read AudioSpecificConfig; bytes after it are passed over. Raises Error(INVALID, cause="bad_media")."""
    bits = BitReader(config)
    kind = _object_type(bits)
    rate = _rate(bits)
    layout = bits.bits(4)
    sbr_rate = None
    if kind in (_SBR, _PS):
        sbr_rate = _rate(bits)
        kind = _object_type(bits)
    if kind not in _FRAMED_BY_GA and kind != _ENHANCED_LOW_DELAY:
        raise Error(
            Kind.INVALID,
            f"MPEG-4 audio object type {kind} is not AAC",
            hint="Set the camera's audio to AAC-LC, or switch the sound off for this stream.",
            cause="unsupported_codec",
        )
    short = bits.flag()
    low_delay = kind in (_LOW_DELAY, _ENHANCED_LOW_DELAY)
    samples = (480 if short else 512) if low_delay else (960 if short else 1024)
    if layout:
        channels = _CHANNELS.get(layout, 0)
    elif kind == _ENHANCED_LOW_DELAY:
        channels = 0
    else:
        bits.skip(14 if bits.flag() else 0)
        bits.skip(1)
        channels = _program_channels(bits)
    if not channels:
        raise damaged(f"AAC channel configuration {layout} is reserved")
    return AudioConfig(kind, rate, channels, samples, sbr_rate)


def _object_type(bits: BitReader) -> int:
    kind = bits.bits(5)
    return 32 + bits.bits(6) if kind == 31 else kind


def _rate(bits: BitReader) -> int:
    index = bits.bits(4)
    rate = bits.bits(24) if index == _EXPLICIT_RATE else RATES[index] if index < len(RATES) else 0
    if not rate:
        raise damaged(f"AAC sampling frequency index {index} is reserved")
    return rate


def _program_channels(bits: BitReader) -> int:
    """Channels of a program_config_element, 4.5.1.2: elements are single or pairs, LFE single."""
    bits.skip(4 + 2 + 4)
    front, side, back, lfe, data, coupling = (bits.bits(width) for width in (4, 4, 4, 2, 3, 4))
    for width in (4, 4, 3):
        bits.skip(width if bits.flag() else 0)
    channels = lfe
    for _ in range(front + side + back):
        channels += 2 if bits.flag() else 1
        bits.skip(4)
    bits.skip(4 * lfe + 4 * data + 5 * coupling)
    return channels


def audio_track(config: bytes) -> AudioTrack:
    """A track from AudioSpecificConfig. Its ticks are samples of the coded rate. Raises as parse_config."""
    config = bytes(config)
    parsed = parse_config(config)
    entry = audio_entry(b"mp4a", parsed.channels, parsed.rate, _esds(config))
    return AudioTrack(
        codec="aac",
        rate=parsed.rate,
        channels=parsed.channels,
        config=config,
        codec_string=codec_string(entry),
        sample_entry=entry,
        timescale=parsed.rate,
        samples_per_frame=parsed.samples_per_frame,
    )


def _esds(config: bytes) -> bytes:
    """ES_Descriptor in its box, ISO/IEC 14496-14 5.6 and ISO/IEC 14496-1 7.2.6; bit rates are left unknown."""
    decoder = struct.pack(">BB3xII", 0x40, 0x15, 0, 0) + _descriptor(0x05, config)
    stream = struct.pack(">HB", 0, 0) + _descriptor(0x04, decoder) + _descriptor(0x06, b"\x02")
    return full_box(b"esds", 0, 0, _descriptor(0x03, stream))


def _descriptor(tag: int, payload: bytes) -> bytes:
    size = len(payload)
    octets: list[int] = []
    while True:
        octets.append(size & 0x7F | (0x80 if octets else 0))
        size >>= 7
        if not size:
            break
    return bytes([tag, *reversed(octets)]) + payload
