"""A volume: one directory on one disk, with a marker.

Promises   nothing is written to a directory whose marker is missing or belongs to another volume (invariant 1).
Does not   know what is recorded (index.py), nor when to delete (retention.py).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error, Kind, from_os
from luytre.base.ids import uuid7

MARKER = "volume.json"
# 2: parts have marks, segments are chained.
FORMAT = 2


@dataclass(frozen=True, slots=True)
class Volume:
    """place: (device, inode) of its directory when it was opened: what is mounted there now may be another."""

    path: Path
    id: str
    place: tuple[int, int] = field(compare=False)

    @property
    def index_path(self) -> Path:
        return self.path / "index.db"

    @property
    def video_path(self) -> Path:
        return self.path / "video"

    def space(self) -> tuple[int, int]:
        """(total bytes, bytes free for us) of the file system."""
        try:
            usage = shutil.disk_usage(self.path)
        except OSError as error:
            raise from_os(error, f"look at volume {self.path}") from error
        return usage.total, usage.free

    def is_read_only(self) -> bool:
        """Mounted so, or turned so by the kernel after errors."""
        try:
            return bool(os.statvfs(self.path).f_flag & os.ST_RDONLY)
        except OSError:
            return False

    def swapped_for(self, found: Volume) -> Error:
        """What to say when `found` is at its path now."""
        what = "mounted anew" if found.id == self.id else f"volume {found.id} now, it was {self.id}"
        return Error(
            Kind.UNAVAILABLE,
            f"{self.path} is {what}",
            hint="Nothing to do: it goes on with the disk that is there.",
            cause="disk_missing",
        )

    def must_be_here(self) -> None:
        """Raises Error when the marker is not there or not ours: the disk was unmounted or swapped, and what would
        be written now would land on another.
        """
        found = open_volume(self.path)
        if found.id != self.id:
            raise Error(
                Kind.UNAVAILABLE,
                f"{self.path} is volume {found.id} now, it was {self.id}",
                hint="Mount the disk that belongs there.",
                cause="disk_missing",
            )


def must_differ(volumes: Iterable[Volume]) -> None:
    """Raises Error(CONFLICT) when two paths lead to one volume: a bind mount, a link, a copied disk."""
    seen: dict[str, Path] = {}
    for volume in volumes:
        if volume.id in seen:
            raise mounted_twice(volume, seen[volume.id])
        seen[volume.id] = volume.path


def mounted_twice(volume: Volume, other: Path) -> Error:
    return Error(
        Kind.CONFLICT,
        f"{volume.path} and {other} are the same volume {volume.id}",
        hint="Give each disk one path in luytre.toml; a copy of a disk must not be mounted beside it.",
        cause="disk_error",
    )


def create_volume(path: Path, clock: Clock = SYSTEM) -> str:
    """Make `path` a volume and return its id; an existing volume is left as it is. A directory with other
    things in it is refused.
    """
    if (path / MARKER).exists():
        return open_volume(path).id
    try:
        path.mkdir(parents=True, exist_ok=True)
        # MARKER.new: an earlier attempt that was cut short.
        if any(entry.name not in ("lost+found", MARKER + ".new") for entry in path.iterdir()):
            raise Error(
                Kind.CONFLICT,
                f"{path} is not empty and is not a volume",
                hint="Choose an empty directory on the disk.",
                cause="disk_error",
            )
        volume_id = str(uuid7(clock))
        fresh = path / (MARKER + ".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump({"volume": volume_id, "format": FORMAT}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path / MARKER)
    except OSError as error:
        raise from_os(error, f"make volume {path}") from error
    return volume_id


def open_volume(path: Path) -> Volume:
    """Raises Error(NOT_FOUND) without a marker, Error(INVALID) for one that cannot be read."""
    try:
        there = path.stat()
        marker = json.loads((path / MARKER).read_text(encoding="utf-8"))
        volume_id, number = marker["volume"], marker["format"]
    except FileNotFoundError as error:
        raise Error(
            Kind.NOT_FOUND,
            f"{path} has no {MARKER}: the disk is not mounted, or it is not a volume",
            hint="Mount the disk; for a new disk run `luytre init`.",
            cause="disk_missing",
        ) from error
    except OSError as error:
        raise from_os(error, f"open volume {path}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Error(
            Kind.INVALID,
            f"{path / MARKER} cannot be read",
            hint="Restore it from a backup.",
            cause="disk_error",
        ) from error
    if number != FORMAT:
        raise Error(
            Kind.INVALID,
            f"{path} has format {number}, this program knows {FORMAT}",
            hint="Use the version of luytre that wrote it, or a newer one.",
            cause="disk_error",
        )
    return Volume(path, str(volume_id), (there.st_dev, there.st_ino))
