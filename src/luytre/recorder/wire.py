"""The local socket between recorders and whoever wants live samples: framing only (design/live.md, "The local socket").

length (4 bytes, big endian, of what follows) | type (1 byte) | payload
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from luytre.base.errors import Error, Kind
from luytre.media.tracks import AudioTrack, Track, VideoTrack

WATCH, UNWATCH, TRIGGER = b"W", b"U", b"M"
STATE, TRACKS, SAMPLE = b"S", b"T", b"V"
# A keyframe of an 8K camera fits; a longer frame is nonsense.
MAX_FRAME = 32 << 20
_LENGTH = struct.Struct(">I")
_SAMPLE = struct.Struct(">IcIBBqqq")
_KEY = 1


class WireSample(NamedTuple):
    """`track` 0 video, 1 audio; pts and dts in ticks of the track from the run's start; wall_us of the picture."""

    channel: int
    track: int
    key: bool
    pts: int
    dts: int
    wall_us: int
    data: bytes


def json_frame(kind: bytes, fields: dict[str, Any]) -> bytes:
    payload = json.dumps(fields, separators=(",", ":")).encode()
    return _LENGTH.pack(1 + len(payload)) + kind + payload


def sample_frame(sample: WireSample) -> bytes:
    head = _SAMPLE.pack(
        _SAMPLE.size - 4 + len(sample.data),
        SAMPLE,
        sample.channel,
        sample.track,
        _KEY if sample.key else 0,
        sample.pts,
        sample.dts,
        sample.wall_us,
    )
    return head + sample.data


def parse_sample(payload: bytes) -> WireSample:
    """`payload` as yielded by Splitter for SAMPLE."""
    channel, track, flags, pts, dts, wall_us = struct.unpack_from(">IBBqqq", payload)
    return WireSample(channel, track, bool(flags & _KEY), pts, dts, wall_us, payload[30:])


class Splitter:
    """Bytes in, (type, payload) out."""

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self._buffer = bytearray()
        self._max_frame = max_frame

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Raises Error(INVALID) on a length that cannot be."""
        self._buffer += data
        while len(self._buffer) >= 4:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if not 1 <= length <= self._max_frame:
                raise Error(Kind.INVALID, "nonsense on the local socket", hint="Restart the node.")
            if len(self._buffer) < 4 + length:
                return
            kind, payload = bytes(self._buffer[4:5]), bytes(self._buffer[5 : 4 + length])
            del self._buffer[: 4 + length]
            yield kind, payload


def tracks_to_json(tracks: list[Track]) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = []
    for track in tracks:
        fields: dict[str, Any] = {
            "codec": track.codec,
            "codec_string": track.codec_string,
            "sample_entry": base64.b64encode(track.sample_entry).decode(),
            "timescale": track.timescale,
        }
        if isinstance(track, VideoTrack):
            fields |= {
                "width": track.width,
                "height": track.height,
                "parameter_sets": [base64.b64encode(nal).decode() for nal in track.parameter_sets],
            }
        else:
            fields |= {
                "rate": track.rate,
                "channels": track.channels,
                "config": base64.b64encode(track.config).decode(),
                "samples_per_frame": track.samples_per_frame,
            }
        listed.append(fields)
    return listed


def tracks_from_json(listed: list[dict[str, Any]]) -> list[Track]:
    tracks: list[Track] = []
    for fields in listed:
        fields = {**fields, "sample_entry": base64.b64decode(fields["sample_entry"])}
        if "width" in fields:
            fields["parameter_sets"] = tuple(base64.b64decode(nal) for nal in fields["parameter_sets"])
            tracks.append(VideoTrack(**fields))
        else:
            fields["config"] = base64.b64decode(fields["config"])
            tracks.append(AudioTrack(**fields))
    return tracks
