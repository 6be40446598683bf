"""Journals whose flush failed, whose disk went, whose volume could not be opened; several recorders with one folder."""

from __future__ import annotations

import errno
import fcntl
import os
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from luytre.archive import journal as journal_module
from luytre.archive.disk import flush
from luytre.archive.journal import CREATE, WRITE, JournalFile, create_journal, records, waiting
from luytre.archive.journaled import AGAIN_S, JournaledDisk
from luytre.archive.replay import STALE_S, replay
from luytre.archive.volume import MARKER, create_volume, open_volume
from luytre.archive.writer import DiskWriter
from luytre.base.clock import ManualClock
from luytre.base.errors import Error
from tests.archive.builder import KEY, START_US, Ward
from tests.archive.faulty import FaultyDisk

FLUSH_S = 30.0
VOLUME = "018f0000-0000-7000-8000-00000000000f"
MB = 1 << 20


class Shard:
    """One recorder's disk with a journal, on a folder that others may have too."""

    def __init__(self, folder: Path) -> None:
        self.quick, self.root = folder / "quick", folder / "volume"
        create_journal(self.quick)
        self.root.mkdir(exist_ok=True)
        self.clock = ManualClock(START_US)
        self.errors: list[str] = []
        self.inner = FaultyDisk()
        self.disk = JournaledDisk(
            self.inner, self.quick, FLUSH_S, clock=self.clock, on_error=self.errors.append
        )

    def begin(self) -> None:
        self.disk.begin(self.root, VOLUME)

    def write(self, name: str, data: bytes = b"data") -> Path:
        path = self.root / "video" / name
        fd = self.disk.create(path)
        self.disk.write(fd, [data])
        self.disk.close(fd)
        return path

    def look(self) -> None:
        """The writer's flush; one of the slow disk that it began is over then, but not told yet."""
        flush(self.disk, self.root)
        if self.disk._flushing is not None:
            self.disk._flushing.join(20)

    def flush(self) -> None:
        """A flush of the slow disk, until its end is known. Raises OSError when it failed."""
        self.clock.advance(FLUSH_S)
        self.look()
        self.look()

    def journals(self) -> list[Path]:
        return sorted(self.quick.glob("*.journal"))


@pytest.fixture
def shard(tmp_path: Path) -> Shard:
    return Shard(tmp_path)


def unlocked(quick: Path, volume_id: str = VOLUME) -> list[Path]:
    """Journals that nobody holds."""
    found = waiting(quick, volume_id)
    for _, fd in found:
        os.close(fd)
    return [path for path, _ in found]


def descriptors(quick: Path) -> list[str]:
    """What this process has open in the folder."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.append(os.readlink(link))
    return [path for path in found if path.startswith(str(quick))]


def told(quick: Path, *names: str) -> JournalFile:
    """A journal that made these files, held by a recorder."""
    journal = JournalFile(quick, VOLUME)
    for name in names:
        journal.note(CREATE, f"video/{name}", 0)
        journal.note(WRITE, f"video/{name}", 0, [name.encode()])
    return journal


# -- replay -------------------------------------------------------------------------------------------------------


def test_a_replay_holds_one_record_at_a_time(shard: Shard) -> None:
    for number in range(3):
        journal = told(shard.quick, f"{number}.mp4")
        for at in range(12):
            journal.note(WRITE, f"video/{number}.mp4", at * MB, [bytes([at + 1]) * MB])
        journal.close()
    tracemalloc.start()
    try:
        assert replay(shard.quick, shard.root, VOLUME, shard.inner) == 3 * 14
        assert tracemalloc.get_traced_memory()[1] < 8 * MB
    finally:
        tracemalloc.stop()
    for number in range(3):
        assert (shard.root / "video" / f"{number}.mp4").stat().st_size == 12 * MB
    assert shard.journals() == []


@pytest.mark.parametrize("age_s", [0, STALE_S - 1, STALE_S + 1, 30 * 86_400])
def test_a_journal_that_outlived_its_time_makes_no_file_again(shard: Shard, age_s: float) -> None:
    there = shard.root / "video" / "there.mp4"
    there.parent.mkdir()
    there.write_bytes(b"th")
    old, new = told(shard.quick, "deleted.mp4", "there.mp4"), told(shard.quick, "new.mp4")
    # The node has been off for a week since.
    newest_s = START_US / 1e6 - 7 * 86_400
    for journal, written_s in ((old, newest_s - age_s), (new, newest_s)):
        os.utime(journal.path, (written_s, written_s))
        journal.close()
    replay(shard.quick, shard.root, VOLUME, shard.inner)
    assert (shard.root / "video" / "deleted.mp4").exists() == (age_s < STALE_S)
    assert (shard.root / "video" / "new.mp4").read_bytes() == b"new.mp4"
    # What is still there is brought up to date all the same.
    assert there.read_bytes() == b"there.mp4"
    assert shard.journals() == []


# -- a flush that fails -------------------------------------------------------------------------------------------


def test_of_the_journals_that_a_failing_disk_leaves_one_is_kept(shard: Shard) -> None:
    shard.begin()
    shard.flush()
    shard.inner.fail("flush", errno.EIO)
    for number in range(4):
        shard.write(f"{number}.mp4")
        with pytest.raises(OSError, match="Input/output"):
            shard.flush()
        given_up, _ = shard.journals()
        assert [r.path for r in records(given_up, VOLUME)] == [f"video/{number}.mp4"] * 2
        # No other recorder takes it as long as this one lives.
        assert unlocked(shard.quick) == []
    shard.inner.heal()
    shard.write("last.mp4")
    shard.flush()
    (current,) = shard.journals()
    assert list(records(current, VOLUME)) == []
    assert len(descriptors(shard.quick)) == 1


def test_a_journal_that_was_given_up_is_replayed_by_the_next_start(shard: Shard, tmp_path: Path) -> None:
    shard.begin()
    shard.flush()
    shard.inner.fail("flush", errno.EIO)
    paths = [shard.write("1.mp4")]
    with pytest.raises(OSError, match="Input/output"):
        shard.flush()
    paths.append(shard.write("2.mp4"))
    with pytest.raises(OSError, match="Input/output"):
        shard.disk.end()
    shard.disk.abandon()
    for path in paths:
        path.unlink()
    after = Shard(tmp_path)
    after.begin()
    assert [path.read_bytes() for path in paths] == [b"data", b"data"]


def test_two_journals_that_fail_one_after_the_other(shard: Shard, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, buffers: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    shard.begin()
    shard.flush()
    shard.inner.fail("flush", errno.EIO)
    for number in range(2):
        shard.write(f"{number}.mp4")
        with monkeypatch.context() as patched:
            patched.setattr(journal_module, "write_all", full)
            shard.write(f"{number}-lost.mp4")
        assert not shard.disk.is_journaled
        shard.clock.advance(AGAIN_S)
        # One tells of the flush in the background, one tries a new journal beside the one that was lost.
        for _ in range(2):
            with suppress(OSError):
                shard.look()
        assert shard.disk.is_journaled
        assert len(descriptors(shard.quick)) == len(shard.journals()) <= 3
    shard.inner.heal()
    with suppress(OSError):
        shard.look()
    shard.flush()
    assert len(descriptors(shard.quick)) == len(shard.journals()) == 1


def test_what_could_not_be_replayed_goes_when_the_disk_went_on_without_it(shard: Shard) -> None:
    old = told(shard.quick, "old.mp4")
    old.close()
    shard.inner.fail("flush", errno.EIO, times=1)
    shard.begin()
    assert any("not replayed" in error for error in shard.errors)
    assert old.path in shard.journals()
    shard.flush()
    assert old.path not in shard.journals()
    assert len(shard.journals()) == 1


# -- volumes that go, or do not open ------------------------------------------------------------------------------


def test_a_volume_that_does_not_open_leaves_no_journal(shard: Shard, tmp_path: Path) -> None:
    create_volume(tmp_path / "other")
    volume = open_volume(tmp_path / "other")
    (volume.path / MARKER).unlink()
    for _ in range(3):
        disk = JournaledDisk(shard.inner, shard.quick, FLUSH_S, clock=shard.clock)
        writer = DiskWriter(volume, clock=shard.clock, disk=disk)
        writer.start()
        with pytest.raises(Error, match=MARKER):
            writer.ready.result(30)
        writer.join(30)
    assert shard.journals() == []
    assert [path for path in descriptors(shard.quick) if ".journal" in path] == []


def test_begun_again_after_it_was_abandoned(shard: Shard) -> None:
    shard.begin()
    shard.flush()
    path = shard.write("1.mp4")
    shard.disk.abandon()
    shard.disk.abandon()
    assert [next(records(path, VOLUME)).kind for path in unlocked(shard.quick)] == [CREATE]
    path.unlink()
    shard.begin()
    assert path.read_bytes() == b"data"
    assert shard.disk.is_journaled
    shard.write("2.mp4")
    shard.flush()
    assert len(shard.journals()) == 1
    shard.disk.end()
    shard.disk.abandon()
    assert shard.journals() == []
    assert descriptors(shard.quick) == []


@pytest.mark.parametrize("other", [True, False], ids=["another-disk", "nothing"])
@pytest.mark.parametrize("notices", [True, False])
def test_a_disk_that_was_pulled_gets_its_journal_when_it_is_back(
    shard: Shard, tmp_path: Path, other: bool, notices: bool
) -> None:
    ward = Ward(tmp_path / "ward", shard.clock, 2.0, shard.disk)
    ward.take_up(KEY)
    feed = ward.record(7)
    files = {path: path.read_bytes() for path in ward.files()}
    away = tmp_path / "away"
    ward.path.rename(away)
    if other:
        create_volume(ward.path)
    if notices:
        ward.flush()
        assert unlocked(shard.quick, ward.volume.id)
    ward.stop()
    assert unlocked(shard.quick, ward.volume.id)
    assert not [path for path in descriptors(shard.quick) if ".journal" in path]
    if other:
        ward.path.rename(tmp_path / "other")
    away.rename(ward.path)
    # What its own flush would have written has not reached it.
    for path in files:
        os.truncate(path, path.stat().st_size // 2)
    ward.begin_again()
    assert {path: path.read_bytes() for path in files} == files
    ward.take_up(KEY)
    ward.stop()
    assert ward.archive.coverage(KEY, 0, 1 << 61).spans == [(feed.start_us, feed.end_us)]
    assert shard.journals() == []


# -- several recorders --------------------------------------------------------------------------------------------


def test_recorders_share_a_folder(tmp_path: Path) -> None:
    one, two = Shard(tmp_path), Shard(tmp_path)
    one.begin()
    one.flush()
    first = one.write("1.mp4")
    two.begin()
    two.flush()
    two.write("2.mp4")
    assert len(one.journals()) == 2
    # One dies; the other goes on, and loses nothing of it.
    one.disk.abandon()
    two.flush()
    first.unlink()
    three = Shard(tmp_path)
    three.begin()
    assert first.read_bytes() == b"data"
    for shard in (two, three):
        shard.disk.end()
    assert one.journals() == []


def test_a_journal_that_its_writer_is_done_with_meanwhile(
    shard: Shard, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, waits = told(shard.quick, "done.mp4"), told(shard.quick, "waits.mp4")
    waits.close()
    numbers = journal_module._number

    def listed(path: Path) -> int:
        done.remove()
        return numbers(path)

    monkeypatch.setattr(journal_module, "_number", listed)
    shard.begin()
    assert shard.errors == []
    assert (shard.root / "video" / "waits.mp4").read_bytes() == b"waits.mp4"
    assert not (shard.root / "video" / "done.mp4").exists()


def takes(path: Path) -> Callable[[], None]:
    """Another recorder's look has locked it and goes on."""
    fd = os.open(path, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return lambda: os.close(fd)


def takes_and_removes(path: Path) -> Callable[[], None]:
    """It has replayed it, too, and is done."""
    path.unlink()
    return lambda: None


@pytest.mark.parametrize("look", [takes, takes_and_removes])
def test_a_journal_taken_before_its_writer_has_locked_it(
    shard: Shard, monkeypatch: pytest.MonkeyPatch, look: Callable[[Path], Callable[[], None]]
) -> None:
    flock, looks = fcntl.flock, list[Callable[[], None]]()

    def late(fd: int, how: int) -> None:
        if not looks:
            looks.append(lambda: None)
            looks.append(look(Path(os.readlink(f"/proc/self/fd/{fd}"))))
        flock(fd, how)

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", late)
        journal = told(shard.quick, "1.mp4")
    assert journal.path.exists()
    assert [path for path in descriptors(shard.quick) if "deleted" in path] == []
    journal.close()
    assert journal.path in unlocked(shard.quick)
    for let_go in looks:
        let_go()
