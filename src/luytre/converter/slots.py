"""How many streams may be encoded at the same time: each holds a lock on one of so many files in `run/`.

Promises   a worker that dies, however it dies, leaves its place to another: the kernel lets go of its lock.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from luytre.archive.keys import Cause
from luytre.base.errors import from_os
from luytre.converter.failures import failure


def take(run_folder: Path, slots: int) -> int:
    """An open descriptor that is a place among `slots` until it is closed. Raises Error(converter_busy)."""
    for number in range(slots):
        handle = _open(run_folder / f"encode-{number}.lock")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
        else:
            return handle
    raise failure(Cause.CONVERTER_BUSY, f"{slots} sources are encoded already, which is all that may be")


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise from_os(error, f"lock {path}") from error
