from __future__ import annotations

import os
from queue import SimpleQueue

import pytest

from luytre.archive import ballast, holds
from luytre.archive.disk import OsDisk
from luytre.archive.keeper import Keeper
from luytre.archive.keys import Span, StreamKey
from luytre.archive.retention import Sweep, sweep
from tests.archive.builder import KEEP_ALL, KEY, OTHER, Feed, Ward, keep, video
from tests.archive.kept import DAY_S, clean, starts, three_days

SUB = StreamKey(KEY.camera, "sub")


def test_days(ward: Ward) -> None:
    days = three_days(ward)
    done = ward.sweep(keep(days=2.0, reserve_bytes=0))
    assert done.segments > 0
    assert done.missing_bytes == 0
    with ward.index() as index:
        for key, feeds in ((KEY, 0), (OTHER, 1)):
            row = index.stream(key)
            assert row is not None
            assert row.expired_us >= days[0][feeds].end_us
    assert all(start > days[0][1].end_us for times in starts(ward).values() for start in times)
    assert sum(map(len, starts(ward).values())) == len(ward.files())
    clean(ward)


def test_a_day_folder_that_is_empty_goes(ward: Ward) -> None:
    """Not those of the last two days: a recorder may be about to write there."""
    for _ in range(6):
        ward.record(2)
        ward.clock.advance(DAY_S)
    folder = ward.path / "video" / "cong-truoc" / "main"
    names = sorted(path.name for path in folder.iterdir())
    ward.sweep(keep(days=0.0, reserve_bytes=0))
    assert ward.files() == []
    assert sorted(path.name for path in folder.iterdir()) == names[-2:]


def test_gaps_go_with_the_recordings_around_them(ward: Ward) -> None:
    """A stream that was away for longer than is kept: its ledger begins later, and nothing is missing from it."""
    ward.clock.advance(1)
    for cause in ("host_down", "timeout", "refused"):
        ward.writer.gap(KEY, ward.clock.wall_us(), cause)
        ward.clock.advance(DAY_S)
    ward.settle()
    ward.sweep(keep(days=1.5, reserve_bytes=0))
    assert ward.causes() == ["timeout", "refused"]
    clean(ward)


def test_max_bytes_takes_the_oldest_of_all_streams(ward: Ward) -> None:
    three_days(ward)
    everything = sorted((start, code) for code, times in starts(ward).items() for start in times)
    with ward.index() as index:
        _, used, _ = index.totals()
    done = ward.sweep(keep(days=3650, max_bytes=used // 2, reserve_bytes=0))
    kept = sorted((start, code) for code, times in starts(ward).items() for start in times)
    assert kept == everything[done.segments :]
    assert 0 < done.segments < len(everything)
    with ward.index() as index:
        assert index.totals()[1] <= used // 2
    clean(ward)


def test_reserve_is_room_left_to_the_disk(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    three_days(ward)
    with ward.index() as index:
        _, used, _ = index.totals()
    free = 1000
    monkeypatch.setattr("luytre.archive.volume.Volume.space", lambda _: (1 << 30, free))
    done = ward.sweep(keep(days=3650, reserve_bytes=free + used // 3))
    assert used // 3 <= done.bytes < used // 3 + used // 4
    clean(ward)


def test_a_hold_is_passed_over_until_it_is_released(ward: Ward) -> None:
    days = three_days(ward)
    held = days[0][0]
    with ward.index() as index:
        hold = holds.place(index, KEY, Span(held.start_us + 1, held.start_us + 2), "vụ", "an", ward.clock)
    done = ward.sweep(keep(days=3650, max_bytes=0, reserve_bytes=0))
    assert done.missing_bytes > 0
    assert starts(ward)["cong-truoc"] == [held.start_us]
    assert starts(ward)["ngo-12"] == []
    clean(ward)
    ward.sweep(keep(days=0.0, reserve_bytes=0))
    assert len(ward.files()) == 1
    clean(ward)
    with ward.index() as index:
        holds.release(index, hold.id, "an", ward.clock)
    ward.sweep(keep(days=0.0, reserve_bytes=0))
    assert ward.files() == []
    clean(ward)


def test_gaps_under_a_hold_stay(ward: Ward) -> None:
    first = ward.record(3, cause="stalled")
    second = ward.record(3, pause_s=60)
    with ward.index() as index:
        holds.place(index, KEY, Span(first.start_us, second.end_us), "vụ", "an", ward.clock)
    ward.clock.advance(10 * DAY_S)
    ward.sweep(keep(days=1, reserve_bytes=0))
    found = ward.archive.coverage(KEY, first.start_us, second.end_us)
    assert [gap.cause for gap in found.gaps] == ["stalled"]
    assert len(found.spans) == 2
    clean(ward)


def test_the_open_segment_stays(ward: Ward) -> None:
    ward.record(3)
    feed = Feed(KEY, (video(),), ward.clock.wall_us())
    ward.write(feed, 2)
    ward.sweep(keep(days=0.0, max_bytes=0, reserve_bytes=1 << 60))
    assert len(ward.files()) == 1
    ward.write(feed, 3)
    ward.end(feed)
    assert feed.handle.failure == "closed_by_camera"
    clean(ward)


class _Crash(BaseException):
    pass


class _CrashingDisk(OsDisk):
    def __init__(self, after: int) -> None:
        super().__init__()
        self.left = after

    def unlink(self, path: os.PathLike[str]) -> None:
        if not self.left:
            raise _Crash
        self.left -= 1
        os.unlink(path)


@pytest.mark.parametrize("after", range(4))
def test_a_crash_between_mark_and_unlink(ward: Ward, after: int) -> None:
    three_days(ward)
    policy = keep(days=1.5, reserve_bytes=0)
    with ward.index() as index, pytest.raises(_Crash):
        sweep(ward.volume, index, _CrashingDisk(after), policy, ward.clock.wall_us())
    clean(ward)
    ward.sweep(policy)
    with ward.index() as index:
        assert index.db.execute("SELECT count(*) FROM segment WHERE state = 'deleting'").fetchone() == (0,)
    clean(ward)


def test_minutes_shared_with_what_stays_are_kept(ward: Ward) -> None:
    """Several segments in one minute, one of them deleted."""
    feed = ward.record(20)
    with ward.index() as index:
        holds.place(index, KEY, Span(feed.end_us - 2, feed.end_us - 1), "vụ", "an", ward.clock)
    ward.clock.advance(DAY_S)
    ward.sweep(keep(days=0.5, reserve_bytes=0))
    assert len(ward.files()) == 1
    minutes = ward.archive.minutes(KEY, feed.start_us // 60_000_000 * 60_000_000, feed.end_us)
    assert minutes[-1] & 1
    clean(ward)


def test_many_are_deleted_in_batches(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luytre.archive.deletion.BATCH", 2)
    three_days(ward)
    count = len(ward.files())
    assert ward.sweep(keep(days=0.0, reserve_bytes=0)).segments == count
    assert ward.files() == []
    clean(ward)


def test_nothing_to_do(ward: Ward) -> None:
    three_days(ward)
    before = ward.files()
    assert ward.sweep(KEEP_ALL).segments == 0
    assert ward.files() == before


def test_ballast_is_taken_on_and_dropped(ward: Ward) -> None:
    ward.sweep()
    path = ward.path / ballast.NAME
    assert path.stat().st_blocks * 512 >= ballast.SIZE
    assert ballast.drop(ward.volume)
    assert not ballast.drop(ward.volume)


class Watched(Keeper):
    """Tells each turn."""

    turns: SimpleQueue[Sweep]

    def turn(self) -> Sweep:
        done = super().turn()
        self.turns.put(done)
        return done


def test_room_that_gets_short_is_made_though_nobody_asks(ward: Ward) -> None:
    three_days(ward)
    _, free = ward.volume.space()
    policy = keep(days=3650, reserve_bytes=free // 4)
    keeper = Watched(ward.volume, lambda: policy, every_s=3600.0, look_s=0.01, clock=ward.clock)
    keeper.turns = SimpleQueue()
    keeper.start()
    try:
        keeper.turns.get(timeout=30)
        assert not keeper.is_short()
        policy = keep(days=3650, reserve_bytes=free * 4)
        assert keeper.turns.get(timeout=30).segments > 0
    finally:
        keeper.stop()
        keeper.join(30)
