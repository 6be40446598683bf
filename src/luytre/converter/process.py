"""The converter: a Unix socket per foreign stream, and a worker per connection to it.

Promises   follows `run/foreign.json` within a second. A source is only pulled while somebody is connected: the worker gets
           the connection and ends with it. A stream has one worker: who comes next takes the place of who was there. After
           a worker's crash whoever comes is told so (`converter_failed`) for a growing while; then it is tried again.
Does not   import FFmpeg: what that does happens in workers.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from luytre.archive.keys import Cause
from luytre.base import local_socket, log
from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error, Kind
from luytre.converter import launch
from luytre.converter.plan import FILE, ForeignPlan, ForeignStream, load, state_file
from luytre.converter.refusal import Refusal

LOOK_S: Final = 1.0
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 60.0
# A worker that lived this long has shown that it can.
GOOD_LIFE_S: Final = 60.0
REFUSED_S: Final = 15.0
WORKER: Final = "luytre.converter.worker"

_log = log.get("converter")


@dataclass(slots=True)
class Crashes:
    """How long a stream is refused after crashes: 1 s, doubling to a minute."""

    wait_s: float = 0.0
    until_s: float = 0.0
    detail: str = ""

    def add(self, now_s: float, life_s: float, detail: str) -> None:
        again = 0.0 if life_s >= GOOD_LIFE_S else self.wait_s
        self.wait_s = min(max(again * 2, FIRST_WAIT_S), LONGEST_WAIT_S)
        self.until_s, self.detail = now_s + self.wait_s, detail

    def refusal(self, now_s: float) -> Error | None:
        """Why nobody is let in now; None when somebody is."""
        if now_s >= self.until_s:
            return None
        what = f"the worker crashed ({self.detail}); tried again in {self.until_s - now_s:.0f} s"
        return Error(Kind.UNAVAILABLE, what, hint="Try the address in VLC.", cause=Cause.CONVERTER_FAILED)


@dataclass(slots=True)
class _Serving:
    """One stream: its socket, and who is served on it."""

    stream: ForeignStream
    path: Path
    listening: socket.socket
    crashes: Crashes = field(default_factory=Crashes)
    accepting: asyncio.Task[None] | None = None
    worker: asyncio.subprocess.Process | None = None


class Converter:
    """`run()` until `stop()` or SIGTERM."""

    def __init__(self, directory: Path, clock: Clock = SYSTEM) -> None:
        self._run_folder = directory / "run"
        self._clock = clock
        self._stopping = asyncio.Event()
        self._plan = ForeignPlan()
        self._mark: tuple[int, int, int] | None = None
        self._serving: dict[str, _Serving] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        self._stopping.set()

    def pid_of(self, name: str) -> int | None:
        """The worker behind a socket; None while nobody is served there."""
        serving = self._serving.get(name)
        return None if serving is None or serving.worker is None else serving.worker.pid

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        _log.info("converter started")
        while not self._stopping.is_set():
            self._look()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), LOOK_S)
        for name in list(self._serving):
            self._close(name)
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _look(self) -> None:
        path = self._run_folder / FILE
        try:
            found = path.stat()
            mark = (found.st_mtime_ns, found.st_ino, found.st_size)
            if mark == self._mark:
                return
            plan = load(path)
        except (OSError, Error) as error:
            # No file yet, or a broken one: what is converted goes on.
            if not isinstance(error, FileNotFoundError):
                _log.warning("plan not read", error=str(error))
            return
        self._mark, self._plan = mark, plan
        wanted = {stream.socket: stream for stream in plan.streams}
        for name, serving in list(self._serving.items()):
            if wanted.get(name) != serving.stream:
                self._close(name)
        for name, stream in wanted.items():
            if name not in self._serving:
                self._open(name, stream)

    def _open(self, name: str, stream: ForeignStream) -> None:
        path = self._run_folder / name
        path.unlink(missing_ok=True)
        try:
            listening = local_socket.listen(path)
            path.chmod(0o600)
            listening.listen(8)
        except OSError as error:
            _log.error("socket not opened", camera=stream.code, error=str(error))
            # Looked at again, as if the plan were new.
            self._mark = None
            return
        serving = self._serving[name] = _Serving(stream, path, listening)
        serving.accepting = self._begin(self._accept(serving))

    def _close(self, name: str) -> None:
        serving = self._serving.pop(name)
        if serving.accepting is not None:
            serving.accepting.cancel()
        serving.listening.close()
        serving.path.unlink(missing_ok=True)
        _kill(serving.worker)

    def _begin(self, what: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _accept(self, serving: _Serving) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, _ = await loop.sock_accept(serving.listening)
            except OSError as error:
                # No more files, no memory: it may be better in a while, and a door that is shut for good is worse.
                _log.error("recorder not let in", camera=serving.stream.code, error=str(error))
                await asyncio.sleep(LOOK_S)
                continue
            refused = serving.crashes.refusal(self._clock.monotonic_s())
            self._begin(self._refuse(sock, refused) if refused is not None else self._work(serving, sock))

    async def _work(self, serving: _Serving, sock: socket.socket) -> None:
        """One worker's life."""
        _kill(serving.worker)
        began_s = self._clock.monotonic_s()
        with sock:
            # The worker waits in its threads.
            sock.setblocking(True)
            try:
                worker = serving.worker = await launch.start(
                    WORKER, sock, serving.stream, self._run_folder, self._plan.max_encodes
                )
            except OSError as error:
                _log.error("worker not started", camera=serving.stream.code, error=str(error))
                return
        if self._serving.get(serving.path.name) is not serving:
            # The plan changed while it was started.
            _kill(worker)
        code = await worker.wait()
        if serving.worker is not worker or self._serving.get(serving.path.name) is not serving:
            # Killed for another, or for the end.
            return
        serving.worker = None
        stream = serving.stream
        (self._run_folder / state_file(stream.camera, stream.stream)).unlink(missing_ok=True)
        if code:
            detail = f"signal {-code}" if code < 0 else f"exit code {code}"
            now_s = self._clock.monotonic_s()
            serving.crashes.add(now_s, now_s - began_s, detail)
            _log.warning("worker crashed", camera=stream.code, detail=detail, wait_s=serving.crashes.wait_s)

    async def _refuse(self, sock: socket.socket, why: Error) -> None:
        loop = asyncio.get_running_loop()
        refusal = Refusal(why)
        with sock, suppress(OSError):
            sock.setblocking(False)
            async with asyncio.timeout(REFUSED_S):
                ended = False
                while not ended and (data := await loop.sock_recv(sock, 65_536)):
                    ended = bool(refusal.receive(data))
                    await loop.sock_sendall(sock, refusal.data_to_send())


def _kill(worker: asyncio.subprocess.Process | None) -> None:
    if worker is not None and worker.returncode is None:
        with suppress(ProcessLookupError):
            worker.kill()
