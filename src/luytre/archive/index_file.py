"""index.db as a file: opened, created, checked, and its transactions. What is in it: index.py.

Promises   nothing is written to a file that is not the volume's index in this program's format.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from luytre.archive.faults import unreadable
from luytre.base.clock import SYSTEM
from luytre.base.errors import Error, Kind

_LOOK_S = 0.002
# Of the schema. An index of another format is made again from the files, as a lost one is.
FORMAT = "4"
_NEVER_CLOSED: list[sqlite3.Connection] = []
SCHEMA = Path(__file__).with_name("schema.sql")


def _connect(path: Path, how: str) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?{how}"
    return sqlite3.connect(address, uri=True, timeout=30.0, isolation_level=None, check_same_thread=False)


def _read_only(path: Path) -> sqlite3.Connection:
    db = _connect(path, "mode=ro")
    try:
        db.execute("SELECT 1 FROM sqlite_schema")
    except sqlite3.OperationalError:
        db.close()
    else:
        return db
    log = Path(f"{path}-wal")
    if not log.exists() or log.stat().st_size == 0:
        # Its log was folded in when it was closed, and no new one can be made here: the file alone is the index.
        return _connect(path, "immutable=1")
    # A power cut left a log that cannot be folded in here.
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, path.name)
        shutil.copyfile(path, copy)
        shutil.copyfile(log, f"{copy}-wal")
        db = _connect(copy, "mode=rw")
        # In memory the log is not needed any more, nor the folder.
        db.execute("PRAGMA journal_mode = DELETE")
        whole = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        db.backup(whole)
        db.close()
        return whole


class IndexFile:
    """A connection to one volume's index.db. Raises Error(DATA_LOSS) when the file is not a database of ours."""

    def __init__(self, path: Path, volume_id: str, *, create: bool = False, read_only: bool = False) -> None:
        """`read_only`: for a disk that takes no byte, neither into the index nor beside it."""
        if not create and not path.exists():
            raise Error(
                Kind.DATA_LOSS, f"{path} is missing", hint="Run `luytre check --repair`.", cause="file_lost"
            )
        self.path = path
        try:
            # A reader must not leave an empty file where the index was deleted a moment ago.
            self.db = _read_only(path) if read_only else _connect(path, f"mode={'rwc' if create else 'rw'}")
        except sqlite3.Error as error:
            raise unreadable(path, error) from error
        try:
            if not read_only:
                self.db.execute("PRAGMA journal_mode = WAL")
                self.db.execute("PRAGMA synchronous = NORMAL")
            self.db.execute("PRAGMA foreign_keys = ON")
            if create:
                self._create(volume_id)
            self._must_be_of(volume_id)
            self.inode = path.stat().st_ino
        except sqlite3.DatabaseError as error:
            self.db.close()
            raise unreadable(path, error) from error
        except BaseException:
            self.db.close()
            raise

    def _must_be_of(self, volume_id: str) -> None:
        found, version = self.meta("volume"), self.meta("format")
        if version != FORMAT:
            raise Error(
                Kind.DATA_LOSS,
                f"{self.path} has format {version}, this program writes {FORMAT}",
                hint="Run `luytre check --repair`: it is made again from the files.",
                cause="file_lost",
            )
        if found != volume_id:
            raise Error(
                Kind.CONFLICT,
                f"{self.path} belongs to volume {found}",
                hint="Put each disk's own index back, or run `luytre check --repair`: it is made again from the files.",
                cause="disk_error",
            )

    def _create(self, volume_id: str) -> None:
        with self.transaction():
            if self.db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").fetchone():
                return
            # executescript would commit the transaction that keeps two creators apart.
            for statement in SCHEMA.read_text(encoding="utf-8").split(";\n"):
                self.db.execute(statement)
            self.db.executemany("INSERT INTO meta VALUES (?, ?)", [("format", FORMAT), ("volume", volume_id)])

    def close(self) -> None:
        self.db.close()

    def abandon(self) -> None:
        """Its disk is not there any more, and another may be in its place."""
        if Path(f"{self.path}-wal").exists():
            # SQLite deletes its log by name when it closes: that would be the other disk's.
            _NEVER_CLOSED.append(self.db)
            return
        with suppress(sqlite3.Error):
            self.db.close()

    def is_current(self) -> bool:
        """False when the file was deleted or replaced under this connection."""
        try:
            return self.path.stat().st_ino == self.inode
        except OSError:
            return False

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is written together; nested use joins the outer one."""
        if self.db.in_transaction:
            yield
            return
        self._begin()
        try:
            yield
        except BaseException:
            # A full disk may have rolled back by itself already.
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def _begin(self) -> None:
        """Looks every 2 ms whether the index is free. SQLite's own waiting sleeps for up to 100 ms, and misses the moments
        between the many short transactions of a sweep.
        """
        (patience_ms,) = self.db.execute("PRAGMA busy_timeout").fetchone()
        until_s = SYSTEM.monotonic_s() + patience_ms / 1000
        self.db.execute("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    self.db.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError as error:
                    if (
                        error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY
                        or SYSTEM.monotonic_s() >= until_s
                    ):
                        raise
                threading.Event().wait(_LOOK_S)
        finally:
            self.db.execute(f"PRAGMA busy_timeout = {patience_ms}")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads inside see one state of the index; writers are not kept waiting. Nothing may be written inside."""
        self.db.execute("BEGIN")
        try:
            yield
        finally:
            self.db.execute("COMMIT")

    def meta(self, key: str) -> str | None:
        row = self.db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, key: str, value: str) -> None:
        self.db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (key, value)
        )
