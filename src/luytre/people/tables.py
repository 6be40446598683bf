"""The tables of this room. Known to its own modules only."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from luytre.base.db import Table


class AccountRow(Table):
    """`name_key` is the name as it is compared: NFC, case folded."""

    __tablename__ = "account"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    name_key: Mapped[str] = mapped_column(String(128), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(String(255))
    created_us: Mapped[int] = mapped_column(BigInteger)
    disabled_us: Mapped[int | None] = mapped_column(BigInteger)


class SessionRow(Table):
    """A session. Of the token only its SHA-256 is kept: who reads the database cannot log in with it."""

    __tablename__ = "session"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    address: Mapped[str] = mapped_column(String(64))
    created_us: Mapped[int] = mapped_column(BigInteger)
    seen_us: Mapped[int] = mapped_column(BigInteger)
    expires_us: Mapped[int] = mapped_column(BigInteger, index=True)


class TicketRow(Table):
    """An address that works without a login, for one span. Ends with its session."""

    __tablename__ = "ticket"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("session.id", ondelete="CASCADE"), index=True)
    camera: Mapped[str] = mapped_column(String(36))
    stream: Mapped[str] = mapped_column(String(16))
    start_us: Mapped[int] = mapped_column(BigInteger)
    end_us: Mapped[int] = mapped_column(BigInteger)
    expires_us: Mapped[int] = mapped_column(BigInteger, index=True)


class LoginRow(Table):
    """Recent failures of one name, known or not. `failures_us`: times, comma separated, newest last."""

    __tablename__ = "login"

    name_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures_us: Mapped[str] = mapped_column(String(255))
    locked_until_us: Mapped[int] = mapped_column(BigInteger)
    changed_us: Mapped[int] = mapped_column(BigInteger, index=True)


class ReaderRow(Table):
    """A program that takes pictures, with a key of its own. `secret` is sealed: Digest needs the text itself. `cameras`:
    UUIDs as a JSON list, None for all. Rows stay: looks speak of them.
    """

    __tablename__ = "reader"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    name_key: Mapped[str] = mapped_column(String(128), index=True)
    user_name: Mapped[str] = mapped_column(String(64), unique=True)
    secret: Mapped[str] = mapped_column(Text)
    cameras: Mapped[str | None] = mapped_column(Text)
    created_us: Mapped[int] = mapped_column(BigInteger)
    created_by: Mapped[str] = mapped_column(String(64))
    expires_us: Mapped[int | None] = mapped_column(BigInteger)
    revoked_us: Mapped[int | None] = mapped_column(BigInteger)
    used_us: Mapped[int | None] = mapped_column(BigInteger)


class LookRow(Table):
    """One audited viewing. Triggers refuse UPDATE and DELETE. No foreign keys: a look outlives what it speaks
    of.
    """

    __tablename__ = "look"
    __table_args__ = (Index("ix_look_camera_at", "camera", "at_us"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    at_us: Mapped[int] = mapped_column(BigInteger, index=True)
    user_id: Mapped[str] = mapped_column(String(36), index=True)
    user_name: Mapped[str] = mapped_column(String(64))
    session_id: Mapped[str | None] = mapped_column(String(36))
    by_ticket: Mapped[bool] = mapped_column()
    action: Mapped[str] = mapped_column(String(32))
    camera: Mapped[str] = mapped_column(String(36))
    stream: Mapped[str] = mapped_column(String(16))
    start_us: Mapped[int | None] = mapped_column(BigInteger)
    end_us: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(500))
