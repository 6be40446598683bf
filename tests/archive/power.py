"""A disk whose power can be cut, and a process that can be killed at any operation on it.

Promises   `cut` leaves on the disk what a power cut may leave: all that was there at the last flush, and of what came after
           it any part. Per file: a prefix, perhaps with zeros up to a later size (ext4 writes a file's length and its
           bytes at different times); what was created is there, empty or gone; what was deleted is gone or back. The index
           is that of the last flush with a random piece of its log (PRAGMA synchronous = NORMAL writes on without waiting).
Does not   reorder bytes inside what was flushed, nor undo the files that are written with fsync around the seam (holds,
           certificates, the volume's marker).
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.archive.faulty import FaultyDisk, Killed

WAL_HEADER = 32


@dataclass(slots=True)
class _Durable:
    """A file as it is on the disk for certain. `lost`: bytes of it that were cut off since, from `size` on."""

    size: int
    lost: bytes = b""


@dataclass(frozen=True, slots=True)
class _IndexCopy:
    inode: int
    database: bytes
    log: bytes


class PowerDisk(FaultyDisk):
    """One volume's. Everything happens in one thread at a time: the tests take turns with the writer."""

    def __init__(self) -> None:
        super().__init__()
        self.folder: Path | None = None
        self._paths: dict[int, Path] = {}
        self._durable: dict[Path, _Durable] = {}
        self._created: set[Path] = set()
        self._deleted: dict[Path, bytes] = {}
        self._index: _IndexCopy | None = None
        self._die_in: int | None = None
        self.dead = False
        # What a reader may count on whatever happens: bytes by file.
        self.flushed: dict[Path, int] = {}

    # -- the process --------------------------------------------------------------------------------------------

    def kill_in(self, operations: int | None) -> None:
        """The process dies in the middle of the operation that many operations from now; None: it does not."""
        self._die_in = operations

    def _due(self, operation: str) -> bool:
        if self.dead:
            raise Killed
        if self._die_in is not None:
            self._die_in -= 1
            if self._die_in < 0:
                self.dead = True
                raise Killed
        return super()._due(operation)

    def write(self, fd: int, buffers: Sequence[bytes]) -> int:
        self._know(fd)
        alive = not self.dead
        try:
            return super().write(fd, buffers)
        except Killed:
            if alive:
                data = b"".join(buffers)
                os.write(fd, data[: len(data) // 2])
            raise

    def create(self, path: Path) -> int:
        fd = super().create(path)
        self._paths[fd] = path
        self._created.add(path)
        return fd

    def truncate(self, fd: int, size: int) -> None:
        path = self._know(fd)
        durable = self._durable.get(path)
        if durable is not None and size < durable.size:
            kept = os.pread(fd, durable.size - size, size)
            durable.size, durable.lost = size, kept + durable.lost
        super().truncate(fd, size)

    def close(self, fd: int) -> None:
        self._paths.pop(fd, None)
        if self.dead:
            os.close(fd)
            return
        super().close(fd)

    def unlink(self, path: Path) -> None:
        data = path.read_bytes() if path in self._durable and path.exists() else None
        super().unlink(path)
        if data is not None:
            self._deleted[path] = data

    def _know(self, fd: int) -> Path:
        """Files are opened for healing around the seam."""
        return self._paths.setdefault(fd, Path(os.readlink(f"/proc/self/fd/{fd}")))

    def let_go(self) -> None:
        """What the kernel does for a process that died: its files are closed, its locks are free."""
        for fd in list(self._paths):
            os.close(fd)
        self._paths.clear()
        self.dead, self._die_in = False, None

    # -- the power ----------------------------------------------------------------------------------------------

    def flush(self, directory_fd: int) -> None:
        # Nothing is asked of the real disk: what it would keep is remembered here.
        self._strike("flush")
        self.folder = Path(os.readlink(f"/proc/self/fd/{directory_fd}"))
        self._all_is_durable(self.folder)
        self._index = _copy_index(self.folder)

    def _all_is_durable(self, folder: Path) -> None:
        sizes = {path: path.stat().st_size for path in (folder / "video").glob("*/*/*/*") if path.is_file()}
        self._durable = {path: _Durable(size) for path, size in sizes.items()}
        self.flushed = sizes
        self._created.clear()
        self._deleted.clear()

    def cut(self, dice: random.Random, close: Callable[[], None]) -> None:
        """The power is gone. `close` drops the dead process's index, which would write it out."""
        assert self.folder is not None, "nothing was ever flushed"
        path = self.folder / "index.db"
        now = _copy_index(self.folder)
        close()
        self.let_go()
        _put_back_index(path, self._index, now, dice)
        for file in sorted(self._created, key=_place):
            if file.exists():
                _lose_new(file, dice)
        for file, data in sorted(self._deleted.items(), key=lambda item: _place(item[0])):
            if dice.random() < 0.5 and not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
        for file, durable in sorted(self._durable.items(), key=lambda item: _place(item[0])):
            if file.exists() and file not in self._created:
                _lose_end(file, durable, dice)
        self._all_is_durable(self.folder)
        self._index = _copy_index(self.folder)


def _place(file: Path) -> tuple[str, str, str]:
    """In the order of recording, whatever the run is called: so that the dice fall the same way each time."""
    return str(file.parent), file.name[:6], file.name[-8:]


def _lose_new(file: Path, dice: random.Random) -> None:
    """Of a file made since the last flush."""
    fate = dice.randrange(4)
    if fate == 0:
        file.unlink()
    elif fate == 1:
        os.truncate(file, 0)
    else:
        _lose_end(file, _Durable(0), dice)


def _lose_end(file: Path, durable: _Durable, dice: random.Random) -> None:
    """Of what was appended since, a prefix stays; the length may be further than the bytes."""
    size = file.stat().st_size
    if durable.lost and dice.random() < 0.5:
        # It was cut back since, and the cut did not get there, nor did what was written behind it.
        with file.open("r+b") as stream:
            stream.truncate(durable.size)
            stream.seek(durable.size)
            stream.write(durable.lost)
        return
    if size <= durable.size:
        return
    kept = dice.randint(durable.size, size)
    os.truncate(file, kept)
    if dice.random() < 0.5:
        os.truncate(file, dice.choice((size, dice.randint(kept, size))))


def _copy_index(folder: Path) -> _IndexCopy | None:
    path = folder / "index.db"
    if not path.exists():
        return None
    log = Path(f"{path}-wal")
    return _IndexCopy(path.stat().st_ino, path.read_bytes(), log.read_bytes() if log.exists() else b"")


def _put_back_index(
    path: Path, flushed: _IndexCopy | None, now: _IndexCopy | None, dice: random.Random
) -> None:
    for ending in ("", "-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)
    if flushed is None or now is None or flushed.inode != now.inode:
        # Made since the last flush: a new one that may not have got there, or has wholly.
        if now is not None and dice.random() < 0.5:
            path.write_bytes(now.database)
            Path(f"{path}-wal").write_bytes(now.log)
        return
    log = flushed.log
    # The header tells whether the log was begun anew since (then it is the flushed one that is put back).
    if now.log[:WAL_HEADER] == log[:WAL_HEADER]:
        log = now.log[: dice.randint(len(log), len(now.log))]
    path.write_bytes(flushed.database)
    Path(f"{path}-wal").write_bytes(log)
