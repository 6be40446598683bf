"""Looks: who saw which picture, when, and why.

Promises   a look is only added; the database itself refuses to change or remove one.
Does not   decide what is a look (luytre.cameras.viewing does).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from luytre.base.clock import SYSTEM, Clock
from luytre.base.db import Database
from luytre.base.ids import uuid7
from luytre.people.actor import Actor
from luytre.people.tables import LookRow

REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Look:
    """`camera` is the camera's UUID; `start_us`, `end_us` are None for live."""

    id: str
    at_us: int
    user_id: str
    user_name: str
    session_id: str | None
    by_ticket: bool
    action: str
    camera: str
    stream: str
    start_us: int | None
    end_us: int | None
    reason: str


# Inside a class with a method `list` the name means the method.
Found = list[Look]


class Looks:
    """All methods are safe to call from several threads."""

    def __init__(self, database: Database, clock: Clock = SYSTEM) -> None:
        self._database = database
        self._clock = clock

    def record(
        self,
        actor: Actor,
        action: str,
        camera: str,
        stream: str,
        start_us: int | None = None,
        end_us: int | None = None,
        reason: str = "",
    ) -> None:
        """Write one line. When it cannot be written the caller gets the error, and nobody the picture."""
        row = LookRow(
            id=str(uuid7(self._clock)),
            at_us=self._clock.wall_us(),
            user_id=actor.user_id,
            user_name=actor.name,
            session_id=actor.session_id,
            by_ticket=actor.scope is not None,
            action=action,
            camera=camera,
            stream=stream,
            start_us=start_us,
            end_us=end_us,
            reason=reason[:REASON_LENGTH],
        )
        with self._database.writing() as session:
            session.add(row)

    def list(
        self,
        *,
        camera: str | None = None,
        user_id: str | None = None,
        since_us: int | None = None,
        until_us: int | None = None,
        limit: int = 1000,
    ) -> Found:
        """Newest first; `since_us` included, `until_us` not."""
        query = select(LookRow).order_by(LookRow.at_us.desc(), LookRow.id.desc()).limit(limit)
        if camera is not None:
            query = query.where(LookRow.camera == camera)
        if user_id is not None:
            query = query.where(LookRow.user_id == user_id)
        if since_us is not None:
            query = query.where(LookRow.at_us >= since_us)
        if until_us is not None:
            query = query.where(LookRow.at_us < until_us)
        with self._database.reading() as session:
            return [_look(row) for row in session.scalars(query)]


def _look(row: LookRow) -> Look:
    return Look(
        id=row.id,
        at_us=row.at_us,
        user_id=row.user_id,
        user_name=row.user_name,
        session_id=row.session_id,
        by_ticket=row.by_ticket,
        action=row.action,
        camera=row.camera,
        stream=row.stream,
        start_us=row.start_us,
        end_us=row.end_us,
        reason=row.reason,
    )
