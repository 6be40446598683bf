"""One thread per volume that writes what the recorder hands it (design/archive.md, "Procedures" and "Pressure").

Promises   each part handed in is on disk whole, or the run's handle says why not and the ledger has the gap.
Does not   wait for cameras, decide when a run begins or ends, or delete anything (retention.py).
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress

from luytre.archive import recover
from luytre.archive.alive import SignsOfLife
from luytre.archive.disk import Disk, OsDisk
from luytre.archive.faults import cause_of, is_broken
from luytre.archive.health import HANG_S, Health
from luytre.archive.index import Index
from luytre.archive.keys import WITNESSED, Cause, StreamKey
from luytre.archive.ledger import Change, StreamLedger, take_up
from luytre.archive.open_segment import OpenSegment, Part, RunHandle
from luytre.archive.power_cut import restore
from luytre.archive.rebuild import PENDING, open_or_create, set_aside_broken
from luytre.archive.tailless import Tailless
from luytre.archive.volume import Volume, open_volume
from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error, Kind

Fault = OSError | sqlite3.Error | Error


class DiskWriter(threading.Thread):
    """Commands are carried out in the order given. `on_full` is asked for room when the disk is full. `health`: how the
    volume fares, to be read by anyone.
    """

    def __init__(
        self,
        volume: Volume,
        *,
        flush_s: float = 2.0,
        segment_s: float = 300.0,
        clock: Clock = SYSTEM,
        disk: Disk | None = None,
        hang_s: float = HANG_S,
        on_full: Callable[[], None] = lambda: None,
        on_error: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__(name=f"writer-{volume.id[-6:]}", daemon=True)
        self.volume = volume
        self._flush_s = flush_s
        self._segment_us = round(segment_s * 1e6)
        self._clock = clock
        self._disk = disk or OsDisk()
        self._on_full = on_full
        self._on_error = on_error
        self._commands: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._ledgers: dict[StreamKey, StreamLedger] = {}
        self._open: dict[StreamKey, OpenSegment] = {}
        self.health = Health(clock, hang_s)
        # Why nothing of the volume can be reached: its disk was taken away. The ledgers go on in memory.
        self._away: Error | None = None
        # Changes the index has not taken yet, in their order.
        self._owed: deque[Change] = deque()
        self._tailless = Tailless()
        self._alive = SignsOfLife(clock)
        self._index: Index
        self.ready: Future[None] = Future()

    # -- called by the recorder's thread ----------------------------------------------------------------------

    def take_up(self, key: StreamKey, code: str, retention: str | None = None) -> Future[int]:
        """Heal the stream and open its ledger. Gives the earliest wall time (µs) a new run may begin at. `retention`: the
        camera's class from now on; None leaves it as it is.
        """
        answer: Future[int] = Future()
        self._commands.put(lambda: self._take_up(key, code, retention, answer))
        return answer

    def accepts_runs(self) -> bool:
        """False for a while after a write failed."""
        return self.trouble is None

    @property
    def trouble(self) -> str | None:
        """Why no run should begin here now."""
        return Cause.DISK_MISSING if self._away is not None else self.health.trouble

    @property
    def is_away(self) -> bool:
        """The disk was taken away, or another one is in its place."""
        return self._away is not None

    def write(self, run: RunHandle, part: Part) -> None:
        run.enqueued += part.size
        self._commands.put(lambda: self._write(run, part))

    def end(self, run: RunHandle, cause: str, detail: str = "") -> None:
        self._commands.put(lambda: self._end(run, cause, detail))

    def gap(self, key: StreamKey, at_us: int, cause: str, detail: str = "") -> None:
        self._commands.put(lambda: self._gap(key, at_us, cause, detail))

    def stop(self) -> None:
        """Close what is open, flush, and end the thread; callers join() it."""
        self._commands.put(None)

    # -- the thread -------------------------------------------------------------------------------------------

    def run(self) -> None:
        try:
            self._disk.begin(self.volume.path, self.volume.id)
            self._index = open_or_create(self.volume, self._clock)
        except Exception as error:
            self._disk.abandon()
            self.ready.set_exception(error)
            return
        self.ready.set_result(None)
        flush_at = self._clock.monotonic_s() + self._flush_s
        while True:
            try:
                command = self._commands.get(timeout=max(0.0, flush_at - self._clock.monotonic_s()))
            except queue.Empty:
                pass
            else:
                if command is None:
                    break
                self._guarded(command)
            if self._clock.monotonic_s() >= flush_at:
                self._guarded(self._flush)
                flush_at = self._clock.monotonic_s() + self._flush_s
        for segment in list(self._open.values()):
            self._end(segment.run, Cause.NODE_STOPPED, "")
        self._guarded(self._flush)
        if self._away is None:
            self._index.close()
            with suppress(OSError):
                self._disk.end()
        self._disk.abandon()

    def _guarded(self, command: Callable[[], None]) -> None:
        """A failed command costs its own run (already noted where it failed), never the thread."""
        self.health.begins()
        try:
            command()
        except (OSError, sqlite3.Error, Error) as error:
            self._block(error)
        finally:
            self.health.ended()

    def _block(self, error: Fault) -> str:
        """Leave the disk alone for a while; returns the cause."""
        cause = cause_of(error)
        self.health.fault(cause)
        self._on_error(f"{cause}: {error}")
        if cause == Cause.DISK_FULL:
            self._on_full()
        if isinstance(error, sqlite3.Error) and is_broken(error) and self._away is None:
            # The next flush finds it gone, and begins a new one.
            with suppress(OSError, Error):
                set_aside_broken(self.volume, self._index.inode, self._clock)
        return cause

    def _take_up(self, key: StreamKey, code: str, retention: str | None, answer: Future[int]) -> None:
        try:
            ledger = self._ledgers.get(key)
            if ledger is None:
                ledger = self._ledgers[key] = self._open_ledger(key, code, retention)
            else:
                self._owe(*ledger.keep(code, retention))
        except (OSError, sqlite3.Error, Error) as error:
            self._block(error)
            answer.set_exception(error)
        else:
            answer.set_result(ledger.covered_us)

    def _open_ledger(
        self, key: StreamKey, code: str, retention: str | None, cause: Cause = Cause.NODE_CRASHED
    ) -> StreamLedger:
        """`cause`: of the time since the stream's last whole part, where nothing else is known."""
        self._must_be_near()
        restore(self.volume, self._index, self._disk, key, code, self._clock)
        # With a new index nobody knows whether the node was stopped or crashed.
        pending = self._index.meta("import") == PENDING
        now_us = self._clock.wall_us()
        return take_up(self._index, key, code, now_us, Cause.UNKNOWN if pending else cause, retention)

    def _write(self, run: RunHandle, part: Part) -> None:
        try:
            if run.failure is None:
                self._place(run, part)
        except (OSError, sqlite3.Error, Error) as error:
            self._fail(run, part, error)
        finally:
            run.end_us = part.end_us
            run.written += part.size

    def _place(self, run: RunHandle, part: Part) -> None:
        segment = self._open.get(run.key)
        if segment is None or segment.run is not run or segment.is_due(part, self._segment_us):
            segment = self._begin(run, part)
        segment.append(self._disk, part)

    def _begin(self, run: RunHandle, part: Part) -> OpenSegment:
        self._must_be_near()
        ledger = self._ledgers[run.key]
        before = self._open.get(run.key)
        if before is not None:
            self._finish(before)
        self.volume.must_be_here()
        self._settle()
        told = ledger.beginning(part.start_us)
        segment = OpenSegment.create(self.volume, self._disk, run, part, told, ledger.row)
        try:
            # Together: at no moment is the stream neither recorded nor in a gap.
            with self._index.transaction():
                if before is not None:
                    before.enter_end(self._index)
                ledger.enter_beginning(self._index, part.start_us)
                segment.row_id = segment.enter(self._index, ledger.row.id)
        except sqlite3.Error:
            segment.abandon(self._disk)
            raise
        ledger.begun(part.start_us, told)
        run.next_seq += 1
        self._open[run.key] = segment
        if before is not None:
            self._let_go(before)
        return segment

    def _close(self, segment: OpenSegment, *gap: Change) -> None:
        """Whatever the disk does, the segment is closed for us; what the index could not take is owed. `gap`, which
        begins where the segment ends, is entered with it.
        """
        self._open.pop(segment.run.key, None)
        self._owe(segment.enter_end if segment.parts else segment.withdraw, *gap)
        self._let_go(segment)

    def _let_go(self, segment: OpenSegment) -> None:
        """After the row: a closed file with an open row looks like a crash."""
        segment.let_go(self._disk)
        if segment.parts and segment.tail_offset is None:
            self._tailless.add(segment)

    def _finish(self, segment: OpenSegment) -> None:
        """The ledger and the file as they are when the segment ends."""
        ledger = self._ledgers[segment.run.key]
        if segment.parts:
            segment.finish(self._disk)
            ledger.closed(segment.closing.link, segment.end_us)
        else:
            ledger.untold()

    def _end(self, run: RunHandle, cause: str, detail: str) -> None:
        if run.failure is not None and cause in WITNESSED:
            # What it failed by kept nothing from us any more.
            self._gap(run.key, run.end_us, cause, detail)
        segment = self._open.get(run.key)
        if segment is not None and segment.run is not run:
            segment = None
        if segment is not None:
            self._finish(segment)
        at_us = self._ledgers[run.key].covered_us
        self._end_at(run, segment, at_us, cause, detail)

    def _fail(self, run: RunHandle, part: Part, error: Fault) -> None:
        """The part was not written: the run ends where it would have begun."""
        cause = self._block(error)
        segment = self._open.get(run.key)
        if segment is not None:
            self._finish(segment)
        self._end_at(run, segment, part.start_us, cause, str(error))

    def _end_at(
        self, run: RunHandle, segment: OpenSegment | None, at_us: int, cause: str, detail: str
    ) -> None:
        change = None
        if run.failure is None:
            run.failure = cause
            change = self._ledgers[run.key].gap(at_us, cause, detail)
        changes = () if change is None else (change,)
        if segment is not None:
            self._close(segment, *changes)
        else:
            self._owe(*changes)

    def _gap(self, key: StreamKey, at_us: int, cause: str, detail: str) -> None:
        ledger = self._ledgers.get(key)
        change = ledger.gap(at_us, cause, detail) if ledger is not None else None
        if change is not None:
            self._owe(change)

    def _owe(self, *changes: Change) -> None:
        """Enter together what follows from what has happened: now, or as soon as the index takes it."""

        def together(index: Index) -> None:
            with index.transaction():
                for change in changes:
                    change(index)

        if self._away is not None or not changes:
            # The ledgers know, and tell when the disk is back.
            return
        self._owed.append(together)
        try:
            self._settle()
        except (OSError, sqlite3.Error, Error) as error:
            self._block(error)

    def _settle(self) -> None:
        while self._owed:
            self._owed[0](self._index)
            self._owed.popleft()

    def _flush(self) -> None:
        self._look()
        if not self._index.is_current():
            self._replace_index()
        self._settle()
        if self.accepts_runs():
            self._tailless.give(self.volume, self._index, self._disk)
            self._alive.give(self._index, self._ledgers.values())
        self.health.prove(self._disk, self.volume)

    # -- the disk is taken away, and comes back ---------------------------------------------------------------

    def _must_be_near(self) -> None:
        if self._away is not None:
            raise self._away

    def _look(self) -> None:
        """Notice that the disk is not there any more, or that it is again. Raises Error while it is away."""
        try:
            found = open_volume(self.volume.path)
        except Error as error:
            if error.kind is not Kind.NOT_FOUND:
                raise
            self._leave(error)
            raise
        if found.id != self.volume.id or (self._away is None and found.place != self.volume.place):
            self._leave(self.volume.swapped_for(found))
        if self._away is not None:
            if found.id != self.volume.id:
                raise self._away
            self._return(found)

    def _leave(self, why: Error) -> None:
        """The open files still lead to the old disk, if there is one: what can be closed there is."""
        if self._away is not None:
            return
        for segment in list(self._open.values()):
            self._end(segment.run, Cause.DISK_MISSING, str(why))
        self._away = why
        self._on_error(f"{why.cause}: {why}")
        self._owed.clear()
        self._tailless.clear()
        self._index.abandon()
        self._disk.abandon()

    def _return(self, found: Volume) -> None:
        """Everything as after a crash, but for what the ledgers know of the time since."""
        self._disk.begin(found.path, found.id)
        index = open_or_create(found, self._clock)
        away, before = self._away, self._ledgers
        self.volume, self._index, self._away, self._ledgers = found, index, None, {}
        try:
            for key, known in before.items():
                ledger = self._open_ledger(key, known.row.code, known.row.retention, Cause.DISK_MISSING)
                for change in known.retell(ledger):
                    change(index)
                self._ledgers[key] = ledger
        except BaseException:
            self._away, self._ledgers = away, before
            index.close()
            raise

    def _replace_index(self) -> None:
        """index.db was deleted or swapped under us: go on with a new one; the keeper reads the old files in."""
        index = open_or_create(self.volume, self._clock)
        try:
            with index.transaction():
                rows = {key: ledger.enter_all(index) for key, ledger in self._ledgers.items()}
                ids = {key: s.enter(index, rows[key].id) for key, s in self._open.items()}
                index.set_meta("import", PENDING)
            mine = set(ids.values())
            for stale in (row for key in rows for row in index.not_closed(rows[key].id)):
                if stale.id not in mine:
                    recover.heal(self.volume, index, self._disk, stale)
        except BaseException:
            index.close()
            raise
        self._index.close()
        self._index = index
        # What was owed to the old one is in the files and in the ledgers.
        self._owed.clear()
        for key, row in rows.items():
            self._ledgers[key].row = row
        for key, row_id in ids.items():
            self._open[key].row_id = row_id
