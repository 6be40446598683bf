from __future__ import annotations

import errno
import os
from collections.abc import Sequence

import pytest

from luytre.archive import alarm, ballast, holds, segment
from luytre.archive.certificates import Certificate, Rule, read
from luytre.archive.check import check
from luytre.archive.disk import OsDisk
from luytre.archive.index import US_PER_DAY
from luytre.archive.keeper import Keeper
from luytre.archive.keys import Span, StreamKey
from luytre.archive.promise import Policy, Promise
from luytre.archive.retention import Sweep, sweep
from luytre.base.errors import Error
from tests.archive.builder import CODES, KEEP_ALL, KEY, OTHER, Feed, Ward, keep, video
from tests.archive.faulty import FaultyDisk

SUB = StreamKey(KEY.camera, "sub")
DAY_S = US_PER_DAY / 1e6


def starts(ward: Ward) -> dict[str, list[int]]:
    """Starts of the segments left, by stream."""
    found: dict[str, list[int]] = {"cong-truoc": [], "ngo-12": []}
    with ward.index() as index:
        for code, start in index.db.execute(
            "SELECT code, start_us FROM segment JOIN stream ON stream.id = stream_id ORDER BY start_us"
        ):
            found[code].append(start)
    return found


def clean(ward: Ward) -> None:
    assert check(ward.path, clock=ward.clock) == []


def three_days(ward: Ward) -> list[tuple[Feed, Feed]]:
    days = []
    for _ in range(3):
        days.append((ward.record(5, key=KEY), ward.record(5, key=OTHER)))
        ward.clock.advance(DAY_S)
    return days


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


# -- promises -----------------------------------------------------------------------------------------------------


def deletions(ward: Ward) -> list[Certificate]:
    return [one for one in read(ward.volume) if one.rule != Rule.ALARM]


def used_bytes(ward: Ward) -> int:
    with ward.index() as index:
        return index.totals()[1]


def take_up(ward: Ward, key: StreamKey, retention: str) -> None:
    ward.writer.take_up(key, CODES[key], retention).result(30)


def adds_up(ward: Ward, key: StreamKey) -> None:
    """Recorded and gaps are all the time since the stream's ledger begins."""
    with ward.index() as index:
        row = index.stream(key)
        assert row is not None
    begin, now_us = max(row.since_us, row.expired_us), ward.clock.wall_us()
    found = ward.archive.coverage(key, begin, now_us)
    lengths = [end - start for start, end in found.spans]
    lengths += [(now_us if gap.end_us is None else gap.end_us) - gap.start_us for gap in found.gaps]
    assert sum(lengths) == pytest.approx(now_us - begin, abs=10)


def test_what_expires_goes_by_the_hour_under_one_certificate(ward: Ward) -> None:
    feed = ward.record(20)
    count = len(ward.files())
    ward.clock.advance(DAY_S + 3500)
    assert ward.sweep(keep(days=1)) == Sweep(0, 0, 0)
    ward.clock.advance(200)
    assert ward.sweep(keep(days=1)).segments == count >= 5
    (certificate,) = deletions(ward)
    assert (certificate.rule, certificate.code, certificate.segments) == (Rule.EXPIRED, "cong-truoc", count)
    assert (certificate.start_us, certificate.end_us) == (feed.start_us, feed.end_us)
    with ward.index() as index:
        row = index.stream(KEY)
        assert row is not None
        assert certificate.link == row.head.hex()
    adds_up(ward, KEY)
    clean(ward)


def test_what_expires_goes_at_once_where_room_is_needed(ward: Ward) -> None:
    ward.record(20)
    ward.clock.advance(DAY_S + 60)
    assert ward.sweep(keep(days=1, max_bytes=0)).missing_bytes == 0
    assert ward.files() == []
    assert {one.rule for one in deletions(ward)} == {Rule.EXPIRED}
    clean(ward)


def test_a_sub_stream_is_kept_longer_than_its_main(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CODES, SUB, CODES[KEY])
    ward.take_up(SUB)
    feeds = []
    for _ in range(3):
        feeds.append((ward.record(5, key=KEY), ward.record(5, key=SUB)))
        ward.clock.advance(25 * DAY_S)
    promise = Promise(days=30, keep_days=30, sub_days=60, sub_keep_days=60)
    ward.sweep(Policy((promise,), None, 0))
    (main, _), (_, sub) = feeds[2], feeds[1]
    assert ward.archive.recorded_range(KEY) == (main.start_us, main.end_us)
    assert ward.archive.recorded_range(SUB) == (sub.start_us, feeds[2][1].end_us)
    second = sub.start_us // 60_000_000 * 60_000_000
    assert ward.archive.minutes(SUB, second, second + 60_000_000)[0] & 1
    assert not ward.archive.minutes(KEY, second, second + 60_000_000)[0] & 1
    with ward.index() as index:
        main_row, sub_row = index.stream(KEY), index.stream(SUB)
        assert main_row is not None
        assert sub_row is not None
        assert sub_row.expired_us < sub.start_us <= main_row.expired_us <= main.start_us
    adds_up(ward, KEY)
    adds_up(ward, SUB)
    clean(ward)


def test_each_class_keeps_its_own_days(ward: Ward) -> None:
    take_up(ward, OTHER, "gate")
    three_days(ward)
    gate = Promise("gate", days=1, keep_days=1, sub_days=1, sub_keep_days=1)
    ward.sweep(Policy((*keep(days=2.5).promises, gate), None, 0))
    found = starts(ward)
    assert found["ngo-12"] == []
    assert len({start // US_PER_DAY for start in found["cong-truoc"]}) == 2
    clean(ward)


def test_beyond_the_promise_goes_before_what_is_promised(ward: Ward) -> None:
    """The older recordings of a longer promise stay, the newer ones of a shorter go."""
    take_up(ward, OTHER, "gate")
    three_days(ward)
    gate = Promise("gate", days=1, keep_days=30, sub_days=1, sub_keep_days=30)
    with ward.index() as index:
        row = index.stream(KEY)
        assert row is not None
        policy = Policy((*keep(days=30).promises, gate), index.bytes_of(row.id), 0)
    assert ward.sweep(policy).missing_bytes == 0
    assert starts(ward)["ngo-12"] == []
    assert {one.rule for one in read(ward.volume)} == {Rule.BEYOND_PROMISE}
    clean(ward)


def test_the_promised_goes_only_after_the_alarm(ward: Ward) -> None:
    three_days(ward)
    used = used_bytes(ward)
    assert ward.sweep(keep(days=30, max_bytes=used // 2)).missing_bytes == 0
    first, *others = read(ward.volume)
    assert first.rule == Rule.ALARM
    assert {one.rule for one in others} == {Rule.BELOW_PROMISE}
    with ward.index() as index:
        raised = alarm.current(index)
        assert raised is not None
        assert raised.raised_us <= others[0].at_us
        assert raised.broken_us == ward.clock.wall_us()
    ward.clock.advance(DAY_S)
    ward.sweep(keep(days=30, max_bytes=used // 2))
    with ward.index() as index:
        assert alarm.current(index) is None
    clean(ward)


def test_an_alarm_that_cannot_be_raised_keeps_what_is_promised(ward: Ward) -> None:
    three_days(ward)
    files = ward.files()
    disk = FaultyDisk()
    disk.fail("write", errno.EROFS)
    with pytest.raises(Error, match="write the certificates"):
        ward.sweep(keep(days=30, max_bytes=0), disk)
    assert ward.files() == files
    clean(ward)
    disk.heal()
    ward.sweep(keep(days=30, max_bytes=0), disk)
    assert ward.files() == []
    clean(ward)


class _FullDisk(OsDisk):
    """Has no byte left for a line as long as the ballast is there."""

    def __init__(self, ward: Ward) -> None:
        super().__init__()
        self._ballast = ward.path / ballast.NAME

    def write(self, fd: int, buffers: Sequence[bytes]) -> int:
        if self._ballast.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(fd, buffers)


def test_the_ballast_makes_room_for_the_certificates(ward: Ward) -> None:
    ward.record(5)
    ward.clock.advance(2 * DAY_S)
    ward.sweep(KEEP_ALL)
    assert ward.sweep(keep(days=1), _FullDisk(ward)).missing_bytes == 0
    assert ward.files() == []
    assert len(deletions(ward)) == 1
    clean(ward)


def test_the_keeper_tells_of_a_promise_broken_before_any_forecast(ward: Ward) -> None:
    """A volume that fills in less than the hour from which on there is a forecast; told once."""
    told: list[alarm.Alarm | None] = []
    policy = keep(days=30, max_bytes=1)
    keeper = Keeper(ward.volume, lambda: policy, clock=ward.clock, on_alarm=told.append)
    for _ in range(3):
        ward.record(3)
        keeper.turn()
    assert [one and one.kind for one in told] == ["breaks_soon"]
    assert [one.rule for one in read(ward.volume)].count(Rule.ALARM) == 1


def test_a_class_that_does_not_allow_it_keeps_its_promise(ward: Ward) -> None:
    """Another pays; where there is no other, room stays missing and the writer finds the disk full."""
    take_up(ward, OTHER, "court")
    three_days(ward)
    court = Promise("court", overwrite=False)
    policy = Policy((Promise(), court), 0, 0)
    kept = starts(ward)["ngo-12"]
    done = ward.sweep(policy)
    assert starts(ward) == {"cong-truoc": [], "ngo-12": kept}
    assert done.missing_bytes == used_bytes(ward) > 0
    assert ward.sweep(policy) == Sweep(0, 0, done.missing_bytes)
    clean(ward)


def test_a_camera_keeps_to_the_bytes_of_its_class(ward: Ward) -> None:
    """With what is not promised; what is promised stays, and the forecast tells."""
    three_days(ward)
    promise = Promise(days=1.5, keep_days=30, sub_days=1, sub_keep_days=30, max_bytes=1)
    ward.sweep(Policy((promise,), None, 0))
    for times in starts(ward).values():
        assert len({start // US_PER_DAY for start in times}) == 1
    assert {one.rule for one in deletions(ward)} == {Rule.CLASS_BYTES}
    clean(ward)
    tight = Promise(days=30, keep_days=30, max_bytes=0)
    assert ward.sweep(Policy((tight,), None, 0)) == Sweep(0, 0, 0)


def test_the_chain_goes_on_from_what_was_deleted(ward: Ward) -> None:
    """Sweep after sweep the first segment left begins where the last certificate ends."""
    for _ in range(4):
        ward.record(5)
        ward.clock.advance(DAY_S)
        ward.sweep(keep(days=1.5))
    found = deletions(ward)
    assert len(found) >= 2
    assert [one.prev for one in found[1:]] == [one.link for one in found[:-1]]
    first = segment.FileReader(ward.files()[0])
    with first:
        opening = segment.parse_opening(first.read, first.size)
    assert opening is not None
    assert opening.header.prev == found[-1].link
    clean(ward)
