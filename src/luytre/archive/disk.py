"""The seam to the disk: everything the writer does to a file goes through here, so that faults can be injected.

Each method may raise OSError; callers map it (`base.errors.from_os`).
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

# Linux takes at most 1024 buffers per writev (IOV_MAX in <limits.h>).
IOV_MAX = 1024
# What a disk that failed is asked to take, to learn whether it does again: a file named so, "-" and the process that asks.
PROBE_NAME = ".probe"
PROBE_BYTES = 1 << 16
# Ending of a segment's name until it is locked.
UNBORN = ".unborn"


class Disk(Protocol):
    def begin(self, root: Path, volume_id: str) -> None:
        """Before anything of the volume is read: what a power cut kept from it is written to it."""

    def end(self) -> None:
        """Nothing more will be written: what is kept elsewhere is done with, once the disk has all of it."""

    def abandon(self) -> None:
        """The disk cannot be reached, or `end` failed: nothing is written or flushed, and what is kept elsewhere waits for
        whoever begins next. Raises nothing; does nothing after `end`, or twice.
        """

    def create(self, path: Path) -> int:
        """A new file for writing; fails where one exists. Returns the file descriptor."""

    def write(self, fd: int, buffers: Sequence[bytes]) -> int:
        """Append all buffers; returns the bytes written, fewer than given only when the disk took no more."""

    def truncate(self, fd: int, size: int) -> None: ...

    def close(self, fd: int) -> None: ...

    def unlink(self, path: Path) -> None: ...

    def flush(self, directory_fd: int) -> None:
        """Everything written to the file system of `directory_fd` is on the disk when this returns."""


class OsDisk:
    """The real disk."""

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._syncfs = getattr(libc, "syncfs", None)

    def begin(self, root: Path, volume_id: str) -> None:
        """Nothing is kept elsewhere."""

    def end(self) -> None:
        """Nothing is kept elsewhere."""

    def abandon(self) -> None:
        """Nothing is kept elsewhere."""

    def create(self, path: Path) -> int:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Nobody sees the file before it is locked: a check would take it for a leftover.
        unborn = path.with_suffix(UNBORN)
        fd = os.open(unborn, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        try:
            # Held as long as somebody writes the file, and let go by the kernel when that process dies: see
            # is_being_written.
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
            unborn.rename(path)
        except OSError:
            os.close(fd)
            unborn.unlink(missing_ok=True)
            raise
        return fd

    def write(self, fd: int, buffers: Sequence[bytes]) -> int:
        return write_all(fd, buffers)

    def truncate(self, fd: int, size: int) -> None:
        os.ftruncate(fd, size)
        os.lseek(fd, size, os.SEEK_SET)

    def close(self, fd: int) -> None:
        os.close(fd)

    def unlink(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def flush(self, directory_fd: int) -> None:
        if self._syncfs is None:
            os.sync()
        elif self._syncfs(directory_fd) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


def write_all(fd: int, buffers: Sequence[bytes]) -> int:
    """Bytes written: fewer than given when the disk took no more."""
    total = 0
    for at in range(0, len(buffers), IOV_MAX):
        batch = buffers[at : at + IOV_MAX]
        size = sum(map(len, batch))
        written = os.writev(fd, batch)
        total += written
        if written != size:
            return total
    return total


def is_being_written(path: Path) -> bool:
    """Some living process has the file open for recording."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(fd)


def flush(disk: Disk, folder: Path) -> None:
    """All that was written to the file system of `folder` is safe. Raises OSError."""
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        disk.flush(directory)
    finally:
        os.close(directory)


def sync_folder(folder: Path) -> None:
    """The names in it are safe. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def probe(disk: Disk, folder: Path) -> None:
    """Write a file of a few pages and remove it; the flush that follows proves it. Raises OSError."""
    path = folder / f"{PROBE_NAME}-{os.getpid()}"
    for leftover in folder.glob(f"{PROBE_NAME}*"):
        if not _is_anothers(leftover):
            disk.unlink(leftover)
    fd = disk.create(path)
    try:
        if disk.write(fd, [bytes(PROBE_BYTES)]) != PROBE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        disk.unlink(path)
        disk.close(fd)


def _is_anothers(probed: Path) -> bool:
    """The probe of another process that lives: several recorders write to a volume."""
    number = probed.stem.rpartition("-")[2]
    return number.isdigit() and int(number) != os.getpid() and Path("/proc", number).exists()
