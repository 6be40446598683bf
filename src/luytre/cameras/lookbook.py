"""Writing looks down: one line per viewing, not one per byte range.

Promises   no picture is handed out before the line that allows it is stored; what one actor saw of one stream within ten
           minutes, inside a span that is already written down, is one line.
Does not   decide who may look (viewing.py does), nor keep the lines (luytre.people.looks does).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from luytre.archive.keys import Span, StreamKey
from luytre.base.clock import Clock
from luytre.people.actor import Actor
from luytre.people.looks import Looks

# One line for a sitting: players ask for byte ranges several times a minute, people change their mind more slowly.
SITTING_S = 600.0


@dataclass(frozen=True, slots=True)
class _Line:
    """A look that was written down, and until when it covers more of the same."""

    span: Span | None
    until_s: float


class Lookbook:
    """Thread-safe. Lines known here are forgotten with the process: then they are written again, never left out."""

    def __init__(self, looks: Looks, clock: Clock) -> None:
        self._looks = looks
        self._clock = clock
        self._lock = threading.Lock()
        self._lines: dict[tuple[str, str | None, bool, str, StreamKey], list[_Line]] = {}

    def live(self, actor: Actor, key: StreamKey) -> None:
        """Each opened live picture is a line of its own."""
        self._write(actor, "live", key, None)

    def playback(self, actor: Actor, key: StreamKey, span: Span) -> None:
        """A span that was asked for: the same again, or a part of it, is the same look."""
        self._once(actor, "playback", key, span, _contains)

    def piece(self, actor: Actor, key: StreamKey, span: Span) -> None:
        """A segment, which is longer than the span that named it: touching that is enough.

        One that no look of this sitting touches is a look of its own, so guessing names does not avoid the line.
        """
        self._once(actor, "playback", key, span, _touches)

    def export(self, actor: Actor, key: StreamKey, span: Span) -> None:
        """A download that is fetched in pieces is one export."""
        self._once(actor, "export", key, span, _contains)

    def snapshot(self, actor: Actor, key: StreamKey, at_us: int | None) -> None:
        """`at_us` None: the newest picture, as a wall shows it again and again."""
        span = None if at_us is None else Span(at_us, at_us)
        self._once(actor, "snapshot", key, span, _contains)

    def _once(
        self,
        actor: Actor,
        action: str,
        key: StreamKey,
        span: Span | None,
        covers: Callable[[Span | None, Span | None], bool],
    ) -> None:
        who = (actor.user_id, actor.session_id, actor.scope is not None, action, key)
        now_s = self._clock.monotonic_s()
        with self._lock:
            self._forget(now_s)
            lines = self._lines.setdefault(who, [])
            if any(covers(line.span, span) for line in lines):
                return
            # Inside the lock: a second request must not get its picture before the first one's line is stored.
            self._write(actor, action, key, span)
            lines.append(_Line(span, now_s + SITTING_S))

    def _write(self, actor: Actor, action: str, key: StreamKey, span: Span | None) -> None:
        start_us, end_us = span or (None, None)
        self._looks.record(actor, action, key.camera, key.stream, start_us, end_us)

    def _forget(self, now_s: float) -> None:
        for who, lines in list(self._lines.items()):
            lines[:] = [line for line in lines if line.until_s > now_s]
            if not lines:
                del self._lines[who]


def _contains(line: Span | None, span: Span | None) -> bool:
    """None is the newest picture, which is another look than any of a known time."""
    if line is None or span is None:
        return line is span
    return line.start_us <= span.start_us and span.end_us <= line.end_us


def _touches(line: Span | None, span: Span | None) -> bool:
    if line is None or span is None:
        return line is span
    return line.start_us < span.end_us and span.start_us < line.end_us
