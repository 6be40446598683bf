"""The choice of a volume for a run, with real writers and a clock that moves only when told."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from luytre.archive.disk import OsDisk
from luytre.base.clock import ManualClock
from luytre.recorder import outlet as outlet_module
from luytre.recorder.berth import Berth
from luytre.recorder.outlet import RETURN_S, Outlet
from tests.archive.builder import CODES, KEY, START_US, Feed, Ward, video
from tests.archive.faulty import FaultyDisk


@dataclass
class Pair:
    """A stream's own volume and a spare."""

    clock: ManualClock
    own: Ward
    spare: Ward
    disk: FaultyDisk
    outlet: Outlet

    def settle(self) -> None:
        for ward in (self.own, self.spare):
            ward.flush()
        self.outlet.accepts_runs()
        # The second answer comes after the flush that the first one let begin: while it lasts the clock must stand.
        for ward in (self.own, self.spare, self.own, self.spare):
            ward.settle()

    def run(self, parts: int = 3) -> Feed:
        """A run of parts; ended when it was not failed."""
        assert self.outlet.accepts_runs()
        feed = Feed(KEY, (video(),), max(self.clock.wall_us(), self.outlet.floor_us))
        self.write(feed, parts)
        return feed

    def write(self, feed: Feed, parts: int) -> None:
        for part in feed.take(parts):
            self.clock.advance(max(part.end_us - self.clock.wall_us(), 0) / 1e6)
            self.outlet.write(feed.handle, part)
        for ward in (self.own, self.spare):
            ward.settle()

    def end(self, feed: Feed, cause: str = "stalled") -> None:
        self.outlet.end(feed.handle, cause)
        for ward in (self.own, self.spare):
            ward.settle()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    clock, disk = ManualClock(START_US), FaultyDisk()
    own = Ward(tmp_path / "own", clock, 300.0, disk)
    spare = Ward(tmp_path / "spare", clock, 300.0, OsDisk())
    berths = [Berth(ward.path.name, ward.path, ward.writer) for ward in (own, spare)]
    made = Pair(clock, own, spare, disk, Outlet(KEY, CODES[KEY], None, berths, clock))
    made.settle()
    made.settle()
    yield made
    for ward in (own, spare):
        ward.stop()


def fails_over(pair: Pair) -> tuple[Feed, Feed]:
    """A run on its own volume that fails, and the next one."""
    first = pair.run()
    pair.disk.fail("write", errno.EIO)
    pair.write(first, 1)
    assert first.handle.failure == "disk_error"
    pair.end(first, "disk_error")
    second = pair.run()
    return first, second


def test_a_run_that_fails_is_followed_by_one_on_the_spare(pair: Pair) -> None:
    first, second = fails_over(pair)
    assert (len(pair.own.files()), len(pair.spare.files())) == (1, 1)
    assert pair.outlet.away_because == "disk_error"
    pair.end(second)
    assert pair.own.causes()[-2:] == ["disk_error", "elsewhere"]
    assert pair.spare.causes() == ["elsewhere", "stalled"]
    assert first.handle.failure == "disk_error"


def test_it_comes_back_when_its_own_has_been_well_for_a_while(pair: Pair) -> None:
    _, second = fails_over(pair)
    for _ in range(3):
        pair.clock.advance(RETURN_S)
        pair.settle()
        assert not pair.outlet.goes_home(second.handle), "a probe fails"
    pair.disk.heal()
    pair.clock.advance(10)
    pair.settle()
    pair.clock.advance(RETURN_S - 30)
    assert not pair.outlet.goes_home(second.handle)
    pair.clock.advance(40)
    assert pair.outlet.goes_home(second.handle)
    pair.end(second, "elsewhere")
    third = pair.run()
    assert third.handle.failure is None
    assert len(pair.own.files()) == 2
    assert pair.outlet.away_because is None
    pair.end(third)
    assert pair.spare.causes() == ["elsewhere", "elsewhere"]


def test_a_clock_set_back_stops_no_recording(pair: Pair) -> None:
    first = pair.run()
    pair.end(first)
    pair.clock.step_wall(-3600)
    assert pair.outlet.accepts_runs()
    assert pair.outlet.floor_us <= first.start_us


def test_a_slow_volume_is_left_and_what_it_has_taken_is_kept(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlet_module, "BUDGET_BYTES", 0)
    first = pair.run()
    first.handle.enqueued += 1
    pair.outlet.fell_behind(first.handle)
    pair.end(first, "disk_slow")
    pair.clock.advance(1)
    second = pair.run()
    assert (len(pair.own.files()), len(pair.spare.files())) == (1, 1)
    assert pair.own.causes()[-2:] == ["disk_slow", "elsewhere"]
    assert second.handle.failure is None


def test_with_nowhere_to_go_the_cause_is_told(tmp_path: Path) -> None:
    clock = ManualClock(START_US)
    outlet = Outlet(KEY, CODES[KEY], None, [Berth("gone", tmp_path / "gone")], clock)
    assert not outlet.accepts_runs()
    assert outlet.trouble == "connecting"
