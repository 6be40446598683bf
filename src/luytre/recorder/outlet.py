"""Where a stream's runs go: to its own volume, or while that takes nothing to the first spare that does
(design/archive.md, "Several volumes").

Promises   each run goes to one volume whole; every volume's ledger says why it has nothing: the volume that is recorded
           to, or ought to be, tells the cause, the others tell `elsewhere`.
Does not   end runs: it says when one must (`must_leave`), and ingest.py ends it where that costs least.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future

from luytre.archive.faults import cause_of
from luytre.archive.keys import Cause, StreamKey
from luytre.archive.open_segment import Part, RunHandle
from luytre.archive.writer import DiskWriter
from luytre.base.clock import Clock
from luytre.base.errors import Error, Kind
from luytre.recorder.berth import Berth
from luytre.recorder.run import BUDGET_BYTES

# A volume that could not take the stream up is asked again after this.
ASK_AGAIN_S = 5.0
# How long a stream's own volume may take to answer before a spare will do.
WAIT_S = 10.0
# For how long a volume must be well before streams come back to it.
RETURN_S = 60.0
# Of what a volume that is away is to be told; the newest.
MAX_UNTOLD = 1000


class _Place:
    """One stream on one volume."""

    def __init__(self, berth: Berth, key: StreamKey, code: str, retention: str | None) -> None:
        self.berth = berth
        self._key, self._code, self._retention = key, code, retention
        self._writer: DiskWriter | None = None
        self._taken: Future[int] | None = None
        self._ask_at_s = 0.0
        self._untold: deque[tuple[int, str, str]] = deque(maxlen=MAX_UNTOLD)
        # The run that the disk was too slow for: the next one waits until half the budget is free again.
        self.behind: RunHandle | None = None
        # The last cause its ledger was told; None while something is recorded there.
        self.said: str | None = None

    @property
    def writer(self) -> DiskWriter | None:
        """None until the volume has taken the stream up."""
        return self._writer if self.floor_us is not None else None

    @property
    def floor_us(self) -> int | None:
        """The earliest a new run may begin."""
        taken = self._taken
        if taken is None or not taken.done() or taken.exception() is not None:
            return None
        return taken.result()

    @property
    def problem(self) -> Error | None:
        """Why it was not taken up; None while that is not known."""
        if self.berth.writer is None:
            return self.berth.problem
        error = self._taken.exception() if self._taken is not None and self._taken.done() else None
        if error is None or isinstance(error, Error):
            return error
        cause = cause_of(error) if isinstance(error, OSError | sqlite3.Error) else Cause.DISK_ERROR
        return Error(Kind.UNAVAILABLE, str(error), hint="Look at the disk.", cause=cause)

    def look(self, now_s: float) -> None:
        """Ask a volume that appeared, and one that refused before; tell it what it has missed."""
        writer = self.berth.writer
        refused = self._taken is not None and self._taken.done() and self._taken.exception() is not None
        if writer is not None and (writer is not self._writer or (refused and now_s >= self._ask_at_s)):
            self._writer, self._ask_at_s, self.behind = writer, now_s + ASK_AGAIN_S, None
            self._taken = writer.take_up(self._key, self._code, self._retention)
        if self._untold and (ready := self.writer) is not None:
            while self._untold:
                ready.gap(self._key, *self._untold.popleft())

    def keep(self, retention: str | None) -> None:
        """The stream's class from now on."""
        if retention == self._retention:
            return
        self._retention = retention
        if self._writer is not None:
            # Also where it has refused so far: what it is asked again brings the new class.
            self._writer.take_up(self._key, self._code, retention)

    def tell(self, at_us: int, cause: str, detail: str = "") -> None:
        if self.said == cause:
            return
        self.said = cause
        if self.writer is not None and not self._untold:
            self.writer.gap(self._key, at_us, cause, detail)
        else:
            self._untold.append((at_us, cause, detail))

    @property
    def trouble(self) -> str | None:
        """Why no run may begin there; None when one may."""
        if self.writer is None:
            return Cause.CONNECTING if self.problem is None else self.problem.cause
        if self.behind is not None:
            if self.behind.pending_bytes > BUDGET_BYTES // 2:
                return Cause.DISK_SLOW
            self.behind = None
        return self.writer.trouble


class Outlet:
    """`berths`: the stream's own volume, then its spares."""

    def __init__(
        self,
        key: StreamKey,
        code: str,
        retention: str | None,
        berths: Sequence[Berth],
        clock: Clock,
        return_s: float = RETURN_S,
    ) -> None:
        self._key, self._code, self._retention = key, code, retention
        self._clock = clock
        self._own = self._current = self._place(berths[0])
        self._places = [self._own, *map(self._spare, berths[1:])]
        self._return_s = return_s
        # Where the next run goes, once asked.
        self._next: _Place | None = None
        self._runs: dict[str, _Place] = {}
        # Asked for each picture: the writer of the run, where there is a choice at all.
        self._writing: DiskWriter | None = None

    def _place(self, berth: Berth) -> _Place:
        return _Place(berth, self._key, self._code, self._retention)

    def _spare(self, berth: Berth) -> _Place:
        place = self._place(berth)
        place.tell(self._clock.wall_us(), Cause.ELSEWHERE)
        return place

    def follow(self, retention: str | None, spares: Sequence[Berth]) -> None:
        """Another class at once, and other spares from the next run on; a volume that is in use stays until then."""
        self._retention = retention
        known = {place.berth.name: place for place in self._places}
        others = [
            known.get(berth.name) or self._spare(berth) for berth in spares if berth is not self._own.berth
        ]
        places = [self._own, *others]
        self._places = places if self._current in places else [*places, self._current]
        for place in self._places:
            place.keep(retention)
        self._look()

    async def ready(self, wait_s: float = WAIT_S) -> Error | None:
        """Until its own volume has taken the stream up, or is known not to and a spare has. The Error when none has."""
        until_s = self._clock.monotonic_s() + wait_s
        while True:
            self._look()
            if self._own.writer is not None:
                return None
            late = self._clock.monotonic_s() >= until_s
            problem = self._own.problem or (_no_answer(self._own.berth) if late else None)
            if problem is not None:
                others = self._places[1:]
                if any(place.writer is not None for place in others):
                    self._own.tell(self._clock.wall_us(), problem.cause, problem.message)
                    return None
                if late or all(place.problem is not None for place in others):
                    self._own.tell(self._clock.wall_us(), problem.cause, problem.message)
                    return problem
            await asyncio.sleep(0.05)

    @property
    def floor_us(self) -> int:
        """The earliest a run may begin on any of them."""
        return max(place.floor_us or 0 for place in self._places)

    @property
    def away_because(self) -> str | None:
        """Why the stream is not on its own volume; None while it is."""
        if self._current is self._own:
            return None
        return self._own.trouble or Cause.ELSEWHERE

    @property
    def trouble(self) -> str:
        """Why no run is taken."""
        return self._own.trouble or Cause.DISK_ERROR

    # -- what ingest and its runs need ------------------------------------------------------------------------

    def accepts_runs(self) -> bool:
        self._next = self._choose()
        return self._next is not None

    def write(self, run: RunHandle, part: Part) -> None:
        place = self._runs.get(run.run_id)
        if place is None:
            place = self._begin(run, part.start_us)
        if place.writer is not None:
            place.writer.write(run, part)

    def end(self, run: RunHandle, cause: str, detail: str = "") -> None:
        place = self._runs.pop(run.run_id, None)
        self._writing = None
        if place is None:
            # Nothing of it was handed over.
            self.gap(self._clock.wall_us(), cause, detail)
            return
        if place.writer is None:
            place.tell(self._clock.wall_us(), cause, detail)
            return
        place.writer.end(run, cause, detail)
        # The ledger is told by the run's end.
        place.said = cause

    def must_leave(self, run: RunHandle) -> str | None:
        """Why the run must end though nothing of it failed: its disk hangs, and another one does not."""
        if self._writing is None or not self._writing.health.hangs:
            return None
        place = self._runs.get(run.run_id)
        return Cause.DISK_SLOW if place is not None and self._choose() not in (None, place) else None

    def goes_home(self, run: RunHandle) -> bool:
        """Whether the stream's own volume is well again and the run is not on it: to end at the next keyframe."""
        place = self._runs.get(run.run_id)
        if place is None or place is self._own:
            return False
        return self._choose() is self._own

    def fell_behind(self, run: RunHandle) -> None:
        """The run has ended because its disk did not keep up."""
        place = self._runs.get(run.run_id, self._current)
        place.behind = run
        if place.writer is not None:
            place.writer.health.slow()

    # -- the ledgers ------------------------------------------------------------------------------------------

    def gap(self, at_us: int, cause: str, detail: str = "") -> None:
        """From `at_us` on nothing is recorded: the volume that would record says so, and where that one cannot be
        written another.
        """
        self._look()
        self._current.tell(at_us, cause, detail)
        if self._current.trouble is not None and (fit := self._choose()) is not None:
            fit.tell(at_us, cause, detail)

    def _begin(self, run: RunHandle, start_us: int) -> _Place:
        place = self._choose() or self._next or self._current
        self._runs = {run.run_id: place}
        self._current, place.said = place, None
        for other in self._places:
            if other is not place:
                other.tell(start_us, Cause.ELSEWHERE)
        self._writing = place.writer if len(self._places) > 1 else None
        if place.writer is None:
            run.failure = place.trouble
        return place

    # -- the choice -------------------------------------------------------------------------------------------

    def _look(self) -> None:
        now_s = self._clock.monotonic_s()
        for place in self._places:
            place.look(now_s)

    def _choose(self) -> _Place | None:
        """The first that has been well for a while; else the one in use; else the first that takes something at all."""
        self._look()
        fit = [place for place in self._places if place.trouble is None]
        for place in fit:
            if place.writer is not None and place.writer.health.well_s >= self._return_s:
                return place
        return self._current if self._current in fit else next(iter(fit), None)


def _no_answer(berth: Berth) -> Error:
    return Error(
        Kind.UNAVAILABLE,
        f"{berth.path} does not answer",
        hint="Look at the disk and its cable.",
        cause=Cause.DISK_SLOW,
    )
