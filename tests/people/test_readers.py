"""Readers: keys of programs; nobody waits: the clock is moved by hand."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from luytre.base.clock import ManualClock
from luytre.base.db import Database
from luytre.base.errors import Error, Kind
from luytre.base.secrets import KEY_BYTES, Secrets
from luytre.people.actor import LOCAL, ROLES, Actor
from luytre.people.lockout import FAILURES
from luytre.people.readers import Readers

DAY_S = 86_400.0
ALIEN = "192.0.2.9"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def readers(database: Database, clock: ManualClock) -> Readers:
    return Readers(database, Secrets(b"k" * KEY_BYTES), clock)


def enter(readers: Readers, user: str, secret: str, address: str = "192.0.2.1") -> Actor:
    return readers.prove(user, address, lambda kept: kept == secret)


def refused(readers: Readers, user: str, secret: str, address: str = "192.0.2.1") -> Error:
    with pytest.raises(Error) as caught:
        enter(readers, user, secret, address)
    return caught.value


def test_a_key_opens_live_pictures_and_no_more(readers: Readers, database: Database) -> None:
    new = readers.add(LOCAL, "Công an phường (VMS)")
    assert new.reader.user == "cong-an-phuong-vms"
    actor = enter(readers, new.reader.user, new.secret)
    assert (actor.user_id, actor.name, actor.permissions) == (new.reader.id, new.reader.name, ROLES["viewer"])
    actor.require_camera("any")
    assert new.secret not in repr(new)
    with database.reading() as transaction:
        assert new.secret not in str(transaction.execute(text("SELECT * FROM reader")).all())


def test_a_key_for_some_cameras(readers: Readers) -> None:
    new = readers.add(LOCAL, "VMS", ["c2", "c1", "c2"])
    assert new.reader.cameras == ("c1", "c2")
    actor = enter(readers, "vms", new.secret)
    actor.require_camera("c1")
    with pytest.raises(Error) as caught:
        actor.require_camera("c3")
    assert (caught.value.kind, caught.value.cause) == (Kind.FORBIDDEN, "other_camera")


def test_a_key_ends_when_it_is_revoked_or_too_old(readers: Readers, clock: ManualClock) -> None:
    short, other = readers.add(LOCAL, "ngắn", days=2), readers.add(LOCAL, "khác")
    clock.advance(2 * DAY_S - 1)
    assert enter(readers, "ngan", short.secret).name == "ngắn"
    clock.advance(1)
    assert refused(readers, "ngan", short.secret).cause == "wrong_reader_key"
    assert [reader.name for reader in readers.list()] == ["khác"]
    assert readers.revoke(LOCAL, "KHÁC").id == other.reader.id
    assert refused(readers, "khac", other.secret).cause == "wrong_reader_key"
    assert readers.list() == []
    with pytest.raises(Error) as caught:
        readers.revoke(LOCAL, "khác")
    assert caught.value.cause == "reader_unknown"
    # The name is free again; the login is not, so that an old key in somebody's settings is never another reader's.
    assert readers.add(LOCAL, "Khác").reader.user == "khac-2"


@pytest.mark.parametrize("user", ["vms", "nobody"])
def test_wrong_keys_lock_the_name_for_that_address_only(
    readers: Readers, clock: ManualClock, user: str
) -> None:
    new = readers.add(LOCAL, "vms")
    causes = [refused(readers, user, "guess", ALIEN).cause for _ in range(FAILURES + 1)]
    assert causes == ["wrong_reader_key"] * FAILURES + ["locked"]
    assert refused(readers, user, new.secret, ALIEN).retry_after_s == 300
    assert enter(readers, "vms", new.secret).name == "vms"
    clock.advance(300)
    assert enter(readers, "vms", new.secret, ALIEN).name == "vms"


def test_ever_new_names_lock_the_address(readers: Readers, database: Database, clock: ManualClock) -> None:
    new = readers.add(LOCAL, "vms")
    causes = [refused(readers, f"name-{number}", "guess", ALIEN).cause for number in range(FAILURES + 5)]
    assert causes == ["wrong_reader_key"] * FAILURES + ["locked"] * 5
    with database.reading() as transaction:
        assert len(transaction.execute(text("SELECT * FROM login")).all()) == 1
    # Who has a key, and who guesses elsewhere, is not concerned.
    assert enter(readers, "vms", new.secret, ALIEN).name == "vms"
    assert refused(readers, "name-1", "guess").cause == "wrong_reader_key"


def test_of_a_name_and_a_login_alike_the_name_is_meant(readers: Readers) -> None:
    """`Cổng` logs in as `cong`, and `cong` as `cong-2`."""
    first, second = readers.add(LOCAL, "Cổng"), readers.add(LOCAL, "cong")
    assert (first.reader.user, second.reader.user) == ("cong", "cong-2")
    assert readers.revoke(LOCAL, "cong").id == second.reader.id
    assert readers.revoke(LOCAL, first.reader.id).id == first.reader.id


def test_when_it_was_used_last(readers: Readers, clock: ManualClock) -> None:
    new = readers.add(LOCAL, "vms")
    assert readers.list()[0].used_us is None
    first_us = clock.wall_us()
    for _ in range(3):
        enter(readers, "vms", new.secret)
        clock.advance(25)
    assert readers.list()[0].used_us == first_us
    enter(readers, "vms", new.secret)
    assert readers.list()[0].used_us == first_us + 75_000_000


@pytest.mark.parametrize(
    ("name", "cameras", "days", "cause"),
    [
        ("", None, None, "bad_reader_name"),
        ("a" * 65, None, None, "bad_reader_name"),
        ("a/b", None, None, "bad_reader_name"),
        ("a", [], None, "no_cameras"),
        ("a", None, 0, "bad_days"),
        ("a", None, 4000, "bad_days"),
        ("VMS", None, None, "reader_exists"),
    ],
)
def test_what_cannot_be_a_reader(
    readers: Readers, name: str, cameras: list[str] | None, days: float | None, cause: str
) -> None:
    readers.add(LOCAL, "vms")
    with pytest.raises(Error) as caught:
        readers.add(LOCAL, name, cameras, days)
    assert caught.value.cause == cause
    assert caught.value.hint


def test_only_who_configures_makes_and_ends_keys(readers: Readers) -> None:
    officer = Actor("u", "truc", "officer", ROLES["officer"], "s")
    readers.add(LOCAL, "vms")
    for way in (lambda: readers.add(officer, "x"), lambda: readers.revoke(officer, "vms")):
        with pytest.raises(Error) as caught:
            way()
        assert caught.value.kind is Kind.FORBIDDEN
    assert len(readers.list()) == 1
