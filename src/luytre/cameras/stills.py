"""Stills: one keyframe becomes a JPEG (decoding is PyAV's, encoding OpenCV's).

Promises   the newest picture of a stream is looked for once a second and decoded once, however many ask for it.
"""

from __future__ import annotations

import threading
from typing import Final, NamedTuple

import av
import cv2
from cv2.typing import MatLike

from luytre.archive import playback
from luytre.archive.catalog import Archive
from luytre.archive.keys import StreamKey
from luytre.archive.playback import Keyframe
from luytre.base.clock import Clock
from luytre.base.errors import Error, Kind
from luytre.media.nal import nal_spans
from luytre.media.tracks import VideoTrack

START_CODE = b"\x00\x00\x00\x01"
KEPT_S: Final = 1.0
# A wall of 64 cameras in two sizes.
MOST_KEPT: Final = 128


class Picture(NamedTuple):
    """A JPEG, and when it was taken."""

    jpeg: bytes
    at_us: int


class _Kept:
    """One stream's newest picture in one size. `turn` is held while it is looked for."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.looked_s = 0.0
        self.picture: Picture | None = None


class NewestStills:
    """Thread-safe."""

    def __init__(self, archive: Archive, clock: Clock) -> None:
        self._archive = archive
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[tuple[StreamKey, int | None], _Kept] = {}

    def get(self, key: StreamKey, moment_us: int, width: int | None) -> Picture:
        """The newest keyframe at or before `moment_us`, the end of what is recorded."""
        with self._lock:
            kept = self._kept.pop((key, width), None) or _Kept()
            # The one that was asked for last stands at the end.
            self._kept[key, width] = kept
            while len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        with kept.turn:
            now_s = self._clock.monotonic_s()
            if kept.picture is not None and now_s - kept.looked_s < KEPT_S:
                return kept.picture
            keyframe = playback.keyframe(self._archive, key, moment_us)
            if kept.picture is None or kept.picture.at_us != keyframe.at_us:
                kept.picture = Picture(jpeg(keyframe, width=width), keyframe.at_us)
            kept.looked_s = now_s
            return kept.picture


def jpeg(keyframe: Keyframe, quality: int = 85, *, width: int | None = None) -> bytes:
    """`width`: at most so many pixels. Raises Error(DATA_LOSS) when the picture cannot be decoded."""
    return picture(keyframe.track, keyframe.data, quality=quality, width=width)


def picture(track: VideoTrack, data: bytes, *, quality: int = 85, width: int | None = None) -> bytes:
    """The same of a keyframe's bytes: NAL units with 4-byte lengths."""
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
    pixels: MatLike = frames[0].to_ndarray(format="bgr24")
    if width is not None and width < pixels.shape[1]:
        height = max(1, round(pixels.shape[0] * width / pixels.shape[1]))
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
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
