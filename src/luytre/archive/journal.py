"""A quick disk takes first what a slow one gets in large pieces (design/archive.md, "Journal").

    <folder>/journal.json            marker: the disk is mounted, and may be written to
    <folder>/<volume>-<n>.journal    what was done to the volume's files since its disk was last flushed; its writer locks it

A journal file: MAGIC, the volume's id (36 bytes), then records: u32 length, u32 CRC-32, body. A body: kind (1 byte), u64
offset, u16 length of the path, path below the volume, data.

Promises   what a flush has returned for is on the quick disk or on the volume's own; what a journal that is cut short, or
           not ours, says beyond its last whole record is not done.
Does not   keep the index: that is healed from the files.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from luytre.archive.disk import write_all
from luytre.base.errors import Error, Kind, from_os

MARKER = "journal.json"
MAGIC = b"LTJ1"
CREATE, WRITE, TRUNCATE, UNLINK = b"C", b"W", b"T", b"U"
_FRAME = struct.Struct(">II")
_BODY = struct.Struct(">cQH")
# No part is longer: what claims to be is no record.
MAX_RECORD = 64 << 20


def create_journal(folder: Path) -> None:
    """Make `folder` one that journals may be written to; one that is already is left as it is. Raises Error."""
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        (folder / MARKER).touch(mode=0o640)
    except OSError as error:
        raise from_os(error, f"make journal {folder}") from error


class JournalFile:
    """One file while it is being written. Raises OSError where the quick disk fails, Error where it is not mounted."""

    def __init__(self, folder: Path, volume_id: str) -> None:
        if not is_there(folder):
            raise Error(
                Kind.NOT_FOUND,
                f"{folder} has no {MARKER}: the disk is not mounted, or it is not for journals",
                hint="Mount the disk; for a new one run `luytre init DIR --new-disks`.",
                cause="disk_missing",
            )
        self.path, self._fd = _fresh(folder, volume_id)
        self.size = 0
        # It tells nothing yet.
        self._is_empty = True
        try:
            self._append([MAGIC, volume_id.encode()])
        except BaseException:
            self.close()
            raise

    def note(self, kind: bytes, path: str, offset: int, data: Sequence[bytes] = ()) -> None:
        name = path.encode()
        head = _BODY.pack(kind, offset, len(name)) + name
        size, check = len(head), crc32(head)
        for piece in data:
            size, check = size + len(piece), crc32(piece, check)
        self._is_empty = False
        self._append([_FRAME.pack(size, check), head, *data])

    def _append(self, pieces: Sequence[bytes]) -> None:
        size = sum(map(len, pieces))
        if write_all(self._fd, pieces) != size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.size += size

    def sync(self) -> None:
        os.fdatasync(self._fd)

    def close(self) -> None:
        """Let it go; only one that tells nothing is removed."""
        if self._is_empty:
            self._unlink()
        with suppress(OSError):
            os.close(self._fd)

    def remove(self) -> None:
        """What it tells is on the volume's own disk."""
        self._unlink()
        with suppress(OSError):
            os.close(self._fd)

    def _unlink(self) -> None:
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def is_there(folder: Path) -> bool:
    """The quick disk is mounted."""
    return (folder / MARKER).exists()


def _fresh(folder: Path, volume_id: str) -> tuple[Path, int]:
    numbers = [_number(path) for path in folder.glob(f"{volume_id}-*.journal")]
    number = max(numbers, default=0)
    while True:
        number += 1
        path = folder / f"{volume_id}-{number:06}.journal"
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o640)
        except FileExistsError:
            # Another recorder writes to the same volume.
            continue
        if _lock(fd):
            return path, fd
        # Another recorder begins just now, and took it for one that nobody writes.
        os.close(fd)


def _lock(fd: int) -> bool:
    """The journal is ours, and still has a name."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.fstat(fd).st_nlink > 0


def _number(path: Path) -> int:
    text = path.stem.rpartition("-")[2]
    return int(text) if text.isdigit() else 0


@dataclass(frozen=True, slots=True)
class Record:
    kind: bytes
    path: str
    offset: int
    data: bytes


def records(path: Path, volume_id: str) -> Iterator[Record]:
    """The whole records of a journal of that volume, in order; nothing from one of another."""
    with path.open("rb") as file:
        begin = MAGIC + volume_id.encode()
        if file.read(len(begin)) != begin:
            return
        while len(frame := file.read(_FRAME.size)) == _FRAME.size:
            size, check = _FRAME.unpack(frame)
            if not _BODY.size <= size <= MAX_RECORD:
                return
            body = file.read(size)
            if len(body) != size or crc32(body) != check:
                return
            kind, offset, length = _BODY.unpack_from(body)
            data_at = _BODY.size + length
            yield Record(kind, body[_BODY.size : data_at].decode(errors="replace"), offset, body[data_at:])


@contextmanager
def replaying(folder: Path, volume_id: str) -> Iterator[None]:
    """One at a time over all recorders: none heals a file while another still brings it up to date."""
    fd = os.open(folder / f"{volume_id}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def waiting(folder: Path, volume_id: str) -> list[tuple[Path, int]]:
    """Journals of the volume that no living recorder writes, oldest first, each locked: path and descriptor."""
    found: list[tuple[Path, int]] = []
    try:
        for path in sorted(folder.glob(f"{volume_id}-*.journal"), key=_number):
            try:
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                # Its writer is done with it.
                continue
            if _lock(fd):
                found.append((path, fd))
            else:
                os.close(fd)
    except BaseException:
        for _, fd in found:
            os.close(fd)
        raise
    return found
