"""Can each volume hold what is promised of the cameras that record to it?"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from luytre.app.store import Store
from luytre.archive.forecast import Forecast, forecast
from luytre.archive.index import Index
from luytre.archive.retention import Policy
from luytre.archive.volume import open_volume
from luytre.base.errors import Error
from luytre.recorder.plan import Plan, VolumePlan


def forecasts(store: Store) -> dict[str, Forecast]:
    """By the volume's path; a volume that is away, or whose index cannot be read, has none."""
    plan = store.registry.plan(store.config)
    found = {}
    for volume in plan.volumes:
        told = _forecast(plan, volume, store.clock.wall_us())
        if told is not None:
            found[volume.path] = told
    return found


def _forecast(plan: Plan, planned: VolumePlan, now_us: int) -> Forecast | None:
    policy = Policy(plan.promises, planned.max_bytes, planned.reserve_bytes, plan.alarm_days)
    try:
        volume = open_volume(Path(planned.path))
        with closing(Index(volume.index_path, volume.id, read_only=volume.is_read_only())) as index:
            return forecast(volume, index, policy, now_us)
    except (Error, OSError, sqlite3.Error):
        return None
