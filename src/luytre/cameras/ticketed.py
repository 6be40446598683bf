"""Which bytes of which segment file a ticket is good for.

Promises   a ticket for a minute does not open the other four minutes of the same file.
Does not   look into files: the playlist of the ticket's own span names the byte ranges (RFC 8216 section 4.3.2.2).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

from luytre.base.clock import Clock
from luytre.people.actor import Scope

KEPT_S = 10.0
KEPT = 64
_RANGE = re.compile(r"^#EXT-X-BYTERANGE:(\d+)(?:@(\d+))?$")
_NOTHING = range(0)

PlaylistOf = Callable[[Scope], str]
"""HLS text of a scope whose addresses are bare segment ids."""


class TicketRanges:
    """Thread-safe. A span that is still being recorded grows, so what is known of it is asked again."""

    def __init__(self, playlist_of: PlaylistOf, clock: Clock) -> None:
        self._playlist_of = playlist_of
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[Scope, tuple[float, dict[str, range]]] = {}

    def forget(self, scope: Scope) -> None:
        """A player was given a newer playlist of this scope, and will ask for what is new in it."""
        with self._lock:
            self._kept.pop(scope, None)

    def allowed(self, scope: Scope, segment_id: str) -> range:
        """Bytes of the segment in the scope; empty when it has none."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            made_s, ranges = self._kept.get(scope, (float("-inf"), {}))
        if now_s - made_s > KEPT_S:
            ranges = byte_ranges(self._playlist_of(scope))
            with self._lock:
                self._kept[scope] = (now_s, ranges)
                while len(self._kept) > KEPT:
                    self._kept.pop(next(iter(self._kept)))
        return ranges.get(segment_id, _NOTHING)


def byte_ranges(playlist: str) -> dict[str, range]:
    """From the first to the last byte that a playlist names, for each address in it."""
    found: dict[str, range] = {}
    length, offset, following = 0, 0, {"": 0}
    for line in playlist.splitlines():
        match = _RANGE.match(line)
        if match:
            length = int(match[1])
            offset = -1 if match[2] is None else int(match[2])
        elif line and not line.startswith("#") and length:
            start = following.get(line, 0) if offset < 0 else offset
            following[line] = start + length
            known = found.get(line, range(start, start + length))
            found[line] = range(min(known.start, start), max(known.stop, start + length))
            length = 0
    return found
