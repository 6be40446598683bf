"""A volume: one directory on one disk, with a marker.

Promises   nothing is written to a directory whose marker is missing or belongs to another volume (invariant 1).
Does not   know what is recorded (index.py), nor when to delete (retention.py).
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error, Kind, from_os
from luytre.base.ids import uuid7

MARKER = "volume.json"
# 2: parts have marks, segments are chained.
FORMAT = 2


@dataclass(frozen=True, slots=True)
class Volume:
    path: Path
    id: str

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
        marker = json.loads((path / MARKER).read_text(encoding="utf-8"))
        volume_id, number = marker["volume"], marker["format"]
    except FileNotFoundError as error:
        raise Error(
            Kind.NOT_FOUND,
            f"{path} has no {MARKER}: the disk is not mounted, or it is not a volume",
            hint="Mount the disk; for a new disk run `luytre init`.",
            cause="disk_error",
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
    return Volume(path=path, id=str(volume_id))
