"""What must add up whatever happened: for each stream, recorded + gaps = wall time."""

from __future__ import annotations

from luytre.archive.catalog import Archive
from luytre.archive.check import check
from luytre.archive.keys import Span, StreamKey
from luytre.base.clock import ManualClock
from tests.archive.builder import Ward

# Wall times of touching parts are whole microseconds of two different sums.
EXACT_US = 1_000


def account(ward: Ward, key: StreamKey) -> tuple[int, int, int]:
    """(wall time since the ledger begins, recorded, in gaps) of a stream, µs. What is recorded or missing twice counts
    twice, so that it shows.
    """
    with ward.index() as index:
        row = index.stream(key)
    assert row is not None
    begin_us = max(row.since_us, row.expired_us)
    now_us = ward.clock.wall_us()
    newest = ward.archive.recorded_range(key)
    # A clock that was set back: the ledger is ahead of it.
    until_us = max(now_us, newest[1] if newest else begin_us, begin_us)
    found = Archive([ward.path], ManualClock(until_us)).coverage(key, begin_us, until_us)
    gaps = [Span(gap.start_us, until_us if gap.end_us is None else gap.end_us) for gap in found.gaps]
    recorded = sum(min(end, until_us) - max(start, begin_us) for start, end in _each(ward, key, begin_us))
    return until_us - begin_us, recorded, sum(end - start for start, end in gaps)


def _each(ward: Ward, key: StreamKey, begin_us: int) -> list[Span]:
    """Each segment by itself: joined, an overlap would not be seen."""
    archive = ward.archive
    found = archive.segments(key, Span(begin_us, 1 << 62))
    return [Span(one.row.start_us, archive.end_us(one.volume, one.row)) for one in found]


def adds_up(ward: Ward, *keys: StreamKey) -> None:
    """For streams that nothing is being recorded of at this moment."""
    for key in keys:
        wall_us, recorded_us, missing_us = account(ward, key)
        assert abs(wall_us - recorded_us - missing_us) <= EXACT_US, (key, wall_us, recorded_us, missing_us)


def is_clean(ward: Ward) -> None:
    """Every invariant holds."""
    found = [finding for finding in check(ward.path, clock=ward.clock) if finding.severity == "error"]
    assert found == [], found
