"""A directory becomes a node, and a node's database this version's.

Promises   whole or not at all: luytre.toml is written last, and what was cut short is finished by doing it again.
Does not   run anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from luytre.app.store import ROOMS
from luytre.archive.journal import create_journal
from luytre.archive.volume import MARKER, create_volume, must_differ, open_volume
from luytre.base import config as settings
from luytre.base.config import NodeConfig
from luytre.base.db import Database
from luytre.base.db.upgrade import upgrade
from luytre.base.errors import Error, Kind, from_os
from luytre.base.secrets import create_key
from luytre.cameras.registry import RUN_FOLDER


@dataclass(frozen=True, slots=True)
class InitResult:
    """`volumes` are the paths that became volumes now."""

    directory: Path
    config: NodeConfig
    volumes: tuple[Path, ...]


def init(directory: Path, config: NodeConfig) -> InitResult:
    """Make `directory` a node: key, database, volumes, settings.

    Volume paths in `config` may be relative to the directory. Raises Error(CONFLICT, cause="node_exists").
    """
    directory = directory.absolute()
    if (directory / settings.FILE).exists():
        raise Error(
            Kind.CONFLICT,
            f"{directory} is a node already",
            hint="Start it with `luytre run`; for a disk added to luytre.toml use `luytre init DIR --new-disks`.",
            cause="node_exists",
        )
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / "log").mkdir(mode=0o700, exist_ok=True)
        (directory / RUN_FOLDER).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise from_os(error, f"make {directory}") from error
    if not (directory / settings.KEY_FILE).exists():
        create_key(directory / settings.KEY_FILE)
    made = _make_volumes([directory / volume.path for volume in config.volumes])
    _make_journals([directory / volume.journal for volume in config.volumes if volume.journal])
    bring_up_to_date(directory, config)
    try:
        fresh = directory / (settings.FILE + ".new")
        fresh.write_text(settings.render(config), encoding="utf-8")
        # It may hold a database password.
        fresh.chmod(0o600)
        fresh.rename(directory / settings.FILE)
    except OSError as error:
        raise from_os(error, f"write {directory / settings.FILE}") from error
    return InitResult(directory, settings.load(directory), made)


def add_disks(directory: Path) -> InitResult:
    """Make volumes, and folders of journals, of the directories that luytre.toml names and that are none yet."""
    directory = directory.absolute()
    config = settings.load(directory)
    made = _make_volumes([volume.path for volume in config.volumes])
    _make_journals([volume.journal for volume in config.volumes if volume.journal])
    return InitResult(directory, config, made)


def bring_up_to_date(directory: Path, config: NodeConfig) -> None:
    """Run the migrations that the node's database lacks."""
    if config.database is None:
        # Password hashes are in it; SQLite gives its side files the same mode.
        (directory / settings.DATABASE_FILE).touch(mode=0o600)
        (directory / settings.DATABASE_FILE).chmod(0o600)
    database = Database(settings.database_url(directory, config))
    try:
        upgrade(database, ROOMS)
    finally:
        database.close()


def _make_volumes(paths: list[Path]) -> tuple[Path, ...]:
    made = []
    for path in paths:
        fresh = not (path / MARKER).exists()
        create_volume(path)
        if fresh:
            made.append(path)
    must_differ(map(open_volume, paths))
    return tuple(made)


def _make_journals(paths: list[Path]) -> None:
    for path in paths:
        create_journal(path)
