"""What was not recorded on purpose is only believed as long as somebody was there to see it."""

from __future__ import annotations

import pytest

from luytre.archive.alive import EVERY_S
from luytre.archive.check import check
from luytre.archive.index import Index
from luytre.archive.keys import Gap, Span
from tests.archive.builder import KEY, OTHER, Ward

HOUR_S = 3600.0
ALWAYS = Span(0, 1 << 61)


def gaps(ward: Ward) -> list[Gap]:
    with ward.index() as index:
        row = index.stream(KEY)
        assert row is not None
        return index.gaps(row.id, ALWAYS)


def dies(ward: Ward) -> None:
    ward.writer.kill()
    ward.writer.close_index()


@pytest.mark.parametrize("cause", ["no_motion", "not_scheduled", "clock_stepped"])
def test_a_crash_in_standby_is_told_from_the_last_sign_of_life_on(ward: Ward, cause: str) -> None:
    before = ward.record(3, cause=cause)
    ward.clock.advance(HOUR_S)
    ward.flush()
    seen_us = ward.clock.wall_us()
    dies(ward)
    ward.clock.advance(5 * HOUR_S)
    ward.begin_again()
    ward.take_up(KEY)
    after = ward.record(3)
    ended, crashed = gaps(ward)[:2]
    assert (ended.start_us, ended.end_us, ended.cause) == (before.end_us, seen_us, cause)
    assert (crashed.start_us, crashed.end_us, crashed.cause) == (seen_us, after.start_us, "node_crashed")
    ward.flush()
    assert check(ward.path, clock=ward.clock) == []
    # The files tell the same when the index is lost.
    told = gaps(ward)
    ward.stop()
    ward.volume.index_path.unlink()
    ward.begin_again()
    ward.take_up(KEY)
    ward.sweep()
    assert gaps(ward)[:2] == told[:2]


def test_signs_are_rare_and_only_of_streams_in_standby(ward: Ward) -> None:
    ward.record(3, cause="no_motion")
    ward.record(3, key=OTHER, cause="host_down")
    ward.clock.advance(EVERY_S)
    ward.flush()
    first_us = ward.clock.wall_us()
    ward.flush()
    with ward.index() as index:
        assert {row.key: index.seen_us(row.id) for row in index.streams()} == {KEY: first_us, OTHER: 0}


@pytest.mark.parametrize("cause", ["host_down", "camera_disabled", "elsewhere", "node_stopped"])
def test_other_causes_last_over_a_crash(ward: Ward, cause: str) -> None:
    ward.record(3, cause=cause)
    ward.flush()
    dies(ward)
    ward.clock.advance(HOUR_S)
    ward.begin_again()
    ward.take_up(KEY)
    assert [gap.cause for gap in gaps(ward)] == [cause]


def test_a_sign_from_before_the_clock_was_set_back_is_not_believed(ward: Ward) -> None:
    before = ward.record(3, cause="no_motion")
    ward.clock.advance(5 * HOUR_S)
    ward.flush()
    dies(ward)
    ward.clock.step_wall(-4 * HOUR_S)
    now_us = ward.clock.wall_us()
    ward.begin_again()
    ward.take_up(KEY)
    told = [(gap.start_us, gap.end_us, gap.cause) for gap in gaps(ward)]
    assert told == [(before.end_us, now_us, "no_motion"), (now_us, None, "node_crashed")]


def test_who_only_lost_its_disk_was_there_all_the_time(ward: Ward) -> None:
    before = ward.record(3, cause="no_motion")
    ward.flush()
    away = ward.path.with_name("away")
    ward.path.rename(away)
    ward.flush()
    assert ward.writer.is_away
    ward.clock.advance(HOUR_S)
    away.rename(ward.path)
    ward.forgive()
    assert not ward.writer.is_away
    assert [(gap.start_us, gap.cause) for gap in gaps(ward)] == [(before.end_us, "no_motion")]


def test_a_class_that_changes_while_the_disk_is_away_is_kept(ward: Ward) -> None:
    ward.record(3)
    ward.flush()
    away = ward.path.with_name("away")
    ward.path.rename(away)
    ward.flush()
    assert ward.writer.is_away
    ward.writer.take_up(KEY, "cong-truoc", "gates").result(30)
    away.rename(ward.path)
    ward.forgive()
    with ward.index() as index:
        assert retention(index) == "gates"


def test_a_class_that_the_index_does_not_take_is_entered_later(ward: Ward) -> None:
    ward.record(3)
    with ward.index() as index:
        ward.writer.database.execute("PRAGMA busy_timeout = 10")
        with index.transaction():
            index.set_meta("busy", "yes")
            ward.writer.take_up(KEY, "cong-truoc", "gates").result(30)
        ward.forgive()
        assert retention(index) == "gates"


def retention(index: Index) -> str:
    row = index.stream(KEY)
    assert row is not None
    return row.retention
