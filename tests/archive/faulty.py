"""Disks and indexes that fail when told to."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from luytre.archive.disk import OsDisk


class FaultyDisk(OsDisk):
    """Counts the calls of one operation and fails from a given one on, until `heal`.

    short   write() first takes that many bytes, as a disk does that fills up in the middle
    """

    def __init__(self) -> None:
        super().__init__()
        self.operation = ""
        self.left = 0
        self.number = errno.EIO
        self.short: int | None = None
        # What a failed write is cut back by fails too.
        self.stuck = False
        self.failed = 0

    def fail(self, operation: str, number: int, *, after: int = 0, short: int | None = None) -> None:
        self.operation, self.number, self.left, self.short = operation, number, after, short

    def heal(self) -> None:
        self.operation, self.stuck = "", False

    def _due(self, operation: str) -> bool:
        if operation != self.operation:
            return False
        self.left -= 1
        if self.left >= 0:
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
