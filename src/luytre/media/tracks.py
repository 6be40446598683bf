"""What a stream is made of: tracks, and the samples in them.

A track is fixed for a whole run; when its parameter sets change, the run ends and another begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VIDEO_TIMESCALE = 90_000

VideoCodec = Literal["h264", "h265"]
AudioCodec = Literal["aac", "alaw", "ulaw", "opus"]


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """One video track.

    parameter_sets  NAL units without start codes or lengths: H.264 SPS.. PPS.., H.265 VPS.. SPS.. PPS..
    codec_string    RFC 6381, e.g. "avc1.4D401F", "hvc1.1.6.L93.B0"
    sample_entry    the whole `avc1` or `hvc1` box for `stsd` (ISO/IEC 14496-15)
    """

    codec: VideoCodec
    width: int
    height: int
    parameter_sets: tuple[bytes, ...]
    codec_string: str
    sample_entry: bytes
    timescale: int = VIDEO_TIMESCALE


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """One audio track. `sample_entry` is the whole `mp4a`, `alaw`, `ulaw` or `Opus` box; `samples_per_frame` in ticks of
    `timescale` (= rate): the usual length of a sample, G.711's and Opus' vary.
    """

    codec: AudioCodec
    rate: int
    channels: int
    config: bytes
    codec_string: str
    sample_entry: bytes
    timescale: int
    samples_per_frame: int = 1024


Track = VideoTrack | AudioTrack


@dataclass(slots=True)
class Sample:
    """One access unit (video: NAL units with 4-byte lengths; audio: one raw frame).

    pts  presentation time in ticks of the track's timescale, extended to 64 bits, any origin
    key  video: a decoder can start here (H.264 IDR; H.265 IRAP); audio: always True
    """

    pts: int
    data: bytes
    key: bool
