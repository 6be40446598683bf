"""Looks are added, found, and never changed."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from luytre.base.clock import ManualClock
from luytre.base.db import Database
from luytre.people.actor import LOCAL, Actor, Scope
from luytre.people.looks import REASON_LENGTH, Looks


def test_a_look_has_who_what_when_and_why(database: Database) -> None:
    clock = ManualClock(wall_us=1_000_000)
    looks = Looks(database, clock)
    ticket = Actor("u", "Trực", "officer", frozenset(), "s", Scope("c", "main", 0, 9))
    looks.record(LOCAL, "live", "c", "sub")
    clock.advance(1)
    looks.record(ticket, "playback", "c", "main", 5, 9, "vụ mất trộm" + "!" * REASON_LENGTH)
    newest, oldest = looks.list()
    assert (oldest.user_name, oldest.action, oldest.start_us, oldest.by_ticket) == (
        "cli",
        "live",
        None,
        False,
    )
    assert (newest.at_us, newest.user_id, newest.session_id) == (2_000_000, "u", "s")
    assert newest.by_ticket
    assert (newest.start_us, newest.end_us) == (5, 9)
    assert newest.reason.startswith("vụ mất trộm")
    assert len(newest.reason) == REASON_LENGTH


def test_they_are_found_by_camera_person_and_time(database: Database) -> None:
    clock = ManualClock(wall_us=0)
    looks = Looks(database, clock)
    for camera in ("a", "b", "a"):
        looks.record(LOCAL, "live", camera, "main")
        clock.advance(1)
    assert [look.camera for look in looks.list(camera="a")] == ["a", "a"]
    assert looks.list(user_id="nobody") == []
    assert [look.at_us for look in looks.list(since_us=1_000_000, until_us=2_000_000)] == [1_000_000]
    assert len(looks.list(limit=2)) == 2


@pytest.mark.parametrize("statement", ["UPDATE look SET reason = ''", "DELETE FROM look"])
def test_the_database_refuses_to_change_them(database: Database, statement: str) -> None:
    looks = Looks(database)
    looks.record(LOCAL, "live", "c", "main")
    with pytest.raises(DBAPIError, match="only added"), database.writing() as session:
        session.execute(text(statement))
    assert len(looks.list()) == 1
