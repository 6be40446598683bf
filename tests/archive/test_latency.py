"""A slow disk: everything handed to the writer is written, late, and nothing else happens."""

from __future__ import annotations

import pytest

from tests.archive.builder import KEY, OTHER, Feed, Ward, video
from tests.archive.conftest import MakeWard
from tests.archive.faulty import OPERATIONS, FaultyDisk
from tests.archive.sums import account, adds_up, is_clean

BOTH = (KEY, OTHER)


@pytest.fixture
def disk() -> FaultyDisk:
    return FaultyDisk()


@pytest.fixture
def ward(make_ward: MakeWard, disk: FaultyDisk) -> Ward:
    return make_ward(segment_s=1.6, disk=disk)


@pytest.mark.parametrize("seconds", [0.01, 0.1, 1.0, 10.0, 30.0])
@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one not in ("truncate", "unlink")])
def test_each_call_takes_long(ward: Ward, disk: FaultyDisk, operation: str, seconds: float) -> None:
    """The clock goes on while the disk works; wall times are those of the pictures all the same."""
    feeds = [Feed(key, (video(),), ward.clock.wall_us()) for key in BOTH]
    disk.delay(operation, seconds, ward.clock)
    for _ in range(10):
        for feed in feeds:
            ward.write(feed, 1)
    for feed in feeds:
        assert feed.handle.failure is None
        assert feed.handle.pending_bytes == 0
        ward.end(feed)
    disk.heal()
    for feed in feeds:
        spans = ward.archive.coverage(feed.key, feed.start_us, feed.end_us).spans
        assert spans == [(feed.start_us, feed.end_us)]
    is_clean(ward)
    adds_up(ward, *BOTH)


@pytest.mark.parametrize("operation", ["create", "write", "flush"])
def test_a_call_that_hangs_keeps_the_order_of_what_waits(
    ward: Ward, disk: FaultyDisk, operation: str
) -> None:
    """The writer hangs in one call; parts, an end and a gap of both cameras queue up behind it, and all come true."""
    feeds = [Feed(key, (video(),), ward.clock.wall_us()) for key in BOTH]
    for feed in feeds:
        ward.write(feed, 2)
    disk.hang(operation)
    if operation == "flush":
        # The writer looks at the clock after each command.
        ward.clock.advance(2.5)
    for _ in range(6):
        for feed in feeds:
            for part in feed.take(1):
                ward.writer.write(feed.handle, part)
    assert disk.waiting.wait(30)
    one, two = feeds
    ward.clock.advance(max(0.0, (two.end_us - ward.clock.wall_us()) / 1e6))
    ward.writer.end(one.handle, "stalled", "waited")
    ward.clock.advance(5)
    ward.writer.gap(KEY, ward.clock.wall_us(), "host_down")
    assert one.handle.pending_bytes > 0
    disk.let_through()
    ward.settle()
    ward.end(two)
    assert ward.causes(KEY) == ["stalled", "host_down"]
    assert ward.causes(OTHER)[-1] == "closed_by_camera"
    for feed in feeds:
        assert feed.handle.pending_bytes == 0
        assert account(ward, feed.key)[1] == feed.end_us - feed.start_us
    is_clean(ward)
    adds_up(ward, *BOTH)
