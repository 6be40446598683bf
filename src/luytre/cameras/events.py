"""What cameras reported: motion, tampering, inputs, kept for a month.

Promises   the table is bounded: in days, and in rows of each camera, so that none drives out another's; a camera's own
           events are found by time; other writers wait for no more than a batch.
Does not   hear the cameras (cameras.onvif.events), or say what is recorded: a ledger does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from sqlalchemy import ColumnElement, delete, func, select

from luytre.archive.keys import Span
from luytre.base.clock import SYSTEM, US_PER_S, Clock
from luytre.base.db import Database
from luytre.base.ids import uuid7
from luytre.cameras.tables import CameraRow, EventRow

EventKind = Literal["motion", "tamper", "input"]
_KINDS: Final[tuple[EventKind, ...]] = get_args(EventKind)

KEEP_DAYS: Final = 30
# Of each camera: one every two minutes of these days.
KEEP_ROWS: Final = 20_000
# So many are removed in one transaction.
BATCH: Final = 500
# One answer: a day of a busy camera.
MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class DeviceEvent:
    """`camera`: its UUID; `active`: it begins (True), ends (False), or only happens (None); `source`: rule and lens."""

    camera: str
    kind: EventKind
    active: bool | None
    at_us: int
    source: str


class Events:
    """Safe to call from several threads and processes."""

    def __init__(self, database: Database, clock: Clock = SYSTEM, keep_rows: int = KEEP_ROWS) -> None:
        self._database = database
        self._clock = clock
        self._keep_rows = keep_rows

    def append(self, told: Iterable[DeviceEvent]) -> None:
        """Those of a camera that is gone are left out."""
        given = list(told)
        with self._database.writing() as session:
            wanted = {event.camera for event in given}
            known = set(session.scalars(select(CameraRow.id).where(CameraRow.id.in_(wanted))))
            session.add_all(
                EventRow(
                    id=str(uuid7(self._clock)),
                    camera_id=event.camera,
                    kind=event.kind,
                    active=event.active,
                    at_us=event.at_us,
                    source=event.source[:200],
                )
                for event in given
                if event.camera in known
            )

    def between(self, camera: str, span: Span, most: int = MOST) -> Sequence[DeviceEvent]:
        """A camera's events of [start, end), oldest first, at most `most`."""
        wanted = (
            select(EventRow)
            .where(
                EventRow.camera_id == camera, EventRow.at_us >= span.start_us, EventRow.at_us < span.end_us
            )
            .order_by(EventRow.at_us, EventRow.id)
            .limit(most)
        )
        with self._database.reading() as session:
            return [
                DeviceEvent(row.camera_id, kind, row.active, row.at_us, row.source)
                for row in session.scalars(wanted)
                # One that only another version of the program knows says nothing here.
                if (kind := next((one for one in _KINDS if one == row.kind), None)) is not None
            ]

    def trim(self) -> Iterator[int]:
        """Forget what is too old, and each camera's oldest beyond `keep_rows`: batch by batch, how many rows each had.
        Whoever goes through it may pause between two.
        """
        oldest_us = self._clock.wall_us() - KEEP_DAYS * 86_400 * US_PER_S
        yield from self._remove(EventRow.at_us < oldest_us)
        counted = (
            select(EventRow.camera_id).group_by(EventRow.camera_id).having(func.count() > self._keep_rows)
        )
        with self._database.reading() as session:
            too_many = session.scalars(counted).all()
        for camera in too_many:
            yield from self._remove(EventRow.camera_id == camera, keep=self._keep_rows)

    def _remove(self, which: ColumnElement[bool], keep: int = 0) -> Iterator[int]:
        """All but the newest `keep` of them."""
        newest_first = select(EventRow.id).where(which).order_by(EventRow.at_us.desc(), EventRow.id.desc())
        while True:
            with self._database.writing() as session:
                found = session.scalars(newest_first.offset(keep).limit(BATCH)).all()
                session.execute(delete(EventRow).where(EventRow.id.in_(found)))
            if found:
                yield len(found)
            if len(found) < BATCH:
                return
