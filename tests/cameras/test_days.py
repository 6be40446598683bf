"""The ward's calendar over the archive: days of 23, 24 and 25 hours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from luytre.archive.catalog import GAP, RECORDED
from luytre.base.clock import ManualClock, to_us
from luytre.cameras.days import day_of
from tests.archive.builder import KEY, Ward

BERLIN = ZoneInfo("Europe/Berlin")
# (day, first moment of the other offset, hours of the day)
SPRING = (date(2026, 3, 29), datetime(2026, 3, 29, 1, tzinfo=UTC), 23)
AUTUMN = (date(2026, 10, 25), datetime(2026, 10, 25, 1, tzinfo=UTC), 25)
PLAIN = (date(2026, 11, 22), datetime(2026, 11, 22, 1, tzinfo=UTC), 24)


@pytest.fixture
def ward(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Ward]:
    change: datetime = request.param[1]
    made = Ward(tmp_path / "volume", ManualClock(to_us(change) - 10_000_000), segment_s=300.0)
    made.take_up(KEY)
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("ward", "case"), [(case, case) for case in (SPRING, AUTUMN, PLAIN)], indirect=["ward"]
)
def test_recording_goes_on_over_the_change(ward: Ward, case: tuple[date, datetime, int]) -> None:
    day, change, hours = case
    begin_us = ward.clock.wall_us()
    feed = ward.record(50)
    ward.clock.advance(2 * 86_400)
    found = day_of(ward.archive, [KEY], day, BERLIN)
    assert found.end_us - found.start_us == hours * 3_600_000_000
    assert len(found.minutes) == hours * 60
    assert [(span.start_us, span.end_us) for span in found.spans] == [(begin_us, feed.end_us)]
    at = (to_us(change) - found.start_us) // 60_000_000
    assert list(found.minutes[at - 2 : at + 1]) == [0, RECORDED, RECORDED | GAP]
    assert set(found.minutes[at + 1 :]) == {GAP}
    assert [(span.start_us, span.end_us) for span in found.clocks] == [(begin_us, feed.end_us)]
