"""Sound for simulated cameras: a clip's own, or a quiet tone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer

from luytre.media.tracks import AudioCodec
from luytre.simulator.sources import Sound

TONE_HZ = 440.0
# About -40 dB of full scale: to be seen on a meter and not to annoy in a demo.
TONE_LEVEL = 0.01
_GLOBAL_HEADER = 1 << 22


class _Kind(NamedTuple):
    """libav's encoder, the format it takes, samples per frame, the rates it is used with (the first one by default)."""

    encoder: str
    format: str
    frame: int
    rates: tuple[int, ...]


_KINDS: dict[AudioCodec, _Kind] = {
    "aac": _Kind("aac", "fltp", 1024, (16_000, 44_100, 48_000)),
    "alaw": _Kind("pcm_alaw", "s16", 160, (8_000,)),
    "ulaw": _Kind("pcm_mulaw", "s16", 160, (8_000,)),
    "opus": _Kind("libopus", "s16", 960, (48_000,)),
}


def tone(codec: AudioCodec = "aac", seconds: float = 8.0) -> Sound:
    """A quiet tone, mono, that fits its loop without a click."""
    kind = _KINDS[codec]
    rate = kind.rates[0]
    count = int(seconds * rate) // kind.frame
    whole = round(TONE_HZ * count * kind.frame / rate)
    phase = np.arange(count * kind.frame, dtype=np.float64) * (2 * np.pi * whole / (count * kind.frame))
    samples = (np.sin(phase) * TONE_LEVEL).astype(np.float32).reshape(1, -1)
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    frames, config = _encoded([frame], codec, rate, "mono")
    return Sound(frames, config, rate, 1, codec=codec, frame_ticks=kind.frame)


def of_clip(path: Path, begin: Fraction, length: Fraction, codec: AudioCodec = "aac") -> Sound | None:
    """The clip's sound from `begin`, in a loop of `length`, both in seconds; None when it has none."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return None
        passed = _passed_through(container, begin) if codec == "aac" else None
        if passed is None:
            container.seek(0)
            passed = _encoded_anew(container, begin, codec)
    frames, config, rate, channels = passed
    ticks = _KINDS[codec].frame
    wanted = int(length * rate) // ticks + 2
    if not frames or (codec == "aac" and not config):
        return None
    # A sound that ends before the video is held by its last frame, which is mostly silence.
    frames = frames[:wanted] + frames[-1:] * max(0, wanted - len(frames))
    return Sound(frames, config, rate, channels, length * rate, codec=codec, frame_ticks=ticks)


def _passed_through(container: InputContainer, begin: Fraction) -> tuple[list[bytes], bytes, int, int] | None:
    stream = container.streams.audio[0]
    config = bytes(stream.codec_context.extradata or b"")
    if stream.codec_context.name != "aac" or not config:
        return None
    frames = []
    for packet in container.demux(stream):
        data = bytes(packet)
        if data[:1] == b"\xff" or len(data) >= 1 << 13:
            return None
        if (
            data
            and packet.pts is not None
            and packet.time_base is not None
            and packet.pts * packet.time_base >= begin
        ):
            frames.append(data)
    return frames, config, stream.codec_context.sample_rate, stream.codec_context.channels


def _encoded_anew(
    container: InputContainer, begin: Fraction, codec: AudioCodec
) -> tuple[list[bytes], bytes, int, int]:
    stream = container.streams.audio[0]
    layout = "mono" if stream.codec_context.channels == 1 else "stereo"
    rates = _KINDS[codec].rates
    rate = stream.codec_context.sample_rate if stream.codec_context.sample_rate in rates else rates[0]
    decoded = (
        frame
        for frame in container.decode(stream)
        if frame.pts is not None and frame.time_base is not None and frame.pts * frame.time_base >= begin
    )
    frames, config = _encoded(decoded, codec, rate, layout)
    return frames, config, rate, 1 if layout == "mono" else 2


def _encoded(
    sound: Iterable[AudioFrame], codec: AudioCodec, rate: int, layout: str
) -> tuple[list[bytes], bytes]:
    """(frames, AudioSpecificConfig of AAC) of sound in any format."""
    kind = _KINDS[codec]
    encoder = _encoder(kind, rate, layout)
    resampler = AudioResampler(format=kind.format, layout=layout, rate=rate, frame_size=kind.frame)
    frames: list[bytes] = []
    for whole in chain.from_iterable(map(resampler.resample, chain(sound, _end()))):
        # The end is shorter than a frame, which a loop has no use for.
        if whole.samples == kind.frame:
            frames += [bytes(packet) for packet in encoder.encode(whole)]
    frames += [bytes(packet) for packet in encoder.encode(None)]
    return [frame for frame in frames if frame], bytes(encoder.extradata or b"")


def _end() -> Iterator[None]:
    """Says to the resampler that no more sound comes."""
    yield None


def _encoder(kind: _Kind, rate: int, layout: str) -> AudioCodecContext:
    encoder = av.CodecContext.create(kind.encoder, "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = rate, layout, kind.format
    if kind.encoder in ("aac", "libopus"):
        encoder.bit_rate = 32_000 * (1 if layout == "mono" else 2)
    encoder.time_base = Fraction(1, rate)
    encoder.flags |= _GLOBAL_HEADER
    encoder.open()
    return encoder
