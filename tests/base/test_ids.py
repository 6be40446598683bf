"""Ids: version, variant, order."""

from __future__ import annotations

from luytre.base.clock import ManualClock
from luytre.base.ids import uuid7


def test_ids_are_version_7_and_hold_their_time() -> None:
    clock = ManualClock()
    made = uuid7(clock)
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert made.int >> 80 == clock.wall_us() // 1000


def test_later_ids_sort_later_and_none_repeats() -> None:
    clock = ManualClock()
    made = []
    for _ in range(200):
        made.append(uuid7(clock))
        clock.advance(0.001)
    assert made == sorted(made)
    assert len({uuid7(clock) for _ in range(1000)}) == 1000
