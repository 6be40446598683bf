"""Bring a volume up to what its journals tell, after a power cut (design/archive.md, "Journal").

Promises   doing it twice, or after only half of it was done, comes to the same; nothing is written outside `video/`;
           memory for one record at a time and the names of the files.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from luytre.archive import recover
from luytre.archive.disk import Disk, flush, is_being_written
from luytre.archive.journal import (
    CREATE,
    TRUNCATE,
    UNLINK,
    WRITE,
    Record,
    is_there,
    records,
    replaying,
    waiting,
)
from luytre.base.errors import Error

# A journal that is older than the newest one by more than this was given up, and the volume went on: retention may have
# deleted since what it made.
STALE_S = 600.0


def replay(folder: Path, root: Path, volume_id: str, disk: Disk) -> int:
    """Do again what the journals in `folder` tell of the volume at `root`, then remove them. Gives the number of records.
    Raises OSError when the volume's disk does not take it: the journals stay.
    """
    if not is_there(folder):
        return 0
    with replaying(folder, volume_id):
        return _replay(folder, root, volume_id, disk)


def forget(folder: Path, volume_id: str) -> None:
    """Journals that were not there when the volume was taken up tell of a past that has been settled without them."""
    for path, fd in waiting(folder, volume_id):
        try:
            path.unlink(missing_ok=True)
        finally:
            os.close(fd)


def _replay(folder: Path, root: Path, volume_id: str, disk: Disk) -> int:
    journals = waiting(folder, volume_id)
    try:
        # Read twice: a journal may be larger than the memory. Nobody changes it, for it is locked.
        done = _finished_since(
            root, (record for path, _ in journals for record in _of_the_video(path, volume_id))
        )
        ages = _ages([fd for _, fd in journals])
        count = 0
        for (path, _), age_s in zip(journals, ages, strict=True):
            for record in _of_the_video(path, volume_id):
                count += 1
                if record.path not in done:
                    _do(root / record.path, record, makes=age_s <= STALE_S)
        if count:
            flush(disk, root)
        for path, _ in journals:
            path.unlink(missing_ok=True)
        return count
    finally:
        for _, fd in journals:
            os.close(fd)


def _ages(fds: list[int]) -> list[float]:
    """By how many seconds each is older than the newest: not than now, for the node may have been off for a week."""
    written_s = [os.fstat(fd).st_mtime for fd in fds]
    newest_s = max(written_s, default=0.0)
    return [newest_s - at_s for at_s in written_s]


def _of_the_video(journal: Path, volume_id: str) -> Iterator[Record]:
    return (record for record in records(journal, volume_id) if _is_ours(record.path))


def _is_ours(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return len(parts) > 1 and parts[0] == "video" and ".." not in parts


def _finished_since(root: Path, told: Iterable[Record]) -> set[str]:
    """Files that somebody closed at another place than the journal does: a repair that came first."""
    ends: dict[str, int] = {}
    for record in told:
        if record.kind == WRITE:
            ends[record.path] = max(ends.get(record.path, 0), record.offset + len(record.data))
        elif record.kind == TRUNCATE:
            ends[record.path] = record.offset
    return {path for path, end in ends.items() if _is_settled(root / path, end)}


def _is_settled(path: Path, end: int) -> bool:
    try:
        if not path.exists():
            return False
        if is_being_written(path):
            return True
        found = recover.contents(path)
    except (OSError, Error):
        return False
    return found is not None and found.whole and found.size != end


def _do(path: Path, record: Record, *, makes: bool) -> None:
    """`makes`: a file that is missing is made."""
    if record.kind == UNLINK:
        path.unlink(missing_ok=True)
        return
    how = os.O_RDWR | os.O_CLOEXEC
    if record.kind == CREATE and makes:
        path.parent.mkdir(parents=True, exist_ok=True)
        how |= os.O_CREAT
    try:
        fd = os.open(path, how, 0o640)
    except FileNotFoundError:
        # It was on the disk when the journal began, or long ago, and has been deleted since.
        return
    try:
        if record.kind == WRITE:
            _write_at(fd, record)
        elif record.kind == TRUNCATE:
            with suppress(OSError):
                if os.fstat(fd).st_size > record.offset:
                    os.ftruncate(fd, record.offset)
    finally:
        os.close(fd)


def _write_at(fd: int, record: Record) -> None:
    if os.fstat(fd).st_size < record.offset:
        # What lies before was never told, so it cannot be made whole.
        return
    done = 0
    while done < len(record.data):
        done += os.pwrite(fd, record.data[done:], record.offset + done)
