"""Stills: one keyframe becomes a JPEG (decoding and encoding are PyAV's)."""

from __future__ import annotations

import av
import cv2

from luytre.archive.playback import Keyframe
from luytre.base.errors import Error, Kind

START_CODE = b"\x00\x00\x00\x01"


def jpeg(keyframe: Keyframe, quality: int = 85) -> bytes:
    """Raises Error(DATA_LOSS) when the picture cannot be decoded."""
    name = "h264" if keyframe.track.codec == "h264" else "hevc"
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    sets = b"".join(START_CODE + nal for nal in keyframe.track.parameter_sets)
    try:
        frames = decoder.decode(av.Packet(sets + annexb(keyframe.data))) + decoder.decode(None)
    except av.FFmpegError as error:
        raise _undecodable(str(error)) from error
    if not frames:
        raise _undecodable("no picture came out")
    pixels = frames[0].to_ndarray(format="bgr24")
    done, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise _undecodable("JPEG encoding failed")
    return encoded.tobytes()


def annexb(data: bytes) -> bytes:
    """NAL units with 4-byte lengths to start codes; ends quietly where a length does not fit."""
    units: list[bytes] = []
    at = 0
    while at + 4 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        units += (START_CODE, data[at + 4 : at + 4 + size])
        at += 4 + size
    return b"".join(units)


def _undecodable(why: str) -> Error:
    return Error(
        Kind.DATA_LOSS,
        f"the picture cannot be decoded: {why}",
        hint="Take a moment earlier or later.",
        cause="bad_media",
    )
