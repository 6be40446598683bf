"""Accounts, sessions, tickets, login failures, looks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "people_0001"
down_revision = None
branch_labels = ("people",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("name_key", sa.String(128), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("disabled_us", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sa.UniqueConstraint("name_key", name="uq_account_name_key"),
    )
    _sessions()
    op.create_table(
        "login",
        sa.Column("name_hash", sa.String(64), nullable=False),
        sa.Column("failures_us", sa.String(255), nullable=False),
        sa.Column("locked_until_us", sa.BigInteger, nullable=False),
        sa.Column("changed_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name_hash", name="pk_login"),
    )
    op.create_index("ix_login_changed_us", "login", ["changed_us"])
    _looks()


def _sessions() -> None:
    op.create_table(
        "session",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(36), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("seen_us", sa.BigInteger, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
        sa.UniqueConstraint("token_hash", name="uq_session_token_hash"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_session_account_id_account", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_session_account_id", "session", ["account_id"])
    op.create_index("ix_session_expires_us", "session", ["expires_us"])
    op.create_table(
        "ticket",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("session_id", sa.String(36), nullable=False),
        sa.Column("camera", sa.String(36), nullable=False),
        sa.Column("stream", sa.String(16), nullable=False),
        sa.Column("start_us", sa.BigInteger, nullable=False),
        sa.Column("end_us", sa.BigInteger, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_ticket"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["session.id"], name="fk_ticket_session_id_session", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_ticket_session_id", "ticket", ["session_id"])
    op.create_index("ix_ticket_expires_us", "ticket", ["expires_us"])


def _looks() -> None:
    op.create_table(
        "look",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("user_name", sa.String(64), nullable=False),
        sa.Column("session_id", sa.String(36)),
        sa.Column("by_ticket", sa.Boolean, nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("camera", sa.String(36), nullable=False),
        sa.Column("stream", sa.String(16), nullable=False),
        sa.Column("start_us", sa.BigInteger),
        sa.Column("end_us", sa.BigInteger),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_look"),
    )
    op.create_index("ix_look_at_us", "look", ["at_us"])
    op.create_index("ix_look_user_id", "look", ["user_id"])
    op.create_index("ix_look_camera_at", "look", ["camera", "at_us"])
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER look_refuses_{verb.lower()} BEFORE {verb} ON look"
                " BEGIN SELECT RAISE(ABORT, 'looks are only added'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION look_refuses() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'looks are only added'; END $$"
        )
        op.execute(
            "CREATE TRIGGER look_refuses BEFORE UPDATE OR DELETE OR TRUNCATE ON look"
            " FOR EACH STATEMENT EXECUTE FUNCTION look_refuses()"
        )
