"""What the tests of retention share: three days of two streams, and what is left of them."""

from __future__ import annotations

from luytre.archive.check import check
from luytre.archive.index import US_PER_DAY
from tests.archive.builder import KEY, OTHER, Feed, Ward

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
