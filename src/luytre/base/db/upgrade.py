"""Brings a database to this program's revisions, with Alembic, from the rooms' own folders.

Promises   all rooms' migrations in one transaction: a database is at the old revisions or at the new ones.
Does not   go back: an older program refuses a newer database (`require_revisions`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from luytre.base.db import Database, Migrations
from luytre.base.errors import Error, Kind


def alembic_config(rooms: Sequence[Migrations]) -> Config:
    """All rooms' folders as one Alembic environment, one branch per room."""
    config = Config()
    # Config files interpolate "%".
    folders = "\n".join(str(room.folder) for room in rooms).replace("%", "%%")
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", folders)
    return config


def upgrade(database: Database, rooms: Sequence[Migrations]) -> None:
    """Raises Error(CONFLICT, cause="newer_database") when the database knows revisions that this program does
    not.
    """
    if database.revisions() == {room.head for room in rooms}:
        return
    config = alembic_config(rooms)
    try:
        with database.connection() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "heads")
    except CommandError as error:
        raise Error(
            Kind.CONFLICT,
            f"the database was written by a newer version of luytre ({error})",
            hint="Use that version, or restore the backup made before it was installed.",
            cause="newer_database",
        ) from None
