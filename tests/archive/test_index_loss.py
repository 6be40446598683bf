"""The index is a copy: whatever happens to it, everything is in it again after a turn of the keeper."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from luytre.archive import certificates, holds
from luytre.archive.certificates import Certificate, Rule
from luytre.archive.chain import GENESIS
from luytre.archive.check import check
from luytre.archive.index import Index
from luytre.archive.keys import Coverage, Span
from luytre.archive.rebuild import open_or_create, set_aside
from luytre.base.clock import ManualClock
from luytre.base.errors import Error, Kind
from tests.archive.builder import KEY, OTHER, START_US, Feed, Ward, video
from tests.archive.conftest import MakeWard

Damage = Callable[[Path], None]


def everything(ward: Ward, until_us: int | None = None) -> list[Coverage]:
    """All that a reader can see of both streams, up to a moment or now."""
    now_us = ward.clock.wall_us() if until_us is None else until_us
    return [ward.archive.coverage(key, START_US - 1, now_us) for key in (KEY, OTHER)]


def delete(path: Path) -> None:
    path.unlink()


def delete_with_log(path: Path) -> None:
    for name in path.parent.glob("index.db*"):
        name.unlink()


def replace_by_garbage(path: Path) -> None:
    fresh = path.with_name("fresh")
    fresh.write_bytes(random.Random(1).randbytes(100_000))
    fresh.rename(path)


def replace_by_nothing(path: Path) -> None:
    fresh = path.with_name("fresh")
    fresh.write_bytes(b"")
    fresh.rename(path)


def history(ward: Ward) -> None:
    """Two runs with a gap of many causes between them."""
    ward.clock.advance(1)
    ward.record(7)
    ward.record(4, key=OTHER)
    for cause in ("host_down", "auth_failed", "stalled"):
        ward.clock.advance(2)
        ward.writer.gap(KEY, ward.clock.wall_us(), cause, f"because of {cause}")
    ward.clock.advance(1)
    ward.record(6)


@pytest.mark.parametrize("damage", [delete, delete_with_log, replace_by_garbage, replace_by_nothing])
@pytest.mark.parametrize("recording", [True, False], ids=["recording", "in-a-gap"])
def test_while_running(ward: Ward, damage: Damage, recording: bool) -> None:
    history(ward)
    feed = Feed(KEY, (video(),), ward.clock.wall_us())
    if recording:
        ward.write(feed, 2)
    moment = ward.clock.wall_us()
    wanted = everything(ward)
    damage(ward.volume.index_path)
    ward.flush()
    if recording:
        ward.write(feed, 8)
        assert feed.handle.failure is None
        ward.end(feed)
    ward.sweep()
    assert check(ward.path, clock=ward.clock) == []
    assert everything(ward, moment) == wanted
    causes = ["connecting", "closed_by_camera", "host_down", "auth_failed", "stalled", "closed_by_camera"]
    assert ward.causes()[: len(causes)] == causes
    ward.record(3)
    assert check(ward.path, clock=ward.clock) == []


@pytest.mark.parametrize("damage", [delete, delete_with_log, replace_by_garbage, replace_by_nothing])
def test_while_stopped(ward: Ward, damage: Damage) -> None:
    """All gaps but the last have their causes in the headers; nobody knows the last."""
    history(ward)
    ward.stop()
    wanted = everything(ward)
    damage(ward.volume.index_path)
    ward.restart()
    ward.take_up(KEY, OTHER)
    ward.sweep()
    assert [coverage.spans for coverage in everything(ward)] == [coverage.spans for coverage in wanted]
    assert ward.causes() == [
        "connecting",
        "closed_by_camera",
        "host_down",
        "auth_failed",
        "stalled",
        "unknown",
    ]
    assert check(ward.path, clock=ward.clock) == []


def test_taking_up_with_a_lost_index_does_not_wait_for_old_files(ward: Ward) -> None:
    ward.record(12)
    ward.stop()
    delete_with_log(ward.volume.index_path)
    ward.restart()
    floor = ward.take_up(KEY)
    with ward.index() as index:
        assert index.totals()[0] == 1
        row = index.stream(KEY)
        assert row is not None
        newest = index.last_segment(row.id)
    assert newest is not None
    assert newest.end_us == floor
    ward.sweep()
    assert check(ward.path, clock=ward.clock) == []


def test_broken_pages_are_noticed_in_use(ward: Ward) -> None:
    """The first page is whole, so it opens; what is behind it is not."""
    history(ward)
    ward.stop()
    path = ward.volume.index_path
    with ward.index() as index:
        roots = index.db.execute(
            "SELECT rootpage FROM sqlite_schema WHERE tbl_name IN ('segment', 'gap')"
        ).fetchall()
    data = bytearray(path.read_bytes())
    noise = random.Random(7)
    for (root,) in roots:
        data[(root - 1) * 4096 : root * 4096] = noise.randbytes(4096)
    path.write_bytes(data)
    ward.restart()
    with pytest.raises((sqlite3.DatabaseError, Error)):
        ward.take_up(KEY)
    ward.flush()
    ward.take_up(KEY, OTHER)
    ward.sweep()
    assert check(ward.path, clock=ward.clock) == []
    assert len(list(ward.path.glob("index.db.broken-*"))) >= 1
    assert ward.causes()[:5] == ["connecting", "closed_by_camera", "host_down", "auth_failed", "stalled"]


def delete_oldest(ward: Ward) -> int:
    """The oldest segment of KEY goes as retention does it; its row is left to be dropped. Gives its end."""
    with ward.index() as index:
        stream = index.stream(KEY)
        assert stream is not None
        row = index.first_segment(stream.id)
    assert row is not None
    assert row.end_us is not None
    assert row.root is not None
    assert row.link is not None
    certificate = Certificate(
        ward.clock.wall_us(), Rule.EXPIRED, *KEY, stream.code, row.start_us, row.end_us, 1, row.bytes or 0,
        GENESIS.hex(), (row.root.hex(),), row.link.hex(),
    )  # fmt: skip
    certificates.append(ward.volume, None, [certificate])
    (ward.path / row.path).unlink()
    return row.end_us


def test_a_new_index_has_the_chain_and_what_was_deleted(ward: Ward) -> None:
    ward.record(10)
    end_us = delete_oldest(ward)
    with ward.index() as index:
        before = index.db.execute(
            "SELECT path, root, link FROM segment WHERE end_us > ? ORDER BY path", (end_us,)
        ).fetchall()
        row = index.stream(KEY)
    assert row is not None
    ward.stop()
    delete_with_log(ward.volume.index_path)
    ward.restart()
    ward.take_up(KEY, OTHER)
    ward.sweep()
    with ward.index() as index:
        after = index.db.execute("SELECT path, root, link FROM segment ORDER BY path").fetchall()
        now = index.stream(KEY)
    assert after == before
    assert now is not None
    assert (now.head, now.expired_us) == (row.head, end_us)
    assert check(ward.path, clock=ward.clock) == []
    ward.record(2)
    assert check(ward.path, clock=ward.clock) == []


def test_an_older_copy_put_back(ward: Ward, tmp_path: Path) -> None:
    """Rows of files deleted since go, files written since come in."""
    ward.record(6)
    ward.stop()
    copy = tmp_path / "copy.db"
    shutil.copy(ward.volume.index_path, copy)
    ward.restart()
    ward.take_up(KEY, OTHER)
    feed = Feed(KEY, (video(),), ward.clock.wall_us())
    ward.write(feed, 6)
    delete_oldest(ward)
    os.replace(copy, ward.volume.index_path)
    for log in ("-wal", "-shm"):
        Path(f"{ward.volume.index_path}{log}").unlink(missing_ok=True)
    ward.flush()
    ward.write(feed, 6)
    ward.end(feed)
    ward.sweep()
    assert check(ward.path, clock=ward.clock) == []
    with ward.index() as index:
        listed = {path for (path,) in index.db.execute("SELECT path FROM segment")}
    assert listed == {path.relative_to(ward.path).as_posix() for path in ward.files()}


def test_holds_outlive_the_index(ward: Ward) -> None:
    feed = ward.record(8)
    span = Span(feed.start_us + 100, feed.start_us + 200)
    with ward.index() as index:
        kept = holds.place(index, KEY, span, "Vụ 12", "chỉ huy", ward.clock)
        freed = holds.place(index, KEY, span, "nhầm", "chỉ huy", ward.clock)
        holds.release(index, freed.id, "chỉ huy", ward.clock)
    delete_with_log(ward.volume.index_path)
    ward.flush()
    ward.sweep()
    found = ward.archive.coverage(KEY, *span)
    assert [hold.id for hold in found.holds] == [kept.id]
    with ward.index() as index:
        rows = index.db.execute(
            "SELECT id, reason, placed_by, released_by FROM hold ORDER BY rowid"
        ).fetchall()
    assert rows == [(kept.id, "Vụ 12", "chỉ huy", None), (freed.id, "nhầm", "chỉ huy", "chỉ huy")]
    assert check(ward.path, clock=ward.clock) == []


def test_only_an_index_with_broken_bytes_is_set_aside(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many open files, a locked database: passing troubles must not cost a good index."""
    ward.record(2)
    path = ward.volume.index_path
    inode = path.stat().st_ino
    error = sqlite3.OperationalError("unable to open database file")
    error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN

    def refuse(*_: object, **__: object) -> sqlite3.Connection:
        raise error

    monkeypatch.setattr(sqlite3, "connect", refuse)
    with pytest.raises(Error) as caught:
        open_or_create(ward.volume, ward.clock)
    monkeypatch.undo()
    assert caught.value.kind is Kind.UNAVAILABLE
    assert path.stat().st_ino == inode


def test_an_index_of_another_volume_is_refused(make_ward: MakeWard) -> None:
    one, two = make_ward(name="one"), make_ward(name="two")
    one.record(2)
    two.stop()
    one.stop()
    shutil.copy(one.volume.index_path, two.volume.index_path)
    with pytest.raises(Error) as caught:
        open_or_create(two.volume, two.clock)
    assert caught.value.kind is Kind.CONFLICT
    assert caught.value.hint
    one.restart()
    two.volume.index_path.unlink()
    two.restart()


def test_what_is_set_aside_is_never_overwritten(tmp_path: Path) -> None:
    clock = ManualClock()
    for number in range(3):
        path = tmp_path / "index.db"
        path.write_text(str(number))
        Path(f"{path}-wal").write_text(f"log {number}")
        set_aside(path, clock)
    kept = sorted(p.read_text() for p in tmp_path.iterdir())
    assert kept == ["0", "1", "2", "log 0", "log 1", "log 2"]


def test_a_reader_leaves_no_index_behind(tmp_path: Path) -> None:
    with pytest.raises(Error):
        Index(tmp_path / "index.db", "volume")
    assert list(tmp_path.iterdir()) == []


def test_no_connection_and_no_file_is_left_open(ward: Ward) -> None:
    ward.record(4)

    def opened() -> list[str]:
        found = []
        for fd in os.listdir("/proc/self/fd"):
            try:
                found.append(os.readlink(f"/proc/self/fd/{fd}"))
            except OSError:
                continue
        return sorted(name for name in found if str(ward.path) in name)

    counts = []
    for _ in range(4):
        everything(ward)
        ward.archive.volumes()
        ward.archive.nearest(KEY, START_US)
        ward.archive.run_init(KEY, "none")
        ward.sweep()
        check(ward.path, clock=ward.clock)
        with pytest.raises(Error):
            Index(ward.volume.index_path, "another")
        counts.append(len(opened()))
    # SQLite keeps one descriptor back while another connection of the process has locks, and takes it again.
    assert counts[1:] == counts[:1] * 3
