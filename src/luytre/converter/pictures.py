"""A source's pictures for the recorder: H.264 and H.265 as they are, everything else encoded to H.264.

Promises   copied pictures keep each NAL unit; encoded ones keep their size (an odd one loses a row or column) and their
           times, with a keyframe every 2 s or less.
"""

from __future__ import annotations

import base64
from fractions import Fraction
from typing import Any, Final

import av
from av.bitstream import BitStreamFilterContext
from av.video.frame import PictureType

from luytre.archive.keys import Cause
from luytre.base.errors import Error
from luytre.converter.failures import failure
from luytre.converter.tracks import Incoming, Packet, Unit
from luytre.media import h264, h265
from luytre.media.nal import split_annexb, to_length_prefixed
from luytre.media.rtp import packetizer
from luytre.media.sdp import Media
from luytre.media.tracks import VIDEO_TIMESCALE, VideoCodec

CONTROL: Final = "video"
PAYLOAD_TYPE: Final = 96
GOP_S: Final = 2.0
_CODECS: Final[dict[str, VideoCodec]] = {"h264": "h264", "hevc": "h265"}
# Below H.264's level 5.2, and what a camera sends.
_MOST_FPS: Final = 60.0
_USUAL_FPS: Final = 25.0
# So many broken pictures in a row, and the source sends none.
_BROKEN: Final = 100


def is_copied(incoming: Incoming) -> bool:
    return incoming.codec in _CODECS


class CopiedVideo:
    """Repacked, never decoded."""

    def __init__(self, incoming: Incoming) -> None:
        self.codec = _CODECS[incoming.codec]
        self._house: Any = h264 if self.codec == "h264" else h265
        self._cut = packetizer.h264 if self.codec == "h264" else packetizer.h265
        # 1: lengths instead of start codes (ISO/IEC 14496-15), as FLV and MP4 have them.
        boxed = incoming.extradata[:1] == b"\x01"
        name = {"h264": "h264_mp4toannexb", "h265": "hevc_mp4toannexb"}[self.codec]
        self._filter = BitStreamFilterContext(name, incoming.stream) if boxed else None
        self.media = video_media(self.codec, self._sets(incoming.extradata))

    def _sets(self, extradata: bytes) -> tuple[bytes, ...]:
        try:
            if extradata[:1] != b"\x01":
                sets = tuple(split_annexb(extradata))
            elif self.codec == "h264":
                sets = h264.sets_of_avcc(extradata)
            else:
                sets = h265.sets_of_hvcc(extradata)
        except Error:
            return ()
        return tuple(nal for nal in sets if self._house.is_parameter_set(self._house.nal_type(nal[0])))

    def put(self, packet: Packet) -> list[Unit]:
        """One unit a picture, or none."""
        pieces = [packet] if self._filter is None else self._filter.filter(packet)
        units = []
        for piece in pieces:
            nals = split_annexb(bytes(piece))
            if nals and piece.pts is not None and piece.time_base is not None:
                key = self._house.is_key(to_length_prefixed(nals))
                ticks = round(piece.pts * piece.time_base * VIDEO_TIMESCALE)
                units.append(Unit(ticks, self._cut(nals), key))
        return units


class EncodedVideo:
    """Decoded and encoded: libx264, no B-frames, so nothing waits."""

    codec: VideoCodec = "h264"

    def __init__(self, incoming: Incoming) -> None:
        self._decoder = incoming.decoder
        width, height = self._decoder.width, self._decoder.height
        if not width or not height:
            raise failure(Cause.BAD_MEDIA, "the source sends no picture that can be decoded")
        self._size = (width, height)
        self._encoder = _encoder(width & ~1, height & ~1, incoming.rate)
        self._key_due: int | None = None
        self._last = -1
        self._broken = 0
        sets = tuple(split_annexb(bytes(self._encoder.extradata)))
        self.media = video_media("h264", tuple(nal for nal in sets if h264.is_parameter_set(nal[0] & 0x1F)))

    def put(self, packet: Packet) -> list[Unit]:
        """What the encoder gives back at once. Raises Error when nothing can be decoded, or the size changes."""
        assert packet.time_base is not None
        try:
            frames = self._decoder.decode(packet)
        except av.error.InvalidDataError:
            # A broken picture among good ones is left out.
            self._broken += 1
            if self._broken >= _BROKEN:
                raise failure(Cause.BAD_MEDIA, "the source sends no picture that can be decoded") from None
            return []
        units: list[Unit] = []
        for frame in frames:
            self._broken = 0
            units += self._encoded(frame, packet.time_base)
        return units

    def _encoded(self, frame: Any, time_base: Fraction) -> list[Unit]:
        if (frame.width, frame.height) != self._size:
            raise failure(Cause.PARAMETERS_CHANGED, "the size of the pictures changed")
        if frame.pts is None:
            return []
        # x264 wants times that grow.
        ticks = max(round(frame.pts * time_base * VIDEO_TIMESCALE), self._last + 1)
        self._last = ticks
        picture = frame.reformat(width=self._encoder.width, height=self._encoder.height, format="yuv420p")
        picture.pts, picture.time_base = ticks, Fraction(1, VIDEO_TIMESCALE)
        picture.pict_type = PictureType.NONE
        if self._key_due is None or ticks >= self._key_due:
            # A picture early rather than one late: a single one may last a second.
            self._key_due = ticks + round(GOP_S * VIDEO_TIMESCALE)
            picture.pict_type = PictureType.I
        units = []
        for packet in self._encoder.encode(picture):
            nals = split_annexb(bytes(packet))
            units.append(Unit(int(packet.pts), packetizer.h264(nals), packet.is_keyframe))
        return units


def _encoder(width: int, height: int, rate: float | None) -> Any:
    made: Any = av.CodecContext.create("libx264", "w")
    made.width, made.height, made.pix_fmt = width, height, "yuv420p"
    made.time_base = Fraction(1, VIDEO_TIMESCALE)
    # For the level and the budget only: pictures keep their own times.
    fps = rate if rate and 0 < rate <= _MOST_FPS else _USUAL_FPS
    made.framerate = Fraction(fps).limit_denominator(1001)
    made.gop_size, made.max_b_frames, made.thread_count = 600, 0, 1
    made.options = {
        "preset": "veryfast",
        "tune": "zerolatency",
        "crf": "23",
        "forced-idr": "1",
        "flags": "+global_header",
    }
    made.open()
    return made


def video_media(codec: VideoCodec, sets: tuple[bytes, ...]) -> Media:
    """The m= section; parameter sets that are not known come in band."""
    fmtp: dict[str, str] = {}
    if codec == "h264":
        fmtp["packetization-mode"] = "1"
        profile = next((nal for nal in sets if nal[0] & 0x1F == 7), None)
        if profile is not None:
            fmtp["profile-level-id"] = profile[1:4].hex().upper()
            fmtp["sprop-parameter-sets"] = _base64(sets)
    else:
        for name, kind in (("sprop-vps", 32), ("sprop-sps", 33), ("sprop-pps", 34)):
            units = tuple(nal for nal in sets if nal[0] >> 1 & 0x3F == kind)
            if units:
                fmtp[name] = _base64(units)
    return Media(
        "video",
        payload_type=PAYLOAD_TYPE,
        encoding=codec.upper(),
        clock_rate=VIDEO_TIMESCALE,
        fmtp=fmtp,
        control=CONTROL,
    )


def _base64(nals: tuple[bytes, ...]) -> str:
    return ",".join(base64.b64encode(nal).decode() for nal in nals)
