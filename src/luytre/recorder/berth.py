"""A configured volume as the streams see it: its writer while there is one, else why there is none.

Promises   opening a disk that hangs keeps nobody waiting, nor the recorder's end.
Does not   choose among volumes (outlet.py).
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from luytre.archive.faults import cause_of
from luytre.archive.keys import Cause
from luytre.archive.volume import Volume, mounted_twice, open_volume
from luytre.archive.writer import DiskWriter
from luytre.base.errors import Error, Kind

# A disk that says nothing for so long is told to be slow; it is waited for all the same.
OPEN_S = 20.0
Answer = TypeVar("Answer")


class Berth:
    """writer    takes the streams' runs; None while the volume cannot be written
    problem   why there is no writer; None before the first attempt, and while there is one
    """

    def __init__(self, name: str, path: Path, writer: DiskWriter | None = None) -> None:
        self.name, self.path = name, path
        self.writer = writer
        self.problem: Error | None = None
        # The volume that is being opened or written here: no other berth may have it.
        self._volume: Volume | None = None if writer is None else writer.volume
        self._opening = False

    @property
    def needs_opening(self) -> bool:
        return not self._opening and (self.writer is None or self.writer.is_away)

    async def open(
        self,
        others: Callable[[], list[Berth]],
        make: Callable[[Volume], DiskWriter],
        retire: Callable[[DiskWriter], None],
    ) -> DiskWriter | None:
        """Look for the volume, and begin to write it. None when it is not there or goes on by itself, with `problem`
        set. `retire` gets the writer of a volume that another one has taken the place of.
        """
        self._opening = True
        try:
            found = await self._answer(in_thread(lambda: open_volume(self.path)))
            known = self.writer
            if known is not None and known.volume.id == found.id:
                return None
            taken = (berth.path for berth in others() if berth is not self and berth.has(found))
            if (other := next(taken, None)) is not None:
                raise mounted_twice(found, other)
            if known is not None:
                retire(known)
                self.writer = None
            self._volume = found
            writer = make(found)
            writer.start()
            await self._answer(writer.ready)
        except (Error, OSError, sqlite3.Error) as error:
            self.problem = error if isinstance(error, Error) else _as_error(self.path, error)
            if self.writer is None:
                self._volume = None
            return None
        finally:
            self._opening = False
        self.writer, self.problem = writer, None
        return writer

    def has(self, volume: Volume) -> bool:
        return self._volume is not None and self._volume.id == volume.id

    async def _answer(self, asked: Future[Answer]) -> Answer:
        """However long it takes; meanwhile the problem is known."""
        future = asyncio.wrap_future(asked)
        done, _ = await asyncio.wait([future], timeout=OPEN_S)
        if not done and self.writer is None:
            self.problem = Error(
                Kind.UNAVAILABLE,
                f"{self.path} does not answer",
                hint="Look at the disk and its cable.",
                cause=Cause.DISK_SLOW,
            )
        return await future


def in_thread(work: Callable[[], Answer]) -> Future[Answer]:
    """Done in a thread of its own that keeps nobody from ending, unlike those of asyncio."""
    answer: Future[Answer] = Future()

    def run() -> None:
        answer.set_running_or_notify_cancel()
        try:
            answer.set_result(work())
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=run, name="opening", daemon=True).start()
    return answer


def _as_error(path: Path, error: OSError | sqlite3.Error) -> Error:
    return Error(
        Kind.UNAVAILABLE,
        f"{path} cannot be written: {error}",
        hint="Look at the disk and at the rights of its folder.",
        cause=cause_of(error),
    )
