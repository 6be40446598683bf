"""The journal on a quick disk: a power cut costs what was written since its last flush, not since the slow disk's."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from luytre.archive import journal as journal_module
from luytre.archive.check import check
from luytre.archive.disk import OsDisk
from luytre.archive.journal import WRITE, JournalFile, create_journal, records
from luytre.archive.journaled import AGAIN_S, JournaledDisk
from luytre.archive.replay import replay
from luytre.base.clock import ManualClock
from tests.archive.builder import KEY, OTHER, START_US, Feed, Ward, video

FLUSH_S = 30.0


class SlowDisk(OsDisk):
    """Remembers what is on its platters: a copy of the volume, made at each flush."""

    def __init__(self, root: Path, platters: Path) -> None:
        super().__init__()
        self.root, self.platters = root, platters
        self.flushes = 0

    def flush(self, directory_fd: int) -> None:
        super().flush(directory_fd)
        shutil.rmtree(self.platters, ignore_errors=True)
        shutil.copytree(self.root, self.platters)
        self.flushes += 1


class Journaled:
    """A ward on a slow disk with a journal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock(START_US)
        self.quick = folder / "quick"
        create_journal(self.quick)
        self.errors: list[str] = []
        self.slow = SlowDisk(folder / "volume", folder / "platters")
        self.disk = JournaledDisk(
            self.slow, self.quick, FLUSH_S, clock=self.clock, on_error=self.errors.append
        )
        self.ward = Ward(folder / "volume", self.clock, 2.0, self.disk)
        self.ward.take_up(KEY, OTHER)

    def flush_slow(self) -> None:
        """Up to a flush of the slow disk, and until it is done."""
        self.quiet()
        self.clock.advance(FLUSH_S)
        self.quiet()

    def quiet(self) -> None:
        """No flush of the slow disk is going on."""
        self.ward.flush()
        while (flushing := self.disk._flushing) is not None:
            flushing.join(20)
            self.ward.flush()

    def cut(self, lost_bytes: int = 0) -> Ward:
        """The power fails: what the slow disk was not flushed of is gone, and the end of the journal. Another start."""
        after = self.folder / "after"
        shutil.copytree(self.slow.platters, after / "volume")
        shutil.copytree(self.quick, after / "quick")
        newest = max(after.glob("quick/*.journal"))
        os.truncate(newest, newest.stat().st_size - lost_bytes)
        disk = JournaledDisk(OsDisk(), after / "quick", FLUSH_S, clock=self.clock)
        ward = Ward(after / "volume", self.clock, 2.0, disk)
        ward.take_up(KEY, OTHER)
        return ward

    def journals(self) -> list[Path]:
        return sorted(self.quick.glob("*.journal"))


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Journaled]:
    made = Journaled(tmp_path)
    yield made
    made.ward.stop()


def same_files(one: Ward, two: Ward) -> None:
    for path in one.files():
        other = two.path / path.relative_to(one.path)
        assert other.read_bytes()[: path.stat().st_size] == path.read_bytes()


@pytest.mark.parametrize("parts", [1, 4, 23])
def test_a_power_cut_costs_nothing_that_was_journaled(made: Journaled, parts: int) -> None:
    before = made.ward.record(7)
    made.flush_slow()
    feed = Feed(KEY, (video(),), made.clock.wall_us())
    made.ward.write(feed, parts)
    after = made.cut()
    spans = after.archive.coverage(KEY, 0, 1 << 61).spans
    assert spans == [(before.start_us, before.end_us), (feed.start_us, feed.end_us)]
    assert after.causes()[-1] == "node_crashed"
    same_files(made.ward, after)
    after.record(3)
    after.stop()
    assert check(after.path, clock=made.clock) == []
    assert list((made.folder / "after" / "quick").glob("*.journal")) == []


@pytest.mark.parametrize("lost", [1, 40, 3_000, 20_000])
def test_a_torn_journal_counts_up_to_its_last_whole_record(made: Journaled, lost: int) -> None:
    made.flush_slow()
    feed = Feed(KEY, (video(),), made.clock.wall_us())
    made.ward.write(feed, 12)
    after = made.cut(lost)
    (span,) = after.archive.coverage(KEY, 0, 1 << 61).spans
    assert span.start_us == feed.start_us
    assert span.end_us in {part.end_us for part in feed.parts}
    assert feed.end_us - span.end_us <= lost // 1000 * 400_000 + 400_000
    after.stop()
    assert check(after.path, clock=made.clock) == []


def test_the_slow_disk_is_flushed_in_its_own_time_and_the_journal_goes_then(made: Journaled) -> None:
    made.flush_slow()
    before = made.slow.flushes
    for _ in range(6):
        made.ward.record(2)
        made.ward.flush()
    assert made.slow.flushes == before
    (journal,) = made.journals()
    assert journal.stat().st_size > 10_000
    made.flush_slow()
    assert made.slow.flushes == before + 1
    assert journal not in made.journals()


def test_replayed_twice_is_replayed_once(made: Journaled) -> None:
    made.flush_slow()
    made.ward.record(9)
    volume, quick = made.folder / "again", made.folder / "copy"
    shutil.copytree(made.slow.platters, volume)
    for number in range(3):
        shutil.copytree(made.quick, quick / str(number))
        assert replay(quick / str(number), volume, made.ward.volume.id, OsDisk()) > 9
    found = {path.relative_to(volume): path.read_bytes() for path in volume.rglob("*.mp4")}
    assert found == {path.relative_to(made.ward.path): path.read_bytes() for path in made.ward.files()}


def test_what_a_repair_closed_meanwhile_is_left_alone(made: Journaled) -> None:
    made.flush_slow()
    feed = Feed(KEY, (video(),), made.clock.wall_us())
    made.ward.write(feed, 3)
    made.flush_slow()
    made.ward.write(feed, 1)
    volume = made.folder / "repaired"
    shutil.copytree(made.slow.platters, volume)
    check(volume, repair=True, clock=made.clock)
    before = {path: path.read_bytes() for path in volume.rglob("*.mp4")}
    shutil.copytree(made.quick, made.folder / "copy")
    replay(made.folder / "copy", volume, made.ward.volume.id, OsDisk())
    assert {path: path.read_bytes() for path in volume.rglob("*.mp4")} == before
    assert check(volume, clock=made.clock) == []


def test_a_journal_of_another_volume_is_not_replayed(made: Journaled, tmp_path: Path) -> None:
    made.ward.record(3)
    (journal,) = made.journals()
    other = "018f0000-0000-7000-8000-00000000000f"
    copy = made.quick / f"{other}-000001.journal"
    shutil.copy(journal, copy)
    assert list(records(copy, made.ward.volume.id))
    assert list(records(copy, other)) == []
    target = tmp_path / "target"
    target.mkdir()
    assert replay(made.quick, target, other, OsDisk()) == 0
    assert list(target.iterdir()) == []


@pytest.mark.parametrize("path", ["../x.mp4", "video/../../x.mp4", "/etc/x.mp4", "volume.json", "video"])
def test_nothing_is_replayed_outside_the_video(tmp_path: Path, path: str) -> None:
    create_journal(tmp_path / "quick")
    (tmp_path / "volume").mkdir()
    volume_id = "018f0000-0000-7000-8000-00000000000f"
    journal = JournalFile(tmp_path / "quick", volume_id)
    journal.note(b"C", path, 0)
    journal.note(WRITE, path, 0, [b"data"])
    journal.close()
    assert replay(tmp_path / "quick", tmp_path / "volume", volume_id, OsDisk()) == 0
    assert list((tmp_path / "volume").iterdir()) == []


def test_a_journal_that_fails_does_not_stop_recording(
    made: Journaled, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.flush_slow()
    one = Feed(KEY, (video(),), made.clock.wall_us())
    made.ward.write(one, 2)
    flushes = made.slow.flushes

    def full(fd: int, buffers: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(journal_module, "write_all", full)
        made.ward.write(one, 2)
        assert not made.disk.is_journaled
        assert any("journal lost" in error for error in made.errors)
        # At once the slow disk is flushed, and from then on each 10 s.
        made.ward.flush()
        assert made.slow.flushes == flushes + 1
        assert made.journals() == []
        made.clock.advance(10)
        made.ward.flush()
        assert made.slow.flushes == flushes + 2
    assert one.handle.failure is None
    made.clock.advance(AGAIN_S)
    made.ward.flush()
    assert made.disk.is_journaled
    made.ward.end(one)
    assert made.ward.archive.coverage(KEY, 0, 1 << 61).spans == [(one.start_us, one.end_us)]


@pytest.mark.parametrize("there", [True, False])
def test_a_quick_disk_that_is_not_mounted_is_not_written(tmp_path: Path, there: bool) -> None:
    quick = tmp_path / "quick"
    if there:
        quick.mkdir()
    errors: list[str] = []
    clock = ManualClock(START_US)
    disk = JournaledDisk(OsDisk(), quick, FLUSH_S, clock=clock, on_error=errors.append)
    ward = Ward(tmp_path / "volume", clock, 2.0, disk)
    ward.take_up(KEY, OTHER)
    feed = ward.record(3)
    ward.stop()
    assert any("no journal" in error for error in errors)
    assert not quick.exists() or list(quick.iterdir()) == []
    assert ward.archive.coverage(KEY, 0, 1 << 61).spans == [(feed.start_us, feed.end_us)]
