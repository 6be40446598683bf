"""What a stream of a simulated camera shows: the words that clips and drawn scenes have in common."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Protocol

from luytre.media import h264, h265
from luytre.media.rtp import packetizer
from luytre.media.sdp import Media
from luytre.media.tracks import AudioCodec
from luytre.simulator.lanes import Lane, interleave

VIDEO_TYPE, AUDIO_TYPE = 96, 97
TICKS = 90_000
VideoName = Literal["h264", "h265"]
_ENCODINGS: dict[AudioCodec, str] = {"aac": "MPEG4-GENERIC", "opus": "opus", "alaw": "PCMA", "ulaw": "PCMU"}


@dataclass(frozen=True, slots=True)
class Picture:
    """What a description says of the video."""

    codec: VideoName
    parameter_sets: tuple[bytes, ...]
    framerate: float


@dataclass(frozen=True, slots=True)
class Unit:
    """One access unit. `send` and `pts` in 1/90000 s; NAL units without start codes."""

    send: int
    pts: int
    key: bool
    nals: tuple[bytes, ...]


class Sound:
    """Coded frames of `frame_ticks` samples each in a loop. `loop_ticks` is the loop's length in samples, by default that
    of the frames.

    Given a video's length the sound begins anew with each loop of the video; timestamps go on in whole frames.
    """

    def __init__(
        self,
        frames: list[bytes],
        config: bytes,
        rate: int,
        channels: int,
        loop_ticks: Fraction | None = None,
        *,
        codec: AudioCodec = "aac",
        frame_ticks: int = 1024,
    ) -> None:
        self.frames, self.codec, self.frame_ticks = frames, codec, frame_ticks
        self.config, self.rate, self.channels = config, rate, channels
        self._loop = loop_ticks or Fraction(frame_ticks * len(frames))
        self._packets = [interleave(self._payloads(frame), AUDIO_TYPE) for frame in frames]

    def _payloads(self, frame: bytes) -> list[bytes]:
        if self.codec == "aac":
            return packetizer.aac(frame)
        if self.codec == "opus":
            return packetizer.opus(frame)
        return packetizer.g711(frame, self.channels)

    def at(self, number: int) -> tuple[bytes, list[int]]:
        """Packets of the frame with this number, counted from the start over all loops."""
        index = int(number * self.frame_ticks % self._loop) // self.frame_ticks
        return self._packets[min(index, len(self._packets) - 1)]


class Cursor(Protocol):
    """One client's place in a source's video."""

    def take(self, now_s: float, lane: Lane) -> list[bytearray]:
        """What is due at `now_s` (monotonic), stamped by `lane`, in sending order."""

    def skip(self, now_s: float) -> None:
        """Forget what was due until now: the camera stood still."""

    def close(self) -> None:
        """The client is gone."""


class Source(Protocol):
    """Something to show."""

    sound: Sound | None

    def prepare(self) -> None:
        """Do what takes long, once; called in a thread."""

    def picture(self) -> Picture:
        """Known after prepare()."""

    def open(self, now_s: float) -> Cursor:
        """A client comes."""


def packets(codec: VideoName, nals: tuple[bytes, ...]) -> tuple[bytes, list[int]]:
    """One video access unit as interleaved packets."""
    split = packetizer.h264 if codec == "h264" else packetizer.h265
    return interleave(split(nals), VIDEO_TYPE)


def is_key(codec: VideoName, nals: tuple[bytes, ...]) -> bool:
    """Can a decoder start here: H.264 IDR, H.265 IRAP (BLA, IDR, CRA)."""
    if codec == "h264":
        return any(nal[0] & 0x1F == 5 for nal in nals)
    return any(16 <= nal[0] >> 1 & 0x3F <= 21 for nal in nals)


def parameter_sets(codec: VideoName, nals: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The parameter sets among the NAL units of an access unit."""
    room = h264 if codec == "h264" else h265
    return tuple(nal for nal in nals if room.is_parameter_set(room.nal_type(nal[0])))


def video_media(picture: Picture, *, sprop: bool) -> Media:
    """The m= section of the video; without `sprop` parameter sets are only in band."""
    sets = picture.parameter_sets
    fmtp: dict[str, str] = {}
    if picture.codec == "h264":
        fmtp["packetization-mode"] = "1"
        if sprop:
            profile = next(nal for nal in sets if nal[0] & 0x1F == 7)
            fmtp["profile-level-id"] = profile[1:4].hex().upper()
            fmtp["sprop-parameter-sets"] = ",".join(base64.b64encode(nal).decode() for nal in sets)
    elif sprop:
        for name, kind in (("sprop-vps", 32), ("sprop-sps", 33), ("sprop-pps", 34)):
            units = [nal for nal in sets if nal[0] >> 1 & 0x3F == kind]
            fmtp[name] = ",".join(base64.b64encode(nal).decode() for nal in units)
    return Media(
        "video",
        payload_type=VIDEO_TYPE,
        encoding=picture.codec.upper(),
        clock_rate=TICKS,
        fmtp=fmtp,
        control="trackID=0",
        framerate=round(picture.framerate, 3),
    )


def audio_media(sound: Sound) -> Media:
    """The m= section of the sound: AAC-hbr (RFC 3640 section 3.3.6), Opus (RFC 7587 section 7) or G.711."""
    name, channels, fmtp = _ENCODINGS[sound.codec], sound.channels, {}
    if sound.codec == "aac":
        fmtp = {
            "streamtype": "5",
            "profile-level-id": "1",
            "mode": "AAC-hbr",
            "sizelength": "13",
            "indexlength": "3",
            "indexdeltalength": "3",
            "config": sound.config.hex(),
        }
    elif sound.codec == "opus":
        # Two channels by rule; what is really sent is a parameter.
        channels, fmtp = 2, {"sprop-stereo": str(sound.channels - 1)}
    return Media(
        "audio",
        payload_type=AUDIO_TYPE,
        encoding=name,
        clock_rate=sound.rate,
        channels=channels,
        fmtp=fmtp,
        control="trackID=1",
    )


def unsupported_media() -> Media:
    """Video in a codec that is not recorded."""
    return Media("video", payload_type=26, encoding="JPEG", clock_rate=TICKS, control="trackID=0")
