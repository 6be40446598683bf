"""Signs of life: up to when a recorder was there to see that nothing was to be recorded (design/archive.md, "Heal").

Promises   a gap of a `WITNESSED` cause is vouched for by a sign that is at most EVERY_S and a flush old.
Does not   judge what a missing sign means (ledger.take_up).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from luytre.archive.index import Index
from luytre.archive.keys import WITNESSED
from luytre.archive.ledger import StreamLedger
from luytre.base.clock import Clock

# One small transaction: a page of the index for two dozen streams.
EVERY_S = 10.0


class SignsOfLife:
    """Used by the volume's writer thread only, for the streams it has: another recorder's say nothing of these."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next_s = -math.inf

    def give(self, index: Index, ledgers: Iterable[StreamLedger]) -> None:
        """To be called at each flush. Raises sqlite3.Error."""
        now_s = self._clock.monotonic_s()
        if now_s < self._next_s:
            return
        waiting = [
            ledger.row.id
            for ledger in ledgers
            if ledger.open_gap is not None and ledger.open_gap.cause in WITNESSED
        ]
        if waiting:
            index.see(waiting, self._clock.wall_us())
        self._next_s = now_s + EVERY_S
