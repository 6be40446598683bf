"""Retention: what is deleted, in which order (design/archive.md, "Delete" and "Retention").

Promises   a held span is passed over; an open segment is never deleted; a crash in between is completed by the next sweep.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from luytre.archive.disk import Disk
from luytre.archive.index import US_PER_DAY, US_PER_MINUTE, Index, minute_bits
from luytre.archive.keys import Span
from luytre.archive.promise import Promise
from luytre.archive.volume import Volume
from luytre.base.clock import to_datetime

# Segments marked in one transaction: bounds how long a writer can wait for the index.
BATCH = 50


@dataclass(frozen=True, slots=True)
class Policy:
    """promises: the retention classes; max_bytes: all segments of the volume together; reserve_bytes: free space left to
    the disk; alarm_days: how many days before a promise breaks the alarm is raised.
    """

    promises: tuple[Promise, ...] = (Promise(),)
    max_bytes: int | None = None
    reserve_bytes: int = 1 << 30
    alarm_days: float = 7.0


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep deleted, and how many bytes it still wanted to free but could not (all held, or still open)."""

    segments: int
    bytes: int
    missing_bytes: int


def sweep(volume: Volume, index: Index, disk: Disk, policy: Policy, now_us: int) -> Sweep:
    """Complete what a crash left, delete the expired, then the oldest until both limits hold. Raises OSError at the
    end when files could not be deleted: they did not keep the others.
    """
    round_ = _Round(volume, index, disk, now_us)
    round_.finish()
    horizon_us = now_us - round(policy.promises[0].keep_days * US_PER_DAY)
    while round_.delete(BATCH, horizon_us):
        pass
    for row in index.streams():
        index.remove_gaps(row.id, horizon_us)
    excess = _excess(volume, index, policy)
    while excess > 0:
        freed = round_.delete(BATCH, None, excess)
        if not freed:
            break
        excess -= freed
    if round_.refused is not None:
        raise round_.refused
    return Sweep(round_.count, round_.freed, max(excess, 0))


def _excess(volume: Volume, index: Index, policy: Policy) -> int:
    _, used, _ = index.totals()
    _, free = volume.space()
    over = 0 if policy.max_bytes is None else used - policy.max_bytes
    return max(over, policy.reserve_bytes - free)


class _Round:
    """What one sweep has deleted so far. `refused`: why the first file that could not be deleted could not."""

    def __init__(self, volume: Volume, index: Index, disk: Disk, now_us: int) -> None:
        self._volume, self._index, self._disk = volume, index, disk
        # Day folders before this one get no more files, and go when they are empty.
        self._last_folder = f"{to_datetime(now_us - 2 * US_PER_DAY):%Y-%m-%d}"
        self.count, self.freed = 0, 0
        self.refused: OSError | None = None

    def delete(self, limit: int, before_us: int | None, wanted: int | None = None) -> int:
        """Mark and delete the oldest closed segments that no hold covers: at most `limit` of them, ended by
        `before_us`, of `wanted` bytes together. Returns their bytes.
        """
        batch = []
        freed = 0
        # Chosen and marked in one transaction: a hold is placed before it or after it, not in between.
        with self._index.transaction():
            for row_id, size in self._oldest(limit, 1 << 62 if before_us is None else before_us):
                batch.append((row_id,))
                freed += size
                if wanted is not None and freed >= wanted:
                    break
            self._index.db.executemany("UPDATE segment SET state = 'deleting' WHERE id = ?", batch)
        if batch:
            self.finish()
        self.count += len(batch)
        self.freed += freed
        return freed

    def _oldest(self, limit: int, before_us: int) -> list[tuple[int, int]]:
        return self._index.db.execute(
            "SELECT id, bytes FROM segment AS s WHERE state = 'closed' AND start_us < ?1 AND end_us <= ?1"
            " AND NOT EXISTS (SELECT 1 FROM hold WHERE stream_id = s.stream_id AND released_us IS NULL"
            "                 AND hold.start_us < s.end_us AND hold.end_us > s.start_us)"
            " ORDER BY start_us LIMIT ?2",
            (before_us, limit),
        ).fetchall()

    def finish(self) -> None:
        """Unlink what is marked, then forget it."""
        rows = self._index.db.execute(
            "SELECT id, stream_id, path, start_us, end_us FROM segment"
            " WHERE state = 'deleting' AND state <> 'closed' ORDER BY start_us"
        ).fetchall()
        for row_id, stream_id, name, start_us, end_us in rows:
            path = self._volume.path / name
            try:
                self._disk.unlink(path)
            except OSError as error:
                # One file that cannot be deleted must not fill the disk with all the others.
                self.refused = self.refused or error
                continue
            with self._index.transaction():
                self._index.remove_segment(row_id)
                clear_minutes(self._index, stream_id, Span(start_us, end_us))
                self._index.expire(stream_id, end_us)
            if path.parent.name < self._last_folder:
                with suppress(OSError):
                    path.parent.rmdir()


def clear_minutes(index: Index, stream_id: int, span: Span) -> None:
    """Clear the span's minutes, then set again those that segments left standing still touch."""
    for day, bits in minute_bits(span):
        old = int.from_bytes(index.minutes(stream_id, day), "little")
        index.write_minutes(stream_id, day, (old & ~bits).to_bytes(180, "little"))
    edges = Span(
        span.start_us // US_PER_MINUTE * US_PER_MINUTE, -(-span.end_us // US_PER_MINUTE) * US_PER_MINUTE
    )
    for row in index.segments(stream_id, edges, deleting=True):
        if row.end_us is not None:
            index.set_minutes(
                stream_id, Span(max(row.start_us, edges.start_us), min(row.end_us, edges.end_us))
            )
    index.db.execute("DELETE FROM day WHERE stream_id = ? AND recorded = zeroblob(180)", (stream_id,))
