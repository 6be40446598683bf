"""The keeper: one thread per volume and node (in the first recorder) that sweeps, looks ahead, reads lost files in and
settles streams that nobody will take up.

Does not   stand in the writer's way: it has its own connection and takes the index for a batch at a time.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable

from luytre.archive import alarm, ballast
from luytre.archive.abandoned import Absence, settle
from luytre.archive.disk import Disk, OsDisk
from luytre.archive.faults import cause_of, is_broken
from luytre.archive.forecast import forecast
from luytre.archive.index import Index
from luytre.archive.keys import Cause
from luytre.archive.promise import Policy
from luytre.archive.rebuild import PENDING, read_in, set_aside_broken
from luytre.archive.retention import Sweep, sweep
from luytre.archive.sweep_clock import SweepClock
from luytre.archive.volume import Volume
from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error
from luytre.base.timekeeping import NODE_CLOCK

# Files read in between two looks at the room that is left.
LOOK_EVERY = 200
# A forecast reads the whole index.
FORECAST_EVERY_S = 600.0
# How often the room that is left is looked at: the other recorders' writers cannot wake it.
LOOK_EVERY_S = 5.0


class Keeper(threading.Thread):
    """on_error: what could not be done, to be logged; on_alarm: told when the volume's alarm was raised, changed its kind
    or was cleared (None); absence: why the volume gets nothing of a stream any more, None while it may; `look_s`: how
    often it looks whether room gets short before the next turn is due; synchronised: whether somebody keeps the node's
    clock.
    """

    def __init__(
        self,
        volume: Volume,
        policy: Callable[[], Policy],
        *,
        every_s: float = 60.0,
        look_s: float = LOOK_EVERY_S,
        clock: Clock = SYSTEM,
        disk: Disk | None = None,
        on_error: Callable[[str], None] = lambda _: None,
        on_alarm: Callable[[alarm.Alarm | None], None] = lambda _: None,
        absence: Absence = lambda _: None,
        synchronised: Callable[[], bool] = lambda: NODE_CLOCK.error_us() is not None,
    ) -> None:
        super().__init__(name=f"keeper-{volume.id[-6:]}", daemon=True)
        self._volume = volume
        self._policy = policy
        self._every_s, self._look_s = every_s, look_s
        self._clock = clock
        self._disk = disk or OsDisk()
        self._on_error = on_error
        self._on_alarm = on_alarm
        self._absence = absence
        self._sweep_clock = SweepClock(clock, synchronised, lambda what: on_error(f"{volume.path}: {what}"))
        self._forecast_at_s = self._sweep_at_s = 0.0
        self._read = 0
        self._wake = threading.Event()
        self._stopping = False

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    def sweep_soon(self) -> None:
        """The disk is full: do not wait for the next turn."""
        self._wake.set()

    def run(self) -> None:
        while not self._stopping:
            try:
                done = self.turn()
            except (OSError, sqlite3.Error, Error) as error:
                self._on_error(f"keeper of {self._volume.path}: {error}")
                self._wake.wait(self._every_s)
            else:
                # Where all is done that can be, looking again helps nobody.
                self._rest(self._look_s if not done.missing_bytes else self._every_s)
            self._wake.clear()

    def _rest(self, look_s: float) -> None:
        """Until the next turn is due, somebody asks for it, or room gets short."""
        until_s = SYSTEM.monotonic_s() + self._every_s
        while (left_s := until_s - SYSTEM.monotonic_s()) > 0:
            if self._wake.wait(min(look_s, left_s)) or self.is_short():
                return

    def is_short(self) -> bool:
        """Half of what is to be left free is taken: at the usual pace there is a turn long before that."""
        try:
            return self._has_less_than(self._policy().reserve_bytes // 2)
        except Error:
            # The next turn tells.
            return False

    def _has_less_than(self, room: int) -> bool:
        return self._volume.space()[1] < room

    def turn(self) -> Sweep:
        """One round: read in what a lost index left out, sweeping as it goes, then sweep. On a disk with no room for
        the sweep's own notes the ballast is given up for them.
        """
        self._volume.must_be_here()
        if self._volume.is_read_only():
            return Sweep(0, 0, 0)
        try:
            done = self._round()
        except (OSError, sqlite3.Error, Error) as error:
            if not self._is_full(error) or not ballast.drop(self._volume):
                raise
            done = self._round()
        ballast.take_on(self._volume)
        return done

    def _is_full(self, error: OSError | sqlite3.Error | Error) -> bool:
        """SQLite has several words for it: its shared memory is a file too."""
        return cause_of(error) == Cause.DISK_FULL or self._has_less_than(ballast.SIZE // 4)

    def _round(self) -> Sweep:
        index = Index(self._volume.index_path, self._volume.id)
        try:
            if index.meta("import") == PENDING:
                self._read_in(index)
            settle(self._volume, index, self._disk, self._clock, self._absence, self._on_error)
            before = alarm.current(index)
            now_us = self._sweep_clock.now_us(index)
            try:
                return sweep(self._volume, index, self._disk, self._policy(), now_us)
            finally:
                # Also where a file cannot be deleted.
                self._look_ahead(index, now_us)
                self._tell(before, alarm.current(index))
        except sqlite3.Error as error:
            if is_broken(error):
                # The writers notice that it is gone, and begin a new one.
                set_aside_broken(self._volume, index.inode, self._clock)
            raise
        finally:
            index.close()

    def _read_in(self, index: Index) -> None:
        """May take hours: meanwhile the disk must not fill, nor stay what has expired."""
        self._sweep_at_s = self._clock.monotonic_s() + self._every_s

        def go_on(known_us: int) -> bool:
            self._read += 1
            look = self._read % LOOK_EVERY == 0
            short = look and self._has_less_than(self._policy().reserve_bytes)
            if self._clock.monotonic_s() >= self._sweep_at_s or short:
                self._sweep_at_s = self._clock.monotonic_s() + self._every_s
                try:
                    now_us = self._sweep_clock.now_us(index)
                    sweep(self._volume, index, self._disk, self._policy(), now_us, known_us)
                except (OSError, Error) as error:
                    self._on_error(f"keeper of {self._volume.path}: {error}")
            return not self._stopping

        read_in(self._volume, index, self._disk, self._clock, go_on=go_on, on_error=self._on_error)

    def _look_ahead(self, index: Index, now_us: int) -> None:
        if self._clock.monotonic_s() < self._forecast_at_s:
            return
        found = forecast(self._volume, index, self._policy(), now_us)
        alarm.follow(self._volume, index, self._disk, found)
        self._forecast_at_s = self._clock.monotonic_s() + FORECAST_EVERY_S

    def _tell(self, before: alarm.Alarm | None, after: alarm.Alarm | None) -> None:
        if (before and before.kind) != (after and after.kind):
            self._on_alarm(after)
