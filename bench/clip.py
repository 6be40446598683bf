"""The clip that the cameras of the bench loop: made once, kept under var/bench.

Promises   the bit rate asked for, within 5 %; H.264 or H.265 without B-frames and a keyframe each 2 s that is some times
           larger than the pictures between, as cameras send it; AAC 48 kHz mono at 64 kb/s.
Does not   look like anything: a strip of noise that no encoder can predict over noise that stands still. How high the
           strip is decides the bit rate.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

CodecName = Literal["h264", "h265"]
_ENCODERS: dict[CodecName, Literal["libx264", "libx265"]] = {"h264": "libx264", "h265": "libx265"}
WIDTH, HEIGHT, FPS, GOP = 1920, 1080, 25, 50
RATE = 48_000
AUDIO_BPS = 64_000
_SAMPLES = 1024
_GREY = 128
# The still noise is so many times as high as the moving strip: that makes a keyframe nine times another picture.
_STILL = 4


def make(folder: Path, bits_per_s: int, seconds: int = 8, codec: CodecName = "h264") -> Path:
    """The MP4 file with video of `bits_per_s`; made anew only when it is not there."""
    kind = "" if codec == "h264" else f"-{codec}"
    path = folder / f"clip-{bits_per_s // 1000}k-{seconds}s{kind}.mp4"
    if path.is_file():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new.mp4")
    with av.open(str(fresh), "w", format="mp4") as output:
        video = output.add_stream(_ENCODERS[codec], rate=FPS)
        audio = output.add_stream("aac", rate=RATE, layout="mono", bit_rate=AUDIO_BPS)
        assert isinstance(video, VideoStream)
        assert isinstance(audio, AudioStream)
        _set_up(video.codec_context, codec)
        for frame in _frames(_rows(bits_per_s, codec), seconds * FPS):
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        _add_sound(output, audio, seconds)
    fresh.rename(path)
    return path


def _set_up(context: VideoCodecContext, codec: CodecName) -> None:
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    context.framerate, context.time_base = Fraction(FPS), Fraction(1, FPS)
    context.max_b_frames, context.thread_count = 0, 2
    params = f"keyint={GOP}:min-keyint={GOP}:scenecut=0"
    context.options = {"preset": "ultrafast", "tune": "zerolatency", "qp": "33"}
    if codec == "h264":
        context.options |= {"x264-params": params}
    else:
        context.options |= {"x265-params": f"{params}:qp=33:bframes=0:open-gop=0:log-level=error"}


def _frames(rows: int, count: int) -> Iterator[VideoFrame]:
    """`rows` of each picture are noise, new each time; below them some more noise, and a ramp, stand still."""
    random = np.random.default_rng(1)
    # Cut out of at other places for each picture: too far away for motion search.
    noise = random.normal(0, 12, (HEIGHT * 3, WIDTH * 2)).astype(np.int16)
    ramp = np.linspace(60, 190, WIDTH, dtype=np.int16)
    luma = np.tile(ramp, (HEIGHT, 1)).astype(np.uint8)
    still = (1 + _STILL) * rows
    luma[:still] = np.clip(noise[:still, :WIDTH] + ramp, 16, 235)
    chroma = np.full((HEIGHT // 2, WIDTH), _GREY, np.uint8)
    for number in range(count):
        x, y = random.integers(0, WIDTH), random.integers(0, HEIGHT * 2)
        luma[:rows] = np.clip(noise[y : y + rows, x : x + WIDTH] + ramp, 16, 235)
        frame = VideoFrame.from_ndarray(np.concatenate([luma, chroma]), format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, FPS)
        yield frame


def _rows(bits_per_s: int, codec: CodecName) -> int:
    """A picture's size grows in proportion to the strip: two measured heights give the line."""
    low, high = 20, 120
    at_low, at_high = (_gop_bytes(rows, codec) for rows in (low, high))
    wanted = bits_per_s / 8 * GOP / FPS
    rows = low + (wanted - at_low) * (high - low) / (at_high - at_low)
    return round(min(max(rows, 1), HEIGHT // (1 + _STILL)))


def _gop_bytes(rows: int, codec: CodecName) -> int:
    context = av.CodecContext.create(_ENCODERS[codec], "w")
    assert isinstance(context, VideoCodecContext)
    _set_up(context, codec)
    packets: list[Packet[VideoStream]] = []
    for frame in _frames(rows, GOP):
        packets += context.encode(frame)
    packets += context.encode(None)
    return sum(packet.size for packet in packets)


def _add_sound(output: OutputContainer, audio: AudioStream, seconds: int) -> None:
    random = np.random.default_rng(2)
    for number in range(seconds * RATE // _SAMPLES):
        tone = np.sin(np.arange(number * _SAMPLES, (number + 1) * _SAMPLES) * 0.05) * 0.1
        hiss = random.normal(0, 0.05, _SAMPLES)
        sound = av.AudioFrame.from_ndarray((tone + hiss).astype(np.float32)[None], "fltp", "mono")
        sound.sample_rate, sound.pts, sound.time_base = RATE, number * _SAMPLES, Fraction(1, RATE)
        output.mux(audio.encode(sound))
    output.mux(audio.encode(None))


def media_rate(path: Path, *, audio: bool = True) -> float:
    """Bytes of video and audio samples per second of the clip: what a recorder must write, without framing."""
    kinds: tuple[Literal["video", "audio"], ...] = ("video", "audio") if audio else ("video",)
    rate = 0.0
    for kind in kinds:
        with av.open(str(path)) as source:
            stream = source.streams.video[0] if kind == "video" else source.streams.audio[0]
            packets = [packet for packet in source.demux(stream) if packet.size]
            length = sum(float((packet.duration or 0) * packet.time_base) for packet in packets)
            rate += sum(packet.size for packet in packets) / length
    return rate
