"""Retention: what is deleted, in which order (design/archive.md, "Delete" and "Retention").

Promises   a held span is passed over; an open segment is never deleted; a crash in between is completed by the next sweep.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from luytre.archive.disk import Disk
from luytre.archive.index import US_PER_DAY, US_PER_MINUTE, Index, minute_bits
from luytre.archive.keys import Span
from luytre.archive.volume import Volume

# Segments marked in one transaction: bounds how long a writer can wait for the index.
BATCH = 50


@dataclass(frozen=True, slots=True)
class Policy:
    """days: promised and kept at most; max_bytes: all segments of the volume together; reserve_bytes: free
    space left to the disk.
    """

    days: float = 30.0
    max_bytes: int | None = None
    reserve_bytes: int = 1 << 30


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep deleted, and how many bytes it still wanted to free but could not (all held, or still open)."""

    segments: int
    bytes: int
    missing_bytes: int


def sweep(volume: Volume, index: Index, disk: Disk, policy: Policy, now_us: int) -> Sweep:
    """Complete what a crash left, delete the expired, then the oldest until both limits hold."""
    _finish(volume, index, disk)
    horizon_us = now_us - round(policy.days * US_PER_DAY)
    count, freed = 0, 0
    while batch := list(_oldest(index, BATCH, before_us=horizon_us)):
        count, freed = count + len(batch), freed + _delete(volume, index, disk, batch)
    for row in index.streams():
        index.remove_gaps(row.id, horizon_us)
    excess = _excess(volume, index, policy)
    while excess > 0:
        batch = []
        for candidate in _oldest(index, BATCH):
            batch.append(candidate)
            excess -= candidate[1]
            if excess <= 0:
                break
        if not batch:
            break
        count, freed = count + len(batch), freed + _delete(volume, index, disk, batch)
    return Sweep(count, freed, max(excess, 0))


def _excess(volume: Volume, index: Index, policy: Policy) -> int:
    _, used, _ = index.totals()
    _, free = volume.space()
    over = 0 if policy.max_bytes is None else used - policy.max_bytes
    return max(over, policy.reserve_bytes - free)


def _oldest(index: Index, limit: int, before_us: int | None = None) -> Iterator[tuple[int, int]]:
    """(row id, bytes) of the oldest closed segments that no hold covers; those that ended before `before_us` where given."""
    yield from index.db.execute(
        "SELECT id, bytes FROM segment AS s WHERE state = 'closed' AND (?1 IS NULL OR end_us <= ?1)"
        " AND NOT EXISTS (SELECT 1 FROM hold WHERE stream_id = s.stream_id AND released_us IS NULL"
        "                 AND hold.start_us < s.end_us AND hold.end_us > s.start_us)"
        " ORDER BY start_us LIMIT ?2",
        (before_us, limit),
    ).fetchall()


def _delete(volume: Volume, index: Index, disk: Disk, batch: list[tuple[int, int]]) -> int:
    with index.transaction():
        index.db.executemany(
            "UPDATE segment SET state = 'deleting' WHERE id = ?", [(row_id,) for row_id, _ in batch]
        )
    _finish(volume, index, disk)
    return sum(size for _, size in batch)


def _finish(volume: Volume, index: Index, disk: Disk) -> None:
    rows = index.db.execute(
        "SELECT id, stream_id, path, start_us, end_us FROM segment WHERE state = 'deleting'"
    ).fetchall()
    for row_id, stream_id, path, start_us, end_us in rows:
        disk.unlink(volume.path / path)
        with index.transaction():
            index.remove_segment(row_id)
            clear_minutes(index, stream_id, Span(start_us, end_us))
            index.db.execute(
                "UPDATE stream SET expired_us = max(expired_us, ?) WHERE id = ?", (end_us, stream_id)
            )


def clear_minutes(index: Index, stream_id: int, span: Span) -> None:
    """Clear the span's minutes, then set again those that segments left standing still touch."""
    for day, bits in minute_bits(span):
        old = int.from_bytes(index.minutes(stream_id, day), "little")
        index.write_minutes(stream_id, day, (old & ~bits).to_bytes(180, "little"))
    edges = Span(
        span.start_us // US_PER_MINUTE * US_PER_MINUTE, -(-span.end_us // US_PER_MINUTE) * US_PER_MINUTE
    )
    for row in index.segments(stream_id, edges):
        if row.end_us is not None:
            index.set_minutes(
                stream_id, Span(max(row.start_us, edges.start_us), min(row.end_us, edges.end_us))
            )
    index.db.execute("DELETE FROM day WHERE stream_id = ? AND recorded = zeroblob(180)", (stream_id,))
