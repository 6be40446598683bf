"""Open a volume's index, and make it again from the files when it is lost (design/archive.md, "Rebuild").

Recording does not wait for the reading-in of old files: a new index is usable at once and marked 'pending';
the keeper reads the files in.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from luytre.archive import recover
from luytre.archive.disk import Disk
from luytre.archive.index import Index, StreamRow
from luytre.archive.keys import Cause, Gap, Span, join_spans, uncovered
from luytre.archive.volume import Volume
from luytre.base.clock import Clock
from luytre.base.errors import Error, Kind

PENDING = "pending"


@contextmanager
def volume_lock(volume: Volume) -> Iterator[None]:
    """One at a time over all processes: creating an index, reading files in, repair."""
    fd = os.open(volume.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def open_or_create(volume: Volume, clock: Clock) -> Index:
    """The volume's index. One that is missing or cannot be read is replaced by an empty one marked 'pending'."""
    with volume_lock(volume):
        if volume.index_path.exists():
            try:
                return Index(volume.index_path, volume.id)
            except Error as error:
                if error.kind is not Kind.DATA_LOSS:
                    raise
                set_aside(volume.index_path, clock)
        for leftover in ("-wal", "-shm"):
            Path(f"{volume.index_path}{leftover}").unlink(missing_ok=True)
        index = Index(volume.index_path, volume.id, create=True)
        if any(volume.video_path.glob("*/*/*/*.mp4")):
            index.set_meta("import", PENDING)
        return index


def set_aside(path: Path, clock: Clock) -> None:
    """A broken index is kept for whoever wants to know; it is never deleted by us."""
    path.rename(path.with_name(f"{path.name}.broken-{clock.wall_us() // 1_000_000}"))


def read_in(
    volume: Volume,
    index: Index,
    disk: Disk,
    now_us: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Enter all files that have no row, then fill the ledger. Returns how many were entered. Files being
    written are left alone.
    """
    paths = recover.all_files(volume)
    known = {row[0] for row in index.db.execute("SELECT path FROM segment")}
    entered = 0
    for done, path in enumerate(paths):
        if path.relative_to(volume.path).as_posix() not in known:
            entered += recover.adopt(volume, index, disk, path)
        progress(done + 1, len(paths))
    for stream in index.streams():
        fill_ledger(index, stream, now_us)
    index.set_meta("import", "done")
    return entered


def fill_ledger(index: Index, stream: StreamRow, now_us: int) -> list[Span]:
    """Time that nothing explains becomes a gap of cause `unknown`; returns those spans."""
    with index.transaction():
        rows = index.db.execute(
            "SELECT start_us, coalesce(end_us, ?) FROM segment WHERE stream_id = ? AND state <> 'deleting'"
            " UNION ALL SELECT start_us, coalesce(end_us, ?) FROM gap WHERE stream_id = ? ORDER BY 1",
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
