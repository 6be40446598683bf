"""How this room's tables came to be. A new revision gets the next number; `CAMERAS.head` follows (a test
holds it).
"""

from __future__ import annotations

from pathlib import Path

from luytre.base.db import Migrations

CAMERAS = Migrations(Path(__file__).parent, "cameras_0003")
