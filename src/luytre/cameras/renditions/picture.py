"""Pictures of any stream as H.264: decoded, made smaller, encoded (PyAV). Runs in a worker process only.

Promises   a job's parameter sets depend on its size alone, so pieces made apart play as one; a picture that cannot be
           decoded costs itself.
Does not   keep time: what comes out has the times of what went in.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Final

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from luytre.cameras.renditions.wire import Job, Packet
from luytre.media import h264
from luytre.media.nal import nal_spans, split_annexb, to_length_prefixed
from luytre.media.tracks import VIDEO_TIMESCALE, VideoTrack

START_CODE: Final = b"\x00\x00\x00\x01"
KEY_EVERY_TICKS: Final = 2 * VIDEO_TIMESCALE
# Bits a second at most; ordinary scenes take less.
MOST_BPS: Final = 2_500_000
# Says nothing about the real rate, and is the same for all: it stands in the parameter sets.
_RATE: Final = Fraction(25)
_PARAMS: Final = "scenecut=0:keyint=infinite:min-keyint=1:force-cfr=0:sliced-threads=0:bframes=0"


class Converter:
    """One job. `track` says how to decode what comes out."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._decoder = _decoder(job)
        self._encoder = _encoder(job.width, job.height, job.sar)
        self._last_key: int | None = None
        self._newest: int | None = None
        sets = [nal for nal in split_annexb(bytes(self._encoder.extradata or b"")) if _is_set(nal)]
        self.track: VideoTrack = h264.video_track(sets)

    def add(self, packet: Packet) -> Iterator[Packet]:
        """Pictures that are ready. What cannot be decoded gives none."""
        data = b"".join(START_CODE + packet.data[a:b] for a, b in nal_spans(packet.data))
        if not data:
            return
        coded = av.Packet(data)
        coded.pts = coded.dts = packet.pts
        coded.time_base = Fraction(1, VIDEO_TIMESCALE)
        try:
            frames = self._decoder.decode(coded)
        except av.FFmpegError:
            return
        for frame in frames:
            yield from self._encode(frame)

    def finish(self) -> Iterator[Packet]:
        """What the decoder and the encoder still held back."""
        try:
            frames = self._decoder.decode(None)
        except av.FFmpegError:
            frames = []
        for frame in frames:
            yield from self._encode(frame)
        for coded in self._encoder.encode(None):
            yield _packet(coded)

    def _encode(self, frame: VideoFrame) -> Iterator[Packet]:
        pts = frame.pts
        if pts is None or pts < self._job.from_ticks or (self._newest is not None and pts <= self._newest):
            return
        small = frame.reformat(self._job.width, self._job.height, "yuv420p")
        small.pts, small.time_base = pts, Fraction(1, VIDEO_TIMESCALE)
        small.pict_type = PictureType.NONE
        if self._last_key is None or pts - self._last_key >= KEY_EVERY_TICKS:
            small.pict_type = PictureType.I
            self._last_key = pts
        self._newest = pts
        for coded in self._encoder.encode(small):
            yield _packet(coded)


def _decoder(job: Job) -> VideoCodecContext:
    context = av.CodecContext.create("h264" if job.codec == "h264" else "hevc", "r")
    assert isinstance(context, VideoCodecContext)
    # One place is one core.
    context.thread_count = 1
    context.extradata = b"".join(START_CODE + nal for nal in job.sets)
    return context


def _encoder(width: int, height: int, sar: tuple[int, int]) -> VideoCodecContext:
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.sample_aspect_ratio = Fraction(*sar)
    context.framerate = _RATE
    context.time_base = Fraction(1, VIDEO_TIMESCALE)
    context.max_b_frames = 0
    context.thread_count = 1
    context.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "crf": "25",
        "maxrate": str(MOST_BPS),
        "bufsize": str(MOST_BPS),
        "forced-idr": "1",
        "flags": "+global_header",
        "x264-params": _PARAMS,
    }
    context.open()
    return context


@lru_cache(64)
def track_of(width: int, height: int, sar: tuple[int, int]) -> VideoTrack:
    """The track that jobs of this size make, without decoding anything."""
    sets = [nal for nal in split_annexb(bytes(_encoder(width, height, sar).extradata or b"")) if _is_set(nal)]
    return h264.video_track(sets)


def _is_set(nal: bytes) -> bool:
    return h264.is_parameter_set(h264.nal_type(nal[0]))


def _packet(coded: av.packet.Packet[VideoStream]) -> Packet:
    nals = [nal for nal in split_annexb(bytes(coded)) if not _is_set(nal)]
    return Packet(int(coded.pts or 0), bool(coded.is_keyframe), to_length_prefixed(nals))
