"""What a node knows without its pictures: settings, database, people, cameras.

Promises   a directory becomes a node whole or not at all (luytre.toml is written last); opening never changes
           a database that is of another version.
Does not   look at the archive or at live streams (node.py does, and costs more to import).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from luytre.archive.volume import create_volume
from luytre.base import config as settings
from luytre.base.clock import SYSTEM, Clock
from luytre.base.config import NodeConfig, VolumeConfig
from luytre.base.db import Database, require_revisions
from luytre.base.db.upgrade import upgrade
from luytre.base.errors import Error, Kind, from_os
from luytre.base.secrets import Secrets, create_key, load_key
from luytre.cameras.migrations import CAMERAS
from luytre.cameras.registry import RUN_FOLDER, Registry
from luytre.people.accounts import Accounts
from luytre.people.looks import Looks
from luytre.people.migrations import PEOPLE
from luytre.people.sessions import Sessions

ROOMS = (PEOPLE, CAMERAS)
FIRST_VOLUME = VolumeConfig(path=Path("volumes/1"))


@dataclass(frozen=True, slots=True)
class InitResult:
    """`volumes` are the paths that became volumes now."""

    directory: Path
    config: NodeConfig
    volumes: tuple[Path, ...]


class Store:
    """An opened node directory. Raises Error(NOT_FOUND, cause="no_node"), Error(CONFLICT,
    cause="old_database").
    """

    def __init__(self, directory: Path, config: NodeConfig, secrets: Secrets, clock: Clock = SYSTEM) -> None:
        self.directory = directory
        self.config = config
        self.clock = clock
        self.zone = ZoneInfo(config.zone)
        self.database = Database(settings.database_url(directory, config))
        self.accounts = Accounts(self.database, clock)
        self.sessions = Sessions(self.database, clock)
        self.looks = Looks(self.database, clock)
        self.registry = Registry(self.database, secrets, clock, directory=directory, config=config)

    @classmethod
    def open(cls, directory: Path, clock: Clock = SYSTEM) -> Self:
        """The node in `directory`, whose database must be of this version."""
        directory = directory.absolute()
        config = settings.load(directory)
        node = cls(directory, config, load_key(directory / settings.KEY_FILE), clock)
        try:
            require_revisions(node.database, ROOMS)
        except Error:
            node.close()
            raise
        return node

    @property
    def run_folder(self) -> Path:
        return self.directory / RUN_FOLDER

    @property
    def log_folder(self) -> Path:
        return self.directory / "log"

    def sockets(self) -> list[Path]:
        """The recorders' sockets that are there now."""
        return sorted(self.run_folder.glob("recorder-*.sock"))

    def close(self) -> None:
        self.database.close()


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
    """Make volumes of the directories that luytre.toml names and that are none yet."""
    directory = directory.absolute()
    config = settings.load(directory)
    return InitResult(directory, config, _make_volumes([volume.path for volume in config.volumes]))


def bring_up_to_date(directory: Path, config: NodeConfig) -> None:
    """Run the migrations that the node's database lacks."""
    if config.database is None:
        # Password hashes are in it; SQLite gives its side files the same mode.
        (directory / settings.DATABASE_FILE).touch(mode=0o600)
    database = Database(settings.database_url(directory, config))
    try:
        upgrade(database, ROOMS)
    finally:
        database.close()


def _make_volumes(paths: list[Path]) -> tuple[Path, ...]:
    made = []
    for path in paths:
        fresh = not (path / "volume.json").exists()
        create_volume(path)
        if fresh:
            made.append(path)
    return tuple(made)
