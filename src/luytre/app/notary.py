"""The notary: seals the volumes and writes the daily certificates. One turn, then it ends; the supervisor starts it again.

    python -m luytre.app.notary DIR

Promises   what cannot be done for one volume or one day costs no other; the exit code says whether all was done.
Does not   run for long, nor twice at the same time; recording never waits for it.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from luytre.app import daily, daybook
from luytre.app.store import Store
from luytre.archive import seals
from luytre.archive.catalog import Archive
from luytre.archive.index import Index
from luytre.archive.volume import open_volume
from luytre.base import config as settings
from luytre.base import log
from luytre.base.clock import SYSTEM, US_PER_S, Clock, to_datetime
from luytre.base.errors import Error, from_os
from luytre.base.signing import Signer, load_signer
from luytre.cameras.days import bounds
from luytre.cameras.registry import RUN_FOLDER

# Older days that have no certificate stay without: their gaps may have been deleted.
DAYS_BACK: Final = 7
# What was recorded just before midnight is in its files and in the index by then.
SETTLED_US: Final = 300 * US_PER_S

_log = log.get("notary")


def take_turn(directory: Path, clock: Clock = SYSTEM) -> bool:
    """True when everything there was to do is done. Raises Error when DIR is no node, or its key cannot be read."""
    with closing(Store.open(directory, clock)) as store:
        signer = load_signer(store.directory / settings.KEY_FILE)
        sealed = [_seal(store, path, signer) for path in _volumes(store)]
        return all([*sealed, _certify(store, signer)])


def _volumes(store: Store) -> list[Path]:
    return [volume.path for volume in store.config.volumes]


def _seal(store: Store, path: Path, signer: Signer) -> bool:
    try:
        volume = open_volume(path)
        if volume.is_read_only():
            # Nothing is added to it that would have to be sealed, and nothing can be.
            return True
        with closing(Index(volume.index_path, volume.id)) as index:
            seal = seals.seal(volume, index, signer.sign, signer.public_key, store.clock.wall_us())
        if seal is not None:
            seals.remember(store.directory, volume, seal)
            _log.info("volume sealed", volume=str(path), seq=seal.seq)
        return True
    except (Error, OSError, sqlite3.Error) as error:
        _log.warning("volume not sealed", volume=str(path), error=str(error))
        return False


def _certify(store: Store, signer: Signer) -> bool:
    done = True
    for day in due(daybook.dates(store.directory), store):
        try:
            _write(store, day, signer)
        except (Error, OSError, sqlite3.Error) as error:
            # The next day's page tells this one's hash: it waits for it.
            _log.warning("day not certified", day=day.isoformat(), error=str(error))
            done = False
            break
    return done


def due(written: list[date], store: Store) -> Iterator[date]:
    """Days that have ended, settled, and are not written, oldest first; none before the last that is written."""
    settled_us = store.clock.wall_us() - SETTLED_US
    today = to_datetime(settled_us).astimezone(store.zone).date()
    for back in range(DAYS_BACK, 0, -1):
        day = today - timedelta(days=back)
        if (not written or day > written[-1]) and bounds(day, store.zone)[1] <= settled_us:
            yield day


def _write(store: Store, day: date, signer: Signer) -> None:
    content = daily.measure(_ward(store), day, store.clock.wall_us())
    if not content.cameras:
        return
    if daybook.add(store.directory, asdict(content), signer.sign, signer.public_key):
        _log.info("day certified", day=day.isoformat(), cameras=len(content.cameras))


def _ward(store: Store) -> daily.Ward:
    volumes = _volumes(store)
    return daily.Ward(
        name=store.config.name,
        zone=store.zone,
        cameras=store.registry.list(),
        promises=store.registry.plan(store.config).promises,
        volumes=volumes,
        archive=Archive(volumes, store.clock),
    )


def alone(directory: Path) -> int | None:
    """A descriptor that keeps other notaries of this directory out until it is closed; None when there is one."""
    path = directory / RUN_FOLDER / "notary.lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise from_os(error, f"open {path}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def main() -> None:
    parser = argparse.ArgumentParser(prog="luytre.app.notary")
    parser.add_argument("directory", type=Path)
    directory: Path = parser.parse_args().directory
    log.configure()
    try:
        settings.load(directory)
        if alone(directory) is None:
            _log.info("another notary is at work")
            return
        done = take_turn(directory)
    except Error as error:
        _log.error("nothing done", error=error.message, hint=error.hint)
        done = False
    raise SystemExit(0 if done else 1)


if __name__ == "__main__":
    main()
