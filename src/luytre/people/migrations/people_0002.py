"""Readers: programs that take pictures, each with a key of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "people_0002"
down_revision = "people_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reader",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("name_key", sa.String(128), nullable=False),
        sa.Column("user_name", sa.String(64), nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("cameras", sa.Text),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("expires_us", sa.BigInteger),
        sa.Column("revoked_us", sa.BigInteger),
        sa.Column("used_us", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_reader"),
        sa.UniqueConstraint("user_name", name="uq_reader_user_name"),
    )
    op.create_index("ix_reader_name_key", "reader", ["name_key"])
