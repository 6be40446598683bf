"""A volume fails while cameras are recorded: they go on with a spare, and come back when it has been well for a while."""

from __future__ import annotations

import asyncio
import errno
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from luytre.archive import playback
from luytre.archive.catalog import Archive
from luytre.archive.check import check
from luytre.archive.disk import OsDisk
from luytre.archive.index import Index
from luytre.archive.journal import create_journal
from luytre.archive.keys import Coverage, Span, StreamKey
from luytre.archive.volume import create_volume, open_volume
from luytre.base.clock import SYSTEM, ManualClock
from luytre.recorder.plan import VolumePlan
from luytre.simulator.camera import Camera
from luytre.simulator.server import Simulator
from tests.archive.faulty import FaultyDisk
from tests.recorder.ward import QUICK, Ear, Ward, clip, reel

PATHS = ("volume", "spare")
VOLUMES = tuple(VolumePlan(path, flush_s=0.2) for path in PATHS)
PACE = replace(QUICK, return_s=1.5)


class HangingDisk(OsDisk):
    """Its writes wait in the kernel, as it were, until they are let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()
        self.free.set()

    def write(self, fd: int, buffers: Sequence[bytes]) -> int:
        self.free.wait(60)
        return super().write(fd, buffers)


@contextmanager
def _faulty(ward: Ward, number: int) -> Iterator[None]:
    disk = ward.disks["volume"]
    assert isinstance(disk, FaultyDisk)
    disk.fail("write", number)
    yield
    disk.heal()


@contextmanager
def _missing(ward: Ward, number: int) -> Iterator[None]:
    """As an unmounted disk: what is below its mount point is another disk."""
    away = ward.volume.with_name("away")
    ward.volume.rename(away)
    ward.volume.mkdir()
    yield
    assert list(ward.volume.iterdir()) == []
    ward.volume.rmdir()
    away.rename(ward.volume)


@contextmanager
def _hanging(ward: Ward, number: int) -> Iterator[None]:
    disk = ward.disks["volume"]
    assert isinstance(disk, HangingDisk)
    disk.free.clear()
    yield
    disk.free.set()


class Spill:
    """A ward of two cameras with a spare volume."""

    def __init__(self, folder: Path) -> None:
        self.ward = Ward(folder)
        create_volume(folder / "spare")
        self.ward.disks["volume"] = FaultyDisk()

    @asynccontextmanager
    async def recording(self, hang_s: float = 60.0) -> AsyncIterator[Ear]:
        async with Simulator([Camera(n, {"main": reel(clip())}) for n in (1, 2)]) as simulator:
            self.simulator = simulator
            for number, name in enumerate(("one", "two"), 1):
                self.ward.add(name, simulator.url(number))
                self.ward.streams[name] = replace(self.ward.streams[name], spares=("spare",))
            self.ward.write(VOLUMES)
            async with self.ward.recording(PACE, hang_s=hang_s) as ear:
                yield ear

    def archive(self, *paths: str) -> Archive:
        soon = ManualClock(SYSTEM.wall_us() + 60_000_000)
        return Archive([self.ward.folder / path for path in paths or PATHS], soon)

    def coverage(self, camera: str, *paths: str) -> Coverage:
        return self.archive(*paths).coverage(StreamKey(camera, "main"), 0, 1 << 61)

    def told(self, camera: str, path: str) -> list[str]:
        """Causes in the volume's own ledger, as they stand there."""
        volume = open_volume(self.ward.folder / path)
        index = Index(volume.index_path, volume.id)
        try:
            row = index.stream(StreamKey(camera, "main"))
            assert row is not None
            return [gap.cause for gap in index.gaps(row.id, Span(0, 1 << 61))]
        finally:
            index.close()

    def spans(self, camera: str, path: str) -> int:
        return len(self.coverage(camera, path).spans)

    def until_spans(self, path: str, count: int) -> Callable[[], bool]:
        return lambda: all(self.spans(camera, path) >= count for camera in ("one", "two"))


@pytest.fixture
def spill(tmp_path: Path) -> Spill:
    return Spill(tmp_path)


def adds_up(coverage: Coverage) -> None:
    """Recorded and gaps together are the whole time, and nothing is both."""
    pieces = sorted([*coverage.spans, *(Span(g.start_us, g.end_us or 1 << 61) for g in coverage.gaps)])
    assert [before.end_us for before, _ in pairwise(pieces)] == [
        after.start_us for _, after in pairwise(pieces)
    ]


@pytest.mark.parametrize(
    ("fails", "number", "cause"),
    [
        pytest.param(_faulty, errno.ENOSPC, "disk_full", id="full"),
        pytest.param(_faulty, errno.EIO, "disk_error", id="error"),
        pytest.param(_faulty, errno.EROFS, "disk_read_only", id="read-only"),
        pytest.param(_faulty, errno.ENODEV, "disk_missing", id="device-gone"),
        pytest.param(_missing, 0, "disk_missing", id="unmounted"),
        pytest.param(_hanging, 0, "disk_slow", id="hanging"),
    ],
)
def test_streams_go_on_with_the_spare_and_come_back(
    spill: Spill, fails: Callable[[Ward, int], AbstractContextManager[None]], number: int, cause: str
) -> None:
    if cause == "disk_slow":
        spill.ward.disks["volume"] = HangingDisk()

    async def main() -> None:
        async with spill.recording(hang_s=0.5) as ear:
            await ear.recording("one", "two")
            await ear.until(spill.until_spans("volume", 1), "both are on their volume")
            with fails(spill.ward, number):
                await ear.until(spill.until_spans("spare", 1), "both are on the spare")
                assert {spill.spans(camera, "spare") for camera in ("one", "two")} == {1}
            await ear.until(spill.until_spans("volume", 2), "both came back")
            # The cameras did not notice any of it.
            assert [spill.simulator.cameras[n].clients for n in (1, 2)] == [1, 1]

    asyncio.run(main())
    for path in PATHS:
        assert [f for f in check(spill.ward.folder / path) if f.severity == "error"] == []
    for camera in ("one", "two"):
        together, own = spill.coverage(camera), spill.told(camera, "volume")
        causes = [gap.cause for gap in together.gaps]
        assert "elsewhere" not in causes
        assert set(causes) <= {"connecting", cause, "node_stopped"}
        # From the end of its own volume to the next keyframe, and nothing on the way back.
        lost = sum((gap.end_us or 0) - gap.start_us for gap in together.gaps if gap.cause == cause)
        assert lost < 5_000_000
        assert "elsewhere" in own
        assert cause in own
        assert set(spill.told(camera, "spare")) == {"elsewhere"}
        adds_up(together)
        plays(spill, camera, together)


def plays(spill: Spill, camera: str, coverage: Coverage) -> None:
    """Real parts over both volumes, each moment once."""
    key = StreamKey(camera, "main")
    archive = spill.archive()
    parts = playback.parts_in(archive, key, Span(coverage.spans[0].start_us, coverage.spans[-1].end_us))
    assert len({part.found.volume.id for part in parts}) == 2
    assert all(before.end_us <= after.entry.wall_us for before, after in pairwise(parts))
    shown = sum(part.end_us - part.entry.wall_us for part in parts)
    assert shown == sum(end - start for start, end in coverage.spans)
    assert archive.recorded_range(key) == (coverage.spans[0].start_us, coverage.spans[-1].end_us)


def test_a_volume_that_hangs_does_not_keep_the_others_or_the_end_waiting(spill: Spill) -> None:
    disk = spill.ward.disks["volume"] = HangingDisk()

    async def main() -> None:
        async with spill.recording(hang_s=0.3) as ear:
            spill.ward.streams["two"] = replace(spill.ward.streams["two"], volume="spare", spares=())
            spill.ward.write(VOLUMES)
            await ear.until(
                lambda: spill.spans("two", "spare") == 1 == spill.spans("one", "volume"), "recorded"
            )
            disk.free.clear()
            await ear.until(lambda: spill.spans("one", "spare") == 1, "one goes on")
        # The end of the block has stopped the recorder, and the disk still hangs.
        assert not disk.free.is_set()

    asyncio.run(main())
    disk.free.set()
    assert len(spill.coverage("two", "spare").spans) == 1


def test_a_spare_takes_over_from_a_volume_that_was_never_there(spill: Spill) -> None:
    away = spill.ward.volume.with_name("away")
    spill.ward.volume.rename(away)
    spill.ward.volume.mkdir()

    async def main() -> None:
        async with spill.recording() as ear:
            await ear.recording("one", "two")
            await ear.until(spill.until_spans("spare", 1), "both are on the spare")
            assert list(spill.ward.volume.iterdir()) == []
            state = ear.last("one")
            assert state is not None
            spill.ward.volume.rmdir()
            away.rename(spill.ward.volume)
            await ear.until(spill.until_spans("volume", 1), "both are where they belong")

    asyncio.run(main())
    for camera in ("one", "two"):
        adds_up(spill.coverage(camera))
        assert spill.told(camera, "volume")[-2:] == ["elsewhere", "node_stopped"]


def test_a_spare_that_is_missing_leaves_no_elsewhere(spill: Spill) -> None:
    async def main() -> None:
        async with spill.recording() as ear:
            await ear.until(spill.until_spans("volume", 1), "recorded")
            with _missing(spill.ward, 0):
                await ear.until(spill.until_spans("spare", 1), "both are on the spare")
            await ear.until(spill.until_spans("volume", 2), "both came back")

    asyncio.run(main())
    shutil.move(spill.ward.folder / "spare", spill.ward.folder / "taken")
    gaps = [gap.cause for gap in spill.coverage("one").gaps]
    assert "elsewhere" not in gaps
    assert "disk_missing" in gaps


def test_another_volume_at_the_same_path_is_taken_as_that(spill: Spill) -> None:
    other = spill.ward.folder / "other"
    create_volume(other)

    async def main() -> None:
        async with spill.recording() as ear:
            await ear.until(spill.until_spans("volume", 1), "recorded")
            spill.ward.volume.rename(spill.ward.folder / "old")
            other.rename(spill.ward.volume)
            await ear.until(lambda: spill.spans("one", "volume") == 1, "the other disk is written")

    asyncio.run(main())
    for path in ("volume", "old", "spare"):
        assert [f for f in check(spill.ward.folder / path) if f.severity == "error"] == []
    assert spill.coverage("one", "old").spans
    adds_up(spill.coverage("one", "volume", "spare", "old"))


def test_a_volume_that_two_paths_lead_to_is_taken_once(
    spill: Spill, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(spill.ward.folder / "spare")
    (spill.ward.folder / "spare").symlink_to(spill.ward.volume)

    async def main() -> None:
        async with spill.recording() as ear:
            await ear.recording("one", "two")
            await ear.until(
                lambda: "are the same volume" in str([vars(r) for r in caplog.records]), "it is told"
            )

    asyncio.run(main())
    coverage = spill.coverage("one")
    assert len(coverage.spans) == 1
    assert len(spill.archive().segments(StreamKey("one", "main"), Span(0, 1 << 61))) == 1


def test_a_volume_with_a_journal_is_recorded_like_any(spill: Spill) -> None:
    create_journal(spill.ward.folder / "quick")

    async def main() -> None:
        async with spill.recording() as ear:
            spill.ward.streams["three"] = replace(
                spill.ward.streams["two"], camera="three", volume="journaled"
            )
            create_volume(spill.ward.folder / "journaled")
            slow = VolumePlan("journaled", flush_s=30.0, journal="quick")
            spill.ward.write((*VOLUMES, slow))
            await ear.recording("three")
            await ear.until(lambda: bool(list(spill.ward.folder.glob("quick/*.journal"))), "it has a journal")
            await ear.until(lambda: bool(spill.coverage("three", "journaled").spans), "it is on its volume")

    asyncio.run(main())
    assert list(spill.ward.folder.glob("quick/*.journal")) == []
    assert check(spill.ward.folder / "journaled") == []
    assert len(spill.coverage("three", "journaled").spans) == 1
