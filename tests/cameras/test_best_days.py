"""A day of the best that there is: main where it is there, sub elsewhere; on a real archive."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from luytre.archive.keys import StreamKey
from luytre.base.clock import US_PER_S, ManualClock
from luytre.cameras.days import Day, bounds, day_of
from tests.archive.builder import CODES, KEY, START_US, Feed, Ward, video

WARD = ZoneInfo("Asia/Ho_Chi_Minh")
SUB = StreamKey(KEY.camera, "sub")
DAY = date(2026, 11, 22)


@pytest.fixture
def ward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ward]:
    monkeypatch.setitem(CODES, SUB, CODES[KEY])
    made = Ward(tmp_path / "volume", ManualClock(START_US), 300.0)
    made.take_up(KEY, SUB)
    yield made
    made.stop()


def record(ward: Ward, key: StreamKey, start_s: float, parts: int, cause: str) -> None:
    """Parts of 0.4 s from `start_s` on."""
    ward.clock.step_wall((START_US - ward.clock.wall_us()) / US_PER_S + start_s)
    feed = Feed(key, (video(),), ward.clock.wall_us())
    ward.write(feed, parts)
    ward.end(feed, cause)


def told(day: Day) -> list[tuple[str, float, float | None]]:
    """("main", "sub" or a gap's cause, from, to) in seconds, by time."""

    def seconds(us: int) -> float:
        return round((us - START_US) / US_PER_S, 1)

    rows = [(span.stream, seconds(span.start_us), seconds(span.end_us)) for span in day.spans]
    gaps = [(g.cause, seconds(g.start_us), None if g.end_us is None else seconds(g.end_us)) for g in day.gaps]
    return sorted([*rows, *gaps], key=lambda row: row[1])


def test_main_where_it_is_there_and_sub_elsewhere(ward: Ward) -> None:
    record(ward, KEY, 0, 10, "stalled")
    record(ward, SUB, 2, 30, "timeout")
    record(ward, KEY, 10, 10, "stalled")
    record(ward, KEY, 15, 5, "refused")
    ward.clock.step_wall(5)
    assert told(day_of(ward.archive, [KEY], DAY, WARD)) == [
        ("main", 0.0, 4.0),
        ("stalled", 4.0, 10.0),
        ("main", 10.0, 14.0),
        ("stalled", 14.0, 15.0),
        ("main", 15.0, 17.0),
        ("refused", 17.0, None),
    ]
    best = day_of(ward.archive, [KEY, SUB], DAY, WARD)
    # One second without main is not worth a change of picture.
    assert told(best) == [
        ("main", 0.0, 4.0),
        ("sub", 4.0, 10.0),
        ("main", 10.0, 14.0),
        ("stalled", 14.0, 15.0),
        ("main", 15.0, 17.0),
        ("refused", 17.0, None),
    ]
    assert best.recorded_s == pytest.approx(16.0)


def test_what_main_never_had_is_told_of_sub(ward: Ward) -> None:
    """Main's recordings have expired, sub's are kept longer."""
    record(ward, SUB, 0, 5, "stalled")
    record(ward, SUB, 4, 5, "timeout")
    with ward.index() as index:
        row = index.stream(KEY)
        assert row is not None
        index.db.execute("DELETE FROM gap WHERE stream_id = ?", (row.id,))
    ward.clock.advance(1)
    day = day_of(ward.archive, [KEY, SUB], DAY, WARD)
    assert told(day) == [("sub", 0.0, 2.0), ("stalled", 2.0, 4.0), ("sub", 4.0, 6.0), ("timeout", 6.0, None)]
    first = (START_US - bounds(DAY, WARD)[0]) // (60 * US_PER_S)
    assert day.minutes[first] & 1
