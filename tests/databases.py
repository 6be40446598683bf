"""Fixtures: an upgraded database, SQLite and PostgreSQL.

Promises   a fresh database for each test; PostgreSQL from the machine's own binaries, in a folder of its own, on a
           Unix socket only; a loud skip where the server or its driver is not installed.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from luytre.app.store import ROOMS
from luytre.base.db import Database
from luytre.base.db.upgrade import upgrade

PLACES = ("/usr/lib/postgresql/*/bin", "/usr/local/bin", "/usr/bin")


def _binary(name: str) -> Path | None:
    found = [path for place in PLACES for path in sorted(Path("/").glob(f"{place[1:]}/{name}"))]
    return found[-1] if found else None


def _server_user(folder: Path) -> tuple[int | None, int | None]:
    """PostgreSQL refuses to run as root: then it runs as the machine's postgres user, who gets the folder."""
    if os.getuid() != 0:
        return None, None
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("POSTGRESQL LEFT OUT: we are root, and there is no user postgres to run it")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return user.pw_uid, user.pw_gid


@contextmanager
def _server() -> Iterator[str]:
    initdb, control = _binary("initdb"), _binary("pg_ctl")
    if initdb is None or control is None:
        pytest.skip("POSTGRESQL LEFT OUT: there is no server on this machine")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("POSTGRESQL LEFT OUT: psycopg is not installed")
    # Not tmp_path: the folders above it are closed to other users, and a socket's path is at most 107 bytes long.
    folder = Path(tempfile.mkdtemp(prefix="luytre-pg-", dir="/tmp"))
    user, group = _server_user(folder)

    def call(*command: str | Path) -> None:
        subprocess.run(
            command, check=True, capture_output=True, cwd=folder, timeout=60, user=user, group=group
        )

    data = folder / "data"
    try:
        call(initdb, "-D", data, "-U", "luytre", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        call(control, "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        try:
            yield f"postgresql+psycopg://luytre@/{{name}}?host={folder}"
        finally:
            call(control, "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Address of a server of our own, with {name} for the database. Skips loudly where there is none."""
    with _server() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a new database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'luytre.db'}"
    server: str = request.getfixturevalue("postgresql")
    name = f"t{uuid4().hex}"
    engine = create_engine(server.format(name="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.format(name=name)


@pytest.fixture
def database(empty_url: str) -> Iterator[Database]:
    """A database at this program's revisions."""
    opened = Database(empty_url)
    upgrade(opened, ROOMS)
    yield opened
    opened.close()
