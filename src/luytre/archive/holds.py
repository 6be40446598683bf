"""Holds: spans that retention may not touch. Placed at once, released by a named person only, never deleted."""

from __future__ import annotations

from luytre.archive.index import Index
from luytre.archive.keys import Hold, Span, StreamKey
from luytre.base.clock import Clock
from luytre.base.errors import Error, Kind
from luytre.base.ids import uuid7


def place(index: Index, key: StreamKey, span: Span, reason: str, by: str, clock: Clock) -> Hold:
    """Raises Error(NOT_FOUND) for a stream never recorded, Error(INVALID) for an empty span or no reason."""
    stream = index.stream(key)
    if stream is None:
        raise Error(
            Kind.NOT_FOUND,
            f"stream {key.stream} of camera {key.camera} was never recorded",
            hint="Choose another camera.",
        )
    if span.end_us <= span.start_us or not reason.strip():
        raise Error(
            Kind.INVALID, "a hold needs a span and a reason", hint="Give start before end, and say why."
        )
    hold = Hold(str(uuid7(clock)), span.start_us, span.end_us, reason)
    index.db.execute(
        "INSERT INTO hold (id, stream_id, start_us, end_us, reason, placed_by, placed_us) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (hold.id, stream.id, *span, reason, by, clock.wall_us()),
    )
    return hold


def release(index: Index, hold_id: str, by: str, clock: Clock) -> None:
    """Raises Error(NOT_FOUND) when no such hold is in force."""
    changed = index.db.execute(
        "UPDATE hold SET released_by = ?, released_us = ? WHERE id = ? AND released_us IS NULL",
        (by, clock.wall_us(), hold_id),
    )
    if changed.rowcount == 0:
        raise Error(Kind.NOT_FOUND, f"no hold {hold_id} in force", hint="It may have been released already.")
