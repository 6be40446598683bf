"""Disks that fail or hang when told to."""

from __future__ import annotations

import errno
import os
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from luytre.archive.disk import OsDisk
from luytre.base.clock import ManualClock

# What the seam can do, each of which can fail.
OPERATIONS = ("create", "write", "truncate", "close", "unlink", "flush")


class Killed(BaseException):
    """The process ends here, as kill -9 ends it."""


class FaultyDisk(OsDisk):
    """Counts the calls of each operation, and fails one of them from a given call on, `times` times or until `heal`.

    short   write() first takes that many bytes, as a disk does that fills up in the middle
    """

    def __init__(self) -> None:
        super().__init__()
        self.operation = ""
        self.left = 0
        self.times: int | None = None
        self.number = errno.EIO
        self.short: int | None = None
        # What a failed write is cut back by fails too.
        self.stuck = False
        self.failed = 0
        self.calls: Counter[str] = Counter()
        self._latency: tuple[str, float, ManualClock] | None = None
        self._gate: threading.Event | None = None
        self._gated = ""
        # Set while somebody waits at the gate.
        self.waiting = threading.Event()

    def fail(
        self,
        operation: str,
        number: int,
        *,
        after: int = 0,
        short: int | None = None,
        times: int | None = None,
    ) -> None:
        self.operation, self.number, self.left, self.short, self.times = (
            operation,
            number,
            after,
            short,
            times,
        )

    def heal(self) -> None:
        self.operation, self.stuck, self._latency = "", False, None
        self.let_through()

    def delay(self, operation: str, seconds: float, clock: ManualClock) -> None:
        """Each such call takes so long from now on, by the clock that everybody in the test looks at."""
        self._latency = operation, seconds, clock

    def hang(self, operation: str) -> None:
        """The next such call does not come back until `let_through`."""
        self._gate, self._gated = threading.Event(), operation

    def let_through(self) -> None:
        if self._gate is not None:
            self._gate.set()
        self._gate = None

    def _pass(self, operation: str) -> None:
        self.calls[operation] += 1
        if self._latency is not None and self._latency[0] == operation:
            _, seconds, clock = self._latency
            clock.advance(seconds)
        gate = self._gate
        if gate is not None and self._gated == operation:
            self.waiting.set()
            gate.wait()
            self.waiting.clear()

    def _due(self, operation: str) -> bool:
        self._pass(operation)
        if operation != self.operation:
            return False
        self.left -= 1
        if self.left >= 0 or (self.times is not None and self.left < -self.times):
            return False
        self.failed += 1
        return True

    def _strike(self, operation: str) -> None:
        if self._due(operation):
            raise OSError(self.number, os.strerror(self.number))

    def create(self, path: Path) -> int:
        self._strike("create")
        return super().create(path)

    def write(self, fd: int, buffers: Sequence[bytes]) -> int:
        if self._due("write"):
            if self.short is None:
                raise OSError(self.number, os.strerror(self.number))
            data = b"".join(buffers)[: self.short]
            return os.write(fd, data) if data else 0
        return super().write(fd, buffers)

    def truncate(self, fd: int, size: int) -> None:
        self._strike("truncate")
        if self.stuck:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().truncate(fd, size)

    def close(self, fd: int) -> None:
        super().close(fd)
        self._strike("close")

    def unlink(self, path: Path) -> None:
        self._strike("unlink")
        super().unlink(path)

    def flush(self, directory_fd: int) -> None:
        self._strike("flush")
        super().flush(directory_fd)


def unreadable(monkeypatch: pytest.MonkeyPatch, path: Path, number: int, beyond: int = 0) -> None:
    """Reading the file from byte `beyond` on fails with that errno, under this name."""
    real = os.pread

    def pread(fd: int, size: int, offset: int) -> bytes:
        if offset + size > beyond and os.readlink(f"/proc/self/fd/{fd}") == str(path):
            raise OSError(number, os.strerror(number))
        return real(fd, size, offset)

    monkeypatch.setattr(os, "pread", pread)
