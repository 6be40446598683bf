"""Cameras that were there before a migration are there after it."""

from __future__ import annotations

from alembic import command
from sqlalchemy import text

from luytre.app.store import ROOMS
from luytre.base.db import Database
from luytre.base.db.upgrade import alembic_config, upgrade
from luytre.base.secrets import Secrets
from luytre.cameras.camera import Identity
from luytre.cameras.recording import Recording
from luytre.cameras.registry import Registry


def test_older_cameras_are_recorded_as_before(empty_url: str) -> None:
    database = Database(empty_url)
    config = alembic_config(ROOMS)
    with database.connection() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "cameras_0001")
        connection.execute(
            text("INSERT INTO camera VALUES ('1', 'DK-01', 'DK-01', 'Chợ', true, 'u', '', 5, NULL)")
        )
        connection.execute(text("INSERT INTO stream VALUES ('1', 'main', 'rtsp://10.0.0.5/x', NULL, false)"))
    upgrade(database, ROOMS)
    camera = Registry(database, Secrets(b"k" * 32)).get("DK-01")
    assert (camera.name, camera.created_us, camera.recording) == ("Chợ", 5, Recording())
    assert (camera.transport, camera.onvif, camera.onvif_events, camera.weak_password) == (
        "auto",
        "",
        False,
        False,
    )
    assert (camera.identity, camera.identified_us) == (Identity(), None)
    database.close()
