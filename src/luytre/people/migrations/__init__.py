"""How this room's tables came to be. A new revision gets the next number; `PEOPLE.head` follows (a test holds
it).
"""

from __future__ import annotations

from pathlib import Path

from luytre.base.db import Migrations

PEOPLE = Migrations(Path(__file__).parent, "people_0002")
