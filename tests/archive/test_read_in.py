"""Files that are read into a new index: whose class counts, and what the keeper does meanwhile."""

from __future__ import annotations

import errno

import pytest

from luytre.archive import holds, keeper
from luytre.archive.check import check
from luytre.archive.disk import Disk
from luytre.archive.index import Index
from luytre.archive.keys import Span
from luytre.archive.promise import Policy
from luytre.archive.retention import Sweep, sweep
from luytre.archive.volume import Volume
from tests.archive.builder import KEEP_ALL, KEY, OTHER, Feed, Ward, keep, video
from tests.archive.conftest import MakeWard
from tests.archive.faulty import FaultyDisk
from tests.archive.kept import starts, three_days
from tests.archive.power import PowerDisk


def delete_index(ward: Ward) -> None:
    for name in ward.path.glob("index.db*"):
        name.unlink()


def lose_index(ward: Ward) -> None:
    ward.stop()
    delete_index(ward)
    ward.restart()


@pytest.mark.parametrize("held", [False, True])
def test_the_class_is_that_of_the_newest_file(ward: Ward, held: bool) -> None:
    """Also where nobody records the camera any more."""
    for name in ("old", "newer", "kept-long"):
        ward.writer.take_up(KEY, "cong-truoc", name).result(30)
        feed = ward.record(3)
    if held:
        with ward.index() as index:
            holds.place(index, KEY, Span(feed.start_us, feed.end_us), "Vụ 12", "chỉ huy", ward.clock)
    lose_index(ward)
    ward.sweep()
    with ward.index() as index:
        row = index.stream(KEY)
    assert row is not None
    assert row.retention == "kept-long"


def test_the_class_of_the_plan_is_newer_than_any_file(ward: Ward) -> None:
    ward.writer.take_up(KEY, "cong-truoc", "old").result(30)
    ward.record(6)
    lose_index(ward)
    ward.writer.take_up(KEY, "cong-truoc", "of-the-plan").result(30)
    ward.sweep()
    with ward.index() as index:
        row = index.stream(KEY)
    assert row is not None
    assert row.retention == "of-the-plan"


def test_room_is_made_while_files_are_read_in(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk does not wait for a million files; what is known goes, the oldest first."""
    three_days(ward)
    everything = {start for times in starts(ward).values() for start in times}
    lose_index(ward)
    ward.take_up(KEY, OTHER)
    monkeypatch.setattr(keeper, "LOOK_EVERY", 2)

    def used() -> int:
        return sum(path.stat().st_size for path in ward.files())

    size = used()
    monkeypatch.setattr("luytre.archive.volume.Volume.space", lambda _: (1 << 30, size - used()))
    states: list[str | None] = []

    def watched(
        volume: Volume, index: Index, disk: Disk, policy: Policy, now_us: int, known_us: int = 1 << 62
    ) -> Sweep:
        done = sweep(volume, index, disk, policy, now_us, known_us)
        if done.segments:
            states.append(index.meta("import"))
        return done

    monkeypatch.setattr(keeper, "sweep", watched)
    ward.sweep(keep(days=3650, reserve_bytes=size // 3))
    assert states[0] == "pending"
    left = {start for times in starts(ward).values() for start in times}
    assert min(left) > max(everything - left)
    with ward.index() as index:
        assert index.meta("import") == "done"
        listed = {path for (path,) in index.db.execute("SELECT path FROM segment")}
    assert listed == {path.relative_to(ward.path).as_posix() for path in ward.files()}
    assert check(ward.path, clock=ward.clock) == []


def test_a_file_that_cannot_be_mended_is_told_and_passed_over(make_ward: MakeWard) -> None:
    ward = make_ward(disk=PowerDisk())
    ward.record(8)
    ward.write(Feed(OTHER, (video(),), ward.clock.wall_us()), 3)
    ward.flush()
    ward.crash()
    delete_index(ward)
    ward.begin_again()
    broken = FaultyDisk()
    broken.fail("truncate", errno.EIO)
    told: list[str] = []
    turn = keeper.Keeper(
        ward.volume, lambda: KEEP_ALL, clock=ward.clock, disk=broken, on_error=told.append
    ).turn
    turn()
    assert broken.failed
    assert {"ngo-12" in text for text in told} == {True}
    with ward.index() as index:
        assert index.meta("import") == "done"
        assert index.totals()[0] == len(ward.files()) - 1
