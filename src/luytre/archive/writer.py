"""One thread per volume that writes what the recorder hands it (design/archive.md, "Procedures" and "Pressure").

Promises   each part handed in is on disk whole, or the run's handle says why not and the ledger has the gap.
Does not   wait for cameras, decide when a run begins or ends, or delete anything (retention.py).
"""

from __future__ import annotations

import os
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace

from luytre.archive import recover
from luytre.archive.disk import Disk, OsDisk
from luytre.archive.faults import cause_of, is_broken
from luytre.archive.index import Index
from luytre.archive.keys import Cause, StreamKey
from luytre.archive.ledger import Change, StreamLedger, take_up
from luytre.archive.open_segment import OpenSegment, Part, RunHandle
from luytre.archive.power_cut import bridge, mend
from luytre.archive.rebuild import PENDING, open_or_create, set_aside_broken
from luytre.archive.volume import Volume
from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error

# How long after a failed write the disk is left alone.
RETRY_S = 5.0
# Segments closed without their tail, to be given one when there is room: a full disk makes some per try and stream.
MAX_TAILLESS = 10_000
Fault = OSError | sqlite3.Error | Error


class DiskWriter(threading.Thread):
    """Commands are carried out in the order given. `on_full` is asked for room when the disk is full."""

    def __init__(
        self,
        volume: Volume,
        *,
        flush_s: float = 2.0,
        segment_s: float = 300.0,
        clock: Clock = SYSTEM,
        disk: Disk | None = None,
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
        self._blocked_until_s = 0.0
        # Changes the index has not taken yet, in their order.
        self._owed: deque[Change] = deque()
        self._tailless: deque[OpenSegment] = deque(maxlen=MAX_TAILLESS)
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
        return self._clock.monotonic_s() >= self._blocked_until_s

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
            self._index = open_or_create(self.volume, self._clock)
        except (OSError, sqlite3.Error, Error) as error:
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
        self._index.close()

    def _guarded(self, command: Callable[[], None]) -> None:
        """A failed command costs its own run (already noted where it failed), never the thread."""
        try:
            command()
        except (OSError, sqlite3.Error, Error) as error:
            self._block(error)

    def _block(self, error: Fault) -> str:
        """Leave the disk alone for a while; returns the cause."""
        cause = cause_of(error)
        self._blocked_until_s = self._clock.monotonic_s() + RETRY_S
        self._on_error(f"{cause}: {error}")
        if cause == Cause.DISK_FULL:
            self._on_full()
        if isinstance(error, sqlite3.Error) and is_broken(error):
            # The next flush finds it gone, and begins a new one.
            with suppress(OSError):
                set_aside_broken(self.volume, self._index.inode, self._clock)
        return cause

    def _take_up(self, key: StreamKey, code: str, retention: str | None, answer: Future[int]) -> None:
        try:
            ledger = self._ledgers.get(key)
            if ledger is None:
                ledger = self._ledgers[key] = self._open_ledger(key, code, retention)
            elif retention not in (None, ledger.row.retention):
                row = self._index.add_stream(key, code, ledger.row.since_us, retention)
                ledger.row = replace(ledger.row, retention=row.retention)
        except (OSError, sqlite3.Error, Error) as error:
            self._block(error)
            answer.set_exception(error)
        else:
            answer.set_result(ledger.covered_us)

    def _open_ledger(self, key: StreamKey, code: str, retention: str | None) -> StreamLedger:
        row = self._index.stream(key)
        if row is not None:
            mend(self.volume, self._index, self._disk, row, self._clock)
        recover.adopt_newest(self.volume, self._index, self._disk, code, key.stream)
        if row is not None:
            bridge(self.volume, self._index, self._disk, row, self._clock)
        # With a new index nobody knows whether the node was stopped or crashed.
        pending = self._index.meta("import") == PENDING
        cause = Cause.UNKNOWN if pending else Cause.NODE_CRASHED
        return take_up(self._index, key, code, self._clock.wall_us(), cause, retention)

    def _write(self, run: RunHandle, part: Part) -> None:
        try:
            if run.failure is None:
                self._place(run, part)
        except (OSError, sqlite3.Error, Error) as error:
            self._fail(run, part, error)
        finally:
            run.written += part.size

    def _place(self, run: RunHandle, part: Part) -> None:
        segment = self._open.get(run.key)
        if segment is None or segment.run is not run or segment.is_due(part, self._segment_us):
            segment = self._begin(run, part)
        segment.append(self._disk, part)

    def _begin(self, run: RunHandle, part: Part) -> OpenSegment:
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
            self._tailless.append(segment)

    def _finish(self, segment: OpenSegment) -> None:
        """The ledger and the file as they are when the segment ends."""
        ledger = self._ledgers[segment.run.key]
        if segment.parts:
            segment.finish(self._disk)
            ledger.closed(segment.closing.link, segment.end_us)
        else:
            ledger.untold()

    def _end(self, run: RunHandle, cause: str, detail: str) -> None:
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
        elif changes:
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

        self._owed.append(together)
        self._guarded(self._settle)

    def _settle(self) -> None:
        while self._owed:
            self._owed[0](self._index)
            self._owed.popleft()

    def _flush(self) -> None:
        if not self._index.is_current():
            self._replace_index()
        self._settle()
        if self._tailless and self.accepts_runs():
            self._give_tails()
        directory = os.open(self.volume.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._disk.flush(directory)
        finally:
            os.close(directory)

    def _give_tails(self) -> None:
        """There is room again, perhaps, for the tails a full disk did not take."""
        while self._tailless:
            segment = self._tailless[0]
            row = self._index.segment(segment.run.run_id, segment.seq)
            if (
                row is not None
                and row.state == "closed"
                and row.tail_offset is None
                and segment.path.exists()
            ):
                found = recover.contents(segment.path)
                if found is None:
                    self._tailless.popleft()
                    return
                offset = recover.finish_file(segment.path, self._disk, found, segment.tail)
                if offset is None:
                    return
                segment.tail_offset, segment.size = offset, segment.path.stat().st_size
                self._index.close_segment(row.id, segment.closing)
            self._tailless.popleft()

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
