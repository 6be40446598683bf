"""What one camera has said: whether it counts as moving, and which of its reports are written down.

Promises   repeating itself, inventing rules without an end, or never ending a motion costs a camera only memory and reports
           of its own, and both have limits; a camera that has not answered counts as moving: doubt keeps.
Does not   listen, wake recorders, or write.
"""

from __future__ import annotations

from typing import Any, Final

from luytre.base import log
from luytre.base.clock import US_PER_S, Clock
from luytre.cameras.events import DeviceEvent

# Of how many things a camera may speak; beyond, those go of which it has not spoken for longest.
MOST_SOURCES: Final = 200
# So many reports of a camera are written down in so many seconds.
MOST_NEWS: Final = 60
NEWS_S: Final = 60.0
# Some cameras never say that it has ended.
LONGEST_MOTION_S: Final = 600.0
# How far back a doubt reaches: a silent camera is noticed after half a minute, and what of that time a recorder still
# has in memory is kept.
LONGEST_DOUBT_S: Final = 60.0

_log = log.get("attendant")


class Ear:
    """Deaf until the camera has answered."""

    def __init__(self, code: str, clock: Clock) -> None:
        self._code = code
        self._clock = clock
        self._deaf = True
        # When it answered last, on the monotonic clock as all times here that are `_s`.
        self._good_s = clock.monotonic_s()
        # What was written down last of each thing, and when: cameras repeat themselves.
        self._last: dict[tuple[str, str], tuple[bool | None, int]] = {}
        # source -> until when it is believed to move
        self._moving: dict[str, float] = {}
        self._counted_s, self._news = self._good_s, 0

    def answered(self) -> bool:
        """It can be heard. True when it could not before."""
        was_deaf, self._deaf = self._deaf, False
        self._good_s = self._clock.monotonic_s()
        return was_deaf

    def lost(self) -> None:
        """Nothing is known of it any more."""
        self._deaf = True
        self._last.clear()
        self._moving.clear()

    def hear(self, event: DeviceEvent) -> bool:
        """Is it to be written down?"""
        if event.kind == "motion" and event.active is not None:
            self._moving.pop(event.source, None)
            if event.active:
                self._moving[event.source] = self._clock.monotonic_s() + LONGEST_MOTION_S
                _shorten(self._moving)
        thing = event.kind, event.source
        active, at_us = self._last.get(thing, (None, 0))
        # Not the state that it had anyway; of what only happens, once a second is enough.
        if event.active == active and (active is not None or event.at_us - at_us < US_PER_S):
            return False
        if not self._may():
            return False
        self._last.pop(thing, None)
        self._last[thing] = event.active, event.at_us
        _shorten(self._last)
        return True

    def moves(self) -> tuple[int, float] | None:
        """(since, for how many seconds from then on), both up to now: while it counts as moving."""
        now_s, now_us = self._clock.monotonic_s(), self._clock.wall_us()
        self._moving = {source: until_s for source, until_s in self._moving.items() if until_s >= now_s}
        if self._deaf:
            silent_s = min(now_s - self._good_s, LONGEST_DOUBT_S)
            return now_us - round(silent_s * US_PER_S), silent_s
        return (now_us, 0.0) if self._moving else None

    def _may(self) -> bool:
        """Within the limit? Said once when it is reached."""
        now_s = self._clock.monotonic_s()
        if now_s - self._counted_s >= NEWS_S:
            self._counted_s, self._news = now_s, 0
        self._news += 1
        if self._news == MOST_NEWS + 1:
            _log.warning("camera reports too much: the rest is not written down", camera=self._code)
        return self._news <= MOST_NEWS


def _shorten(things: dict[Any, Any]) -> None:
    while len(things) > MOST_SOURCES:
        del things[next(iter(things))]
