"""A foreign source as FFmpeg reads it: opened within a time limit, its packets with times that can be trusted.

Promises   only the protocols of the address' own kind are spoken: a playlist or a redirect cannot make FFmpeg open a local
           file. A source without times of its own (MJPEG over HTTP) gets those of arrival. One that comes in bursts (HLS)
           is paced to real time. A jump of the times ends it with an Error.
Does not   know what becomes of the packets (pictures.py, sounds.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import urlsplit

import av
from av.container import InputContainer

from luytre.archive.keys import Cause
from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error
from luytre.converter.failures import failure, from_ffmpeg
from luytre.converter.plan import ForeignStream
from luytre.converter.snapshots import Snapshots, interval_s
from luytre.converter.srt import Srt
from luytre.converter.tracks import Incoming, Packet, Source
from luytre.converter.web import Endless, Web, from_web
from luytre.media.rtsp.url import FOREIGN, join_credentials, without_marker

OPEN_S: Final = 10.0
# The recorder gives a camera without pictures up after 10 s: its word, `stalled`, comes first.
STALL_S: Final = 12.0
# What a stream's time may leap ahead of the time that passed, and back, before it is a jump.
FORWARD_S: Final = 5.0
BACK_S: Final = 1.0
# Later than this is later for good: what follows is paced from there.
LATE_S: Final = 0.5
# 3 s at most, for a camera that sends one picture a second. The rate of pictures is not looked for: that takes all of it.
_ANALYSIS: Final = {"analyzeduration": "3000000", "fpsprobesize": "0"}
# A picture that comes quicker after the one before than this share of their distance has been there for a while.
FRESH: Final = 0.5
BACKLOG_S: Final = 2.0
_TICKS: Final = 90_000
_JPEG: Final = frozenset({"image/jpeg", "image/jpg", "image/pjpeg"})
_PLAYLISTS: Final = frozenset({"application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl"})
_WEB: Final = "http,https,tcp,tls,crypto"
_PROTOCOLS: Final = {
    "http": _WEB,
    "https": _WEB,
    "rtmp": "rtmp,tcp",
    "rtmps": "rtmps,tls,tcp",
    "udp": "udp",
    "rtsp": "rtsp,rtp,udp,tcp",
    "rtsps": "rtsps,rtsp,rtp,udp,tcp,tls",
}
# Elementary streams: FFmpeg counts their pictures at 25 a second, whatever comes.
_TIMELESS: Final = frozenset({"mpjpeg", "mjpeg", "h264", "hevc", "m4v", "mpegvideo"})
_BURSTS: Final = frozenset({"hls", "dash"})


def open_source(stream: ForeignStream, clock: Clock = SYSTEM) -> Source:
    """Raises Error with a cause of archive.keys. Takes at most about OPEN_S seconds."""
    scheme = stream.url.partition("://")[0].lower()
    if scheme not in FOREIGN:
        raise failure(Cause.CONVERTER_FAILED, "an address of this kind is not opened")
    url = without_marker(stream.url).partition("#")[0]
    if scheme in ("http", "https"):
        web = Web(url, stream.user, stream.password)
        answer = web.ask(OPEN_S)
        kind = answer.headers.get_content_type().lower()
        if kind in _JPEG:
            return Snapshots(web, answer, interval_s(stream.url), clock)
        # A stream has no length; a playlist, and what FFmpeg must be able to seek in, it opens itself.
        if answer.length is None and kind not in _PLAYLISTS and not urlsplit(url).path.endswith(".m3u8"):
            return FFmpegSource(lambda: _read(Endless(answer), kind), stream.audio, clock, answer.close)
        answer.close()
    if scheme == "srt":
        srt = Srt(url, OPEN_S, STALL_S)
        return FFmpegSource(lambda: _read(srt, "video/mp2t"), stream.audio, clock, srt.close)
    whole = join_credentials(url, stream.user, stream.password)
    return FFmpegSource(lambda: _open(whole), stream.audio, clock)


class FFmpegSource:
    """What `av.open` reads. `start` opens it, `let_go` closes what lies below. Raises Error."""

    def __init__(
        self,
        start: Callable[[], InputContainer],
        audio: bool,
        clock: Clock,
        let_go: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._let_go = let_go
        began_s = clock.monotonic_s()
        try:
            self._container = start()
        except (av.error.FFmpegError, OSError, HTTPException) as error:
            let_go()
            if clock.monotonic_s() - began_s >= OPEN_S:
                # FFmpeg has other words for it: to its RTSP, what did not come is invalid.
                raise failure(Cause.TIMEOUT, "the source does not answer in time") from None
            raise _failed(error, opening=True) from None
        try:
            videos, sounds = self._container.streams.video, self._container.streams.audio
            if not videos:
                raise failure(Cause.NO_VIDEO, "the source has no video")
            self._streams: list[Any] = [videos[0], *(sounds[:1] if audio else ())]
            self.video = _incoming(self._streams[0])
            self.audio = _incoming(self._streams[1]) if len(self._streams) > 1 else None
        except BaseException:
            self.close()
            raise
        names = set(self._container.format.name.split(","))
        self._timeless = bool(names & _TIMELESS)
        self._pace = Pace(clock) if names & _BURSTS or (self._container.duration or 0) > 0 else None

    def packets(self) -> Iterator[tuple[bool, Packet]]:
        began_s, watch = self._clock.monotonic_s(), Watch(self._clock)
        try:
            for packet in self._current():
                is_video = packet.stream is self._streams[0]
                if self._timeless:
                    packet.time_base = Fraction(1, _TICKS)
                    packet.pts = packet.dts = round((self._clock.monotonic_s() - began_s) * _TICKS)
                if packet.pts is None:
                    packet.pts = packet.dts
                if packet.pts is None:
                    continue
                if is_video:
                    at_s = float((packet.pts if packet.dts is None else packet.dts) * packet.time_base)
                    watch.see(at_s)
                    if self._pace is not None:
                        self._pace.wait(at_s)
                yield is_video, packet
        except (av.error.FFmpegError, OSError, HTTPException) as error:
            raise _failed(error, opening=False) from None
        raise failure(Cause.CLOSED_BY_CAMERA, "the source ended")

    def _current(self) -> Iterator[Packet]:
        """Without the backlog that came at once: pictures of the past would pass for those of now. It is entered at its
        last keyframe.
        """
        held: list[Packet] | None = [] if self._pace is None and not self._timeless else None
        began_s = last_s = self._clock.monotonic_s()
        last_at_s: float | None = None
        for packet in self._container.demux(self._streams):
            if not packet.size:
                continue
            if held is None:
                yield packet
                continue
            is_video = packet.stream is self._streams[0]
            if is_video and packet.is_keyframe:
                held.clear()
            held.append(packet)
            at = packet.pts if packet.dts is None else packet.dts
            if not is_video or at is None:
                continue
            at_s, now_s = float(at * packet.time_base), self._clock.monotonic_s()
            # What comes about as fast as it was made is live.
            fresh = last_at_s is not None and now_s - last_s >= (at_s - last_at_s) * FRESH
            if fresh or now_s - began_s > BACKLOG_S:
                yield from held
                held = None
            last_at_s, last_s = at_s, now_s

    def close(self) -> None:
        self._container.close()
        self._let_go()


def _open(url: str) -> InputContainer:
    scheme = url.partition("://")[0]
    options = {
        "protocol_whitelist": _PROTOCOLS[scheme],
        **_ANALYSIS,
        "rw_timeout": str(round(STALL_S * 1e6)),
    }
    if scheme in ("rtsp", "rtsps"):
        options["rtsp_transport"] = "tcp"
    elif scheme == "udp":
        # A burst that finds no room is lost; the stream goes on.
        options |= {"fifo_size": "65536", "overrun_nonfatal": "1", "timeout": str(round(STALL_S * 1e6))}
    elif scheme in ("http", "https"):
        # For HLS: one segment behind the edge, so that the next is there when it is wanted.
        options["live_start_index"] = "-2"
    return av.open(url, "r", options=options, timeout=(OPEN_S, STALL_S))


def _read(body: Endless | Srt, kind: str) -> InputContainer:
    """FFmpeg's view of a stream that we read."""
    form = {"multipart/x-mixed-replace": "mpjpeg", "video/mp2t": "mpegts"}.get(kind)
    return av.open(body, "r", format=form, options={**_ANALYSIS, "protocol_whitelist": _WEB})


def _failed(error: Exception, *, opening: bool) -> Error:
    if isinstance(error, av.error.FFmpegError):
        return from_ffmpeg(error, opening=opening)
    if isinstance(error, TimeoutError) and not opening:
        return failure(Cause.STALLED, "the source sends no more pictures")
    return from_web(error)


def _incoming(stream: Any) -> Incoming:
    context = stream.codec_context
    if context is None:
        raise failure(Cause.UNSUPPORTED_CODEC, "no decoder for what the source sends")
    rate = getattr(stream, "average_rate", None)
    known = float(rate) if rate else None
    return Incoming(context.name, bytes(context.extradata or b""), context, known, stream)


class Watch:
    """Notices times that jump. Raises Error(timestamp_jump): the recorder begins anew."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: tuple[float, float] | None = None

    def see(self, at_s: float) -> None:
        now_s = self._clock.monotonic_s()
        if self._last is not None:
            step_s, passed_s = at_s - self._last[0], now_s - self._last[1]
            if not -BACK_S < step_s < passed_s + FORWARD_S:
                raise failure(Cause.TIMESTAMP_JUMP, f"the source's times jumped by {step_s:.1f} s")
        self._last = at_s, now_s


class Pace:
    """Holds back what comes in bursts until its time has come."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._anchor_s: float | None = None

    def wait(self, at_s: float) -> None:
        now_s = self._clock.monotonic_s()
        if self._anchor_s is None or now_s - self._anchor_s - at_s > LATE_S:
            self._anchor_s = now_s - at_s
        early_s = self._anchor_s + at_s - now_s
        if early_s > 0:
            threading.Event().wait(early_s)
