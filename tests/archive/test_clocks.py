"""What is known of the clocks over a stretch of recording."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from luytre.archive.clocks import clocks_in
from luytre.archive.keys import Clocks, Span
from luytre.base.clock import ManualClock
from tests.archive.builder import KEY, START_US, Feed, Ward, video

ALL = Span(0, 1 << 62)


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    made = Ward(tmp_path / "volume", ManualClock(START_US), segment_s=2.0)
    made.take_up(KEY)
    yield made
    made.stop()


def write(ward: Ward, *told: Clocks, feed: Feed | None = None) -> Feed:
    """A run with one part for each of `told`."""
    feed = feed or Feed(KEY, (video(),), ward.clock.wall_us())
    for clocks, part in zip(told, feed.take(len(told)), strict=True):
        ward.clock.advance(part.end_us / 1e6 - ward.clock.wall_us() / 1e6)
        ward.writer.write(feed.handle, part._replace(clocks=clocks))
    ward.settle()
    return feed


def told(ward: Ward, window: Span = ALL) -> list[Clocks]:
    return [span.clocks for span in clocks_in(ward.archive, KEY, window)]


def test_segments_of_much_the_same_are_one_run_with_the_larger_error(ward: Ward) -> None:
    feed = write(ward, *[Clocks(100_000 + n % 3 * 10_000, 7_000_000 + n * 1000) for n in range(40)])
    ward.end(feed)
    (span,) = clocks_in(ward.archive, KEY, ALL)
    assert (span.start_us, span.end_us) == (START_US, feed.end_us)
    assert span.clocks == (120_000, 7_039_000)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Clocks(100_000, None), Clocks(None, None)),
        (Clocks(None, None), Clocks(100_000, None)),
        (Clocks(100_000, None), Clocks(200_000, None)),
        (Clocks(100_000, None), Clocks(100_000, 0)),
        (Clocks(100_000, 0), Clocks(100_000, 900_000)),
    ],
)
def test_what_differs_is_told_apart(ward: Ward, before: Clocks, after: Clocks) -> None:
    for clocks in (before, after):
        ward.end(write(ward, *[clocks] * 10))
    assert told(ward) == [before, after]


def test_a_slow_drift_is_cut_into_runs(ward: Ward) -> None:
    ward.end(write(ward, *[Clocks(100_000, n * 100_000) for n in range(60)]))
    offsets = [clocks.camera_us for clocks in told(ward)]
    # A segment is five parts, so half a second: of two segments one run.
    assert 6 <= len(offsets) <= 7
    assert offsets == sorted(offsets, key=lambda offset: offset or 0)


def test_what_is_being_written_goes_with_what_was_before_it(ward: Ward) -> None:
    feed = write(ward, *[Clocks(100_000, None)] * 3)
    assert told(ward) == []
    write(ward, *[Clocks(100_000, None)] * 10, feed=feed)
    (span,) = clocks_in(ward.archive, KEY, ALL)
    assert span == (START_US, feed.end_us, (100_000, None))
    ward.end(feed)
    # Of a run that has just begun nothing is known.
    write(ward, Clocks(100_000, None))
    assert clocks_in(ward.archive, KEY, ALL) == [span]


def test_the_window_clips(ward: Ward) -> None:
    ward.end(write(ward, *[Clocks(100_000, None)] * 20))
    window = Span(START_US + 1_500_000, START_US + 3_700_000)
    assert clocks_in(ward.archive, KEY, window) == [(*window, (100_000, None))]
