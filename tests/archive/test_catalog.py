from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from luytre.archive.catalog import GAP, HOLD, RECORDED, Archive, day_window
from luytre.archive.holds import place
from luytre.archive.index import US_PER_MINUTE
from luytre.archive.keys import Span, StreamKey
from luytre.archive.parts import PartTable
from luytre.base.clock import ManualClock, to_us
from tests.archive.builder import KEY, OTHER, START_US, Feed, Ward, video
from tests.archive.conftest import MakeWard

SAIGON = ZoneInfo("Asia/Ho_Chi_Minh")
NOBODY = StreamKey("nobody", "main")


def test_an_open_segment_grows(ward: Ward) -> None:
    feed = Feed(KEY, (video(),), START_US)
    archive = ward.archive
    for count in range(1, 4):
        ward.write(feed, 1)
        assert archive.recorded_range(KEY) == (feed.start_us, feed.end_us)
        assert archive.coverage(KEY, 0, feed.end_us + 1).spans == [(feed.start_us, feed.end_us)]
        assert archive.nearest(KEY, feed.end_us + 5) == feed.end_us - 1
        found = archive.segments(KEY, Span(0, 1 << 61))
        assert sum(len(archive.parts_of(one).parts) for one in found) == count


def test_coverage_is_clipped_and_sorted(ward: Ward) -> None:
    one = ward.record(4, cause="stalled")
    two = ward.record(4, pause_s=100)
    found = ward.archive.coverage(KEY, one.start_us + 10, two.start_us + 10)
    assert found.spans == [(one.start_us + 10, one.end_us), (two.start_us, two.start_us + 10)]
    assert [(g.start_us, g.end_us, g.cause) for g in found.gaps] == [(one.end_us, two.start_us, "stalled")]
    inside = ward.archive.coverage(KEY, one.end_us + 5, one.end_us + 9)
    assert [(g.start_us, g.end_us) for g in inside.gaps] == [(one.end_us + 5, one.end_us + 9)]
    assert inside.spans == []


def test_a_gap_that_lasts_is_open_only_where_the_window_reaches_now(ward: Ward) -> None:
    one = ward.record(2)
    ward.clock.advance(60)
    assert ward.archive.coverage(KEY, 0, one.end_us + 5).gaps[-1].end_us == one.end_us + 5
    assert ward.archive.coverage(KEY, 0, ward.clock.wall_us() + 5).gaps[-1].end_us is None


def test_minutes(ward: Ward) -> None:
    ward.clock.step_wall((US_PER_MINUTE - START_US % US_PER_MINUTE) / 1e6)
    begin = ward.clock.wall_us()
    ward.record(2, cause="stalled")
    ward.record(160, pause_s=150)
    ward.clock.advance(1)
    with ward.index() as index:
        place(index, KEY, Span(begin + 30_000_000, begin + 61_000_000), "vụ", "an", ward.clock)
    flags = ward.archive.minutes(KEY, begin, begin + 5 * US_PER_MINUTE)
    assert list(flags) == [RECORDED | GAP | HOLD, GAP | HOLD, GAP | RECORDED, RECORDED | GAP, 0]
    assert ward.archive.minutes(KEY, begin + 1, begin + US_PER_MINUTE + 1) == flags[:2]
    assert ward.archive.minutes(KEY, begin, begin) == b""
    assert ward.archive.minutes(NOBODY, begin, begin + US_PER_MINUTE) == b"\0"


def test_minutes_of_an_open_segment(make_ward: MakeWard) -> None:
    ward = make_ward(segment_s=300)
    feed = Feed(KEY, (video(),), START_US)
    for _ in range(3):
        ward.write(feed, 60)
        flags = ward.archive.minutes(
            KEY, START_US // US_PER_MINUTE * US_PER_MINUTE, START_US + 5 * US_PER_MINUTE
        )
        wanted = (feed.end_us - 1) // US_PER_MINUTE - START_US // US_PER_MINUTE + 1
        assert sum(flag & RECORDED for flag in flags) == wanted


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Asia/Ho_Chi_Minh", date(2026, 11, 22), 24),
        ("Europe/Paris", date(2026, 3, 29), 23),
        ("Europe/Paris", date(2026, 10, 25), 25),
        ("Asia/Kathmandu", date(2026, 11, 22), 24),
    ],
)
def test_a_local_day(ward: Ward, zone: str, day: date, hours: int) -> None:
    place_ = ZoneInfo(zone)
    window = day_window(day, place_)
    assert window.end_us - window.start_us == hours * 60 * US_PER_MINUTE
    ward.clock.step_wall((window.end_us - 800_000 - ward.clock.wall_us()) / 1e6)
    feed = ward.record(4)
    assert ward.archive.days(KEY, place_) == [day, date.fromordinal(day.toordinal() + 1)]
    flags = ward.archive.minutes(KEY, *window)
    assert len(flags) == hours * 60
    assert [n for n, flag in enumerate(flags) if flag & RECORDED] == [hours * 60 - 1]
    assert feed.end_us > window.end_us


def test_days_of_an_open_segment(ward: Ward) -> None:
    midnight = to_us(datetime(2026, 11, 23, tzinfo=SAIGON))
    ward.clock.step_wall((midnight - 400_000 - START_US) / 1e6)
    feed = Feed(KEY, (video(),), midnight - 400_000)
    ward.write(feed, 1)
    assert ward.archive.days(KEY, SAIGON) == [date(2026, 11, 22)]
    ward.write(feed, 1)
    assert ward.archive.days(KEY, SAIGON) == [date(2026, 11, 22), date(2026, 11, 23)]


def test_nearest(ward: Ward) -> None:
    one = ward.record(4)
    two = ward.record(4, pause_s=100)
    archive = ward.archive
    middle = (one.end_us + two.start_us) // 2
    assert archive.nearest(KEY, one.start_us - 500) == one.start_us
    assert archive.nearest(KEY, one.start_us + 500) == one.start_us + 500
    assert archive.nearest(KEY, middle - 1000) == one.end_us - 1
    assert archive.nearest(KEY, middle + 1000) == two.start_us
    assert archive.nearest(KEY, two.end_us + 9) == two.end_us - 1
    assert archive.nearest(NOBODY, middle) is None
    assert archive.recorded_range(NOBODY) is None
    assert archive.days(NOBODY, SAIGON) == []


def test_the_nearest_moment_plays(ward: Ward) -> None:
    one = ward.record(4)
    nearest = ward.archive.nearest(KEY, one.end_us + 50_000_000)
    assert nearest is not None
    assert ward.archive.segments(KEY, Span(nearest, nearest + 1))


def test_volumes_away_are_passed_over(make_ward: MakeWard, tmp_path: Path, clock: ManualClock) -> None:
    here, away = make_ward(name="here"), make_ward(name="away")
    feed = here.record(3)
    away.record(3, key=OTHER)
    away.stop()
    gone = tmp_path / "elsewhere"
    away.path.rename(gone)
    archive = Archive([here.path, away.path], clock, {here.path: 30.0})
    assert archive.recorded_range(KEY) == (feed.start_us, feed.end_us)
    assert archive.recorded_range(OTHER) is None
    states = archive.volumes()
    assert [(v.state, v.path) for v in states] == [("ok", str(here.path)), ("missing", str(away.path))]
    assert (states[0].segments, states[0].oldest_us, states[0].promised_days) == (
        len(here.files()),
        feed.start_us,
        30.0,
    )
    assert states[0].used_bytes == sum(path.stat().st_size for path in here.files())
    gone.rename(away.path)
    assert archive.recorded_range(OTHER) is not None
    away.restart()


def test_a_stream_that_moved_to_another_volume_is_one_stream(make_ward: MakeWard, clock: ManualClock) -> None:
    old, new = make_ward(name="old"), make_ward(name="new")
    one, two = old.record(3), new.record(3, pause_s=5)
    archive = Archive([new.path, old.path], clock)
    assert archive.coverage(KEY, 0, 1 << 61).spans == [(one.start_us, one.end_us), (two.start_us, two.end_us)]
    assert archive.recorded_range(KEY) == (one.start_us, two.end_us)


def test_a_broken_index_is_a_volume_away(ward: Ward) -> None:
    ward.record(3)
    ward.stop()
    ward.volume.index_path.write_bytes(b"no database" * 1000)
    assert ward.archive.volumes()[0].state == "missing"
    assert ward.archive.recorded_range(KEY) is None
    ward.restart()


def test_parts_of_a_damaged_tail_are_walked(ward: Ward) -> None:
    feed = ward.record(2)
    row = ward.archive.segments(KEY, Span(0, 1 << 61))[0].row
    path = ward.path / row.path
    good = PartTable().of(ward.volume, row)
    assert row.tail_offset is not None
    with path.open("r+b") as file:
        file.seek(row.tail_offset + 8)
        file.write(b"garbage")
    assert PartTable().of(ward.volume, row) == good
    path.unlink()
    assert PartTable().of(ward.volume, row).parts == ()
    assert feed.parts
