"""A clock that leaps deletes nothing, and a node without any time service keeps deleting all the same."""

from __future__ import annotations

import pytest

from luytre.archive.certificates import read
from luytre.archive.keeper import Keeper
from luytre.archive.retention import Policy
from luytre.archive.sweep_clock import PATIENCE_S
from tests.archive.builder import KEY, OTHER, Ward, keep
from tests.archive.kept import DAY_S, clean, three_days

YEARS_S = 5 * 365 * DAY_S
POLICY = keep(days=30)


class Node:
    """Boots keepers of a ward on a node that nobody synchronises, until `synchronised` is set."""

    def __init__(self, ward: Ward, policy: Policy = POLICY) -> None:
        self.ward, self.policy = ward, policy
        self.synchronised = False
        self.told: list[str] = []
        self.boot()

    def boot(self) -> None:
        self.keeper = Keeper(
            self.ward.volume,
            lambda: self.policy,
            clock=self.ward.clock,
            on_error=self.told.append,
            synchronised=lambda: self.synchronised,
        )

    def works(self, hours: float) -> None:
        for _ in range(round(hours)):
            self.ward.clock.advance(3600)
            self.keeper.turn()


@pytest.fixture
def node(ward: Ward) -> Node:
    """Three days are recorded and swept."""
    three_days(ward)
    found = Node(ward)
    found.keeper.turn()
    assert found.told == []
    return found


@pytest.mark.parametrize("boots", [True, False])
def test_a_clock_years_ahead_deletes_nothing(node: Node, boots: bool) -> None:
    files = node.ward.files()
    node.ward.clock.step_wall(YEARS_S)
    if boots:
        node.boot()
    # The recorder's time is as wrong as the keeper's.
    node.ward.record(3)
    assert node.keeper.turn().segments == 0
    node.works(23)
    assert set(files) <= set(node.ward.files())
    assert len(node.told) == 1
    assert "expected was 2026-11-25" in node.told[0]
    node.ward.clock.step_wall(-YEARS_S)
    node.keeper.turn()
    assert len(node.told) == 2
    assert set(files) <= set(node.ward.files())


def test_it_is_believed_once_the_clock_is_synchronised(node: Node) -> None:
    node.ward.clock.step_wall(YEARS_S)
    node.boot()
    assert node.keeper.turn().segments == 0
    node.synchronised = True
    node.keeper.turn()
    assert node.ward.files() == []
    clean(node.ward)


def test_without_any_time_service_it_is_believed_after_a_day(node: Node) -> None:
    """Also over restarts: each node runs for a while."""
    node.ward.clock.step_wall(40 * DAY_S)
    for _ in range(3):
        assert node.ward.files()
        node.boot()
        node.keeper.turn()
        node.works(PATIENCE_S / 3600 / 3)
    assert node.ward.files() == []
    assert "is believed" in node.told[-1]


def test_a_clock_that_leaps_again_has_to_go_on_for_a_day_again(node: Node) -> None:
    for _ in range(5):
        node.ward.clock.step_wall(YEARS_S)
        node.keeper.turn()
        node.works(20)
    assert node.ward.files()


def test_a_node_that_was_off_for_a_day_goes_on_as_ever(node: Node) -> None:
    node.policy = keep(days=2)
    node.ward.clock.step_wall(1.5 * DAY_S)
    node.boot()
    assert node.keeper.turn().segments > 0
    assert node.told == []


def test_a_clock_that_was_reset_to_the_past_and_comes_back(node: Node) -> None:
    node.ward.clock.step_wall(-20 * YEARS_S)
    node.boot()
    node.works(2)
    node.ward.clock.step_wall(20 * YEARS_S)
    node.policy = keep(days=1)
    assert node.keeper.turn().segments > 0
    assert len(node.told) == 2


def test_room_is_made_by_the_time_that_has_surely_passed(node: Node) -> None:
    """What is promised by the old time goes last, and under its own name."""
    with node.ward.index() as index:
        used = index.totals()[1]
    node.ward.clock.step_wall(YEARS_S)
    node.policy = keep(days=30, max_bytes=used // 2)
    assert 0 < node.keeper.turn().bytes < used
    assert {one.rule for one in read(node.ward.volume)} == {"alarm", "below_promise"}


def test_an_index_that_was_made_again_knows_from_the_recordings(ward: Ward) -> None:
    three_days(ward)
    files = ward.files()
    ward.stop()
    ward.volume.index_path.unlink()
    ward.clock.step_wall(YEARS_S)
    ward.restart()
    ward.take_up(KEY, OTHER)
    ward.record(3)
    node = Node(ward)
    assert node.keeper.turn().segments == 0
    assert set(files) <= set(ward.files())
    assert len(node.told) == 1


def test_a_note_that_cannot_be_read_is_none(node: Node) -> None:
    with node.ward.index() as index:
        index.set_meta("swept", '{"wall_us": []}')
    node.ward.clock.step_wall(YEARS_S)
    node.boot()
    assert node.keeper.turn().segments == 0
