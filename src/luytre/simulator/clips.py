"""A clip file becomes a reel: passed through when it is already what is wanted, else encoded once.

Promises   the reel begins with a keyframe, its keyframes carry their parameter sets, its sending times rise.
Does not   keep the file open, or scale.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Literal

import av
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from luytre.base.errors import Error, Kind
from luytre.media.nal import split_annexb
from luytre.media.tracks import AudioCodec
from luytre.simulator.encoders import VideoEncoder
from luytre.simulator.reels import Reel
from luytre.simulator.sounds import of_clip, tone
from luytre.simulator.sources import TICKS, Picture, Sound, Unit, VideoName, is_key, parameter_sets

AudioName = Literal["none"] | AudioCodec
_FFMPEG_NAMES: dict[VideoName, str] = {"h264": "h264", "h265": "hevc"}


@dataclass(frozen=True, slots=True)
class Footage:
    """A clip's access units in sending order, the first a keyframe at 0; `length` and `begin` in 1/90000 s.

    `begin` is where the first picture was in the clip itself.
    """

    units: list[Unit]
    picture: Picture
    length: int
    begin: int


def read(path: Path, codec: VideoName = "h264") -> Footage:
    """Read a whole clip into memory. Raises Error(INVALID) when PyAV cannot open it or sees no video."""
    try:
        units = _passed_through(path, codec) or _encoded(path, codec)
    except FFmpegError as error:
        raise _not_a_clip(path, str(error.strerror or error)) from None
    if not units:
        raise _not_a_clip(path, "no picture could be decoded")
    units, begin = _from_zero(units)
    pts = sorted(unit.pts for unit in units)
    step = round(median([after - before for before, after in pairwise(pts)] or [TICKS / 25]))
    length = max(pts[-1] + max(step, 1), units[-1].send + 1)
    sets = parameter_sets(codec, units[0].nals)
    if not sets:
        raise _not_a_clip(path, "it has no parameter sets")
    return Footage(units, Picture(codec, sets, len(units) * TICKS / length), length, begin)


def sound_for(path: Path, footage: Footage, codec: AudioCodec = "aac") -> Sound:
    """The clip's own sound, in step with its pictures, or a quiet tone."""
    begin, length = Fraction(footage.begin, TICKS), Fraction(footage.length, TICKS)
    return of_clip(path, begin, length, codec) or tone(codec)


def load(path: Path, codec: VideoName = "h264", audio: AudioName = "none") -> Reel:
    """A clip as a reel. Raises as read()."""
    footage = read(path, codec)
    sound = sound_for(path, footage, audio) if audio != "none" else None
    return Reel(footage.units, footage.picture, footage.length, sound)


def _not_a_clip(path: Path, why: str) -> Error:
    return Error(
        Kind.INVALID,
        f"{path.name} cannot be shown: {why}",
        hint="Give a video file that ffplay plays.",
        cause="bad_media",
    )


def _from_zero(units: list[Unit]) -> tuple[list[Unit], int]:
    """Sending times from 0, strictly rising; and where, in the clip's own ticks, the first picture was."""
    begin = units[0].pts
    first_send = units[0].send
    lowest = min(unit.pts for unit in units)
    last = -1
    moved = []
    for unit in units:
        last = max(last + 1, unit.send - first_send)
        moved.append(Unit(last, unit.pts - lowest, unit.key, unit.nals))
    return moved, begin


def _passed_through(path: Path, codec: VideoName) -> list[Unit]:
    """The clip's own access units; empty when they are of another codec or have no times."""
    with av.open(str(path)) as container:
        stream = _video(container, path)
        if stream.codec_context.name != _FFMPEG_NAMES[codec]:
            return []
        units: list[Unit] = []
        sets: tuple[bytes, ...] = ()
        for packet in _annexb(container, stream, codec):
            if packet.pts is None or packet.dts is None or packet.time_base is None:
                return []
            nals = tuple(split_annexb(bytes(packet)))
            key = is_key(codec, nals)
            sets = parameter_sets(codec, nals) or sets
            if not nals or not (units or key):
                continue
            if key and not parameter_sets(codec, nals):
                nals = (*sets, *nals)
            base = packet.time_base * TICKS
            units.append(Unit(round(packet.dts * base), round(packet.pts * base), key, nals))
    return units


def _video(container: InputContainer, path: Path) -> VideoStream:
    if not container.streams.video:
        raise _not_a_clip(path, "it has no video track")
    return container.streams.video[0]


def _annexb(
    container: InputContainer, stream: VideoStream, codec: VideoName
) -> Iterator[Packet[VideoStream]]:
    converter = BitStreamFilterContext(f"{_FFMPEG_NAMES[codec]}_mp4toannexb", stream)
    for packet in container.demux(stream):
        if packet.size:
            yield from converter.filter(packet)
    yield from converter.filter(None)


def _encoded(path: Path, codec: VideoName) -> list[Unit]:
    """All pictures decoded and encoded again, without B-frames, a keyframe every two seconds."""
    units: list[Unit] = []
    encoder: VideoEncoder | None = None
    with av.open(str(path)) as container:
        stream = _video(container, path)
        stream.thread_type = "AUTO"
        rate = float(stream.average_rate or stream.guessed_rate or 25)
        last = -1
        for number, frame in enumerate(container.decode(stream)):
            if encoder is None:
                width, height = frame.width & ~1, frame.height & ~1
                encoder = VideoEncoder(codec, width, height, rate, gop_s=2.0, preset="veryfast")
            timed = frame.pts is not None and frame.time_base is not None
            pts = (
                round((frame.pts or 0) * (frame.time_base or 1) * TICKS)
                if timed
                else round(number * TICKS / rate)
            )
            if pts <= last:
                continue
            last = pts
            units += encoder.encode(frame.reformat(encoder.width, encoder.height, "yuv420p"), pts)
        if encoder is not None:
            units += encoder.finish()
    return units
