"""What a node knows without its pictures: settings, database, people, cameras.

Promises   a directory becomes a node whole or not at all (luytre.toml is written last); opening never changes
           a database that is of another version.
Does not   look at the archive or at live streams (node.py does, and costs more to import).
"""

from __future__ import annotations

from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from luytre.base import config as settings
from luytre.base.clock import SYSTEM, Clock
from luytre.base.config import NodeConfig
from luytre.base.db import Database, require_revisions
from luytre.base.errors import Error
from luytre.base.secrets import Secrets, load_key
from luytre.cameras.events import Events
from luytre.cameras.migrations import CAMERAS
from luytre.cameras.registry import RUN_FOLDER, Registry
from luytre.people.accounts import Accounts
from luytre.people.looks import Looks
from luytre.people.migrations import PEOPLE
from luytre.people.readers import Readers
from luytre.people.sessions import Sessions

ROOMS = (PEOPLE, CAMERAS)


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
        self.readers = Readers(self.database, secrets, clock)
        self.looks = Looks(self.database, clock)
        self.events = Events(self.database, clock)
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
