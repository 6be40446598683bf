"""Open a volume's index, and make it again from the files when it is lost (design/archive.md, "Rebuild").

Recording does not wait for the reading-in of old files: a new index is usable at once and marked 'pending';
the keeper reads the files in.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from luytre.archive import certificates, recover
from luytre.archive.certificates import Rule
from luytre.archive.disk import Disk
from luytre.archive.holds import restore
from luytre.archive.index import Index, StreamRow
from luytre.archive.keys import Cause, Gap, Span, StreamKey, join_spans, uncovered
from luytre.archive.retention import clear_minutes
from luytre.archive.volume import Volume
from luytre.base.clock import Clock
from luytre.base.errors import Error, Kind

PENDING = "pending"
# One at a time over all processes. Making an index takes moments, reading files in may take hours: two locks.
MAKING, READING = ".index.lock", ".read-in.lock"


@contextmanager
def volume_lock(volume: Volume, name: str = MAKING) -> Iterator[None]:
    fd = os.open(volume.path / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def open_or_create(volume: Volume, clock: Clock, *, foreign: bool = False) -> Index:
    """The volume's index. One that is missing or cannot be read is replaced by an empty one marked 'pending';
    with `foreign` also one that belongs to another volume. Raises Error, also when the disk is not mounted.
    """
    volume.must_be_here()
    with volume_lock(volume):
        if volume.index_path.exists():
            try:
                return Index(volume.index_path, volume.id)
            except Error as error:
                if error.kind is not Kind.DATA_LOSS and not (foreign and error.kind is Kind.CONFLICT):
                    raise
                set_aside(volume.index_path, clock)
        for leftover in ("-wal", "-shm"):
            Path(f"{volume.index_path}{leftover}").unlink(missing_ok=True)
        index = Index(volume.index_path, volume.id, create=True)
        try:
            with index.transaction():
                restore(volume, index)
                if next(recover.all_files(volume), None) is not None:
                    index.set_meta("import", PENDING)
        except BaseException:
            index.close()
            raise
        return index


def set_aside_broken(volume: Volume, inode: int, clock: Clock) -> None:
    """The index of that inode turned out broken while in use; unless somebody has replaced it already. Raises Error when
    another disk is in its place by now.
    """
    volume.must_be_here()
    with volume_lock(volume):
        if volume.index_path.exists() and volume.index_path.stat().st_ino == inode:
            set_aside(volume.index_path, clock)


def set_aside(path: Path, clock: Clock) -> None:
    """A broken index is kept, with its log, for whoever wants to know; it is never deleted by us."""
    stem = f"{path.name}.broken-{clock.wall_us() // 1_000_000}"
    names = (path.with_name(f"{stem}{'' if n == 0 else f'.{n}'}") for n in count())
    aside = next(name for name in names if not name.exists())
    path.rename(aside)
    for ending in ("-wal", "-shm"):
        log = Path(f"{path}{ending}")
        if log.exists():
            log.rename(f"{aside}{ending}")


def read_in(
    volume: Volume,
    index: Index,
    disk: Disk,
    clock: Clock,
    progress: Callable[[int, int], None] = lambda done, total: None,
    go_on: Callable[[], bool] = lambda: True,
) -> int:
    """Enter all files that have no row, drop rows that have no file, then fill the ledger. Returns how many were
    entered. Files being written are left alone. When `go_on` says no it ends early, and is to be called again.
    """
    entered = 0
    with volume_lock(volume, READING):
        total = sum(1 for _ in recover.all_files(volume))
        for done, path in enumerate(recover.all_files(volume)):
            if not go_on():
                return entered
            if index.segment_at(path.relative_to(volume.path).as_posix()) is None:
                entered += recover.adopt(volume, index, disk, path, recover.closed_contents)
            progress(done + 1, total)
        deleted = _deleted(volume)
        for stream in index.streams():
            index.expire(stream.id, deleted.get(stream.key, 0))
        for stream in index.streams():
            _drop_lost(volume, index, stream)
            fill_ledger(index, stream, clock.wall_us())
        index.set_meta("import", "done")
    return entered


def _deleted(volume: Volume) -> dict[StreamKey, int]:
    """Up to where retention has deleted, by stream: that time is not unknown, it is gone."""
    found: dict[StreamKey, int] = {}
    for certificate in certificates.read(volume):
        if certificate.rule not in (Rule.LOST, Rule.ALARM):
            found[certificate.key] = max(found.get(certificate.key, 0), certificate.end_us)
    return found


def _drop_lost(volume: Volume, index: Index, stream: StreamRow) -> None:
    """An older copy of the index lists files that retention has deleted since."""
    for row in index.segments(stream.id, Span(-(1 << 60), 1 << 62)):
        if row.state == "closed" and row.end_us is not None and not (volume.path / row.path).exists():
            with index.transaction():
                index.remove_segment(row.id)
                clear_minutes(index, stream.id, Span(row.start_us, row.end_us))


def fill_ledger(index: Index, stream: StreamRow, now_us: int) -> list[Span]:
    """Time that nothing explains becomes a gap of cause `unknown`; returns those spans."""
    with index.transaction():
        rows = index.db.execute(
            # An open gap may begin in the future: the clock was set back.
            "SELECT start_us, coalesce(end_us, max(start_us, ?)) FROM segment WHERE stream_id = ?"
            " UNION ALL SELECT start_us, coalesce(end_us, max(start_us, ?)) FROM gap WHERE stream_id = ? ORDER BY 1",
            (now_us, stream.id, now_us, stream.id),
        ).fetchall()
        spans = join_spans([Span(*row) for row in rows])
        if not spans:
            return []
        begin = max(min(stream.since_us, spans[0].start_us), stream.expired_us)
        index.db.execute("UPDATE stream SET since_us = min(since_us, ?) WHERE id = ?", (begin, stream.id))
        missing = uncovered(Span(begin, spans[-1].end_us), spans)
        for span in missing:
            index.add_gap(stream.id, Gap(span.start_us, span.end_us, Cause.UNKNOWN))
        return missing
