"""Writing looks down: one line per viewing, not one per byte range.

Promises   no picture is handed out before the line that allows it is stored; what one actor saw of one stream within ten
           minutes, inside a span that is already written down, is one line.
Does not   decide who may look (viewing.py does), nor keep the lines (luytre.people.looks does).
"""

from __future__ import annotations

import threading
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

    def playback(self, actor: Actor, key: StreamKey, span: Span | None) -> None:
        """`span` None: pieces of something that a playlist has named, so any line of this sitting covers them."""
        self._once(actor, "playback", key, span)

    def export(self, actor: Actor, key: StreamKey, span: Span) -> None:
        """A download that is fetched in pieces is one export."""
        self._once(actor, "export", key, span)

    def snapshot(self, actor: Actor, key: StreamKey, at_us: int | None) -> None:
        """`at_us` None: the newest picture, as a wall shows it again and again."""
        self._once(actor, "snapshot", key, None if at_us is None else Span(at_us, at_us))

    def _once(self, actor: Actor, action: str, key: StreamKey, span: Span | None) -> None:
        who = (actor.user_id, actor.session_id, actor.scope is not None, action, key)
        now_s = self._clock.monotonic_s()
        with self._lock:
            self._forget(now_s)
            lines = self._lines.setdefault(who, [])
            if any(_covers(line, span) for line in lines):
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


def _covers(line: _Line, span: Span | None) -> bool:
    if span is None:
        return True
    return line.span is not None and line.span.start_us <= span.start_us and span.end_us <= line.span.end_us
