"""Ballast: a few megabytes of nothing, given up when the disk is full.

On a disk without a free byte nothing can be deleted either, because each deletion is first written to the index.
"""

from __future__ import annotations

import os

from luytre.archive.volume import Volume

NAME = ".ballast"
# A batch of deletions takes some pages of 4 kB for each segment in the index's log.
SIZE = 4 << 20


def take_on(volume: Volume) -> bool:
    """Lay it down while there is plenty of room. False when there is not."""
    path = volume.path / NAME
    if path.exists():
        return True
    if volume.space()[1] < 8 * SIZE:
        return False
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        os.posix_fallocate(fd, 0, SIZE)
    finally:
        os.close(fd)
    return True


def drop(volume: Volume) -> bool:
    """Give it up. False when there was none."""
    try:
        (volume.path / NAME).unlink()
    except OSError:
        return False
    return True
