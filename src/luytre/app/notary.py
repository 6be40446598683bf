"""The notary: seals the volumes and writes the daily certificates. One turn, then it ends; the supervisor starts it again.

    python -m luytre.app.notary DIR

Promises   what cannot be done for one volume or one day costs no other, nor does a disk that hangs; the exit code says
           whether all was done; a day is certified only when it has surely ended.
Does not   run for long, nor twice at the same time; recording never waits for it.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from luytre.app import daily, daybook
from luytre.app.lock import take_if_free
from luytre.app.patience import answers_of
from luytre.app.store import Store
from luytre.archive import seals, sweep_clock
from luytre.archive.catalog import Archive
from luytre.archive.index import Index
from luytre.archive.rebuild import PENDING
from luytre.archive.sweep_clock import SET_US
from luytre.archive.volume import Volume, open_volume
from luytre.base import config as settings
from luytre.base import log
from luytre.base.clock import SYSTEM, US_PER_S, Clock, to_datetime
from luytre.base.errors import Error
from luytre.base.signing import Signer, load_signer
from luytre.base.timekeeping import NODE_CLOCK
from luytre.cameras.days import bounds
from luytre.cameras.planning import promises_of
from luytre.cameras.registry import RUN_FOLDER

# Older days that have no certificate stay without: their gaps may have been deleted.
DAYS_BACK: Final = 7
# What was recorded just before midnight is in its files and in the index by then.
SETTLED_US: Final = 300 * US_PER_S
# Together less than a turn may last (supervisor.NOTARY_TURNS). Volumes are visited side by side: one that hangs keeps no
# other waiting.
VISIT_S: Final = 240.0
CERTIFY_S: Final = 560.0

_log = log.get("notary")


@dataclass(frozen=True, slots=True)
class Visit:
    """is_done      sealed, or there was nothing to seal
    is_pending   its index was lost and is being read in: what it tells of a day is half of it
    believed_us  the time of its keeper's last sweep
    """

    is_done: bool
    is_pending: bool = False
    believed_us: int | None = None


def take_turn(
    directory: Path,
    clock: Clock = SYSTEM,
    *,
    synchronised: Callable[[], bool] = lambda: NODE_CLOCK.error_us() is not None,
    visit_s: float = VISIT_S,
) -> bool:
    """True when everything there was to do is done. Raises Error when DIR is no node, or its key cannot be read."""
    with closing(Store.open(directory, clock)) as store:
        signer = load_signer(store.directory / settings.KEY_FILE)
        visits = _visit_all(store, signer, visit_s)
        now_us = _ended_us(clock.wall_us(), visits, synchronised())
        # Its threads read the volumes too.
        certified = answers_of({"days": lambda: _certify(store, signer, visits, now_us)}, CERTIFY_S)
        if not certified:
            _log.warning("no day certified, a disk does not answer")
        done = len(visits) == len(_volumes(store)) and all(visit.is_done for visit in visits.values())
        return done and certified.get("days", False)


def _volumes(store: Store) -> list[Path]:
    return [volume.path for volume in store.config.volumes]


# -- seals --------------------------------------------------------------------------------------------------------


def _visit_all(store: Store, signer: Signer, limit_s: float) -> dict[Path, Visit]:
    """By path; a volume that does not answer is left out."""
    visits: dict[Path, Callable[[], Visit]] = {}
    for path in _volumes(store):
        lock = alone(store.directory, f"notary-{sha256(bytes(path)).hexdigest()[:16]}")
        # An earlier turn still hangs there: one at most, each holds memory.
        if lock is not None:
            visits[path] = partial(_visit, store, path, signer, lock)
    found = answers_of(visits, limit_s)
    for path in _volumes(store):
        if path not in found:
            _log.warning("volume does not answer", volume=str(path))
    return {path: found[path] for path in visits if path in found}


def _visit(store: Store, path: Path, signer: Signer, lock: int) -> Visit:
    """`lock` is held until the visit ends."""
    try:
        volume = open_volume(path)
        if volume.is_read_only():
            # Nothing is added to it that would have to be sealed, and nothing can be.
            return Visit(True)
        with closing(Index(volume.index_path, volume.id)) as index:
            pending, believed_us = index.meta("import") == PENDING, sweep_clock.believed_us(index)
            return Visit(_seal(store, volume, index, signer), pending, believed_us)
    except (Error, OSError, sqlite3.Error) as error:
        _log.warning("volume not sealed", volume=str(path), error=str(error))
        return Visit(False)
    finally:
        os.close(lock)


def _seal(store: Store, volume: Volume, index: Index, signer: Signer) -> bool:
    now_us = store.clock.wall_us()
    if not seals.is_due(volume, now_us):
        return True
    try:
        seal = seals.seal(volume, index, signer.sign, signer.public_key, now_us)
        if seal is not None:
            seals.remember(store.directory, volume, seal)
            _log.info("volume sealed", volume=str(volume.path), seq=seal.seq)
        return True
    except (Error, OSError, sqlite3.Error) as error:
        _log.warning("volume not sealed", volume=str(volume.path), error=str(error))
        return False


# -- daily certificates -------------------------------------------------------------------------------------------


def _ended_us(wall_us: int, visits: dict[Path, Visit], synchronised: bool) -> int | None:
    """Up to when days have surely ended: by the node's clock where somebody keeps it, else by the time that the volumes'
    keepers believe (`archive/sweep_clock.py`); None where nobody knows.
    """
    if synchronised:
        return wall_us
    believed = [visit.believed_us for visit in visits.values() if visit.believed_us is not None]
    if not believed:
        return None
    return wall_us if wall_us <= min(believed) + SET_US else min(believed)


def _certify(store: Store, signer: Signer, visits: dict[Path, Visit], now_us: int | None) -> bool:
    waiting = [str(path) for path, visit in visits.items() if visit.is_pending]
    if waiting or now_us is None:
        why = (
            "index being read in"
            if waiting
            else "the clock is not synchronised, and no volume tells the time"
        )
        _log.info("days wait", why=why, volumes=waiting)
        return False
    written = daybook.dates(store.directory)
    today = _today(now_us, store.zone)
    if written and written[-1] > today:
        _log.warning(
            "certificates of days to come, made by a clock that was ahead", newest=written[-1].isoformat()
        )
    for day in due(written, store.zone, now_us):
        try:
            _write(_ward(store, visits), store, day, today, signer)
        except (Error, OSError, sqlite3.Error) as error:
            # The next day's page tells this one's hash: it waits for it.
            _log.warning("day not certified", day=day.isoformat(), error=str(error))
            return False
    return True


def _today(now_us: int, zone: ZoneInfo) -> date:
    return to_datetime(now_us).astimezone(zone).date()


def due(written: list[date], zone: ZoneInfo, now_us: int) -> Iterator[date]:
    """Days that have ended, settled, and are not written, oldest first; none before the last that is written. Pages of
    days to come do not count.
    """
    settled_us = now_us - SETTLED_US
    today = _today(settled_us, zone)
    last = max((day for day in written if day <= today), default=date.min)
    for back in range(DAYS_BACK, 0, -1):
        day = today - timedelta(days=back)
        if day > last and bounds(day, zone)[1] <= settled_us:
            yield day


def _write(ward: daily.Ward, store: Store, day: date, today: date, signer: Signer) -> None:
    content = daily.measure(ward, day, store.clock.wall_us())
    if not content.cameras:
        return
    if daybook.add(store.directory, asdict(content), signer.sign, signer.public_key, today):
        _log.info("day certified", day=day.isoformat(), cameras=len(content.cameras))


def _ward(store: Store, visits: dict[Path, Visit]) -> daily.Ward:
    silent = [path for path in _volumes(store) if path not in visits]
    return daily.Ward(
        name=store.config.name,
        zone=store.zone,
        cameras=store.registry.list(),
        promises=promises_of(store.config),
        volumes=list(visits),
        archive=Archive(list(visits), store.clock, away=bool(silent)),
        silent=silent,
    )


def alone(directory: Path, name: str = "notary") -> int | None:
    """A descriptor that keeps others of that name out of this directory until it is closed; None when there is one."""
    return take_if_free(directory / RUN_FOLDER / f"{name}.lock")


def main() -> None:
    parser = argparse.ArgumentParser(prog="luytre.app.notary")
    parser.add_argument("directory", type=Path)
    directory: Path = parser.parse_args().directory
    log.configure()
    try:
        settings.load(directory)
        lock = alone(directory)
        if lock is None:
            _log.info("another notary is at work")
            return
        done = take_turn(directory)
        # Else a thread that hangs would keep it for as long as its disk does.
        os.close(lock)
    except Error as error:
        _log.error("nothing done", error=error.message, hint=error.hint)
        done = False
    sys.stdout.flush()
    sys.stderr.flush()
    # Nothing waits for threads that hang.
    os._exit(0 if done else 1)


if __name__ == "__main__":
    main()
