"""Sessions, lock-out, tickets; nobody waits: the clock is moved by hand."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from luytre.base.clock import US_PER_S, ManualClock
from luytre.base.db import Database
from luytre.base.errors import Error, Kind
from luytre.people import passwords
from luytre.people.accounts import Accounts
from luytre.people.actor import LOCAL, Scope
from luytre.people.sessions import MAX_TICKETS, Session, Sessions

PASSWORD = "tre-xanh-2026"
HOUR_S = 3600.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def sessions(database: Database, clock: ManualClock) -> Sessions:
    Accounts(database, clock).add_user("truc", PASSWORD)
    return Sessions(database, clock)


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where many passwords are tried: compare without Argon2."""
    monkeypatch.setattr(
        passwords, "matches", lambda password, stored: stored is not None and password == PASSWORD
    )


def fail(sessions: Sessions, name: str = "truc") -> Error:
    with pytest.raises(Error) as caught:
        sessions.log_in(name, "wrong password")
    return caught.value


def span(sessions_clock: ManualClock, start_s: float = -600, end_s: float = -300) -> Scope:
    now = sessions_clock.wall_us()
    return Scope("camera", "main", now + int(start_s * US_PER_S), now + int(end_s * US_PER_S))


def test_a_session_is_found_by_its_token_only(sessions: Sessions, database: Database) -> None:
    session = sessions.log_in("truc", PASSWORD, "192.0.2.1")
    found = sessions.find(session.token)
    assert found == session
    assert session.actor.permissions == {"live", "playback", "export", "ptz"}
    assert sessions.find(session.token + "x") is None
    assert sessions.find("") is None
    assert session.token not in repr(session)
    assert session.csrf not in (session.token, "")
    with database.reading() as reading:
        stored = str(reading.execute(text("SELECT * FROM session")).all())
    assert session.token not in stored


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize("name", ["truc", "nobody"])
def test_five_failures_lock_a_name_known_or_not(sessions: Sessions, clock: ManualClock, name: str) -> None:
    for _ in range(5):
        error = fail(sessions, name)
        assert (error.kind, error.cause) == (Kind.UNAUTHENTICATED, "wrong_password")
        clock.advance(7)
    error = fail(sessions, name)
    assert (error.kind, error.cause) == (Kind.TOO_MANY, "locked")
    assert error.retry_after_s == pytest.approx(293)
    with pytest.raises(Error) as caught:
        sessions.log_in(name.upper(), PASSWORD)
    assert caught.value.cause == "locked"


@pytest.mark.usefixtures("cheap")
def test_a_lock_ends_and_survives_a_restart(
    sessions: Sessions, clock: ManualClock, database: Database
) -> None:
    for _ in range(5):
        fail(sessions)
    assert fail(Sessions(database, clock)).cause == "locked"
    clock.advance(301)
    assert sessions.log_in("truc", PASSWORD)
    # The count began anew.
    assert fail(sessions).cause == "wrong_password"


@pytest.mark.usefixtures("cheap")
def test_slow_failures_and_a_success_do_not_lock(sessions: Sessions, clock: ManualClock) -> None:
    for _ in range(12):
        assert fail(sessions).cause == "wrong_password"
        clock.advance(8)
    clock.advance(31)
    for _ in range(3):
        for _ in range(4):
            assert fail(sessions).cause == "wrong_password"
        sessions.log_in("truc", PASSWORD)


@pytest.mark.usefixtures("cheap")
def test_guesses_at_the_same_time_do_not_slip_through(sessions: Sessions) -> None:
    causes: list[str] = []

    def guess() -> None:
        try:
            sessions.log_in("truc", "wrong password")
        except Error as error:
            causes.append(error.cause)

    threads = [threading.Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(causes) == ["locked"] * 15 + ["wrong_password"] * 5


@pytest.mark.usefixtures("cheap")
def test_names_that_nobody_has_are_forgotten(
    sessions: Sessions, clock: ManualClock, database: Database
) -> None:
    for number in range(20):
        fail(sessions, f"n{number}")
    clock.advance(301)
    fail(sessions, "last")
    with database.reading() as reading:
        assert reading.scalar(text("SELECT count(*) FROM login")) == 1


def test_an_unknown_name_is_checked_like_a_known_one(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    real = passwords.matches

    def matches(password: str, stored: str | None) -> bool:
        asked.append(stored is None)
        return real(password, stored)

    monkeypatch.setattr(passwords, "matches", matches)
    assert str(fail(sessions, "nobody")) == str(fail(sessions))
    assert asked == [True, False]


def test_idle_sessions_end_and_used_ones_live_a_week(sessions: Sessions, clock: ManualClock) -> None:
    used, idle = sessions.log_in("truc", PASSWORD), sessions.log_in("truc", PASSWORD)
    hours = 0
    while sessions.find(used.token):
        clock.advance(6 * HOUR_S)
        hours += 6
        if hours == 12:
            assert sessions.find(idle.token) is None
    assert hours == 7 * 24


def test_a_session_ends_once_and_for_all(sessions: Sessions) -> None:
    session = sessions.log_in("truc", PASSWORD)
    assert session.actor.session_id
    assert sessions.is_alive(session.actor.session_id)
    sessions.end(session.actor.session_id)
    sessions.end(session.actor.session_id)
    assert sessions.find(session.token) is None
    assert not sessions.is_alive(session.actor.session_id)


class TestTickets:
    @pytest.fixture
    def session(self, sessions: Sessions) -> Session:
        return sessions.log_in("truc", PASSWORD)

    def test_it_speaks_for_its_owner_within_its_scope(
        self, sessions: Sessions, session: Session, clock: ManualClock
    ) -> None:
        scope = span(clock)
        ticket = sessions.issue(session.actor, scope)
        actor = sessions.redeem(ticket.text)
        assert actor is not None
        assert (actor.name, actor.scope, actor.session_id) == ("truc", scope, session.actor.session_id)
        assert actor.permissions == {"playback"}
        assert ticket.text not in repr(ticket)
        assert sessions.redeem(ticket.text + "x") is None
        assert sessions.redeem(session.token) is None
        assert sessions.find(ticket.text) is None

    def test_it_shows_live_pictures_only_while_now_is_in_its_span(
        self, sessions: Sessions, session: Session, clock: ManualClock
    ) -> None:
        ticket = sessions.issue(session.actor, span(clock, -60, 60))
        actor = sessions.redeem(ticket.text)
        assert actor is not None
        assert actor.permissions == {"playback", "live"}
        clock.advance(61)
        actor = sessions.redeem(ticket.text)
        assert actor is not None
        assert actor.permissions == {"playback"}

    def test_it_ends_with_its_time(self, sessions: Sessions, session: Session, clock: ManualClock) -> None:
        ticket = sessions.issue(session.actor, span(clock))
        clock.advance((ticket.expires_us - clock.wall_us()) / US_PER_S - 1)
        assert sessions.redeem(ticket.text)
        clock.advance(2)
        assert sessions.redeem(ticket.text) is None

    @pytest.mark.parametrize("end", ["log out", "disable"])
    def test_it_ends_with_its_session(
        self, sessions: Sessions, session: Session, clock: ManualClock, database: Database, end: str
    ) -> None:
        ticket = sessions.issue(session.actor, span(clock))
        if end == "disable":
            Accounts(database, clock).disable("truc")
        else:
            sessions.end(session.actor.session_id or "")
        assert sessions.redeem(ticket.text) is None
        with pytest.raises(Error) as caught:
            sessions.issue(session.actor, span(clock))
        assert caught.value.kind is Kind.UNAUTHENTICATED

    def test_no_ticket_from_a_ticket_or_without_a_session(
        self, sessions: Sessions, session: Session, clock: ManualClock
    ) -> None:
        bearer = sessions.redeem(sessions.issue(session.actor, span(clock)).text)
        assert bearer is not None
        for actor in (bearer, LOCAL):
            with pytest.raises(Error) as caught:
                sessions.issue(actor, span(clock))
            assert caught.value.kind is Kind.FORBIDDEN

    def test_there_is_an_end_to_them(
        self, sessions: Sessions, session: Session, clock: ManualClock, database: Database
    ) -> None:
        sessions.issue(session.actor, span(clock))
        copies = [{"n": f"{number:04}"} for number in range(MAX_TICKETS - 1)]
        with database.writing() as writing:
            writing.execute(
                text(
                    "INSERT INTO ticket SELECT CAST(:n AS varchar(4)) || substr(token_hash, 5), session_id, camera,"
                    " stream, start_us, end_us, expires_us FROM ticket ORDER BY token_hash DESC LIMIT 1"
                ),
                copies,
            )
        with pytest.raises(Error) as caught:
            sessions.issue(session.actor, span(clock))
        assert caught.value.cause == "too_many_tickets"
