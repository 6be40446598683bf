"""The domain database: SQLite (WAL) by default, PostgreSQL by URL.

Promises   `reading()` sees one state; `writing()` is one transaction that happens whole or not at all, and
           waits its turn (SQLite: BEGIN IMMEDIATE, busy for at most 10 s); the same rules of foreign keys on
           both.
Does not   know any table: rooms declare theirs on `Table` and bring their migrations
           (luytre.base.db.upgrade).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session

from luytre.base.errors import Error, Kind

BUSY_S = 10
_WRITE = "luytre_write"


class Table(DeclarativeBase):
    """What every table of every room is declared on. Constraints have names, so that migrations can speak of
    them.
    """

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


@dataclass(frozen=True, slots=True)
class Migrations:
    """A room's migrations: the folder, and the newest revision in it."""

    folder: Path
    head: str


class Database:
    """Connections to one database; safe to share between threads.

    Raises Error(INVALID, cause="bad_config") for a URL that is none, or whose driver is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            self.engine = create_engine(make_url(url), pool_pre_ping=not url.startswith("sqlite"))
        except ArgumentError:
            raise _bad_url("the database setting is not a database URL") from None
        except ModuleNotFoundError as error:
            raise _bad_url(f"the database driver {error.name} is not installed") from None
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._writer = self.engine.execution_options(**{_WRITE: True})

    def __repr__(self) -> str:
        return f"Database({self.engine.url.render_as_string(hide_password=True)})"

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for queries."""
        with _errors_of_ours(), Session(self.engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose changes are committed at the end, or rolled back when an exception leaves the
        block.
        """
        with _errors_of_ours(), Session(self._writer) as session, session.begin():
            yield session

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """One transaction for migrations."""
        with _errors_of_ours(), self._writer.begin() as connection:
            yield connection

    def revisions(self) -> frozenset[str]:
        """The revisions this database is at; empty for a new one."""
        with self.reading() as session:
            if not inspect(session.connection()).has_table("alembic_version"):
                return frozenset()
            return frozenset(session.scalars(text("SELECT version_num FROM alembic_version")))

    def close(self) -> None:
        self.engine.dispose()


def require_revisions(database: Database, rooms: tuple[Migrations, ...]) -> None:
    """Raises Error(CONFLICT, cause="old_database") when the database is not just at this program's
    revisions.
    """
    if database.revisions() != {room.head for room in rooms}:
        raise Error(
            Kind.CONFLICT,
            "the database was written by another version of luytre",
            hint="Start `luytre run` with this version: it brings the database up to date.",
            cause="old_database",
        )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own transaction control would begin too late and not immediate.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_S * 1000}",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A read that turns into a write fails at once when somebody else wrote in between: writers say so at the
    # start.
    writes = connection.get_execution_options().get(_WRITE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _errors_of_ours() -> Iterator[None]:
    """Foreign errors of the connection become ours; violated constraints pass, for the room that knows what
    they mean.
    """
    try:
        yield
    except OperationalError as error:
        raise _unavailable(error) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise _unavailable(error) from error
        raise


def _unavailable(error: DBAPIError) -> Error:
    return Error(
        Kind.UNAVAILABLE,
        f"the database does not answer: {error.orig}",
        hint="Check its disk and its server; the node goes on recording meanwhile.",
        cause="database_down",
    )


def _bad_url(message: str) -> Error:
    return Error(
        Kind.INVALID,
        message,
        hint='Correct "database" in luytre.toml; for PostgreSQL install psycopg.',
        cause="bad_config",
    )
