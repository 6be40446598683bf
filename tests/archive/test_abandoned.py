"""Cameras that were removed, disabled or moved while the node was down."""

from __future__ import annotations

import errno

import pytest

from luytre.archive.check import check
from luytre.archive.keeper import Keeper
from luytre.archive.keys import StreamKey
from tests.archive.builder import KEEP_ALL, KEY, OTHER, Feed, Ward, video
from tests.archive.conftest import MakeWard
from tests.archive.faulty import unreadable
from tests.archive.power import PowerDisk


def turn(ward: Ward, cause: str = "camera_disabled") -> list[str]:
    """A turn of the keeper where KEY is not in the plan; what it told."""
    told: list[str] = []

    def absence(key: StreamKey) -> str | None:
        return cause if key == KEY else None

    Keeper(ward.volume, lambda: KEEP_ALL, clock=ward.clock, absence=absence, on_error=told.append).turn()
    return told


def last_gap(ward: Ward) -> tuple[str, int, int | None]:
    with ward.index() as index:
        row = index.stream(KEY)
        assert row is not None
        gap = index.open_gap(row.id)
        assert gap is not None
        return gap.cause, gap.start_us, gap.end_us


@pytest.mark.parametrize("cause", ["camera_disabled", "elsewhere"])
def test_after_a_crash(make_ward: MakeWard, cause: str) -> None:
    ward = make_ward(disk=PowerDisk())
    feed = ward.write(Feed(KEY, (video(),), ward.clock.wall_us()), 8)
    ward.flush()
    ward.crash()
    ward.clock.advance(3600)
    ward.begin_again()
    ward.take_up(OTHER)
    assert turn(ward, cause) == []
    now_us = ward.clock.wall_us()
    assert last_gap(ward) == (cause, now_us, None)
    assert ward.causes()[-2:] == ["node_crashed", cause]
    assert [span.end_us for span in ward.archive.coverage(KEY, feed.start_us, now_us).spans] == [feed.end_us]
    ward.clock.advance(60)
    assert turn(ward, cause) == []
    assert last_gap(ward) == (cause, now_us, None)
    assert check(ward.path, clock=ward.clock) == []
    ward.take_up(KEY)
    ward.record(2)
    assert check(ward.path, clock=ward.clock) == []


def test_after_a_stop_in_order(ward: Ward) -> None:
    ward.record(4)
    ward.write(Feed(KEY, (video(),), ward.clock.wall_us()), 2)
    ward.restart()
    ward.clock.advance(3600)
    ward.take_up(OTHER)
    turn(ward)
    assert ward.causes()[-2:] == ["node_stopped", "camera_disabled"]
    assert last_gap(ward)[1] == ward.clock.wall_us()
    assert check(ward.path, clock=ward.clock) == []


def test_after_the_index_was_lost(ward: Ward) -> None:
    ward.record(4)
    ward.stop()
    ward.volume.index_path.unlink()
    ward.clock.advance(60)
    ward.restart()
    ward.take_up(OTHER)
    turn(ward)
    assert ward.causes()[-2:] == ["unknown", "camera_disabled"]
    assert check(ward.path, clock=ward.clock) == []


def test_who_is_still_writing_is_left_alone(ward: Ward) -> None:
    """A recorder that has not seen the new plan yet."""
    feed = ward.write(Feed(KEY, (video(),), ward.clock.wall_us()), 3)
    turn(ward)
    ward.write(feed, 8)
    assert feed.handle.failure is None
    turn(ward)
    ward.end(feed, "camera_disabled")
    assert check(ward.path, clock=ward.clock) == []


def test_a_gap_that_a_living_recorder_ends(ward: Ward) -> None:
    ward.record(3, cause="stalled")
    ward.clock.advance(5)
    turn(ward)
    ward.clock.advance(5)
    ward.record(3)
    assert ward.errors == []
    assert check(ward.path, clock=ward.clock) == []


def test_one_that_cannot_be_healed_keeps_no_other(
    make_ward: MakeWard, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward = make_ward(disk=PowerDisk())
    ward.write(Feed(KEY, (video(),), ward.clock.wall_us()), 8)
    ward.flush()
    ward.crash()
    ward.begin_again()
    ward.take_up(OTHER)
    for path in ward.files():
        unreadable(monkeypatch, path, errno.EACCES)
    assert ["cong-truoc" in text for text in turn(ward)] == [True]
    assert turn(ward) != []
    monkeypatch.undo()
    assert turn(ward) == []
    assert check(ward.path, clock=ward.clock) == []
