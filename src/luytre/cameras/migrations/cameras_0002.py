"""How a camera is recorded: class, volume, mode, hours, pre- and post-roll."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "cameras_0002"
down_revision = "cameras_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The defaults are for the cameras that are there; the room gives each new row its values.
    for name, kind, default in (
        ("retention", sa.String(40), "standard"),
        ("mode", sa.String(16), "continuous"),
        ("hours", sa.String(400), ""),
        ("preroll_s", sa.Double, "5"),
        ("postroll_s", sa.Double, "10"),
    ):
        op.add_column("camera", sa.Column(name, kind, nullable=False, server_default=default))
    op.add_column("camera", sa.Column("volume", sa.Text))
