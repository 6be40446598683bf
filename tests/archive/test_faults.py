"""What the writer promises when the disk or the index fails: the run ends with its cause, the file is cut to whole
parts, the ledger has the gap, the other streams go on, and recording goes on by itself afterwards.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from luytre.archive import recover
from luytre.archive.check import check
from luytre.archive.health import RETRY_S
from tests.archive.builder import KEEP_ALL, KEY, OTHER, Feed, Ward, keep, video
from tests.archive.conftest import MakeWard
from tests.archive.faulty import FaultyDisk

FAULTS = [
    pytest.param(errno.ENOSPC, None, "disk_full", id="ENOSPC"),
    pytest.param(errno.EIO, None, "disk_error", id="EIO"),
    pytest.param(errno.ENOSPC, 0, "disk_full", id="nothing-taken"),
    pytest.param(errno.ENOSPC, 5, "disk_full", id="5-bytes-taken"),
    pytest.param(errno.ENOSPC, 500, "disk_full", id="500-bytes-taken"),
]
# Writes of a run, in order: opening, then parts; with two parts to a segment the third part comes after tail and opening.
SITES = range(8)


@pytest.fixture
def disk() -> FaultyDisk:
    return FaultyDisk()


@pytest.fixture
def ward(make_ward: MakeWard, disk: FaultyDisk) -> Ward:
    return make_ward(segment_s=0.8, disk=disk)


def whole(ward: Ward) -> None:
    """Every file is nothing but whole parts, and what follows them is a tail."""
    for path in ward.files():
        found = recover.contents(path)
        assert found is not None
        assert found.whole or found.parts_end == found.size


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize(("number", "short", "cause"), FAULTS)
def test_a_failed_write(
    ward: Ward, disk: FaultyDisk, number: int, short: int | None, cause: str, site: int
) -> None:
    one, two = (Feed(key, (video(),), ward.clock.wall_us()) for key in (KEY, OTHER))
    disk.fail("write", number, after=site, short=short)
    ward.write(one, 8)
    assert one.handle.failure == cause
    assert one.handle.pending_bytes == 0
    assert not ward.writer.accepts_runs()
    assert ward.full == (ward.full if cause == "disk_full" else 0)
    assert cause != "disk_full" or ward.full
    disk.heal()
    two.at_us = two.start_us = ward.clock.wall_us()
    ward.write(two, 4)
    assert two.handle.failure is None
    whole(ward)
    kept = ward.archive.coverage(KEY, one.start_us, one.end_us).spans
    assert all(span.end_us in {part.end_us for part in one.parts} for span in kept)
    ward.forgive()
    assert ward.writer.accepts_runs()
    again = ward.record(4)
    ward.end(two)
    assert ward.causes()[-2:] == [cause, "closed_by_camera"]
    assert again.handle.failure == "closed_by_camera"
    ward.flush()
    assert [f for f in check(ward.path, clock=ward.clock) if f.severity == "error"] == []
    whole(ward)


@pytest.mark.parametrize("operation", ["create", "close", "flush"])
def test_other_operations_that_fail(ward: Ward, disk: FaultyDisk, operation: str) -> None:
    ward.record(3)
    disk.fail(operation, errno.EIO)
    feed = ward.record(6)
    ward.flush()
    disk.heal()
    assert disk.failed
    assert feed.handle.failure == ("disk_error" if operation == "create" else "closed_by_camera")
    ward.forgive()
    ward.record(3)
    assert check(ward.path, clock=ward.clock) == []


def test_a_file_that_cannot_be_cut_back_is_closed_without_tail_and_mended(
    make_ward: MakeWard, disk: FaultyDisk
) -> None:
    ward = make_ward(segment_s=100, disk=disk, name="long")
    feed = Feed(KEY, (video(),), ward.clock.wall_us())
    ward.write(feed, 1)
    disk.stuck = True
    disk.fail("write", errno.ENOSPC, short=200)
    ward.write(feed, 1)
    assert feed.handle.failure == "disk_full"
    (path,) = ward.files()
    with ward.index() as index:
        row = index.segment(feed.handle.run_id, 0)
    assert row is not None
    assert (row.state, row.tail_offset) == ("closed", None)
    assert row.bytes is not None
    assert path.stat().st_size == row.bytes + 200
    assert ward.archive.coverage(KEY, feed.start_us, feed.end_us).spans == [
        (feed.parts[0].start_us, feed.parts[0].end_us)
    ]
    disk.heal()
    ward.forgive()
    assert check(ward.path, clock=ward.clock) == []


def test_a_tail_the_full_disk_did_not_take_is_written_when_there_is_room(
    ward: Ward, disk: FaultyDisk
) -> None:
    feed = Feed(KEY, (video(),), ward.clock.wall_us(), ppm=400)
    ward.write(feed, 2)
    disk.fail("write", errno.ENOSPC, short=10)
    ward.end(feed)
    disk.heal()
    with ward.index() as index:
        row = index.segment(feed.handle.run_id, feed.handle.next_seq - 1)
    assert row is not None
    assert row.tail_offset is None
    assert {f.severity for f in check(ward.path, clock=ward.clock)} == {"note"}
    ward.forgive()
    assert check(ward.path, clock=ward.clock) == []
    assert ward.archive.recorded_range(KEY) == (feed.start_us, feed.end_us)


@contextmanager
def full_index(ward: Ward) -> Iterator[Any]:
    """The index may not grow by a page, and is padded so that it must: SQLite itself says that the disk is full."""
    db = ward.writer._index.db
    ward.settle()
    db.execute("CREATE TEMP TRIGGER full_gap BEFORE INSERT ON main.gap BEGIN SELECT luytre_full(); END")
    db.create_function("luytre_full", 0, _full)
    for table, event in (("segment", "INSERT"), ("segment", "UPDATE"), ("gap", "UPDATE"), ("run", "INSERT")):
        db.execute(
            f"CREATE TEMP TRIGGER full_{table}_{event} BEFORE {event} ON main.{table} BEGIN SELECT luytre_full(); END"
        )
    try:
        yield
    finally:
        for (name,) in db.execute("SELECT name FROM temp.sqlite_schema WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER temp.{name}")


def _full() -> None:
    raise sqlite3.OperationalError("database or disk is full")


@pytest.mark.parametrize("begun", [True, False])
def test_an_index_that_takes_nothing_more(ward: Ward, begun: bool) -> None:
    """Segments, gaps and causes are entered when it takes them again."""
    ward.clock.advance(1)
    feed = Feed(KEY, (video(),), ward.clock.wall_us())
    if begun:
        ward.write(feed, 1)
    with full_index(ward):
        ward.write(feed, 6)
        assert feed.handle.failure == "disk_error"
        ward.clock.advance(1)
        ward.writer.gap(KEY, ward.clock.wall_us(), "host_down")
        ward.settle()
        # A run that tries again meets the same.
        ward.clock.advance(RETRY_S)
        second = Feed(KEY, (video(),), ward.clock.wall_us())
        ward.write(second, 2)
        assert second.handle.failure == "disk_error"
    ward.forgive()
    last = ward.record(3)
    wanted = ["connecting", "disk_error", "host_down", "disk_error", "closed_by_camera"]
    assert ward.causes() == wanted
    assert ward.archive.recorded_range(KEY) == (feed.start_us if begun else last.start_us, last.end_us)
    assert check(ward.path, clock=ward.clock) == []


def test_a_real_sqlite_full(ward: Ward) -> None:
    """PRAGMA max_page_count is SQLite's own full disk."""
    ward.record(2)
    db = ward.writer._index.db
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages}")
    feeds = []
    for _ in range(200):
        feeds.append(ward.record(1, pause_s=RETRY_S + 1))
        if feeds[-1].handle.failure != "closed_by_camera":
            break
    assert feeds[-1].handle.failure == "disk_full"
    assert ward.full
    ward.settle()
    db.execute("PRAGMA max_page_count = 1000000")
    ward.forgive()
    ward.record(2)
    assert "disk_full" in ward.causes()
    assert check(ward.path, clock=ward.clock) == []


def test_retention_goes_on_though_one_file_cannot_be_deleted(ward: Ward, disk: FaultyDisk) -> None:
    ward.record(10)
    before = len(ward.files())
    disk.fail("unlink", errno.EIO, after=1)
    ward.clock.advance(7200)
    with pytest.raises(OSError, match="Input/output"):
        ward.sweep(keep(days=0.01, reserve_bytes=0), disk)
    assert len(ward.files()) == before - 1
    disk.heal()
    ward.sweep(keep(days=0.01, reserve_bytes=0), disk)
    assert ward.files() == []
    ward.sweep(KEEP_ALL)
    assert check(ward.path, clock=ward.clock) == []


def test_what_a_killed_probe_left_keeps_no_volume_from_getting_well(ward: Ward, disk: FaultyDisk) -> None:
    feed = Feed(KEY, (video(),), ward.clock.wall_us())
    disk.fail("write", errno.EIO, times=1)
    ward.write(feed, 1)
    assert ward.writer.health.in_doubt
    left = [ward.path / name for name in (".probe.unborn", ".probe-0", f".probe-{os.getpid()}.unborn")]
    # Of a recorder that lives.
    other = ward.path / f".probe-{os.getppid()}.unborn"
    for path in (*left, other):
        path.touch()
    ward.forgive()
    assert not ward.writer.health.in_doubt
    assert list(ward.path.glob(".probe*")) == [other]
