"""Small clips encoded on the spot by PyAV, taken apart into tracks and samples; files made of them by our code."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import av
import numpy as np

from luytre.base.errors import Error
from luytre.media import h264, h265
from luytre.media.aac import audio_track
from luytre.media.fmp4.progressive import TrackSamples, progressive_header
from luytre.media.fmp4.write import PartSample, TrackPart, init_segment, part_header
from luytre.media.nal import nal_spans
from luytre.media.tracks import Sample, Track, VideoTrack

Result = TypeVar("Result")
WALL_US = 1_795_330_000_123_456
Maker = Callable[[Sequence["Coded"]], bytes]


@dataclass(frozen=True)
class Coded:
    """A track and its samples in decode order; `pts` in the track's ticks."""

    track: Track
    samples: list[Sample]
    frame_ticks: int


@dataclass(frozen=True)
class Placed:
    """One part as the recorder would make it: decode times are presentation times, sorted."""

    parts: list[TrackPart]
    data: list[bytes]


def encode_video(
    codec: str, *, frames: int = 40, gop: int = 10, b_frames: int = 0, fps: int = 25, **options: str
) -> Coded:
    """A moving pattern of 178 x 100: no multiple of 16, so that cropping is needed."""
    width, height = 178, 100
    made: Any = av.CodecContext.create({"h264": "libx264", "h265": "libx265"}[codec], "w")
    made.width, made.height, made.pix_fmt = width, height, options.pop("pix_fmt", "yuv420p")
    # One tick a frame: encoders write the time base into the VUI as if it were the frame rate.
    made.time_base, made.framerate = Fraction(1, fps), Fraction(fps)
    made.gop_size, made.max_b_frames = gop, b_frames
    made.thread_count = 1
    params = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={b_frames}" + options.pop("params", "")
    if codec == "h265":
        params += ":log-level=none:pools=none:frame-threads=1:repeat-headers=0"
    made.options = {
        "preset": "ultrafast",
        f"x26{codec[-1]}-params": params,
        "flags": "+global_header",
        **options,
    }
    made.open()
    packets = []
    for number in range(frames):
        picture = np.full((height, width, 3), 40, np.uint8)
        picture[20:60, number * 3 % 120 : number * 3 % 120 + 40] = (200, 90, number * 5 % 255)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=made.pix_fmt)
        frame.pts, frame.time_base = number, made.time_base
        packets += made.encode(frame)
    packets += made.encode(None)
    house: Any = h264 if codec == "h264" else h265
    track = house.video_track(h264.split_annexb(bytes(made.extradata)))
    samples = []
    for packet in packets:
        nals = [
            n for n in h264.split_annexb(bytes(packet)) if not house.is_parameter_set(house.nal_type(n[0]))
        ]
        data = h264.to_length_prefixed(nals)
        assert house.is_key(data) == packet.is_keyframe
        samples.append(Sample(int(packet.pts) * 90000 // fps, data, packet.is_keyframe))
    return Coded(track, samples, 90000 // fps)


def attempt(call: Callable[..., Result], *args: object) -> Result | Error:
    """What a reader makes of bytes, or how it refused them. Any other exception passes, and fails the test."""
    try:
        return call(*args)
    except Error as error:
        return error


def reading(file: bytes, **how: Any) -> Any:
    """libav's view of bytes; its types do not tell reading from writing."""
    return av.open(io.BytesIO(file), **how)


def parameter_sets(coded: Coded) -> tuple[bytes, ...]:
    assert isinstance(coded.track, VideoTrack)
    return coded.track.parameter_sets


def remux(form: str, coded: Coded, path: Path) -> None:
    """The same pictures, put into an MP4 file by libav."""
    stream = b"".join(b"\0\0\0\1" + nal for nal in parameter_sets(coded))
    for sample in coded.samples:
        # Three bytes: libav would count the fourth as part of the parameter set before it.
        stream += b"".join(b"\0\0\1" + sample.data[a:b] for a, b in nal_spans(sample.data))
    with reading(stream, format=form) as source, av.open(str(path), "w") as out:
        target = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux():
            if packet.size:
                packet.stream = target
                packet.pts = packet.dts = packet.dts or 0
                out.mux(packet)


def encode_audio(*, frames: int = 60, rate: int = 48000, layout: str = "stereo") -> Coded:
    made: Any = av.CodecContext.create("aac", "w")
    made.sample_rate, made.layout, made.format = rate, layout, "fltp"
    made.time_base = Fraction(1, rate)
    made.options = {"flags": "+global_header"}
    made.open()
    packets = []
    channels = 2 if layout == "stereo" else 1
    for number in range(frames):
        tone = np.sin(np.arange(1024) * 0.05 + number).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.stack([tone] * channels), format="fltp", layout=layout)
        frame.pts, frame.sample_rate, frame.time_base = number * 1024, rate, made.time_base
        packets += made.encode(frame)
    packets += made.encode(None)
    samples = [Sample(index * 1024, bytes(packet), True) for index, packet in enumerate(packets)]
    return Coded(audio_track(bytes(made.extradata)), samples, 1024)


def placed(coded: Sequence[Coded]) -> list[Placed]:
    """Cut before each keyframe of the first track; other tracks are cut at the same moments."""
    first = coded[0]
    borders = [i for i, s in enumerate(first.samples) if s.key and i] + [len(first.samples)]
    cut: list[list[list[Sample]]] = []
    begin, taken = 0, [0] * len(coded)
    for border in borders:
        group = [first.samples[begin:border]]
        until = max(s.pts for s in group[0]) + first.frame_ticks
        for index, other in enumerate(coded[1:], 1):
            stop = taken[index]
            while stop < len(other.samples) and (
                border == len(first.samples)
                or other.samples[stop].pts * first.track.timescale < until * other.track.timescale
            ):
                stop += 1
            group.append(other.samples[taken[index] : stop])
            taken[index] = stop
        begin = border
        cut.append(group)
    found = []
    for group in cut:
        parts, data = [], []
        for number, (one, samples) in enumerate(zip(coded, group, strict=True), 1):
            times = sorted(s.pts for s in samples)
            ends = [*times[1:], times[-1] + one.frame_ticks] if times else []
            rows = [
                PartSample(end - start, len(s.data), s.pts - start, s.key)
                for s, start, end in zip(samples, times, ends, strict=True)
            ]
            parts.append(TrackPart(number, times[0] if times else 0, rows))
            data += [s.data for s in samples]
        found.append(Placed(parts, data))
    return found


def fragmented(coded: Sequence[Coded]) -> bytes:
    """init + parts, wall time running with media time from WALL_US."""
    out = [init_segment([one.track for one in coded])]
    for sequence, part in enumerate(placed(coded), 1):
        wall_us = WALL_US + part.parts[0].base_ticks * 1_000_000 // coded[0].track.timescale
        out += [part_header(sequence, part.parts, wall_us), *part.data]
    return b"".join(out)


def columns(part: TrackPart) -> TrackSamples:
    return TrackSamples(
        part.base_ticks,
        [s.size for s in part.samples],
        [s.duration for s in part.samples],
        [s.cts_offset for s in part.samples],
        [s.key for s in part.samples],
    )


def progressive(coded: Sequence[Coded], parts: Sequence[Placed] | None = None) -> bytes:
    cut = placed(coded) if parts is None else parts
    header = progressive_header(
        [one.track for one in coded],
        [[columns(part) for part in one.parts] for one in cut],
        created_us=WALL_US,
    )
    return header + b"".join(data for one in cut for data in one.data)


@dataclass(frozen=True)
class Packet:
    """What a demuxer says of one sample, times in ticks of the track."""

    pts: int
    dts: int
    key: bool
    data: bytes


def demuxed(file: bytes, timescales: Sequence[int], **options: str) -> list[list[Packet]]:
    """Packets per stream, as libav finds them."""
    found: list[list[Packet]] = [[] for _ in timescales]
    with reading(file, options=options) as container:
        for packet in container.demux():
            if packet.pts is None or packet.dts is None:
                continue
            tick = packet.time_base * timescales[packet.stream.index]
            assert tick == 1
            found[packet.stream.index].append(
                Packet(packet.pts, packet.dts, packet.is_keyframe, bytes(packet))
            )
    return found
