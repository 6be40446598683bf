"""Cameras and their streams."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "cameras_0001"
down_revision = None
branch_labels = ("cameras",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "camera",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("code_key", sa.String(32), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("user", sa.String(255), nullable=False),
        sa.Column("sealed_password", sa.String(1024), nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("removed_us", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_camera"),
    )
    op.create_index(
        "uq_camera_code_key",
        "camera",
        ["code_key"],
        unique=True,
        sqlite_where=sa.text("removed_us IS NULL"),
        postgresql_where=sa.text("removed_us IS NULL"),
    )
    op.create_table(
        "stream",
        sa.Column("camera_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("sealed_url", sa.String(4000)),
        sa.Column("audio", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("camera_id", "name", name="pk_stream"),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["camera.id"], name="fk_stream_camera_id_camera", ondelete="CASCADE"
        ),
    )
