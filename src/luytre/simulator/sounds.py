"""AAC for simulated cameras: a clip's own sound, or a quiet tone."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer

from luytre.simulator.sources import Sound

TONE_RATE = 16_000
TONE_HZ = 440.0
# About -40 dB of full scale: to be seen on a meter and not to annoy in a demo.
TONE_LEVEL = 0.01
_FRAME = 1024
_GLOBAL_HEADER = 1 << 22


def tone(seconds: float = 8.0) -> Sound:
    """A quiet tone, mono, that fits its loop without a click."""
    count = int(seconds * TONE_RATE) // _FRAME
    whole = round(TONE_HZ * count * _FRAME / TONE_RATE)
    phase = np.arange(count * _FRAME, dtype=np.float64) * (2 * np.pi * whole / (count * _FRAME))
    samples = (np.sin(phase) * TONE_LEVEL).astype(np.float32).reshape(1, -1)
    encoder = _encoder(TONE_RATE, "mono")
    frames: list[bytes] = []
    for number in range(count):
        part = np.ascontiguousarray(samples[:, number * _FRAME : (number + 1) * _FRAME])
        frame = AudioFrame.from_ndarray(part, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = TONE_RATE, number * _FRAME, Fraction(1, TONE_RATE)
        frames += [bytes(packet) for packet in encoder.encode(frame)]
    frames += [bytes(packet) for packet in encoder.encode(None)]
    return Sound([frame for frame in frames if frame], bytes(encoder.extradata or b""), TONE_RATE, 1)


def of_clip(path: Path, begin: Fraction, length: Fraction) -> Sound | None:
    """The clip's sound from `begin`, in a loop of `length`, both in seconds; None when it has none."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return None
        passed = _passed_through(container, begin)
        if passed is None:
            container.seek(0)
            passed = _encoded(container, begin)
    frames, config, rate, channels = passed
    wanted = int(length * rate) // _FRAME + 2
    if not frames or not config:
        return None
    # A sound that ends before the video is held by its last frame, which is mostly silence.
    frames = frames[:wanted] + frames[-1:] * max(0, wanted - len(frames))
    return Sound(frames, config, rate, channels, length * rate)


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


def _encoded(container: InputContainer, begin: Fraction) -> tuple[list[bytes], bytes, int, int]:
    stream = container.streams.audio[0]
    layout = "mono" if stream.codec_context.channels == 1 else "stereo"
    rate = (
        stream.codec_context.sample_rate
        if stream.codec_context.sample_rate in (16_000, 44_100, 48_000)
        else TONE_RATE
    )
    resampler = AudioResampler(format="fltp", layout=layout, rate=rate, frame_size=_FRAME)
    encoder = _encoder(rate, layout)
    frames: list[bytes] = []
    decoded = (
        frame
        for frame in container.decode(stream)
        if frame.pts is not None and frame.time_base is not None and frame.pts * frame.time_base >= begin
    )
    for whole in chain.from_iterable(map(resampler.resample, decoded)):
        frames += [bytes(packet) for packet in encoder.encode(whole)]
    frames += [bytes(packet) for packet in encoder.encode(None)]
    return (
        [frame for frame in frames if frame],
        bytes(encoder.extradata or b""),
        rate,
        1 if layout == "mono" else 2,
    )


def _encoder(rate: int, layout: str) -> AudioCodecContext:
    encoder = av.CodecContext.create("aac", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = rate, layout, "fltp"
    encoder.bit_rate = 32_000 * (1 if layout == "mono" else 2)
    encoder.time_base = Fraction(1, rate)
    encoder.flags |= _GLOBAL_HEADER
    encoder.open()
    return encoder
