"""Which time a sweep goes by: what deletes by age must not believe any clock (design/archive.md, "Retention").

Promises   a clock that leapt is not believed before the kernel calls it synchronised, or it went on for a day; the time told
           until then is at most what has surely passed.
Does not   correct anybody else's time: recordings have that of the node's clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from luytre.archive.index import US_PER_DAY, US_PER_MINUTE, Index
from luytre.base.clock import US_PER_S, Clock, rfc3339

# In the index's meta: {"wall_us": the time of the last sweep, "doubted_s": for how long the clock has been in doubt}.
KEY = "swept"
# A node may have been off for so long, and its clock is believed at once.
OFF_US = 2 * US_PER_DAY
# While it runs, a clock that moved by less was not set.
SET_US = 60 * US_PER_MINUTE
# A node without any time service is believed after that.
PATIENCE_S = 86_400.0


@dataclass(frozen=True, slots=True)
class _Look:
    """The time that was believed, and what both clocks said then."""

    believed_us: int
    wall_us: int
    at_s: float
    doubted_s: float


class SweepClock:
    """One per volume and process. tell: of a clock that is not believed, once, and when it is again."""

    def __init__(self, clock: Clock, synchronised: Callable[[], bool], tell: Callable[[str], None]) -> None:
        self._clock, self._synchronised, self._tell = clock, synchronised, tell
        self._last: _Look | None = None
        self._proved = False
        self._doubts = False

    def now_us(self, index: Index) -> int:
        """The time of this sweep, which is noted in the index."""
        wall_us, at_s = self._clock.wall_us(), self._clock.monotonic_s()
        last = self._last or _first(index, wall_us, at_s)
        passed_s = at_s - last.at_s
        expected_us = last.believed_us + round(passed_s * US_PER_S)
        leapt = abs(wall_us - expected_us) > (SET_US if self._proved else OFF_US)
        if leapt and not self._synchronised():
            was_set = abs(wall_us - last.wall_us - passed_s * US_PER_S) > SET_US
            look = _Look(expected_us, wall_us, at_s, 0.0 if was_set else last.doubted_s + passed_s)
            if look.doubted_s >= PATIENCE_S:
                self._believe(f"unsynchronised, but went on for {PATIENCE_S / 3600:g} h")
                look = _Look(wall_us, wall_us, at_s, 0.0)
            else:
                self._doubt(wall_us, expected_us)
        else:
            self._believe("right again")
            look = _Look(wall_us, wall_us, at_s, 0.0)
        self._last = look
        index.set_meta(KEY, json.dumps({"wall_us": look.believed_us, "doubted_s": round(look.doubted_s)}))
        return min(look.believed_us, wall_us)

    def _believe(self, why: str) -> None:
        self._proved = True
        if self._doubts:
            self._tell(f"the clock is believed: {why}; what expired by it is deleted")
        self._doubts = False

    def _doubt(self, wall_us: int, expected_us: int) -> None:
        if not self._doubts:
            self._tell(
                f"the clock says {rfc3339(wall_us)}, expected was {rfc3339(expected_us)}, and nothing synchronises it:"
                f" nothing is deleted by it for {PATIENCE_S / 3600:g} h. Set the clock, or let NTP through."
            )
        self._doubts = True


def _first(index: Index, wall_us: int, at_s: float) -> _Look:
    noted = _noted(index)
    if noted is not None:
        return _Look(noted[0], wall_us, at_s, noted[1])
    newest_us = _recorded_until(index)
    return _Look(wall_us if newest_us is None else newest_us, wall_us, at_s, 0.0)


def believed_us(index: Index) -> int | None:
    """The time of the volume's last sweep; None before the first."""
    noted = _noted(index)
    return None if noted is None else noted[0]


def _noted(index: Index) -> tuple[int, float] | None:
    text = index.meta(KEY)
    if text is None:
        return None
    try:
        found = json.loads(text)
        return int(found["wall_us"]), float(found["doubted_s"])
    except (ValueError, KeyError, TypeError):
        return None


def _recorded_until(index: Index) -> int | None:
    """In an index that was made again: where its recordings lead to from the oldest on without a leap. What was recorded
    since the clock is wrong lies behind one.
    """
    row = index.db.execute(
        "SELECT start_us FROM (SELECT start_us, lead(start_us) OVER (ORDER BY start_us) AS next FROM segment)"
        " WHERE next IS NULL OR next - start_us > ? ORDER BY start_us LIMIT 1",
        (OFF_US,),
    ).fetchone()
    return None if row is None else int(row[0])
