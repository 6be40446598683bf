"""One thread per volume that writes what the recorder hands it (design/archive.md, "Procedures" and "Pressure").

Promises   each part handed in is on disk whole, or the run's handle says why not and the ledger has the gap.
Does not   wait for cameras, decide when a run begins or ends, or delete anything (retention.py).
"""

from __future__ import annotations

import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future

from luytre.archive import recover
from luytre.archive.disk import Disk, OsDisk
from luytre.archive.index import Index, is_full
from luytre.archive.keys import Cause, StreamKey
from luytre.archive.ledger import StreamLedger, take_up
from luytre.archive.open_segment import OpenSegment, Part, RunHandle
from luytre.archive.rebuild import open_or_create
from luytre.archive.volume import Volume
from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error, from_os

# How long after a failed write the disk is left alone.
RETRY_S = 5.0


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
        self._index: Index
        self.ready: Future[None] = Future()

    # -- called by the recorder's thread ----------------------------------------------------------------------

    def take_up(self, key: StreamKey, code: str) -> Future[int]:
        """Heal the stream and open its ledger. Gives the earliest wall time (µs) a new run may begin at."""
        answer: Future[int] = Future()
        self._commands.put(lambda: self._take_up(key, code, answer))
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
        except Error as error:
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
        for key in list(self._open):
            self._guarded(lambda key=key: self._end(self._open[key].run, Cause.NODE_STOPPED, ""))  # type: ignore[misc]
        self._guarded(self._flush)
        self._index.close()

    def _guarded(self, command: Callable[[], None]) -> None:
        """A failed command costs its own run (already noted where it failed), never the thread."""
        try:
            command()
        except (OSError, sqlite3.Error, Error) as error:
            self._block(error)

    def _block(self, error: OSError | sqlite3.Error | Error) -> str:
        """Leave the disk alone for a while; returns the cause."""
        cause = _cause_of(error)
        self._blocked_until_s = self._clock.monotonic_s() + RETRY_S
        self._on_error(f"{cause}: {error}")
        if cause == Cause.DISK_FULL:
            self._on_full()
        return cause

    def _take_up(self, key: StreamKey, code: str, answer: Future[int]) -> None:
        try:
            ledger = self._ledgers.get(key)
            if ledger is None:
                row = self._index.stream(key)
                for open_row in self._index.not_closed(row.id) if row else ():
                    recover.heal(self.volume, self._index, self._disk, open_row)
                for path in recover.newest_files(self.volume, code, key.stream):
                    recover.adopt(self.volume, self._index, self._disk, path)
                ledger = take_up(self._index, key, code, self._clock.wall_us())
                self._ledgers[key] = ledger
        except (OSError, sqlite3.Error, Error) as error:
            self._block(error)
            answer.set_exception(error)
        else:
            answer.set_result(ledger.covered_us)

    def _write(self, run: RunHandle, part: Part) -> None:
        try:
            if run.failure is None:
                self._place(run, part)
        except (OSError, sqlite3.Error, Error) as error:
            self._fail(run, error)
        finally:
            run.written += part.size

    def _place(self, run: RunHandle, part: Part) -> None:
        segment = self._open.get(run.key)
        if segment is not None and segment.is_due(part, self._segment_us):
            self._close(segment)
            segment = None
        if segment is None:
            segment = self._begin(run, part)
        segment.append(self._disk, part)

    def _begin(self, run: RunHandle, part: Part) -> OpenSegment:
        ledger = self._ledgers[run.key]
        if run.next_seq == 0:
            ledger.run_begins(part.start_us)
        segment = OpenSegment.create(self.volume, self._disk, ledger, run, part)
        try:
            with self._index.transaction():
                segment.enter(self._index, ledger.row.id)
        except sqlite3.Error:
            self._disk.close(segment.fd)
            self._disk.unlink(segment.path)
            raise
        run.next_seq += 1
        self._open[run.key] = segment
        return segment

    def _close(self, segment: OpenSegment) -> None:
        del self._open[segment.run.key]
        if segment.parts:
            self._ledgers[segment.run.key].covered_us = segment.end_us
            segment.close(self._disk, self._index)
            return
        self._disk.close(segment.fd)
        self._disk.unlink(segment.path)
        self._index.remove_segment(segment.row_id)

    def _end(self, run: RunHandle, cause: str, detail: str) -> None:
        segment = self._open.get(run.key)
        if segment is not None and segment.run is run:
            self._close(segment)
        if run.failure is None:
            run.failure = cause
            ledger = self._ledgers[run.key]
            ledger.gap(ledger.covered_us, cause, detail)

    def _fail(self, run: RunHandle, error: OSError | sqlite3.Error | Error) -> None:
        cause = self._block(error)
        segment = self._open.get(run.key)
        try:
            if segment is not None:
                self._close(segment)
            ledger = self._ledgers[run.key]
            ledger.gap(ledger.covered_us, cause, str(error))
        finally:
            run.failure = cause

    def _gap(self, key: StreamKey, at_us: int, cause: str, detail: str) -> None:
        ledger = self._ledgers.get(key)
        if ledger is not None:
            ledger.gap(at_us, cause, detail)

    def _flush(self) -> None:
        if not self._index.is_current():
            self._replace_index()
        directory = os.open(self.volume.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._disk.flush(directory)
        finally:
            os.close(directory)

    def _replace_index(self) -> None:
        """index.db was deleted or swapped under us: go on with a new one; the keeper reads the old files in."""
        gaps = {key: self._index.open_gap(ledger.row.id) for key, ledger in self._ledgers.items()}
        self._index.close()
        self._index = open_or_create(self.volume, self._clock)
        for key, ledger in self._ledgers.items():
            ledger.move_to(self._index, gaps[key])
            segment = self._open.get(key)
            if segment is not None:
                with self._index.transaction():
                    segment.enter(self._index, ledger.row.id)


def _cause_of(error: OSError | sqlite3.Error | Error) -> str:
    if isinstance(error, Error):
        return error.cause
    if isinstance(error, OSError):
        return from_os(error, "write").cause
    return Cause.DISK_FULL if is_full(error) else Cause.DISK_ERROR
