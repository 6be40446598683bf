"""What went wrong with a volume: faults of the disk and of SQLite, told apart by what helps.

Does not   handle them: the writer ends the run, `rebuild.py` makes a broken index again.
"""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from luytre.archive.keys import Cause
from luytre.base.errors import Error, Kind, from_os

# Faults of the disk or of the moment: the index itself may be whole.
_PASSING = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PROTOCOL,
)
_BY_NUMBER = {
    errno.ENOSPC: Cause.DISK_FULL,
    errno.EDQUOT: Cause.DISK_FULL,
    errno.EROFS: Cause.DISK_READ_ONLY,
    # The device is gone, or was taken out from under its file system.
    errno.ENODEV: Cause.DISK_MISSING,
    errno.ENXIO: Cause.DISK_MISSING,
    errno.ENOMEDIUM: Cause.DISK_MISSING,
}
_OF_DISKS = frozenset(
    {
        Cause.DISK_FULL,
        Cause.DISK_SLOW,
        Cause.DISK_ERROR,
        Cause.DISK_MISSING,
        Cause.DISK_READ_ONLY,
    }
)


# The place on the disk is broken: a sector, a block of the file system, a checksum. Waiting does not mend it.
_BROKEN_PLACES = (errno.EIO, errno.EUCLEAN, errno.EBADMSG, errno.ENODATA, errno.EILSEQ)


class ReadFault(Error):
    """A file could not be read. `lasting`: its place on the disk is broken; else it is the moment, or its rights."""

    def __init__(self, error: OSError, doing: str) -> None:
        found = from_os(error, doing)
        super().__init__(found.kind, found.message, hint=found.hint, cause=found.cause)
        self.lasting = error.errno in _BROKEN_PLACES


def is_full(error: Exception) -> bool:
    return isinstance(error, sqlite3.Error) and _code(error) == sqlite3.SQLITE_FULL


def is_broken(error: Exception) -> bool:
    """The file is no database of ours any more: neither waiting nor room on the disk will mend it."""
    broken = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return isinstance(error, sqlite3.Error) and _code(error) in broken


def cause_of(error: OSError | sqlite3.Error | Error) -> Cause:
    """Why a write failed, as the ledger tells it: one of the disk_* causes, disk_error for all that is not told apart."""
    if isinstance(error, Error):
        return Cause(error.cause) if error.cause in _OF_DISKS else Cause.DISK_ERROR
    if isinstance(error, OSError):
        return _BY_NUMBER.get(error.errno or 0, Cause.DISK_ERROR)
    if is_full(error):
        return Cause.DISK_FULL
    return Cause.DISK_READ_ONLY if _code(error) == sqlite3.SQLITE_READONLY else Cause.DISK_ERROR


def unreadable(path: Path, error: sqlite3.Error) -> Error:
    """Why an index could not be opened. DATA_LOSS, for which it is set aside, only where its own bytes are to blame:
    too many open files must not cost a good one.
    """
    if is_full(error):
        return Error(Kind.UNAVAILABLE, f"{path}: the disk is full", hint="Free space.", cause="disk_full")
    if _code(error) in _PASSING and path.exists():
        return Error(
            Kind.UNAVAILABLE,
            f"{path} cannot be opened: {error}",
            hint="Look at the disk, and at the rights of its folder.",
            cause="disk_error",
        )
    return Error(
        Kind.DATA_LOSS,
        f"{path} cannot be read: {error}",
        hint="Run `luytre check --repair`.",
        cause="file_lost",
    )


def _code(error: sqlite3.Error) -> int | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    # The upper bits say more closely what failed; the lowest eight are the kind.
    return None if code is None else code & 0xFF
