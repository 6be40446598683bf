"""The one error type.

    Error(kind, message, hint=..., cause=...)
      kind     closed set below; a door maps it to an HTTP status or an exit code, once
      cause    machine code of the domain ("auth_failed", "disk_full"); doors translate it for people
      message  English, for logs and programs: what happened, with the names of the things involved
      hint     what the reader can do next

Foreign errors are turned into a kind once, where they enter (socket, disk, database).
"""

from __future__ import annotations

import errno
from enum import StrEnum


class Kind(StrEnum):
    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    GONE = "gone"
    TOO_MANY = "too_many"
    UNAVAILABLE = "unavailable"
    DATA_LOSS = "data_loss"
    INTERNAL = "internal"


class Error(Exception):
    """An expected failure. `retry_after_s` is set where waiting helps and how long is known."""

    def __init__(
        self, kind: Kind, message: str, *, hint: str = "", cause: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint
        self.cause = cause or kind.value
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return self.message


def from_os(error: OSError, doing: str) -> Error:
    """Map an OSError of a disk operation to a kind; `doing` says what was tried ("write segment X")."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Error(
            Kind.UNAVAILABLE,
            f"{doing}: the disk is full",
            hint="Free space or shorten retention; recording resumes by itself.",
            cause="disk_full",
        )
    if error.errno in (errno.ENOENT,):
        return Error(Kind.NOT_FOUND, f"{doing}: {error.strerror}", hint="Check the path.", cause="file_lost")
    return Error(
        Kind.UNAVAILABLE,
        f"{doing}: {error.strerror or error}",
        hint="Check the disk and its cable; `luytre check` tells what was lost.",
        cause="disk_error",
    )
