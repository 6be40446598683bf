"""Trying an address out, whatever kind it is: by the recorder's probe, or through the converter.

Promises   an RTSP camera whose video the recorder does not take is tried through the converter at once, and told with the
           address under which it can be had.
"""

from __future__ import annotations

from dataclasses import dataclass

from luytre.archive.keys import Cause
from luytre.base.errors import Error
from luytre.converter.plan import ForeignStream
from luytre.converter.probe import ForeignProbe
from luytre.converter.probe import probe as probe_foreign
from luytre.converter.state import Conversion
from luytre.media.rtsp.url import CONVERT, is_foreign, require_source, split_credentials
from luytre.recorder.plan import Transport
from luytre.recorder.probe import ProbedAudio, ProbedPicture, ProbedVideo, ProbeResult
from luytre.recorder.probe import probe as probe_rtsp

SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Probed:
    """`converted`: what the converter does to it, None where it is not needed; `url`: the address to enter where that is
    another than the one asked about.
    """

    result: ProbeResult
    converted: Conversion | None = None
    url: str | None = None


async def probe(
    url: str, user: str = "", password: str = "", *, seconds: float = SECONDS, transport: Transport = "auto"
) -> Probed:
    """Raises Error with a cause of design/api.md. Credentials may stand in the URL or beside it."""
    clean, url_user, url_password = split_credentials(url)
    require_source(clean)
    user, password = user or url_user, password or url_password
    if is_foreign(clean):
        return _probed(await probe_foreign(_stream(clean, user, password), seconds))
    try:
        return Probed(await probe_rtsp(clean, user, password, seconds=seconds, transport=transport))
    except Error as error:
        if error.cause != Cause.UNSUPPORTED_CODEC:
            raise
        marked = CONVERT + clean
        try:
            found = await probe_foreign(_stream(marked, user, password), seconds)
        except Error:
            raise error from None
        return _probed(found, marked)


def _stream(url: str, user: str, password: str) -> ForeignStream:
    return ForeignStream("probe", "probe", "main", url, user, password, audio=True)


def _probed(found: ForeignProbe, url: str | None = None) -> Probed:
    track = found.track
    video = ProbedVideo(
        track.codec,
        track.codec_string,
        track.width,
        track.height,
        found.fps,
        found.gop_s,
        found.bitrate_bps,
    )
    audio = None if found.audio is None else ProbedAudio(*found.audio)
    # A foreign source tells no clock, and FFmpeg not what the other side calls itself.
    picture = ProbedPicture(track, found.picture)
    return Probed(ProbeResult(video, audio, None, None, picture), found.conversion, url)
