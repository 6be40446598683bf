"""One child process kept alive: started, its output kept in a file, started again when it dies. One that only takes
turns (periodic.py) is started again when its next turn comes.

Promises   a child dies with its parent; it never gets the terminal's Ctrl-C (the supervisor decides the order); a child that
           dies again and again is started at growing, jittered intervals; one that a hung disk keeps even the kernel from
           ending is given up.
Does not   know what the child does.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from luytre.base import log
from luytre.base.clock import SYSTEM, Clock
from luytre.base.orphans import end_with_parent

FIRST_WAIT_S: Final = 0.2
LONGEST_WAIT_S: Final = 10.0
# A child that lived this long has shown that it can: the next death starts from the first wait again.
GOOD_LIFE_S: Final = 60.0
# A killed process is gone in moments, unless it waits for a disk that does not answer: then nothing ends it.
KILLED_S: Final = 5.0
LOG_BYTES: Final = 5 * 2**20
LOG_FILES: Final = 4

_log = log.get("supervisor")


@dataclass(frozen=True, slots=True)
class Turns:
    """When a child that works in turns is started: `first_s` after the parent, then each `period_s`. It is killed when
    a turn lasts longer than `limit_s`.
    """

    first_s: float
    period_s: float
    limit_s: float


@dataclass(frozen=True, slots=True)
class Child:
    """`rank`: who is stopped first (lower first). `pass_fds` stay open in it. `nice`: how far it stands back from the
    others (nice(2)). `turns` None: it is kept alive.
    """

    name: str
    command: tuple[str, ...]
    rank: int = 0
    pass_fds: tuple[int, ...] = ()
    nice: int = 0
    turns: Turns | None = None


class Waits:
    """How long to wait before the next start: 0.2 s doubling to 10 s, each between half and all of it."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance or random.Random()
        self._next_s = FIRST_WAIT_S

    def after(self, life_s: float) -> float:
        """Seconds to wait after a life of `life_s` seconds."""
        if life_s >= GOOD_LIFE_S:
            self._next_s = FIRST_WAIT_S
        wait_s = self._next_s
        self._next_s = min(self._next_s * 2, LONGEST_WAIT_S)
        return wait_s * self._chance.uniform(0.5, 1.0)


class LogFile:
    """Appends to `path`; at 5 MiB it becomes `path.1`, and so on to `path.4`. A full disk costs the lines, no
    more.
    """

    def __init__(self, path: Path, limit: int = LOG_BYTES) -> None:
        self._path = path
        self._limit = limit

    def write(self, data: bytes) -> None:
        try:
            self._turn_over(len(data))
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "ab", buffering=0) as file:
                file.write(data)
        except OSError:
            return

    def _turn_over(self, more: int) -> None:
        if not self._path.exists() or self._path.stat().st_size + more <= self._limit:
            return
        for number in range(LOG_FILES - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            if older.exists():
                older.rename(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.rename(self._path.with_name(f"{self._path.name}.1"))


class Keeper:
    """Keeps one child alive from `run()` until `stop()`."""

    def __init__(
        self, child: Child, log_folder: Path, clock: Clock = SYSTEM, waits: Waits | None = None
    ) -> None:
        self.child = child
        self.starts = 0
        self._clock = clock
        self._waits = waits or Waits()
        self._output = LogFile(log_folder / f"{child.name}.log")
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._starting = asyncio.Lock()
        # Until its output has ended and it is gone.
        self._ending: asyncio.Task[int] | None = None
        self._given_up = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The living process; None between two lives."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def run(self) -> None:
        """Returns after `stop()`. Raises OSError when the child cannot be started even once; later the machine may be short
        of processes or memory for a while, which must not end the others.
        """
        while not self._stopping.is_set():
            began_s = self._clock.monotonic_s()
            code = None
            try:
                code = await self._live()
            except OSError as error:
                if self._ending is None:
                    raise
                _log.error("child could not be started", child=self.child.name, error=str(error))
            if self._stopping.is_set():
                return
            life_s = self._clock.monotonic_s() - began_s
            wait_s = self._waits.after(life_s)
            _log.warning(
                "child ended, starting it again",
                child=self.child.name,
                code=code,
                life_s=round(life_s, 1),
                wait_s=round(wait_s, 2),
                output=f"log/{self.child.name}.log",
            )
            await self._pause(wait_s)

    async def stop(self, grace_s: float) -> None:
        """SIGTERM, then SIGKILL after `grace_s` seconds; returns when the process is gone, or given up."""
        self._stopping.set()
        # A child that is just being started is waited for, or nobody would stop it.
        async with self._starting:
            process = self._process
        if process is None or process.returncode is not None:
            return
        self.send(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), grace_s)
        except TimeoutError:
            _log.warning("child did not stop, killed", child=self.child.name, grace_s=grace_s)
            await self._kill()

    async def _kill(self) -> None:
        """SIGKILL. What is still there after KILLED_S is given up: the life ends for us."""
        self.send(signal.SIGKILL)
        if self._ending is None:
            return
        done, _ = await asyncio.wait([self._ending], timeout=KILLED_S)
        if not done:
            _log.error(
                "killed and still there, given up: its disk hangs", child=self.child.name, pid=self.pid
            )
            self._given_up.set()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the living process, if there is one."""
        if self._process is not None and self._process.returncode is None:
            try:
                self._process.send_signal(number)
            except ProcessLookupError:
                return

    async def _live(self) -> int:
        """Start it and wait for its end. -> its exit code, negative for a signal."""
        async with self._starting:
            if self._stopping.is_set():
                return 0
            self.starts += 1
            self._process = process = await self._start(os.getpid())
            self._given_up.clear()
            self._ending = ending = asyncio.create_task(self._until_end(process))
        given_up = asyncio.create_task(self._given_up.wait())
        try:
            await asyncio.wait([ending, given_up], return_when=asyncio.FIRST_COMPLETED)
            if ending.done():
                return ending.result()
            self._process = None
            return -signal.SIGKILL
        finally:
            given_up.cancel()
            ending.cancel()

    async def _until_end(self, process: asyncio.subprocess.Process) -> int:
        await self._keep_output(process)
        return await process.wait()

    async def _start(self, parent: int) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self.child.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=self.child.pass_fds,
            process_group=0,
            preexec_fn=lambda: _prepare(parent, self.child.nice),
        )

    async def _keep_output(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while data := await process.stdout.read(65_536):
            self._output.write(data)

    async def _pause(self, wait_s: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), wait_s)
        except TimeoutError:
            return


def _prepare(parent: int, nice: int) -> None:
    """In the child, before exec: it stands back, and gets SIGTERM when the parent goes, also by kill -9 (prctl(2),
    Linux).
    """
    os.nice(nice)
    end_with_parent(parent, signal.SIGTERM)
