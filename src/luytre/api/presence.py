"""Who is watching right now, and the end of it when their session ends.

Promises   a live socket closes within a second of its session's end, whether that is a log-out here, an account
           disabled from the command line, or time.
Does not   count byte-range players: they ask again for each piece, and are refused then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from luytre.base import log

LOOK_EVERY_S = 0.5

LOG = log.get("api.presence")


class Presence:
    """For one event loop. `is_alive(session_id)` may block; it is asked in a worker thread."""

    def __init__(self, is_alive: Callable[[str], bool]) -> None:
        self._is_alive = is_alive
        self._watching: dict[str, set[asyncio.Event]] = {}

    @property
    def viewers(self) -> int:
        """Live sockets that are open."""
        return sum(len(events) for events in self._watching.values())

    @contextmanager
    def watching(self, session_id: str) -> Iterator[asyncio.Event]:
        """The event is set when the session has ended."""
        ended = asyncio.Event()
        self._watching.setdefault(session_id, set()).add(ended)
        try:
            yield ended
        finally:
            events = self._watching[session_id]
            events.discard(ended)
            if not events:
                del self._watching[session_id]

    def end(self, session_id: str) -> None:
        """The session has ended: everything that watches for it stops."""
        for ended in self._watching.get(session_id, ()):
            ended.set()

    async def run(self) -> None:
        """Looks after the sessions that are watching, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            watched = list(self._watching)
            if watched:
                for session_id in await asyncio.to_thread(self._dead, watched):
                    self.end(session_id)

    def _dead(self, session_ids: list[str]) -> list[str]:
        return [session_id for session_id in session_ids if not self._is_alive(session_id)]
