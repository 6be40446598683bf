"""Readers: programs that take pictures over RTSP or as stills, each with a key of its own.

Promises   a key opens live pictures only, of all cameras or of those it was made for, until it expires or is revoked;
           it is kept sealed, and shown once; wrong keys are counted like wrong passwords, by name and address, so that
           nobody can lock a reader out from elsewhere; names that no reader has count as one.
Does not   delete a reader: looks speak of it for years.
"""

from __future__ import annotations

import json
import re
import secrets as system_secrets
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from luytre.base.clock import SYSTEM, US_PER_S, Clock
from luytre.base.db import Database
from luytre.base.errors import Error, Kind
from luytre.base.ids import uuid7
from luytre.base.secrets import Secrets
from luytre.people import passwords
from luytre.people.accounts import name_key
from luytre.people.actor import CONFIGURE, LIVE, Actor
from luytre.people.lockout import Lockout, name_hash
from luytre.people.tables import LoginRow, ReaderRow

US_PER_DAY: Final = 24 * 3600 * US_PER_S
LONGEST_DAYS: Final = 3660.0
# "Last used" is for people: a write per connection is too many.
TOUCH_US: Final = 60 * US_PER_S
ROLE: Final = "reader"
# A guess costs a second at each door, a lock-out comes on top.
WRONG_S: Final = 1.0
_NAME: Final = re.compile(r"^[^\W_](?:[\w.@() -]{0,62}[\w.)])?$")


@dataclass(frozen=True, slots=True)
class Reader:
    """`user` is the name it logs in with; `cameras` are UUIDs, None for all."""

    id: str
    name: str
    user: str
    cameras: tuple[str, ...] | None
    created_us: int
    created_by: str
    expires_us: int | None
    used_us: int | None


@dataclass(frozen=True, slots=True)
class NewReader:
    """The only time anybody sees the secret."""

    reader: Reader
    secret: str = field(repr=False)


# Inside a class with a method `list` the name means the method.
Found = list[Reader]


class Readers:
    """All methods are safe to call from several threads."""

    def __init__(self, database: Database, secrets: Secrets, clock: Clock = SYSTEM) -> None:
        self._database = database
        self._secrets = secrets
        self._clock = clock
        self._lockout = Lockout(database, clock)

    def add(
        self, actor: Actor, name: str, cameras: Sequence[str] | None = None, days: float | None = None
    ) -> NewReader:
        """A key for `days`, without end if None; `cameras` are UUIDs.

        Raises Error(FORBIDDEN), Error(INVALID, cause="bad_reader_name" | "bad_days" | "no_cameras"), Error(CONFLICT,
        cause="reader_exists").
        """
        actor.require(CONFIGURE)
        clean = unicodedata.normalize("NFC", " ".join(name.split()))
        _check(clean, cameras, days)
        now = self._clock.wall_us()
        reader_id, secret = str(uuid7(self._clock)), passwords.generate()
        row = ReaderRow(
            id=reader_id,
            name=clean,
            name_key=name_key(clean),
            secret=self._secrets.seal(secret, _purpose(reader_id)),
            cameras=None if cameras is None else json.dumps(sorted(set(cameras))),
            created_us=now,
            created_by=actor.name,
            expires_us=None if days is None else now + round(days * US_PER_DAY),
            revoked_us=None,
            used_us=None,
        )
        with self._database.writing() as transaction:
            same = and_(ReaderRow.name_key == row.name_key, _living(now))
            if transaction.scalars(select(ReaderRow.id).where(same)).first() is not None:
                raise Error(
                    Kind.CONFLICT,
                    f"there is a reader {clean} already",
                    hint="Choose another name, or remove that one first.",
                    cause="reader_exists",
                )
            row.user_name = _free_user(transaction, clean)
            transaction.add(row)
            transaction.flush()
            return NewReader(_reader(row), secret)

    def list(self) -> Found:
        """Those whose keys open something, by name."""
        with self._database.reading() as transaction:
            rows = transaction.scalars(
                select(ReaderRow).where(_living(self._clock.wall_us())).order_by(ReaderRow.name_key)
            )
            return [_reader(row) for row in rows]

    def revoke(self, actor: Actor, name: str) -> Reader:
        """`name`: its id, else its name, else the one it logs in with. Sessions with it end within seconds.

        Raises Error(FORBIDDEN), Error(NOT_FOUND, cause="reader_unknown").
        """
        actor.require(CONFIGURE)
        now = self._clock.wall_us()
        # What is one reader's login may be another one's name: the first kind that fits is meant.
        kinds = (ReaderRow.id == name, ReaderRow.name_key == name_key(name), ReaderRow.user_name == name)
        with self._database.writing() as transaction:
            found = (
                transaction.scalars(select(ReaderRow).where(kind, _living(now))).first() for kind in kinds
            )
            row = next((row for row in found if row is not None), None)
            if row is None:
                raise Error(
                    Kind.NOT_FOUND,
                    f"there is no reader {name}",
                    hint="`luytre reader list` shows all.",
                    cause="reader_unknown",
                )
            row.revoked_us = now
            return _reader(row)

    def prove(self, user: str, address: str, proof: Callable[[str], bool]) -> Actor:
        """Who `user` is, if `proof` says of the secret that the other side knows it.

        Raises Error(UNAUTHENTICATED, cause="wrong_reader_key"), Error(TOO_MANY, cause="locked", retry_after_s=...).
        """
        now = self._clock.wall_us()
        with self._database.reading() as transaction:
            row = transaction.scalars(
                select(ReaderRow).where(ReaderRow.user_name == user, _living(now))
            ).one_or_none()
            reader, sealed = (None, "") if row is None else (_reader(row), row.secret)
        # Names that nobody has count together, or ever new ones would be guessed at without end.
        attempt = name_hash("reader", f"{'' if reader is None else user}@{address}")
        with self._lockout.turn(attempt):
            self._lockout.require_unlocked(attempt)
            # One that nobody has is compared like any other.
            secret = (
                self._secrets.open(sealed, _purpose(reader.id))
                if reader is not None
                else system_secrets.token_hex(10)
            )
            if not proof(secret) or reader is None:
                self._lockout.note_failure(attempt)
                raise Error(
                    Kind.UNAUTHENTICATED,
                    "no reader has this name and key",
                    hint="Check both; `luytre reader list` shows the readers, `luytre reader add` makes a new key.",
                    cause="wrong_reader_key",
                )
            self._touch(reader, attempt, now)
        return Actor(
            reader.id,
            reader.name,
            ROLE,
            frozenset({LIVE}),
            cameras=None if reader.cameras is None else frozenset(reader.cameras),
        )

    def _touch(self, reader: Reader, attempt: str, now: int) -> None:
        if reader.used_us is not None and 0 <= now - reader.used_us < TOUCH_US:
            return
        with self._database.writing() as transaction:
            transaction.execute(delete(LoginRow).where(LoginRow.name_hash == attempt))
            transaction.execute(update(ReaderRow).where(ReaderRow.id == reader.id).values(used_us=now))


def _living(now: int) -> ColumnElement[bool]:
    return and_(
        ReaderRow.revoked_us.is_(None), or_(ReaderRow.expires_us.is_(None), ReaderRow.expires_us > now)
    )


def _check(name: str, cameras: Sequence[str] | None, days: float | None) -> None:
    if not _NAME.fullmatch(name):
        raise Error(
            Kind.INVALID,
            f"{name!r} cannot be a reader's name",
            hint="Use letters and digits, at most 64; inside also space . - _ @ ( )",
            cause="bad_reader_name",
        )
    if days is not None and not 0 < days <= LONGEST_DAYS:
        raise Error(
            Kind.INVALID,
            f"a key cannot be good for {days:g} days",
            hint=f"Give a number above 0 and at most {LONGEST_DAYS:g}, or leave it out.",
            cause="bad_days",
        )
    if cameras is not None and not cameras:
        raise Error(
            Kind.INVALID,
            "a key for no camera opens nothing",
            hint="Name at least one camera, or leave them out for all.",
            cause="no_cameras",
        )


def _free_user(transaction: Session, name: str) -> str:
    """The name without what keyboards and addresses do not have: `Công an phường` logs in as `cong-an-phuong`."""
    plain = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
    letters = plain.encode("ascii", "ignore").decode().lower()
    wanted = re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:40] or ROLE
    pattern = ReaderRow.user_name.startswith(wanted, autoescape=True)
    taken = set(transaction.scalars(select(ReaderRow.user_name).where(pattern)))
    number, user = 1, wanted
    while user in taken:
        number += 1
        user = f"{wanted}-{number}"
    return user


def _purpose(reader_id: str) -> str:
    return f"reader/{reader_id}/secret"


def _reader(row: ReaderRow) -> Reader:
    return Reader(
        row.id,
        row.name,
        row.user_name,
        None if row.cameras is None else tuple(json.loads(row.cameras)),
        row.created_us,
        row.created_by,
        row.expires_us,
        row.used_us,
    )
