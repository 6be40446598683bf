"""Counting failures to prove who one is.

Promises   five failures within 30 s lock a name for 5 minutes, also over restarts; names that nobody has lock alike, or
           together; one attempt of a name at a time, or a hundred guesses at once would all find it unlocked.
Does not   know what is proved, or how (sessions.py, readers.py).
"""

from __future__ import annotations

import hashlib
import threading
from typing import Final

from sqlalchemy import delete

from luytre.base.clock import US_PER_S, Clock
from luytre.base.db import Database
from luytre.base.errors import Error, Kind
from luytre.people.tables import LoginRow

FAILURES: Final = 5
WINDOW_US: Final = 30 * US_PER_S
LOCK_US: Final = 300 * US_PER_S


def name_hash(purpose: str, name: str) -> str:
    """What stands for a name in the table of failures."""
    return hashlib.sha256(f"{purpose}:{name}".encode()).hexdigest()


class Lockout:
    """Safe to call from several threads. `name` is a `name_hash`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._turns = [threading.Lock() for _ in range(64)]

    def turn(self, name: str) -> threading.Lock:
        """To be held during an attempt."""
        return self._turns[int(name[:8], 16) % len(self._turns)]

    def require_unlocked(self, name: str) -> None:
        """Raises Error(TOO_MANY, cause="locked", retry_after_s=...)."""
        with self._database.reading() as transaction:
            row = transaction.get(LoginRow, name)
            wait_us = row.locked_until_us - self._clock.wall_us() if row else 0
        if 0 < wait_us <= LOCK_US:
            raise Error(
                Kind.TOO_MANY,
                "this name is locked after too many wrong passwords",
                hint=f"Try again in {-(-wait_us // (60 * US_PER_S))} minutes.",
                cause="locked",
                retry_after_s=wait_us / US_PER_S,
            )

    def note_failure(self, name: str) -> None:
        """One more."""
        now = self._clock.wall_us()
        with self._database.writing() as transaction:
            # Names nobody has must not fill the disk.
            transaction.execute(delete(LoginRow).where(LoginRow.changed_us < now - LOCK_US))
            row = transaction.get(LoginRow, name)
            if row is None:
                row = LoginRow(name_hash=name, failures_us="", locked_until_us=0, changed_us=now)
                transaction.add(row)
            recent = [int(at) for at in row.failures_us.split(",") if at and now - int(at) <= WINDOW_US]
            recent.append(now)
            if len(recent) >= FAILURES:
                row.locked_until_us = now + LOCK_US
                recent = []
            row.failures_us = ",".join(str(at) for at in recent)
            row.changed_us = now
