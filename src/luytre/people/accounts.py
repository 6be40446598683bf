"""Accounts: who may log in.

Promises   one account per name, however it is typed (case, composed or decomposed diacritics); passwords are
           only kept as Argon2id; a changed password, a changed role and a disabled account end the sessions
           of the account.
Does not   log anybody in (sessions.py) or delete an account: looks speak of it for years.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from luytre.base.clock import SYSTEM, Clock
from luytre.base.db import Database
from luytre.base.errors import Error, Kind
from luytre.base.ids import uuid7
from luytre.people import passwords
from luytre.people.actor import ROLES
from luytre.people.tables import AccountRow, SessionRow

_NAME = re.compile(r"^[^\W_](?:[\w.@ -]{0,62}[^\W_])?$")


@dataclass(frozen=True, slots=True)
class User:
    id: str
    name: str
    role: str
    disabled: bool
    created_us: int


@dataclass(frozen=True, slots=True)
class NewUser:
    """`password` is set when it was generated: this is the only time anybody sees it."""

    name: str
    role: str
    password: str | None = field(repr=False)


def name_key(name: str) -> str:
    """The name as it is compared."""
    return unicodedata.normalize("NFC", " ".join(name.split())).casefold()


class Accounts:
    """All methods are safe to call from several threads."""

    def __init__(self, database: Database, clock: Clock = SYSTEM) -> None:
        self._database = database
        self._clock = clock

    def add_user(self, name: str, password: str | None = None, role: str = "officer") -> NewUser:
        """Raises Error(CONFLICT, cause="user_exists"), Error(INVALID, cause="bad_name" | "bad_role" |
        "bad_password").
        """
        clean = unicodedata.normalize("NFC", " ".join(name.split()))
        if not _NAME.fullmatch(clean):
            raise Error(
                Kind.INVALID,
                f"{name!r} cannot be a user name",
                hint="Use letters and digits, at most 64; inside also space . - _ @",
                cause="bad_name",
            )
        _require_role(role)
        chosen = passwords.generate() if password is None else password
        row = AccountRow(
            id=str(uuid7(self._clock)),
            name=clean,
            name_key=name_key(clean),
            role=role,
            password_hash=passwords.make_hash(chosen),
            created_us=self._clock.wall_us(),
            disabled_us=None,
        )
        try:
            with self._database.writing() as session:
                session.add(row)
        except IntegrityError:
            raise Error(
                Kind.CONFLICT,
                f"there is a user {clean} already",
                hint="Choose another name.",
                cause="user_exists",
            ) from None
        return NewUser(clean, role, chosen if password is None else None)

    def users(self) -> list[User]:
        """All accounts, by name."""
        with self._database.reading() as session:
            rows = session.scalars(select(AccountRow).order_by(AccountRow.name_key))
            return [User(r.id, r.name, r.role, r.disabled_us is not None, r.created_us) for r in rows]

    def count(self) -> int:
        with self._database.reading() as session:
            return session.scalar(select(func.count()).select_from(AccountRow)) or 0

    def set_password(self, name: str, password: str | None = None) -> str | None:
        """Ends all sessions of the account. Returns the password when it was generated.

        Raises Error(NOT_FOUND, cause="user_unknown"), Error(INVALID, cause="bad_password").
        """
        chosen = passwords.generate() if password is None else password
        hashed = passwords.make_hash(chosen)
        with self._database.writing() as session:
            row = _account(session, name)
            row.password_hash = hashed
            session.execute(delete(SessionRow).where(SessionRow.account_id == row.id))
        return chosen if password is None else None

    def set_role(self, name: str, role: str) -> None:
        """Ends all sessions of the account: rights are those of the login."""
        _require_role(role)
        with self._database.writing() as session:
            row = _account(session, name)
            row.role = role
            session.execute(delete(SessionRow).where(SessionRow.account_id == row.id))

    def disable(self, name: str) -> None:
        """Ends all sessions of the account; it cannot log in any more. Doing it twice is no error."""
        with self._database.writing() as session:
            row = _account(session, name)
            row.disabled_us = row.disabled_us or self._clock.wall_us()
            session.execute(delete(SessionRow).where(SessionRow.account_id == row.id))


def _account(session: Session, name: str) -> AccountRow:
    row = session.scalars(select(AccountRow).where(AccountRow.name_key == name_key(name))).one_or_none()
    if row is None:
        raise Error(
            Kind.NOT_FOUND,
            f"there is no user {name}",
            hint="`luytre user list` shows all.",
            cause="user_unknown",
        )
    return row


def _require_role(role: str) -> None:
    if role not in ROLES:
        raise Error(
            Kind.INVALID,
            f"{role!r} is not a role",
            hint=f"Roles are {', '.join(ROLES)}.",
            cause="bad_role",
        )
