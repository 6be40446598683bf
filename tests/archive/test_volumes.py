"""Real disks that are unmounted, come back, are swapped, mounted read-only or twice."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from luytre.archive import playback
from luytre.archive.check import check
from luytre.archive.keys import Span
from luytre.archive.volume import create_volume, must_differ, open_volume
from luytre.archive.writer import DiskWriter
from luytre.base.clock import ManualClock
from luytre.base.errors import Error, Kind
from tests.archive.builder import KEY, OTHER, START_US, Feed, Ward, keep, video
from tests.archive.loop import LoopDisk

pytestmark = [pytest.mark.root]
MakeDisk = Callable[[str], LoopDisk]
ALL = Span(0, 1 << 61)


@pytest.fixture
def make_disk(tmp_path: Path) -> Iterator[MakeDisk]:
    with ExitStack() as made:

        def make(name: str) -> LoopDisk:
            disk = LoopDisk.make(tmp_path / f"{name}.img", tmp_path / "disk")
            made.callback(lambda: disk.unmount(lazily=True) if disk.is_mounted else None)
            return disk

        yield make


@pytest.fixture
def disk(make_disk: MakeDisk) -> LoopDisk:
    disk = make_disk("one")
    disk.mount()
    return disk


@pytest.fixture
def ward(disk: LoopDisk) -> Iterator[Ward]:
    ward = Ward(disk.folder, ManualClock(START_US), 2.0)
    ward.take_up(KEY, OTHER)
    yield ward
    ward.stop()


@pytest.mark.parametrize("away_s", [4.0, 400.0])
def test_a_disk_that_is_unmounted_under_the_writer_and_comes_back(
    ward: Ward, disk: LoopDisk, away_s: float
) -> None:
    one, two = (Feed(key, (video(),), ward.clock.wall_us()) for key in (KEY, OTHER))
    for feed in (one, two):
        ward.write(feed, 7)
    disk.unmount(lazily=True)
    ward.flush()
    assert ward.writer.is_away
    assert ward.writer.trouble == "disk_missing"
    late = Feed(KEY, (video(),), ward.clock.wall_us())
    ward.write(late, 3)
    assert [feed.handle.failure for feed in (one, two, late)] == ["disk_missing"] * 3
    # Below the mount point is the system disk.
    assert list(disk.folder.iterdir()) == []
    ward.clock.advance(away_s)
    ward.writer.gap(KEY, ward.clock.wall_us(), "elsewhere")
    moved_us = ward.clock.wall_us()
    ward.clock.advance(away_s)
    disk.mount()
    ward.forgive()
    assert not ward.writer.is_away
    again = ward.record(4)
    assert again.handle.failure == "closed_by_camera"
    ward.flush()
    assert check(ward.path, clock=ward.clock) == []
    coverage = ward.archive.coverage(KEY, one.start_us, again.end_us)
    assert coverage.spans == [(one.start_us, one.end_us), (again.start_us, again.end_us)]
    with ward.index() as index:
        stream = index.stream(KEY)
        assert stream is not None
        told = [
            (g.start_us, g.end_us, g.cause) for g in index.gaps(stream.id, ALL) if g.cause != "connecting"
        ]
    assert told[:2] == [(one.end_us, moved_us, "disk_missing"), (moved_us, again.start_us, "elsewhere")]


def test_another_disk_in_its_place_is_not_written_by_the_old_writer(
    ward: Ward, disk: LoopDisk, make_disk: MakeDisk
) -> None:
    feed = Feed(KEY, (video(),), ward.clock.wall_us())
    ward.write(feed, 3)
    disk.unmount(lazily=True)
    other = make_disk("two")
    other.mount()
    create_volume(other.folder, ward.clock)
    before = sorted(path.name for path in other.folder.iterdir())
    ward.flush()
    ward.write(feed, 2)
    ward.flush()
    assert ward.writer.is_away
    assert sorted(path.name for path in other.folder.iterdir()) == before
    other.unmount()
    disk.mount()
    ward.forgive()
    ward.record(2)
    ward.flush()
    assert check(ward.path, clock=ward.clock) == []


def test_a_disk_with_no_marker_is_refused_and_says_what_to_do(disk: LoopDisk) -> None:
    with pytest.raises(Error) as caught:
        open_volume(disk.folder)
    assert (caught.value.kind, caught.value.cause) == (Kind.NOT_FOUND, "disk_missing")
    assert "luytre init" in caught.value.hint


@pytest.mark.parametrize("stopped", [True, False])
def test_a_read_only_disk_plays_and_is_left_alone(
    ward: Ward, make_disk: MakeDisk, tmp_path: Path, stopped: bool
) -> None:
    """`stopped`: the index was closed in order; else its log is still beside it, as after a power cut."""
    feed = ward.record(8)
    ward.flush()
    if stopped:
        ward.stop()
    image = LoopDisk.make(tmp_path / "copy.img", tmp_path / "copy")
    image.mount()
    shutil.copytree(ward.path, image.folder, dirs_exist_ok=True)
    (image.folder / "index.db-shm").unlink(missing_ok=True)
    image.unmount()
    image.mount("ro")
    try:
        copy = Ward.__new__(Ward)
        copy.volume, copy.clock = open_volume(image.folder), ward.clock
        archive = copy.archive
        (status,) = archive.volumes()
        assert status.state == "read_only"
        assert archive.coverage(KEY, 0, feed.end_us).spans == [(feed.start_us, feed.end_us)]
        parts = playback.parts_in(archive, KEY, Span(feed.start_us, feed.end_us))
        assert sum(part.end_us - part.entry.wall_us for part in parts) == feed.end_us - feed.start_us
        assert copy.sweep(keep(days=0.0)).segments == 0
        writer = DiskWriter(copy.volume, clock=ward.clock)
        writer.start()
        with pytest.raises((OSError, Error)) as caught:
            writer.ready.result(20)
        assert "ead-only" in str(caught.value)
        writer.join(20)
    finally:
        image.unmount()
    if stopped:
        ward.restart()


@pytest.mark.parametrize("how", ["bind", "link"])
def test_a_volume_mounted_twice_is_refused(ward: Ward, tmp_path: Path, how: str) -> None:
    second = tmp_path / "second"
    if how == "link":
        second.symlink_to(ward.path)
    else:
        second.mkdir()
        subprocess.run(["mount", "--bind", str(ward.path), str(second)], check=True, timeout=30)
    try:
        with pytest.raises(Error) as caught:
            must_differ(map(open_volume, (ward.path, second)))
    finally:
        if how == "bind":
            subprocess.run(["umount", str(second)], check=True, timeout=30)
    assert caught.value.kind is Kind.CONFLICT
    assert str(second) in str(caught.value)
