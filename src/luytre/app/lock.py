"""One `luytre run` per directory.

Promises   the lock ends with the process that holds it, however it ends (flock).
Does not   work over network file systems; neither does the archive.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from luytre.base.errors import Error, Kind, from_os

FILE = "lock"


def take_if_free(path: Path) -> int | None:
    """A file descriptor that keeps others from taking `path` until it is closed; None while somebody else has it."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise from_os(error, f"open {path}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def take(run_folder: Path) -> int:
    """A file descriptor that holds the lock until it is closed. Raises Error(CONFLICT,
    cause="already_running").
    """
    path = run_folder / FILE
    handle = take_if_free(path)
    if handle is None:
        holder = path.read_bytes()[:32].decode(errors="replace").strip() or "?"
        raise Error(
            Kind.CONFLICT,
            f"a node already runs on {run_folder.parent} (process {holder})",
            hint="Stop that one first, or use another directory.",
            cause="already_running",
        )
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    return handle
