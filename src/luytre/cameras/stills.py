"""Stills: one keyframe becomes a JPEG (decoding and encoding are PyAV's)."""

from __future__ import annotations

import av
import cv2

from luytre.archive.playback import Keyframe
from luytre.base.errors import Error, Kind
from luytre.media.nal import nal_spans
from luytre.media.tracks import VideoTrack

START_CODE = b"\x00\x00\x00\x01"


def jpeg(keyframe: Keyframe, quality: int = 85) -> bytes:
    """Raises Error(DATA_LOSS) when the picture cannot be decoded."""
    return picture(keyframe.track, keyframe.data, quality=quality)


def picture(track: VideoTrack, data: bytes, *, quality: int = 85, widest: int | None = None) -> bytes:
    """JPEG of one keyframe (NAL units with 4-byte lengths), at most `widest` pixels wide. Raises Error(DATA_LOSS)
    when it cannot be decoded.
    """
    name = "h264" if track.codec == "h264" else "hevc"
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    sets = b"".join(START_CODE + nal for nal in track.parameter_sets)
    slices = b"".join(START_CODE + data[start:end] for start, end in nal_spans(data))
    try:
        frames = decoder.decode(av.Packet(sets + slices)) + decoder.decode(None)
    except av.FFmpegError as error:
        raise _undecodable(str(error)) from error
    if not frames:
        raise _undecodable("no picture came out")
    pixels = frames[0].to_ndarray(format="bgr24")
    height, width = pixels.shape[:2]
    if widest is not None and width > widest:
        size = (widest, max(1, round(height * widest / width)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    done, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise _undecodable("JPEG encoding failed")
    return encoded.tobytes()


def _undecodable(why: str) -> Error:
    return Error(
        Kind.DATA_LOSS,
        f"the picture cannot be decoded: {why}",
        hint="Take a moment earlier or later.",
        cause="bad_media",
    )
