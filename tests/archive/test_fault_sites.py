"""Every operation of the seam fails once, at every place where the writer and the keeper come to it, with every error that a
disk knows: each ends clean, costs a bounded piece, and adds up.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

from luytre.archive.health import RETRY_S
from luytre.base.clock import ManualClock
from luytre.base.errors import Error
from tests.archive.builder import KEEP_ALL, KEY, OTHER, START_US, Feed, Ward, keep, video
from tests.archive.faulty import OPERATIONS, FaultyDisk
from tests.archive.sums import adds_up, is_clean

BOTH = (KEY, OTHER)
PART_S = 0.4
# An hour: what was recorded before the sweep goes.
SHORT = 1 / 24
ERRORS = [errno.ENOSPC, errno.EIO, errno.EROFS]
# Cutting back is what follows a failed write, and fails with it.
SITES = [operation for operation in OPERATIONS if operation != "truncate"]
FAULTS = [
    *(
        pytest.param(site, error, None, False, id=f"{site}-{errno.errorcode[error]}")
        for site in SITES
        for error in ERRORS
    ),
    pytest.param("write", errno.ENOSPC, 0, False, id="write-nothing"),
    pytest.param("write", errno.ENOSPC, 100, False, id="write-short"),
    pytest.param("write", errno.EIO, 100, True, id="write-short-and-truncate"),
]


def sweep(ward: Ward, days: float) -> None:
    """A keeper's turn; what goes wrong in it is told, and is done in the next one."""
    with suppress(OSError, Error):
        ward.sweep(keep(days=days), ward.disk)


def story(ward: Ward) -> None:
    """Two cameras over some segments, a run that ends, a flush, a sweep that deletes, and on."""
    feeds = [Feed(key, (video(),), ward.take_up(key)) for key in BOTH]
    for number in range(10):
        for feed in feeds:
            ward.write(feed, 1)
        if number == 6:
            ward.end(feeds[0])
    ward.flush()
    # What has expired goes by the hour.
    ward.clock.advance(RETRY_S + 3 * 3600)
    sweep(ward, SHORT)
    feeds = [Feed(key, (video(),), ward.clock.wall_us()) for key in BOTH]
    for _ in range(4):
        for feed in feeds:
            ward.write(feed, 1)
    for feed in feeds:
        ward.end(feed)


@contextmanager
def fresh(path: Path, disk: FaultyDisk) -> Iterator[Ward]:
    ward = Ward(path, ManualClock(START_US), 1.6, disk)
    ward.take_up(*BOTH)
    try:
        yield ward
    finally:
        ward.stop()


def sites_of(path: Path, operation: str) -> int:
    """How often the story comes to an operation, by telling it on a good disk."""
    disk = FaultyDisk()
    with fresh(path, disk) as ward:
        story(ward)
        return disk.calls[operation]


def recovers(ward: Ward) -> None:
    """The disk is well again: both cameras record, the invariants hold, and every moment is accounted for."""
    ward.forgive()
    for key in BOTH:
        assert ward.record(4, key=key).handle.failure == "closed_by_camera"
    ward.forgive()
    ward.sweep(KEEP_ALL, ward.disk)
    is_clean(ward)
    adds_up(ward, *BOTH)


@pytest.mark.parametrize(("operation", "number", "short", "stuck"), FAULTS)
def test_one_failure_at_every_site(
    tmp_path: Path, operation: str, number: int, short: int | None, stuck: bool
) -> None:
    sites = sites_of(tmp_path / "good", operation)
    assert sites
    for site in range(sites):
        disk = FaultyDisk()
        with fresh(tmp_path / f"{site}", disk) as ward:
            disk.fail(operation, number, after=site, short=short, times=1)
            disk.stuck = stuck
            story(ward)
            assert disk.failed == 1
            disk.heal()
            recovers(ward)


@pytest.mark.parametrize("number", ERRORS)
@pytest.mark.parametrize("operation", SITES)
def test_a_disk_that_goes_bad_and_stays_bad(tmp_path: Path, operation: str, number: int) -> None:
    """From some operation on all of one kind fail, and when writes do, cutting back does as well."""
    sites = sites_of(tmp_path / "good", operation)
    for site in range(0, sites, 3):
        disk = FaultyDisk()
        with fresh(tmp_path / f"{site}", disk) as ward:
            disk.fail(operation, number, after=site, short=50 if operation == "write" else None)
            disk.stuck = operation == "write"
            story(ward)
            assert disk.failed
            disk.heal()
            recovers(ward)


def read_only(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA query_only = ON")


def busy(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA busy_timeout = 0")


@pytest.mark.parametrize("hurt", [read_only, busy])
def test_an_index_that_refuses_from_each_command_on(
    tmp_path: Path, hurt: Callable[[sqlite3.Connection], None]
) -> None:
    """At each part of the story the index begins to refuse the writer, for three parts."""
    for site in range(0, 20, 2):
        with fresh(tmp_path / f"{site}", FaultyDisk()) as ward:
            feeds = [Feed(key, (video(),), ward.take_up(key)) for key in BOTH]
            other = sqlite3.connect(ward.volume.index_path, isolation_level=None)
            turn = count()
            try:
                for _ in range(12):
                    for feed in feeds:
                        now = next(turn)
                        if now == site:
                            hurt(ward.writer.database)
                            other.execute("BEGIN IMMEDIATE")
                        if now == site + 3:
                            other.execute("ROLLBACK")
                            ward.writer.database.execute("PRAGMA query_only = OFF")
                            ward.writer.database.execute("PRAGMA busy_timeout = 30000")
                        ward.write(feed, 1)
            finally:
                other.close()
            for feed in feeds:
                ward.end(feed)
            recovers(ward)
