"""The one door to pictures.

Promises   nobody gets a picture without the permission for it, a ticket never shows more than its span, and each look is
           written down before the first byte leaves.
Does not   speak HTTP, and does not keep recordings: it asks the archive and the live hub.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from luytre.archive import export, playback
from luytre.archive.catalog import Archive, VolumeStatus
from luytre.archive.keys import Span, StreamKey
from luytre.base.clock import SYSTEM, US_PER_S, Clock
from luytre.base.errors import Error, Kind
from luytre.cameras import stills
from luytre.cameras.channel import LiveFragment, LiveInit, LiveShown
from luytre.cameras.days import Day, day_of
from luytre.cameras.live import LiveHub
from luytre.cameras.lookbook import Lookbook
from luytre.cameras.movies import Movies
from luytre.cameras.permits import NothingRecorded, RecordedStreams, check_scope, check_span, outside_ticket
from luytre.cameras.registry import Camera, Registry
from luytre.cameras.renditions.entries import Place
from luytre.cameras.renditions.form import Codecs, Form, parse_codecs
from luytre.cameras.renditions.live import LiveRenditions
from luytre.cameras.renditions.places import Places
from luytre.cameras.renditions.recorded import Film, Recorded, Wish
from luytre.cameras.renditions.workers import Crew
from luytre.cameras.statuses import CameraStatus, camera_status
from luytre.cameras.ticketed import TicketRanges
from luytre.cameras.watching import LiveView, Watching
from luytre.people.actor import Actor, Scope
from luytre.people.looks import Looks

# What `live` yields and the doors need is named here too: the modules that this one is made of are its own.
__all__ = [
    "Film", "LiveFragment", "LiveInit", "LiveShown", "LiveView", "NothingRecorded", "Pieces", "Still", "Viewing",
    "Wish", "parse_codecs",
]  # fmt: skip

RECORDED_FROM_KEPT_S = 10.0


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
            raise outside_ticket()
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
        self,
        registry: Registry,
        archive: Archive,
        hub: LiveHub,
        looks: Looks,
        clock: Clock = SYSTEM,
        most_renditions: int = 0,
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
        self._streams = RecordedStreams(registry, archive)
        self.places = Places(most_renditions)
        self._crew = Crew(self.places)
        self._recorded = Recorded(archive, self._crew)
        self._renditions = LiveRenditions(hub, self.places)
        self._watching = Watching(registry, hub, self._renditions, self._lookbook, clock)

    # -- what there is ----------------------------------------------------------------------------------------

    def cameras(self, actor: Actor) -> list[CameraStatus]:
        """All cameras, by code."""
        actor.require("live")
        seen = self._hub.states()
        found = [
            camera_status(camera, seen, self._since(camera), self._registry.conversion)
            for camera in self._registry.list()
        ]
        return sorted(found, key=lambda status: status.camera.code)

    def camera(self, actor: Actor, code: str) -> CameraStatus:
        """One camera. Raises Error(NOT_FOUND)."""
        actor.require("live")
        camera = self._registry.get(code)
        return camera_status(camera, self._hub.states(), self._since(camera), self._registry.conversion)

    def volumes(self, actor: Actor) -> list[VolumeStatus]:
        """The archive's volumes."""
        actor.require("configure")
        return self._archive.volumes()

    def days(self, actor: Actor, code: str, stream: str, zone: ZoneInfo) -> list[date]:
        """Days of the zone with something recorded."""
        actor.require("playback")
        return sorted(
            {day for key in self._streams.all(code, stream) for day in self._archive.days(key, zone)}
        )

    def day(self, actor: Actor, code: str, stream: str, day: date, zone: ZoneInfo) -> Day:
        """One day's timeline."""
        actor.require("playback")
        return day_of(self._archive, self._streams.all(code, stream), day, zone)

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
        wish: Wish | None = None,
    ) -> str:
        """HLS of a span; the two functions make addresses of a stream's name and a segment id or a run id. `stream`
        AUTO: each moment from main, or from sub where main is not there. `wish`: what the viewer cannot decode is named
        in a form that they can. Raises NothingRecorded.
        """
        actor.require("playback")
        keys = self._streams.all(code, stream)
        check_span(actor, keys, span)

        def uri(key: StreamKey, ref: playback.SegmentRef) -> str:
            return segment_uri(key.stream, ref.id)

        def run_uri(key: StreamKey, run: str) -> str:
            return init_uri(key.stream, run)

        try:
            if wish is None:
                text = playback.playlist(self._archive, keys, span, uri, run_uri)
            else:
                text = self._recorded.playlist(keys, span, wish, uri, run_uri)
        except Error as error:
            raise self._streams.explained(error, keys, span) from error
        # Pieces of another stream than the first write their own line.
        self._lookbook.playback(actor, keys[0], span)
        if actor.scope is not None:
            self._tickets.forget(actor.scope)
        return text

    def init_segment(self, actor: Actor, code: str, stream: str, run: str) -> bytes:
        """The init segment of a run: how to decode, no picture."""
        actor.require("playback")
        return playback.init_bytes(self._archive, self._streams.of_ticket(actor, code, stream), run)

    def segment(self, actor: Actor, code: str, stream: str, segment_id: str) -> Pieces:
        """A segment file that a playlist named."""
        actor.require("playback")
        key = self._streams.of_ticket(actor, code, stream)
        found = self._archive.segment(key, *playback.SegmentRef.parse(segment_id))
        file = playback.segment_file(self._archive, key, segment_id)
        allowed = range(file.size)
        if actor.scope is not None:
            allowed = self._tickets.allowed(actor.scope, segment_id)
        if found is not None:
            span = Span(found.row.start_us, self._archive.end_us(found.volume, found.row))
            self._lookbook.piece(actor, key, span)
        return Pieces(file.path, file.size, allowed, file.read)

    def rendition_init(self, actor: Actor, code: str, stream: str, run: str, form: str) -> bytes:
        """The init segment of a run in a form that a playlist named."""
        actor.require("playback")
        key = self._streams.of_ticket(actor, code, stream)
        return self._recorded.init(key, run, Form.parse(form))

    def rendition(
        self, actor: Actor, code: str, stream: str, form: str, segment_id: str, part: range
    ) -> bytes:
        """A piece of a segment file in a form that a playlist named. Raises Error(UNAVAILABLE, cause="renditions_full")."""
        actor.require("playback")
        key = self._streams.of_ticket(actor, code, stream)
        ref = playback.SegmentRef.parse(segment_id)
        found = self._archive.segment(key, *ref)
        if actor.scope is not None:
            allowed = self._tickets.allowed(actor.scope, segment_id)
            if part.start < allowed.start or part.stop > allowed.stop:
                raise outside_ticket()
        if found is not None:
            span = Span(found.row.start_us, self._archive.end_us(found.volume, found.row))
            self._lookbook.piece(actor, key, span)
        return self._recorded.piece(Place(key, ref, part.start, part.stop), Form.parse(form))

    def film(
        self, actor: Actor, code: str, stream: str, span: Span, codecs: Codecs, *, keep: bool
    ) -> Film | None:
        """As `movie`, converted while it is read; None where the original can be decoded as it is."""
        actor.require("export" if keep else "playback")
        key = self._streams.of_span(actor, code, stream, span)
        try:
            film = self._recorded.film(key, span, codecs)
        except Error as error:
            raise self._streams.explained(error, [key], span) from error
        if film is None:
            return None
        note = self._lookbook.export if keep else self._lookbook.playback
        return replace(film, chunks=_once_begun(film.chunks, lambda: note(actor, key, span)))

    def movie(self, actor: Actor, code: str, stream: str, span: Span, *, keep: bool) -> export.Movie:
        """A span as one MP4; `keep`: to be taken away, which needs the right to export. Raises NothingRecorded."""
        actor.require("export" if keep else "playback")
        key = self._streams.of_span(actor, code, stream, span)
        try:
            movie = self._movies.get(key, span)
        except Error as error:
            raise self._streams.explained(error, [key], span) from error
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
        key = self._streams.best(code, stream, None if at_us is None else Span(at_us, at_us + 1))
        if moment is None:
            recorded = self._archive.recorded_range(key)
            if recorded is None:
                raise NothingRecorded(None)
            # The end of what is recorded is the first moment that is not.
            moment = recorded[1] - 1
        check_scope(actor, key, Span(moment, moment))
        try:
            if at_us is None:
                picture = self._newest.get(key, moment, width)
            else:
                keyframe = playback.keyframe(self._archive, key, moment)
                picture = stills.Picture(stills.jpeg(keyframe, width=width), keyframe.at_us)
        except Error as error:
            raise self._streams.explained(error, [key], Span(moment, moment)) from error
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
        key = self._streams.of_span(actor, code, stream, span)
        nothing = not self._archive.coverage(key, *span).spans
        if nothing and span.end_us <= self._clock.wall_us():
            raise NothingRecorded(self._archive.nearest(key, span.start_us))
        return Scope(camera=key.camera, stream=key.stream, start_us=span.start_us, end_us=span.end_us)

    def live(
        self, actor: Actor, code: str, stream: str, codecs: Codecs | None = None
    ) -> AsyncGenerator[LiveView, None]:
        """States, inits and fragments of one stream, without end. Ends with Error(NOT_FOUND) when the camera is removed.

        codecs   what the viewer decodes: what they cannot is shown from another stream or as a rendition, and said by a
                 LiveShown before the init; None: the stream as it is
        """
        return self._watching.watch(actor, code, stream, codecs)

    async def close(self) -> None:
        """Stop what was started for viewers."""
        await self._renditions.close()
        self._crew.close()

    # -- inside -----------------------------------------------------------------------------------------------

    def _bare_playlist(self, scope: Scope) -> str:
        key = StreamKey(scope.camera, scope.stream)
        span = _span_of(scope)
        return playback.playlist(self._archive, [key], span, lambda _, ref: ref.id, lambda _, run: run)

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


def _once_begun(chunks: Iterator[bytes], note: Callable[[], None]) -> Iterator[bytes]:
    """The look is written when there is something to see, and before it leaves."""
    for chunk in islice(chunks, 1):
        note()
        yield chunk
    yield from chunks


def _span_of(scope: Scope) -> Span:
    return Span(scope.start_us, scope.end_us)
