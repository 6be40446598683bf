"""Taking turns: cameras that were lost together come back one after the other (design/transports.md, The fleet).

Promises   a camera that drops alone waits for nobody; of many that drop at once each gets a moment of its own, so that a
           switch that comes back meets a few handshakes a second; no wait is longer than LONGEST_S.
Does not   delay those that try again after a failure: their waits grow and are spread already.
"""

from __future__ import annotations

import random

PER_S = 4.0
LONGEST_S = 45.0


class Turns:
    """Of one recorder; `shards`: how many share the node's cameras, and so the turns."""

    def __init__(self, shards: int = 1, per_s: float = PER_S) -> None:
        self._every_s = shards / per_s
        # So many at once are no crowd.
        self._grace_s = max(per_s / shards, 1.0) * self._every_s
        self._next_s = 0.0

    def claim(self, now_s: float) -> float:
        """How long to wait, in seconds, for a stream that lost its camera now."""
        self._next_s = max(self._next_s, now_s) + self._every_s
        wait_s = self._next_s - now_s - self._grace_s
        # More than fit: all over the same time, closer together.
        return max(wait_s, 0.0) if wait_s <= LONGEST_S else random.uniform(0.0, LONGEST_S)
