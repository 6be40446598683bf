"""What every way to pictures checks first: the span, a ticket's reach, and whether there is such a stream."""

from __future__ import annotations

from collections.abc import Sequence

from luytre.archive.catalog import Archive
from luytre.archive.keys import Span, StreamKey
from luytre.base.clock import US_PER_S
from luytre.base.errors import Error, Kind
from luytre.cameras.registry import MAIN, SUB, Registry
from luytre.people.actor import Actor

# The longest day is one of 25 hours, where a zone sets its clock back. A playlist of a day has tens of
# thousands of parts; more at once is a job for exports in pieces.
LONGEST_SPAN_US = 25 * 3600 * US_PER_S
# Not a stream: whichever has the moment, the best one first.
AUTO = "auto"


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


class RecordedStreams:
    """The streams that a name means."""

    def __init__(self, registry: Registry, archive: Archive) -> None:
        self._registry = registry
        self._archive = archive

    def one(self, code: str, stream: str) -> StreamKey:
        """A stream that the camera has, or had while something was recorded. Raises Error(NOT_FOUND)."""
        camera = self._registry.get(code)
        key = StreamKey(camera.id, stream)
        if (
            all(known.name != stream for known in camera.streams)
            and self._archive.recorded_range(key) is None
        ):
            raise no_stream(code, stream)
        return key

    def of_ticket(self, actor: Actor, code: str, stream: str) -> StreamKey:
        """The same; of a ticket's holder only the ticket's. Raises Error(FORBIDDEN)."""
        key = self.one(code, stream)
        actor.require_camera(key.camera)
        if actor.scope is not None and key != (actor.scope.camera, actor.scope.stream):
            raise outside_ticket()
        return key

    def all(self, code: str, stream: str) -> list[StreamKey]:
        """The streams to look into, the best first."""
        if stream != AUTO:
            return [self.one(code, stream)]
        camera = self._registry.get(code)
        keys = [StreamKey(camera.id, name) for name in (MAIN, SUB)]
        known = {found.name for found in camera.streams}
        return [
            key for key in keys if key.stream in known or self._archive.recorded_range(key) is not None
        ] or keys[:1]

    def best(self, code: str, stream: str, span: Span | None) -> StreamKey:
        """The first of them that has something of the span."""
        keys = self.all(code, stream)
        if span is None or len(keys) == 1:
            return keys[0]
        return next((key for key in keys if self._archive.coverage(key, *span).spans), keys[0])

    def of_span(self, actor: Actor, code: str, stream: str, span: Span) -> StreamKey:
        """The same, of a span that may be asked for. Raises Error(INVALID), Error(FORBIDDEN)."""
        key = self.best(code, stream, span)
        check_span(actor, [key], span)
        return key

    def explained(self, error: Error, keys: Sequence[StreamKey], span: Span) -> Error:
        """NothingRecorded, where it was that."""
        if error.cause != "nothing_recorded":
            return error
        found = [self._archive.nearest(key, span.start_us) for key in keys]
        near = [moment for moment in found if moment is not None]
        return NothingRecorded(min(near, key=lambda moment: abs(moment - span.start_us), default=None))


def check_span(actor: Actor, keys: Sequence[StreamKey], span: Span) -> None:
    """Raises Error(INVALID), Error(FORBIDDEN)."""
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
        check_scope(actor, key, span)


def check_scope(actor: Actor, key: StreamKey, span: Span) -> None:
    """Raises Error(FORBIDDEN) for a camera that is not the actor's, or what a ticket does not open."""
    actor.require_camera(key.camera)
    scope = actor.scope
    if scope is None:
        return
    if key != (scope.camera, scope.stream) or span.start_us < scope.start_us or span.end_us > scope.end_us:
        raise outside_ticket()


def outside_ticket() -> Error:
    return Error(
        Kind.FORBIDDEN,
        "this ticket is for another camera, stream or span",
        hint="Ask for a new address for these pictures.",
        cause="outside_ticket",
    )


def no_stream(code: str, stream: str) -> Error:
    return Error(
        Kind.NOT_FOUND,
        f"camera {code} has no stream {stream}",
        hint="Use `main`, or one of the streams in the camera's list.",
        cause="no_stream",
    )
