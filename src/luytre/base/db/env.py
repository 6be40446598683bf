"""What Alembic runs (its name is Alembic's): upgrade.py hands the connection over. Not imported by
anything.
"""

from __future__ import annotations

from alembic import context

from luytre.base.db import Table

context.configure(connection=context.config.attributes["connection"], target_metadata=Table.metadata)
with context.begin_transaction():
    context.run_migrations()
