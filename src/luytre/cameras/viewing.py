"""The one door to pictures.

Promises   nobody gets a picture without the permission for it, a ticket never shows more than its span, and each look is
           written down before the first byte leaves.
Does not   speak HTTP, and does not keep recordings: it asks the archive and the live hub.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from luytre.archive import export, playback
from luytre.archive.catalog import Archive, VolumeStatus
from luytre.archive.keys import Span, StreamKey
from luytre.base.clock import SYSTEM, US_PER_S, Clock
from luytre.base.errors import Error, Kind
from luytre.cameras import stills
from luytre.cameras.days import Day, day_of
from luytre.cameras.live import LiveFragment, LiveHub, LiveInit, LiveState
from luytre.cameras.lookbook import Lookbook
from luytre.cameras.movies import Movies
from luytre.cameras.registry import MAIN, SUB, Camera, Registry, Stream
from luytre.cameras.statuses import CameraStatus, StreamStatus, camera_status, stream_status
from luytre.cameras.ticketed import TicketRanges
from luytre.people.actor import Actor, Scope
from luytre.people.looks import Looks

# What `live` yields is named here too: `cameras.live` is this module's own.
__all__ = ["LiveFragment", "LiveInit", "LiveView", "NothingRecorded", "Pieces", "Still", "Viewing"]

# The longest day is one of 25 hours, where a zone sets its clock back. A playlist of a day has tens of
# thousands of parts; more at once is a job for exports in pieces.
LONGEST_SPAN_US = 25 * 3600 * US_PER_S
RECORDED_FROM_KEPT_S = 10.0
# Not a stream: whichever has the moment, the best one first.
AUTO = "auto"

LiveView = StreamStatus | LiveInit | LiveFragment


class NothingRecorded(Error):
    """Nothing between start and end; `nearest_us` is the nearest recorded moment, if there is any."""

    def __init__(self, nearest_us: int | None) -> None:
        super().__init__(
            Kind.NOT_FOUND,
            "nothing was recorded in this span",
            hint="Look at the day's timeline for recorded spans.",
            cause="nothing_recorded",
        )
        self.nearest_us = nearest_us


@dataclass(frozen=True, slots=True)
class Still:
    """One picture as JPEG, and when it was taken."""

    jpeg: bytes
    at_us: int


@dataclass(frozen=True, slots=True)
class Pieces:
    """Bytes of one segment file. `allowed` is what this actor may read of it: all, or a ticket's part."""

    path: Path
    size: int
    allowed: range
    _read: Callable[[int, int], bytes]

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """Bytes [start, end) in chunks. Raises Error(FORBIDDEN) at once for bytes that are not allowed."""
        if start < self.allowed.start or end > self.allowed.stop:
            raise _outside_ticket()
        return self._chunks(start, end)

    def _chunks(self, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            chunk = self._read(start, min(end - start, 1 << 18))
            if not chunk:
                return
            start += len(chunk)
            yield chunk


class Viewing:
    """Each method takes the actor first and raises Error(FORBIDDEN) when they may not. Thread-safe; `live` is
    for asyncio.
    """

    def __init__(
        self, registry: Registry, archive: Archive, hub: LiveHub, looks: Looks, clock: Clock = SYSTEM
    ) -> None:
        self._registry = registry
        self._archive = archive
        self._hub = hub
        self._clock = clock
        self._lookbook = Lookbook(looks, clock)
        self._newest = stills.NewestStills(archive, clock)
        self._tickets = TicketRanges(self._bare_playlist, clock)
        self._movies = Movies(lambda key, span: export.movie(archive, key, *span), clock)
        self._recorded_from: dict[StreamKey, tuple[float, int | None]] = {}

    # -- what there is ----------------------------------------------------------------------------------------

    def cameras(self, actor: Actor) -> list[CameraStatus]:
        """All cameras, by code."""
        actor.require("live")
        seen = self._hub.states()
        found = [camera_status(camera, seen, self._since(camera)) for camera in self._registry.list()]
        return sorted(found, key=lambda status: status.camera.code)

    def camera(self, actor: Actor, code: str) -> CameraStatus:
        """One camera. Raises Error(NOT_FOUND)."""
        actor.require("live")
        camera = self._registry.get(code)
        return camera_status(camera, self._hub.states(), self._since(camera))

    def volumes(self, actor: Actor) -> list[VolumeStatus]:
        """The archive's volumes."""
        actor.require("configure")
        return self._archive.volumes()

    def days(self, actor: Actor, code: str, stream: str, zone: ZoneInfo) -> list[date]:
        """Days of the zone with something recorded."""
        actor.require("playback")
        return sorted({day for key in self._keys(code, stream) for day in self._archive.days(key, zone)})

    def day(self, actor: Actor, code: str, stream: str, day: date, zone: ZoneInfo) -> Day:
        """One day's timeline."""
        actor.require("playback")
        return day_of(self._archive, self._keys(code, stream), day, zone)

    # -- pictures ---------------------------------------------------------------------------------------------

    def playlist(
        self,
        actor: Actor,
        code: str,
        stream: str,
        span: Span,
        *,
        segment_uri: Callable[[str, str], str],
        init_uri: Callable[[str, str], str],
    ) -> str:
        """HLS of a span; the two functions make addresses of a stream's name and a segment id or a run id. `stream`
        AUTO: each moment from main, or from sub where main is not there. Raises NothingRecorded.
        """
        actor.require("playback")
        keys = self._keys(code, stream)
        _check_span(actor, keys, span)
        try:
            text = playback.playlist(
                self._archive,
                keys,
                span,
                lambda key, ref: segment_uri(key.stream, ref.id),
                lambda key, run: init_uri(key.stream, run),
            )
        except Error as error:
            raise self._explained(error, keys, span) from error
        # Pieces of another stream than the first write their own line.
        self._lookbook.playback(actor, keys[0], span)
        if actor.scope is not None:
            self._tickets.forget(actor.scope)
        return text

    def init_segment(self, actor: Actor, code: str, stream: str, run: str) -> bytes:
        """The init segment of a run: how to decode, no picture."""
        actor.require("playback")
        return playback.init_bytes(self._archive, self._ticket_key(actor, code, stream), run)

    def segment(self, actor: Actor, code: str, stream: str, segment_id: str) -> Pieces:
        """A segment file that a playlist named."""
        actor.require("playback")
        key = self._ticket_key(actor, code, stream)
        found = self._archive.segment(key, *playback.SegmentRef.parse(segment_id))
        file = playback.segment_file(self._archive, key, segment_id)
        allowed = range(file.size)
        if actor.scope is not None:
            allowed = self._tickets.allowed(actor.scope, segment_id)
        if found is not None:
            span = Span(found.row.start_us, self._archive.end_us(found.volume, found.row))
            self._lookbook.piece(actor, key, span)
        return Pieces(file.path, file.size, allowed, file.read)

    def movie(self, actor: Actor, code: str, stream: str, span: Span, *, keep: bool) -> export.Movie:
        """A span as one MP4; `keep`: to be taken away, which needs the right to export. Raises NothingRecorded."""
        actor.require("export" if keep else "playback")
        key = self._span_key(actor, code, stream, span)
        try:
            movie = self._movies.get(key, span)
        except Error as error:
            raise self._explained(error, [key], span) from error
        if keep:
            self._lookbook.export(actor, key, span)
        else:
            self._lookbook.playback(actor, key, span)
        return movie

    def still(
        self,
        actor: Actor,
        code: str,
        stream: str,
        at_us: int | None,
        *,
        width: int | None = None,
        max_age_s: float | None = None,
    ) -> Still:
        """The picture at a moment, or the newest one; `width`: at most. Raises NothingRecorded, and Error(UNAVAILABLE,
        cause="no_fresh_picture") for a newest one older than `max_age_s`.
        """
        actor.require("live" if at_us is None else "playback")
        moment = at_us
        key = self._best(code, stream, None if at_us is None else Span(at_us, at_us + 1))
        if moment is None:
            recorded = self._archive.recorded_range(key)
            if recorded is None:
                raise NothingRecorded(None)
            # The end of what is recorded is the first moment that is not.
            moment = recorded[1] - 1
        _check_scope(actor, key, Span(moment, moment))
        try:
            if at_us is None:
                picture = self._newest.get(key, moment, width)
            else:
                keyframe = playback.keyframe(self._archive, key, moment)
                picture = stills.Picture(stills.jpeg(keyframe, width=width), keyframe.at_us)
        except Error as error:
            raise self._explained(error, [key], Span(moment, moment)) from error
        if max_age_s is not None and self._clock.wall_us() - picture.at_us > max_age_s * US_PER_S:
            raise Error(
                Kind.UNAVAILABLE,
                f"camera {code} has no picture of the last {max_age_s:g} seconds",
                hint="See in the list of cameras why it does not record.",
                cause="no_fresh_picture",
                retry_after_s=5.0,
            )
        self._lookbook.snapshot(actor, key, at_us)
        return Still(*picture)

    def scope(self, actor: Actor, code: str, stream: str, span: Span) -> Scope:
        """What a ticket for this span would be good for. Raises NothingRecorded for a past span that is empty."""
        actor.require("playback")
        key = self._span_key(actor, code, stream, span)
        nothing = not self._archive.coverage(key, *span).spans
        if nothing and span.end_us <= self._clock.wall_us():
            raise NothingRecorded(self._archive.nearest(key, span.start_us))
        return Scope(camera=key.camera, stream=key.stream, start_us=span.start_us, end_us=span.end_us)

    async def live(self, actor: Actor, code: str, stream: str) -> AsyncGenerator[LiveView, None]:
        """States, inits and fragments of one stream, without end. Ends with Error(NOT_FOUND) when the camera is removed."""
        camera, wanted = await asyncio.to_thread(self._open_live, actor, code, stream)
        key = StreamKey(camera.id, wanted.name)
        messages = self._hub.watch(key)
        async with aclosing(messages):
            async for message in messages:
                if isinstance(message, LiveState):
                    camera = await asyncio.to_thread(self._registry.get, code)
                    yield stream_status(camera.enabled, wanted, message.state)
                else:
                    yield message

    # -- inside -----------------------------------------------------------------------------------------------

    def _open_live(self, actor: Actor, code: str, stream: str) -> tuple[Camera, Stream]:
        actor.require("live")
        camera = self._registry.get(code)
        wanted = next((known for known in camera.streams if known.name == stream), None)
        if wanted is None:
            raise _no_stream(code, stream)
        key = StreamKey(camera.id, stream)
        now_us = self._clock.wall_us()
        _check_scope(actor, key, Span(now_us, now_us))
        self._lookbook.live(actor, key)
        return camera, wanted

    def _key(self, code: str, stream: str) -> StreamKey:
        """A stream that the camera has, or had while something was recorded."""
        camera = self._registry.get(code)
        key = StreamKey(camera.id, stream)
        if (
            all(known.name != stream for known in camera.streams)
            and self._archive.recorded_range(key) is None
        ):
            raise _no_stream(code, stream)
        return key

    def _ticket_key(self, actor: Actor, code: str, stream: str) -> StreamKey:
        key = self._key(code, stream)
        actor.require_camera(key.camera)
        if actor.scope is not None and key != (actor.scope.camera, actor.scope.stream):
            raise _outside_ticket()
        return key

    def _keys(self, code: str, stream: str) -> list[StreamKey]:
        """The streams to look into, the best first."""
        if stream != AUTO:
            return [self._key(code, stream)]
        camera = self._registry.get(code)
        keys = [StreamKey(camera.id, name) for name in (MAIN, SUB)]
        known = {found.name for found in camera.streams}
        return [
            key for key in keys if key.stream in known or self._archive.recorded_range(key) is not None
        ] or keys[:1]

    def _best(self, code: str, stream: str, span: Span | None) -> StreamKey:
        """The first of them that has something of the span."""
        keys = self._keys(code, stream)
        if span is None or len(keys) == 1:
            return keys[0]
        return next((key for key in keys if self._archive.coverage(key, *span).spans), keys[0])

    def _span_key(self, actor: Actor, code: str, stream: str, span: Span) -> StreamKey:
        key = self._best(code, stream, span)
        _check_span(actor, [key], span)
        return key

    def _bare_playlist(self, scope: Scope) -> str:
        key = StreamKey(scope.camera, scope.stream)
        span = _span_of(scope)
        return playback.playlist(self._archive, [key], span, lambda _, ref: ref.id, lambda _, run: run)

    def _explained(self, error: Error, keys: Sequence[StreamKey], span: Span) -> Error:
        if error.cause != "nothing_recorded":
            return error
        found = [self._archive.nearest(key, span.start_us) for key in keys]
        near = [moment for moment in found if moment is not None]
        return NothingRecorded(min(near, key=lambda moment: abs(moment - span.start_us), default=None))

    def _since(self, camera: Camera) -> int | None:
        """The oldest moment of the main stream; kept for a while, because lists are asked for every few seconds."""
        key = StreamKey(camera.id, "main")
        now_s = self._clock.monotonic_s()
        kept_s, since = self._recorded_from.get(key, (0.0, None))
        if since is None or now_s - kept_s > RECORDED_FROM_KEPT_S:
            recorded = self._archive.recorded_range(key)
            since = None if recorded is None else recorded[0]
            self._recorded_from[key] = (now_s, since)
        return since


def _span_of(scope: Scope) -> Span:
    return Span(scope.start_us, scope.end_us)


def _check_span(actor: Actor, keys: Sequence[StreamKey], span: Span) -> None:
    if span.end_us <= span.start_us:
        raise Error(
            Kind.INVALID,
            "the span ends before it begins",
            hint="Swap start and end.",
            cause="end_before_start",
        )
    if span.end_us - span.start_us > LONGEST_SPAN_US:
        raise Error(
            Kind.INVALID,
            "the span is longer than a day",
            hint="Ask for at most 25 hours.",
            cause="span_too_long",
        )
    for key in keys:
        _check_scope(actor, key, span)


def _check_scope(actor: Actor, key: StreamKey, span: Span) -> None:
    actor.require_camera(key.camera)
    scope = actor.scope
    if scope is None:
        return
    if key != (scope.camera, scope.stream) or span.start_us < scope.start_us or span.end_us > scope.end_us:
        raise _outside_ticket()


def _outside_ticket() -> Error:
    return Error(
        Kind.FORBIDDEN,
        "this ticket is for another camera, stream or span",
        hint="Ask for a new address for these pictures.",
        cause="outside_ticket",
    )


def _no_stream(code: str, stream: str) -> Error:
    return Error(
        Kind.NOT_FOUND,
        f"camera {code} has no stream {stream}",
        hint="Use `main`, or one of the streams in the camera's list.",
        cause="no_stream",
    )
