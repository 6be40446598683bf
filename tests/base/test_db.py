"""The database: upgraded equals declared, writers take turns, errors are ours."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from luytre.app.store import ROOMS
from luytre.base.db import Database, Table, require_revisions
from luytre.base.db.upgrade import alembic_config, upgrade
from luytre.base.errors import Error, Kind


def test_an_upgraded_schema_equals_the_declared_one(database: Database) -> None:
    with database.connection() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []


def test_heads_are_those_of_the_folders() -> None:
    script = ScriptDirectory.from_config(alembic_config(ROOMS))
    assert set(script.get_heads()) == {room.head for room in ROOMS}


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    upgrade(database, ROOMS)
    require_revisions(database, ROOMS)


def test_a_new_database_is_refused_until_it_is_upgraded(empty_url: str) -> None:
    database = Database(empty_url)
    with pytest.raises(Error) as caught:
        require_revisions(database, ROOMS)
    assert caught.value.cause == "old_database"
    upgrade(database, ROOMS[:1])
    with pytest.raises(Error):
        require_revisions(database, ROOMS)
    upgrade(database, ROOMS)
    require_revisions(database, ROOMS)
    database.close()


def test_a_newer_database_is_left_alone(database: Database) -> None:
    with database.writing() as session:
        session.execute(
            text("UPDATE alembic_version SET version_num = 'people_9999' WHERE version_num LIKE 'people%'")
        )
    with pytest.raises(Error) as caught:
        upgrade(database, ROOMS)
    assert (caught.value.kind, caught.value.cause) == (Kind.CONFLICT, "newer_database")


def test_a_failed_block_leaves_nothing(database: Database) -> None:
    def spoiled() -> None:
        with database.writing() as session:
            session.execute(text("INSERT INTO login VALUES ('a', '', 0, 0)"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        spoiled()
    with database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM login")) == 0


def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(IntegrityError), database.writing() as session:
        session.execute(text("INSERT INTO session VALUES ('a', 'b', 'nobody', '', 0, 0, 0)"))


def test_writers_take_turns(database: Database) -> None:
    """Each reads, then writes: without taking turns some would fail, or lose another's count."""
    with database.writing() as session:
        session.execute(text("INSERT INTO login VALUES ('n', '', 0, 0)"))
    failures: list[Exception] = []

    def count() -> None:
        try:
            for _ in range(20):
                with database.writing() as session:
                    session.execute(
                        text("UPDATE login SET changed_us = changed_us + 1 WHERE name_hash = 'n'")
                    )
        except Error as error:
            failures.append(error)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with database.reading() as session:
        assert session.scalar(text("SELECT changed_us FROM login")) == 80


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'no folder' / 'x.db'}")
    with pytest.raises(Error) as caught:
        database.revisions()
    assert (caught.value.kind, caught.value.cause) == (Kind.UNAVAILABLE, "database_down")
    database.close()


@pytest.mark.parametrize("url", ["", "not a url", "nosuch://host/x", "mysql+nosuchdriver://h/x"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(Error) as caught:
        Database(url)
    assert caught.value.cause == "bad_config"
