"""G.711 and Opus encoded on the spot, as tracks and samples."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np

from luytre.media import g711, opus
from luytre.media.tracks import AudioCodec, Sample
from tests.media.clips import Coded

_ENCODERS = {"alaw": "pcm_alaw", "ulaw": "pcm_mulaw", "opus": "libopus"}


def encode(
    codec: AudioCodec, *, rate: int = 8000, channels: int = 1, frames: int = 60, **options: str
) -> Coded:
    """Noise that comes and goes, 20 ms a frame unless `options` say another frame_duration (Opus, ms)."""
    rate = 48_000 if codec == "opus" else rate
    made: Any = av.CodecContext.create(_ENCODERS[codec], "w")
    layout = "mono" if channels == 1 else "stereo"
    made.sample_rate, made.layout, made.format = rate, layout, "s16"
    made.time_base, made.options = Fraction(1, rate), options
    made.open()
    count = round(rate * float(options.get("frame_duration", "20")) / 1000)
    noise = np.random.default_rng(7)
    samples = []
    for number in range(frames):
        loud = 9000 * np.sin(number / 7)
        sound = (noise.standard_normal((1, count * channels)) * loud).clip(-32_000, 32_000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(sound, format="s16", layout=layout)
        frame.pts, frame.sample_rate, frame.time_base = number * count, rate, made.time_base
        samples += [Sample(number * count, bytes(packet), True) for packet in made.encode(frame)]
    track = opus.audio_track(channels) if codec == "opus" else g711.audio_track(law(codec), rate, channels)
    return Coded(track, samples, count)


def law(codec: AudioCodec) -> g711.Law:
    return "ulaw" if codec == "ulaw" else "alaw"


def pcm(codec: AudioCodec, data: bytes) -> bytes:
    """G.711 bytes as 16-bit samples, by ITU-T G.711 tables 1 and 2 written as arithmetic."""
    return np.array([_expanded(codec, byte) for byte in data], np.int16).tobytes()


def _expanded(codec: AudioCodec, byte: int) -> int:
    if codec == "ulaw":
        byte = ~byte & 0xFF
        size = ((byte & 0x0F) << 3) + 0x84 << (byte >> 4 & 7)
        return 0x84 - size if byte & 0x80 else size - 0x84
    byte ^= 0x55
    exponent, mantissa = byte >> 4 & 7, (byte & 0x0F) << 4
    size = mantissa + 8 if exponent == 0 else mantissa + 0x108 << exponent - 1
    return size if byte & 0x80 else -size
