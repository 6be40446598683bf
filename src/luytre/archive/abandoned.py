"""Streams that the plan took away from a volume while nobody was there to write their end down: the camera was removed,
disabled or moved while the node was down.

Promises   what a crash left open is healed, and the ledger tells the plan's reason from now on; a stream that somebody
           still writes is left alone.
Does not   know the plan (the recorder does).
"""

from __future__ import annotations

from collections.abc import Callable

from luytre.archive.disk import Disk, is_being_written
from luytre.archive.index import Index, StreamRow
from luytre.archive.keys import Cause, StreamKey
from luytre.archive.ledger import take_up
from luytre.archive.power_cut import restore
from luytre.archive.rebuild import PENDING
from luytre.archive.volume import Volume
from luytre.base.clock import Clock
from luytre.base.errors import Error

# Why a volume gets nothing of a stream any more; None while it may.
Absence = Callable[[StreamKey], str | None]
_SETTLED = (Cause.CAMERA_DISABLED, Cause.ELSEWHERE)


def settle(
    volume: Volume, index: Index, disk: Disk, clock: Clock, absence: Absence, on_error: Callable[[str], None]
) -> None:
    """One that cannot be healed is told, and keeps no other. Raises sqlite3.Error."""
    if index.meta("import") == PENDING:
        return
    for stream in index.streams():
        cause = absence(stream.key)
        if cause is None or _is_settled(index, stream):
            continue
        try:
            _settle(volume, index, disk, clock, stream, cause)
        except (OSError, Error) as error:
            on_error(f"{stream.code}/{stream.name} is not healed: {error}")


def _is_settled(index: Index, stream: StreamRow) -> bool:
    gap = index.open_gap(stream.id)
    return gap is not None and gap.cause in _SETTLED and not index.not_closed(stream.id)


def _settle(volume: Volume, index: Index, disk: Disk, clock: Clock, stream: StreamRow, cause: str) -> None:
    for row in index.not_closed(stream.id):
        path = volume.path / row.path
        if path.exists() and is_being_written(path):
            # Its recorder has an older plan, for a moment.
            return
    crashed = bool(index.not_closed(stream.id))
    restore(volume, index, disk, stream.key, stream.code, clock)
    with index.transaction():
        if index.not_closed(stream.id):
            # Begun meanwhile.
            return
        now_us = clock.wall_us()
        before = Cause.NODE_CRASHED if crashed else Cause.UNKNOWN
        change = take_up(index, stream.key, stream.code, now_us, before).gap(now_us, cause)
        if change is not None:
            change(index)
