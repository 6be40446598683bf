"""What a viewer can decode, and the form in which a stream is then handed out.

Promises   a form never asks for more work than the viewer needs: what can be decoded goes out byte for byte.
Does not   decode, or choose between streams (choice.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, Self

from luytre.base.errors import Error, Kind
from luytre.media.tracks import AudioTrack, Track, VideoTrack

Video = Literal["keep", "h264"]
Sound = Literal["keep", "aac", "none"]
Codecs = frozenset[str]
"""Names of `CODECS` that a viewer decodes."""

CODECS: Final = frozenset({"h264", "h265", "aac", "opus", "alaw", "ulaw"})
# G.711 is made into AAC by us; nothing else is made into anything.
CONVERTED_SOUND: Final = frozenset({"alaw", "ulaw"})
# A rendition is never larger than this: it is for looking, the original is for evidence.
LARGEST: Final = (1280, 720)


@dataclass(frozen=True, slots=True)
class Form:
    """How pictures and sound go out: "keep" them as they are, make them into the codec, or leave the sound out."""

    video: Video = "keep"
    sound: Sound = "keep"

    @property
    def name(self) -> str:
        """As it stands in addresses."""
        return f"{self.video}-{self.sound}"

    @classmethod
    def parse(cls, name: str) -> Self:
        """Raises Error(NOT_FOUND, cause="file_lost")."""
        for video in ("keep", "h264"):
            for sound in ("keep", "aac", "none"):
                form = cls(video, sound)
                if form.name == name:
                    return form
        raise Error(Kind.NOT_FOUND, f"no form {name!r}", hint="Reload the page.", cause="file_lost")


ORIGINAL: Final = Form()


def parse_codecs(text: str | None) -> Codecs | None:
    """`h264,aac` to names; unknown ones are passed over. None for None: nothing is negotiated."""
    if text is None:
        return None
    return CODECS & {name.strip().lower() for name in text.split(",")}


def form_of(codecs: Iterable[str], decodable: Codecs | None) -> Form:
    """The form for a stream with tracks of these codecs."""
    if decodable is None:
        return ORIGINAL
    video: Video = "keep"
    sound: Sound = "keep"
    for codec in codecs:
        if codec in decodable:
            continue
        if codec in ("h264", "h265"):
            video = "h264"
        elif codec in CONVERTED_SOUND and "aac" in decodable:
            sound = "aac"
        else:
            sound = "none"
    return Form(video, sound)


def video_of(tracks: Iterable[Track]) -> VideoTrack:
    return next(track for track in tracks if isinstance(track, VideoTrack))


def sound_of(tracks: Iterable[Track]) -> AudioTrack | None:
    return next((track for track in tracks if isinstance(track, AudioTrack)), None)


def size_of(width: int, height: int) -> tuple[int, int]:
    """The size of a rendition in pixels: the same shape, inside LARGEST, even, and never larger than the original."""
    share = min(1.0, LARGEST[0] / max(width, 1), LARGEST[1] / max(height, 1))
    return max(2, round(width * share / 2) * 2), max(2, round(height * share / 2) * 2)
