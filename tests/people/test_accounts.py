"""Accounts."""

from __future__ import annotations

import unicodedata

import pytest
from sqlalchemy import text

from luytre.base.clock import ManualClock
from luytre.base.db import Database
from luytre.base.errors import Error, Kind
from luytre.people import passwords
from luytre.people.accounts import Accounts
from luytre.people.actor import LOCAL, ROLES, Actor
from luytre.people.sessions import Sessions

PASSWORD = "tre-xanh-2026"


def cause(caught: pytest.ExceptionInfo[Error]) -> str:
    return caught.value.cause


def test_a_generated_password_logs_in_and_is_said_once(database: Database) -> None:
    accounts = Accounts(database)
    new = accounts.add_user("Trực ban")
    assert new.password is not None
    assert new.password not in repr(new)
    assert accounts.add_user("B", PASSWORD).password is None
    assert Sessions(database).log_in("Trực ban", new.password).actor.role == "officer"
    assert [(user.name, user.role, user.disabled) for user in accounts.users()] == [
        ("B", "officer", False),
        ("Trực ban", "officer", False),
    ]
    assert accounts.count() == 2


@pytest.mark.parametrize("other", ["TRỰC", "  trực ", unicodedata.normalize("NFD", "Trực")])
def test_one_name_however_it_is_typed(database: Database, other: str) -> None:
    accounts = Accounts(database)
    accounts.add_user("Trực", PASSWORD)
    with pytest.raises(Error) as caught:
        accounts.add_user(other, PASSWORD)
    assert (caught.value.kind, cause(caught)) == (Kind.CONFLICT, "user_exists")
    assert Sessions(database).log_in(other, PASSWORD).actor.name == "Trực"


@pytest.mark.parametrize("name", ["", " ", "-a", "a\0b", "a" * 65, "<b>", "a/b"])
def test_bad_names(database: Database, name: str) -> None:
    with pytest.raises(Error) as caught:
        Accounts(database).add_user(name, PASSWORD)
    assert cause(caught) == "bad_name"


@pytest.mark.parametrize("password", ["", "1234567", "ế" * 300])
def test_bad_passwords(database: Database, password: str) -> None:
    with pytest.raises(Error) as caught:
        Accounts(database).add_user("a", password)
    assert cause(caught) == "bad_password"
    assert not password or password not in caught.value.message


def test_bad_role_and_unknown_user(database: Database) -> None:
    accounts = Accounts(database)
    with pytest.raises(Error) as caught:
        accounts.add_user("a", PASSWORD, "king")
    assert cause(caught) == "bad_role"
    with pytest.raises(Error) as caught:
        accounts.set_password("nobody", PASSWORD)
    assert cause(caught) == "user_unknown"


@pytest.mark.parametrize("change", ["password", "role", "disable"])
def test_a_change_ends_the_sessions(database: Database, change: str) -> None:
    accounts, sessions = Accounts(database), Sessions(database)
    accounts.add_user("a", PASSWORD)
    accounts.add_user("b", PASSWORD)
    session, other = sessions.log_in("a", PASSWORD), sessions.log_in("b", PASSWORD)
    assert sessions.find(session.token)
    if change == "password":
        assert accounts.set_password("A", "another-one-2026") is None
    elif change == "role":
        accounts.set_role("A", "viewer")
    else:
        accounts.disable("A")
        accounts.disable("A")
    assert sessions.find(session.token) is None
    assert sessions.find(other.token)
    if change == "role":
        assert sessions.log_in("a", PASSWORD).actor.role == "viewer"
    else:
        with pytest.raises(Error) as caught:
            sessions.log_in("a", PASSWORD)
        assert cause(caught) == "wrong_password"


def test_the_database_holds_only_argon2id_with_our_parameters(database: Database) -> None:
    Accounts(database, ManualClock()).add_user("a", PASSWORD)
    with database.reading() as session:
        stored = session.scalar(text("SELECT password_hash FROM account"))
    assert isinstance(stored, str)
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.matches(PASSWORD, stored)
    assert not passwords.matches(PASSWORD + "x", stored)
    assert not passwords.matches(PASSWORD, "not a hash")
    assert not passwords.matches(PASSWORD, None)


def test_who_may_what() -> None:
    viewer = Actor("1", "Lan", "viewer", ROLES["viewer"])
    viewer.require("live")
    with pytest.raises(Error) as caught:
        viewer.require("export")
    assert caught.value.kind is Kind.FORBIDDEN
    assert "Lan" in caught.value.message
    assert "admin" in caught.value.hint
    assert all(LOCAL.may(permission) for permission in ("live", "playback", "export", "configure"))
    assert not Actor("1", "Lan", "officer", ROLES["officer"]).may("configure")
