"""`luytre archive status`."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from zoneinfo import ZoneInfo

from luytre.app.forecasts import forecasts
from luytre.app.store import Store
from luytre.archive.catalog import Archive, VolumeStatus
from luytre.archive.forecast import Forecast
from luytre.base.clock import rfc3339
from luytre.cli.language import find, say
from luytre.cli.moments import show
from luytre.cli.output import number, print_json, print_table, size


def status(directory: Path, as_json: bool) -> None:
    with closing(Store.open(directory)) as store:
        promised = {volume.path: store.config.promised_days for volume in store.config.volumes}
        volumes = Archive(list(promised), store.clock, promised).volumes()
        expected = forecasts(store)
        zone = store.zone
    if as_json:
        print_json({"volumes": [_volume_json(volume, expected.get(volume.path)) for volume in volumes]})
        return
    names = ("volume", "state", "size", "free", "used", "oldest", "promised", "holds", "missing")
    rows = [_volume_row(volume, expected.get(volume.path), zone) for volume in volumes]
    print_table([say(f"col.{name}") for name in names], rows)
    for path, forecast in expected.items():
        if forecast.alarm is not None:
            print(_alarm(path, forecast, zone), file=sys.stderr)


def _volume_json(volume: VolumeStatus, forecast: Forecast | None) -> dict[str, object]:
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
        "forecast": None if forecast is None else _forecast_json(forecast),
    }


def _forecast_json(forecast: Forecast) -> dict[str, object]:
    fields = asdict(forecast)
    at_us, breaks_at_us = fields.pop("at_us"), fields.pop("breaks_at_us")
    breaks_at = None if breaks_at_us is None else rfc3339(breaks_at_us)
    return {"at": rfc3339(at_us), **fields, "breaks_at": breaks_at}


def _volume_row(volume: VolumeStatus, forecast: Forecast | None, zone: ZoneInfo) -> list[str]:
    return [
        volume.path,
        find(f"volume.{volume.state}") or volume.state,
        size(volume.total_bytes),
        size(volume.free_bytes),
        size(volume.used_bytes),
        "" if volume.oldest_us is None else show(volume.oldest_us, zone),
        "" if forecast is None else _promised(forecast),
        "" if forecast is None or forecast.days_left is None else number(forecast.days_left, 1),
        "" if forecast is None or not forecast.missing_bytes else size(forecast.missing_bytes),
    ]


def _promised(forecast: Forecast) -> str:
    """`30`, or `7 - 30` where the classes on the volume are promised different things."""
    days = {days for one in forecast.classes for days in (one.promised_days, one.sub_days)}
    return " - ".join(f"{number(day)}" for day in sorted({min(days), max(days)})) if days else ""


def _alarm(path: str, forecast: Forecast, zone: ZoneInfo) -> str:
    at = "" if forecast.breaks_at_us is None else show(forecast.breaks_at_us, zone)
    return say(f"alarm.{forecast.alarm}", volume=path, missing=size(forecast.missing_bytes), at=at)
