"""A journal's file of lines, which is only ever appended to: certificates, seals.

Promises   what `append` returned from is on the disk, and what it raised for is not in the file; a line that a crash or a
           power cut did not finish is no line.
Does not   know what stands in the lines, nor who may write: callers hold the journal's lock.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from luytre.archive.disk import Disk
from luytre.base.errors import Error, Kind

_BLOCK = 1 << 16


def append(path: Path, disk: Disk, data: bytes) -> None:
    """Raises OSError, Error when the disk is full."""
    fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        size = os.fstat(fd).st_size
        try:
            if disk.write(fd, [data]) != len(data):
                raise Error(
                    Kind.UNAVAILABLE,
                    f"{path.parent.name}/{path.name}: the disk is full",
                    hint="Free space.",
                    cause="disk_full",
                )
            os.fsync(fd)
        except (OSError, Error):
            # What is not surely on the disk is not there at all: after a failed fsync the next one may say yes for nothing.
            with suppress(OSError):
                disk.truncate(fd, size)
            raise
    finally:
        disk.close(fd)


def is_whole(line: bytes) -> bool:
    """Of a line with its end. After a power cut a file may have its length and zeros in the place of lines."""
    return line.endswith(b"\n") and b"\0" not in line


def whole_end(fd: int) -> int:
    """Where the last whole line ends."""
    for start, line in backwards(fd, os.fstat(fd).st_size):
        if is_whole(line):
            return start + len(line)
    return 0


def backwards(fd: int, end: int) -> Iterator[tuple[int, bytes]]:
    """(offset, line with its end) from the last one to the first; the very last may lack its end."""
    rest = b""
    while end > 0 or rest:
        cut = rest.rfind(b"\n", 0, max(len(rest) - 1, 0))
        if cut >= 0 or end == 0:
            line = rest[cut + 1 :]
            rest = rest[: cut + 1]
            yield end + cut + 1, line
            continue
        begin = max(end - _BLOCK, 0)
        rest = os.pread(fd, end - begin, begin) + rest
        end = begin
