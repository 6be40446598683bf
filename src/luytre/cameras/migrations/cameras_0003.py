"""How a camera's RTP comes, where it speaks ONVIF, what it says it is and sees, and whether its password is weak."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "cameras_0003"
down_revision = "cameras_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The defaults are for the cameras that are there; the room gives each new row its values.
    for name, kind, default in (
        ("transport", sa.String(16), "auto"),
        ("onvif", sa.String(2100), ""),
        ("onvif_events", sa.Boolean, sa.false()),
        ("weak_password", sa.Boolean, sa.false()),
    ):
        op.add_column("camera", sa.Column(name, kind, nullable=False, server_default=default))
    for name in ("manufacturer", "model", "firmware", "serial", "hardware"):
        op.add_column("camera", sa.Column(name, sa.Text))
    op.add_column("camera", sa.Column("identified_us", sa.BigInteger))
    op.create_table(
        "camera_event",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("camera_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("active", sa.Boolean),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_camera_event"),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["camera.id"], name="fk_camera_event_camera_id_camera", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_camera_event_camera_id_at_us", "camera_event", ["camera_id", "at_us"])
    op.create_index("ix_camera_event_at_us", "camera_event", ["at_us"])
