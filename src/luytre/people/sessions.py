"""Sessions and tickets: how somebody proves who they are, again and again.

Promises   wrong passwords lock a name (lockout.py); a name that does not exist locks alike and takes as long to
           refuse; tokens are random (256 bits) and kept as SHA-256 only; ending a session ends its tickets.
Does not   know cookies or headers (luytre.api does).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session as Transaction

from luytre.base.clock import SYSTEM, US_PER_S, Clock
from luytre.base.db import Database
from luytre.base.errors import Error, Kind
from luytre.base.ids import uuid7
from luytre.people import passwords
from luytre.people.accounts import name_key
from luytre.people.actor import LIVE, PLAYBACK, ROLES, Actor, Scope
from luytre.people.lockout import Lockout, name_hash
from luytre.people.tables import AccountRow, LoginRow, SessionRow, TicketRow

# A shift is 12 hours; a wall that is watched all the time stays logged in for a week.
IDLE_US: Final = 12 * 3600 * US_PER_S
LIFE_US: Final = 7 * 24 * 3600 * US_PER_S
# `seen` is written at most this often: a read per request is cheap, a write is not.
TOUCH_US: Final = 300 * US_PER_S
TICKET_US: Final = 6 * 3600 * US_PER_S
MAX_TICKETS: Final = 1000


@dataclass(frozen=True, slots=True)
class Session:
    """`token` is a secret of its bearer; `csrf` follows from it and is no secret from the bearer's own
    pages.
    """

    token: str = field(repr=False)
    csrf: str = field(repr=False)
    expires_us: int
    actor: Actor


@dataclass(frozen=True, slots=True)
class Ticket:
    text: str = field(repr=False)
    expires_us: int


class Sessions:
    """All methods are safe to call from several threads."""

    def __init__(self, database: Database, clock: Clock = SYSTEM) -> None:
        self._database = database
        self._clock = clock
        self._lockout = Lockout(database, clock)

    def log_in(self, name: str, password: str, address: str = "") -> Session:
        """Raises Error(UNAUTHENTICATED, cause="wrong_password"), Error(TOO_MANY, cause="locked",
        retry_after_s=...).
        """
        key = name_key(name)
        hashed = name_hash("name", key)
        with self._lockout.turn(hashed):
            self._lockout.require_unlocked(hashed)
            with self._database.reading() as transaction:
                account = transaction.scalars(
                    select(AccountRow).where(AccountRow.name_key == key, AccountRow.disabled_us.is_(None))
                ).one_or_none()
                stored = account.password_hash if account else None
            if not passwords.matches(password, stored) or account is None:
                self._lockout.note_failure(hashed)
                raise Error(
                    Kind.UNAUTHENTICATED,
                    "the name or the password is wrong",
                    hint="Type both again; after five failures the name is locked for 5 minutes.",
                    cause="wrong_password",
                )
            return self._begin(account, hashed, address)

    def _begin(self, account: AccountRow, hashed: str, address: str) -> Session:
        token = secrets.token_urlsafe(32)
        now = self._clock.wall_us()
        row = SessionRow(
            id=str(uuid7(self._clock)),
            token_hash=_digest("session", token),
            account_id=account.id,
            address=address[:64],
            created_us=now,
            seen_us=now,
            expires_us=now + IDLE_US,
        )
        with self._database.writing() as transaction:
            transaction.execute(delete(LoginRow).where(LoginRow.name_hash == hashed))
            transaction.execute(delete(SessionRow).where(SessionRow.expires_us <= now))
            transaction.add(row)
            transaction.flush()
            actor = _actor(account, row.id)
            return Session(token, _csrf(token), row.expires_us, actor)

    def find(self, token: str) -> Session | None:
        """The living session of this token. Being found keeps it alive: 12 hours idle, a week in all."""
        now = self._clock.wall_us()
        with self._database.reading() as transaction:
            found = transaction.execute(
                select(SessionRow, AccountRow)
                .join(AccountRow, AccountRow.id == SessionRow.account_id)
                .where(
                    SessionRow.token_hash == _digest("session", token),
                    SessionRow.expires_us > now,
                    AccountRow.disabled_us.is_(None),
                )
            ).one_or_none()
            if found is None:
                return None
            row, account = found
            session_id, seen_us, expires_us = row.id, row.seen_us, row.expires_us
            actor, last_us = _actor(account, row.id), row.created_us + LIFE_US
        if now - seen_us >= TOUCH_US:
            expires_us = min(now + IDLE_US, last_us)
            with self._database.writing() as transaction:
                transaction.execute(
                    update(SessionRow)
                    .where(SessionRow.id == session_id)
                    .values(seen_us=now, expires_us=expires_us)
                )
        return Session(token, _csrf(token), expires_us, actor)

    def is_alive(self, session_id: str) -> bool:
        """For what outlives a request (a live socket): has the session ended meanwhile?"""
        with self._database.reading() as transaction:
            row = transaction.scalars(
                select(SessionRow.id)
                .join(AccountRow, AccountRow.id == SessionRow.account_id)
                .where(
                    SessionRow.id == session_id,
                    SessionRow.expires_us > self._clock.wall_us(),
                    AccountRow.disabled_us.is_(None),
                )
            ).one_or_none()
            return row is not None

    def end(self, session_id: str) -> None:
        """Log out: the session and its tickets are gone. Doing it twice is no error."""
        with self._database.writing() as transaction:
            transaction.execute(delete(SessionRow).where(SessionRow.id == session_id))

    def issue(self, actor: Actor, scope: Scope) -> Ticket:
        """A ticket for `scope`, for 6 hours or as long as the session lives.

        Raises Error(FORBIDDEN) for one who may not play back, who has no session, or who came with a ticket;
        Error(TOO_MANY, cause="too_many_tickets") beyond a thousand living ones.
        """
        actor.require(PLAYBACK)
        if actor.session_id is None or actor.scope is not None:
            raise Error(
                Kind.FORBIDDEN,
                "tickets are given to somebody who is logged in",
                hint="Log in first.",
                cause="forbidden",
            )
        text = secrets.token_urlsafe(32)
        now = self._clock.wall_us()
        with self._database.writing() as transaction:
            transaction.execute(delete(TicketRow).where(TicketRow.expires_us <= now))
            session = transaction.get(SessionRow, actor.session_id)
            if session is None:
                raise Error(
                    Kind.UNAUTHENTICATED, "the session has ended", hint="Log in again.", cause="logged_out"
                )
            _require_room(transaction, actor.session_id)
            row = TicketRow(
                token_hash=_digest("ticket", text),
                session_id=actor.session_id,
                camera=scope.camera,
                stream=scope.stream,
                start_us=scope.start_us,
                end_us=scope.end_us,
                expires_us=now + TICKET_US,
            )
            transaction.add(row)
        return Ticket(text, now + TICKET_US)

    def redeem(self, text: str) -> Actor | None:
        """Who a ticket speaks for, narrowed to its scope; None when it or its session has ended.

        It plays back only; live pictures too while now lies in its span.
        """
        now = self._clock.wall_us()
        with self._database.reading() as transaction:
            found = transaction.execute(
                select(TicketRow, AccountRow)
                .join(SessionRow, SessionRow.id == TicketRow.session_id)
                .join(AccountRow, AccountRow.id == SessionRow.account_id)
                .where(
                    TicketRow.token_hash == _digest("ticket", text),
                    TicketRow.expires_us > now,
                    SessionRow.expires_us > now,
                    AccountRow.disabled_us.is_(None),
                )
            ).one_or_none()
            if found is None:
                return None
            ticket, account = found
            allowed = {PLAYBACK, LIVE} if ticket.start_us <= now < ticket.end_us else {PLAYBACK}
            scope = Scope(ticket.camera, ticket.stream, ticket.start_us, ticket.end_us)
            return _actor(account, ticket.session_id, scope, frozenset(allowed))


def _require_room(transaction: Transaction, session_id: str) -> None:
    ids = transaction.scalars(
        select(TicketRow.token_hash).where(TicketRow.session_id == session_id).limit(MAX_TICKETS)
    )
    if len(ids.all()) >= MAX_TICKETS:
        raise Error(
            Kind.TOO_MANY,
            f"this session has {MAX_TICKETS} living tickets",
            hint="Log out and in again: that ends them all.",
            cause="too_many_tickets",
        )


def _actor(
    account: AccountRow, session_id: str, scope: Scope | None = None, limit: frozenset[str] | None = None
) -> Actor:
    permissions = ROLES.get(account.role, frozenset())
    if limit is not None:
        permissions &= limit
    return Actor(account.id, account.name, account.role, permissions, session_id, scope)


def _digest(purpose: str, text: str) -> str:
    return hashlib.sha256(f"{purpose}:{text}".encode()).hexdigest()


def _csrf(token: str) -> str:
    """A value only who knows the token can make; the token cannot be found from it."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"csrf:{token}".encode()).digest()).decode().rstrip("=")
