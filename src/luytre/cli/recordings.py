"""`luytre archive status`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

from luytre.app.store import Store
from luytre.archive.catalog import Archive, VolumeStatus
from luytre.base.clock import rfc3339
from luytre.cli.language import find, say
from luytre.cli.moments import show
from luytre.cli.output import number, print_json, print_table, size


def status(directory: Path, as_json: bool) -> None:
    with closing(Store.open(directory)) as store:
        promised = {volume.path: volume.days for volume in store.config.volumes}
        volumes = Archive(list(promised), store.clock, promised).volumes()
        zone = store.zone
    if as_json:
        print_json({"volumes": [_volume_json(volume) for volume in volumes]})
        return
    names = ("volume", "state", "size", "free", "used", "oldest", "promised", "days_left")
    print_table([say(f"col.{name}") for name in names], [_volume_row(volume, zone) for volume in volumes])


def _volume_json(volume: VolumeStatus) -> dict[str, object]:
    return {
        "id": volume.id,
        "path": volume.path,
        "state": volume.state,
        "total_bytes": volume.total_bytes,
        "free_bytes": volume.free_bytes,
        "used_bytes": volume.used_bytes,
        "oldest": None if volume.oldest_us is None else rfc3339(volume.oldest_us),
        "segments": volume.segments,
        "promised_days": volume.promised_days,
        "days_left": volume.days_left,
    }


def _volume_row(volume: VolumeStatus, zone: ZoneInfo) -> list[str]:
    return [
        volume.path,
        find(f"volume.{volume.state}") or volume.state,
        size(volume.total_bytes),
        size(volume.free_bytes),
        size(volume.used_bytes),
        "" if volume.oldest_us is None else show(volume.oldest_us, zone),
        "" if volume.promised_days is None else number(volume.promised_days),
        "" if volume.days_left is None else number(volume.days_left, 1),
    ]
