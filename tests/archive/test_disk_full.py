"""A disk that is really full: a small ext4 in a file, mounted for the test. Needs root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from luytre.archive import ballast
from luytre.archive.check import check
from luytre.base.clock import ManualClock
from tests.archive.builder import KEY, OTHER, START_US, Feed, Ward, keep, video

DISK_BYTES = 64 << 20
RESERVE = 8 << 20

pytestmark = [pytest.mark.root]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        pytest.skip("NOT ROOT, or no mkfs.ext4: no small disk can be mounted, a full disk is NOT TESTED")
    image, folder = tmp_path / "disk.img", tmp_path / "disk"
    with image.open("wb") as file:
        file.truncate(DISK_BYTES)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True, timeout=60)
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-o", "loop", str(image), str(folder)], capture_output=True, text=True, timeout=60
    )
    if mounted.returncode:
        pytest.skip(f"CANNOT MOUNT, a full disk is NOT TESTED: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True, timeout=60)


@pytest.fixture
def ward(disk: Path) -> Iterator[Ward]:
    ward = Ward(disk, ManualClock(START_US), 20.0)
    ward.take_up(KEY, OTHER)
    yield ward
    ward.stop()


def fill(folder: Path, left: int = 0) -> Path:
    """Somebody else's file takes all but `left` bytes."""
    path = folder / "foreign.bin"
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(shutil.disk_usage(folder).free - (1 << 20) - left, 1))
        file.seek(0, os.SEEK_END)
        chunk = 4096
        try:
            while shutil.disk_usage(folder).free > left:
                os.write(file.fileno(), bytes(chunk))
        except OSError:
            pass
    return path


def write_until_full(ward: Ward, feeds: list[Feed]) -> None:
    for _ in range(400):
        for feed in feeds:
            ward.write(feed, 1)
        if all(feed.handle.failure for feed in feeds):
            return
    raise AssertionError("the disk did not get full")


def test_full_and_free_again(ward: Ward) -> None:
    ward.sweep()
    kept = [ward.record(50, key=key) for key in (KEY, OTHER)]
    feeds = [Feed(key, (video(),), ward.clock.wall_us()) for key in (KEY, OTHER)]
    for feed in feeds:
        ward.write(feed, 3)
    foreign = fill(ward.path)
    write_until_full(ward, feeds)
    assert [feed.handle.failure for feed in feeds] == ["disk_full", "disk_full"]
    assert ward.full >= 2
    found = [
        ward.archive.coverage(key, feed.start_us, feed.end_us)
        for key, feed in zip((KEY, OTHER), feeds, strict=True)
    ]
    for coverage, feed in zip(found, feeds, strict=True):
        assert coverage.spans[-1].end_us in {part.end_us for part in feed.parts}
    # Nothing of ours may go: the reserve cannot be had, and all is held back by the policy.
    foreign.unlink()
    ward.forgive()
    again = [ward.record(5, key=key) for key in (KEY, OTHER)]
    assert [feed.handle.failure for feed in again] == ["closed_by_camera"] * 2
    for key in (KEY, OTHER):
        assert "disk_full" in ward.causes(key)
    ward.flush()
    assert check(ward.path, clock=ward.clock) == []
    for feed in kept:
        spans = ward.archive.coverage(feed.key, feed.start_us, feed.end_us).spans
        assert [(s.start_us, s.end_us) for s in spans] == [(feed.start_us, feed.end_us)]


def test_retention_makes_room_on_a_disk_without_a_free_byte(ward: Ward) -> None:
    """Deleting begins with writing to the index; the ballast is given up for that."""
    ward.sweep()
    assert (ward.path / ballast.NAME).exists()
    for _ in range(40):
        for key in (KEY, OTHER):
            ward.record(40, key=key)
    feeds = [Feed(key, (video(),), ward.clock.wall_us()) for key in (KEY, OTHER)]
    for feed in feeds:
        ward.write(feed, 2)
    oldest = ward.files()[0]
    fill(ward.path)
    write_until_full(ward, feeds)
    done = ward.sweep(keep(days=3650, reserve_bytes=1 << 20))
    assert done.segments or ward.volume.space()[1] >= 1 << 20
    done = ward.sweep(keep(days=3650, reserve_bytes=RESERVE))
    assert done.segments > 0
    assert not oldest.exists()
    assert ward.volume.space()[1] >= min(RESERVE, done.bytes)
    ward.forgive()
    again = [ward.record(5, key=key) for key in (KEY, OTHER)]
    assert [feed.handle.failure for feed in again] == ["closed_by_camera"] * 2
    ward.flush()
    assert check(ward.path, clock=ward.clock) == []


def test_a_disk_full_from_the_start_says_so(ward: Ward) -> None:
    fill(ward.path)
    feed = Feed(KEY, (video(),), ward.clock.wall_us())
    write_until_full(ward, [feed])
    assert feed.handle.failure == "disk_full"
    (ward.path / "foreign.bin").unlink()
    ward.forgive()
    assert ward.record(3).handle.failure == "closed_by_camera"
    assert check(ward.path, clock=ward.clock) == []
