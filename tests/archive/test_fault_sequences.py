"""Random sequences of everything that can happen to a volume: after each recovery all invariants hold, and for every camera
recorded + gaps = wall time.

FAULT_EXAMPLES=500 makes the search long.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import sqlite3
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from luytre.archive import holds
from luytre.archive.keys import Span, StreamKey
from luytre.base.clock import ManualClock
from luytre.base.errors import Error
from tests.archive.builder import CODES, KEEP_ALL, KEY, OTHER, START_US, SUB, Feed, Ward, keep, video
from tests.archive.faulty import OPERATIONS, Killed
from tests.archive.power import PowerDisk
from tests.archive.sums import adds_up, is_clean

EXAMPLES = int(os.environ.get("FAULT_EXAMPLES", "12"))
KEYS = (KEY, OTHER, SUB)

keys = st.sampled_from(KEYS)
errors = st.sampled_from([errno.ENOSPC, errno.EIO, errno.EROFS])


class Volume(RuleBasedStateMachine):
    """What a recorder does, and what may happen to it."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="luytre-faults-"))
        self.disk = PowerDisk()
        self.held = False
        self.ward = Ward(self.folder / "volume", ManualClock(START_US), 1.6, self.disk)
        self.feeds: dict[StreamKey, Feed] = {}
        self.ward.take_up(*KEYS)
        self.ward.flush()

    # -- what a recorder does -----------------------------------------------------------------------------------

    @rule(key=keys, count=st.integers(1, 12))
    def parts(self, key: StreamKey, count: int) -> None:
        """A run goes on, or the next one begins: not before the last one of its stream ended."""
        feed = self.feeds.get(key)
        if feed is None or feed.handle.failure is not None:
            if not self.ward.writer.accepts_runs():
                self.ward.clock.advance(6.0)
            with suppress(OSError, sqlite3.Error, Error):
                floor = self.ward.writer.take_up(key, CODES[key]).result(30)
                feed = self.feeds[key] = Feed(key, (video(),), max(floor, self.ward.clock.wall_us()))
        if feed is not None and feed.handle.failure is None:
            self.ward.write(feed, count)

    @rule(key=keys, cause=st.sampled_from(["closed_by_camera", "stalled", "timestamp_jump"]))
    def run_ends(self, key: StreamKey, cause: str) -> None:
        feed = self.feeds.pop(key, None)
        if feed is not None:
            self.ward.end(feed, cause)

    @rule(key=keys, cause=st.sampled_from(["host_down", "refused", "auth_failed"]))
    def camera_is_away(self, key: StreamKey, cause: str) -> None:
        """A connection that fails: told only while nothing is recorded."""
        if key not in self.feeds:
            self.ward.writer.gap(key, self.ward.clock.wall_us(), cause)
            self.ward.settle()

    @rule(seconds=st.one_of(st.floats(0.1, 200), st.just(5000.0)))
    def time_passes(self, seconds: float) -> None:
        """Nothing is recorded meanwhile."""
        self._end_all()
        self.ward.clock.advance(seconds)
        self.ward.settle()

    @rule()
    def flush(self) -> None:
        self._end_all()
        self.ward.flush()

    @rule(days=st.sampled_from([30 / 86400, 5 / 86400, 3650.0]), bytes_=st.sampled_from([None, 60_000, 0]))
    def sweep(self, days: float, bytes_: int | None) -> None:
        with suppress(OSError, sqlite3.Error, Error):
            self.ward.sweep(keep(days, bytes_), self.disk)

    @rule(key=keys, ago_s=st.floats(0, 30), length_s=st.floats(0.1, 20))
    def hold(self, key: StreamKey, ago_s: float, length_s: float) -> None:
        self.held = True
        end_us = self.ward.clock.wall_us() - round(ago_s * 1e6)
        span = Span(end_us - round(length_s * 1e6), end_us)
        with suppress(sqlite3.Error, Error), self.ward.index() as index:
            holds.place(index, key, span, "Vụ 12", "chỉ huy", self.ward.clock)

    # -- what may happen ----------------------------------------------------------------------------------------

    @rule(
        operation=st.sampled_from(OPERATIONS),
        number=errors,
        after=st.integers(0, 6),
        short=st.sampled_from([None, 70]),
    )
    def disk_fails(self, operation: str, number: int, after: int, short: int | None) -> None:
        self.disk.fail(operation, number, after=after, short=short)

    @rule()
    def disk_is_well(self) -> None:
        self.disk.heal()

    @rule(seconds=st.sampled_from([-3600.0, -3.0, 3.0, 3600.0]))
    def clock_steps(self, seconds: float) -> None:
        """As the recorder does it: the runs end, and the next begin at the floor."""
        self._end_all("clock_stepped")
        self.ward.clock.step_wall(seconds)

    # A gap under a hold dies with the index when the segment after it, whose header told it, has expired.
    @precondition(lambda self: not self.held)
    @rule(log=st.booleans())
    def index_is_deleted(self, log: bool) -> None:
        # Not in the middle of the writer's making a new one.
        self.ward.settle()
        self.ward.settle()
        path = self.ward.volume.index_path
        for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")) if log else (path,):
            name.unlink(missing_ok=True)

    @rule(operations=st.integers(0, 12), key=keys, seed=st.one_of(st.none(), st.integers(0, 1 << 16)))
    def dies(self, operations: int, key: StreamKey, seed: int | None) -> None:
        """kill -9 (no seed) or a power cut, in the middle of an operation or between two; and again from the start."""
        self.disk.kill_in(operations)
        with suppress(Killed):
            if operations % 3:
                self.parts(key, 8)
            else:
                self.sweep(5 / 86400, None)
        self.ward.crash(None if seed is None else random.Random(seed))
        self.disk.heal()
        self.feeds.clear()
        self.ward.begin_again()
        self._take_up()
        self.recovered()

    @rule()
    def restarts(self) -> None:
        self.feeds.clear()
        self.disk.heal()
        self.ward.restart()
        self._take_up()
        self.recovered()

    # -- what must hold -----------------------------------------------------------------------------------------

    @precondition(lambda self: not self.disk.operation)
    @rule()
    def recovered(self) -> None:
        """The disk is well and nothing is being recorded: everything adds up."""
        self._end_all()
        self.ward.forgive()
        self.ward.sweep(KEEP_ALL, self.disk)
        self.ward.forgive()
        is_clean(self.ward)
        adds_up(self.ward, *KEYS)

    @invariant()
    def writer_is_alive(self) -> None:
        """Whatever happened, it goes on."""
        assert self.ward.writer.is_alive()

    def teardown(self) -> None:
        try:
            self.disk.heal()
            self._end_all()
            self.recovered()
        finally:
            self.ward.stop()
            shutil.rmtree(self.folder)

    def _end_all(self, cause: str = "stalled") -> None:
        for key in list(self.feeds):
            self.run_ends(key, cause)

    def _take_up(self) -> None:
        self.ward.take_up(*KEYS)


TestFaultSequences = Volume.TestCase
TestFaultSequences.settings = settings(
    deadline=None,
    max_examples=EXAMPLES,
    stateful_step_count=25,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
