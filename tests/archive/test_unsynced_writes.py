"""The power goes: what was flushed is there, what was not is lost for a flush interval and a part at most, and the ledger
says so.
"""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from luytre.archive import recover
from luytre.archive.keys import Span
from tests.archive.builder import KEEP_ALL, KEY, OTHER, Feed, Ward, keep, video
from tests.archive.conftest import MakeWard
from tests.archive.faulty import Killed
from tests.archive.power import PowerDisk
from tests.archive.sums import account, adds_up, is_clean

FLUSH_S = 2.0
# A picture group of the clip: 10 pictures at 25 a second.
PART_S = 0.4
BOTH = (KEY, OTHER)


@pytest.fixture
def disk() -> PowerDisk:
    return PowerDisk()


@pytest.fixture
def ward(make_ward: MakeWard, disk: PowerDisk) -> Ward:
    ward = make_ward(segment_s=1.6, disk=disk)
    ward.flush()
    return ward


def record(ward: Ward, feeds: list[Feed], parts: int) -> None:
    """All cameras side by side, a part of each in turn."""
    for _ in range(parts):
        for feed in feeds:
            if feed.handle.failure is None:
                ward.write(feed, 1)


def begin(ward: Ward) -> list[Feed]:
    floors = {key: ward.take_up(key) for key in BOTH}
    return [Feed(key, (video(),), max(floors[key], ward.clock.wall_us())) for key in BOTH]


def durable_parts(ward: Ward, flushed: dict[Path, int]) -> set[tuple[Path, int]]:
    """(file, offset) of each part that a flush had put on the disk."""
    parts = set()
    for path, size in flushed.items():
        found = recover.contents(path) if path.suffix == ".mp4" and path.exists() else None
        parts |= {(path, p.offset) for p in found.parts if p.offset + p.size <= size} if found else set()
    return parts


def readable_parts(ward: Ward) -> set[tuple[Path, int]]:
    """The same of what a reader is given now."""
    found = [one for key in BOTH for one in ward.archive.segments(key, Span(0, 1 << 62))]
    return {(f.volume.path / f.row.path, p.offset) for f in found for p in ward.archive.parts_of(f).parts}


def power_cut(ward: Ward, disk: PowerDisk, dice: random.Random) -> None:
    """And on again; nothing of what was flushed is missing afterwards."""
    promised = durable_parts(ward, disk.flushed)
    ward.crash(dice)
    ward.begin_again()
    ward.take_up(*BOTH)
    ward.sweep(KEEP_ALL, disk)
    assert promised <= readable_parts(ward)


@pytest.mark.parametrize("seed", range(24))
def test_a_power_cut_costs_a_flush_interval_and_a_part(ward: Ward, disk: PowerDisk, seed: int) -> None:
    """Three in a row on one volume, in the middle of recording."""
    dice = random.Random(seed)
    for _ in range(3):
        feeds = begin(ward)
        record(ward, feeds, dice.randrange(1, 30))
        began_us = {feed.key: feed.start_us for feed in feeds}
        until_us = {feed.key: feed.end_us for feed in feeds}
        power_cut(ward, disk, dice)
        is_clean(ward)
        adds_up(ward, *BOTH)
        for key in BOTH:
            spans = ward.archive.coverage(key, began_us[key], until_us[key]).spans
            lost_us = until_us[key] - began_us[key] - sum(end - start for start, end in spans)
            assert lost_us <= (FLUSH_S + PART_S) * 1e6 + 1
            # Where nothing of the run is left, it is as if the camera had never been connected.
            assert ward.causes(key)[-1] in ("node_crashed", "connecting")
    record(ward, begin(ward), 4)


@pytest.mark.parametrize("operation", range(0, 40, 3))
def test_a_power_cut_in_the_middle_of_an_operation(ward: Ward, disk: PowerDisk, operation: int) -> None:
    dice = random.Random(operation)
    feeds = begin(ward)
    record(ward, feeds, 6)
    disk.kill_in(operation)
    record(ward, feeds, 14)
    power_cut(ward, disk, dice)
    is_clean(ward)
    adds_up(ward, *BOTH)


@pytest.mark.parametrize("operation", range(40))
def test_kill_9_in_the_middle_of_an_operation(ward: Ward, disk: PowerDisk, operation: int) -> None:
    """A process that dies loses the part it was writing, and no more."""
    feeds = begin(ward)
    record(ward, feeds, 2)
    disk.kill_in(operation)
    record(ward, feeds, 18)
    ward.crash()
    ward.begin_again()
    ward.take_up(*BOTH)
    is_clean(ward)
    adds_up(ward, *BOTH)
    for feed in feeds:
        whole = feed.handle.written if feed.handle.failure is None else 0
        spans = ward.archive.coverage(feed.key, feed.start_us, feed.end_us).spans
        ended_us = spans[-1].end_us if spans else feed.start_us
        written = [part for part in feed.parts if part.end_us <= ended_us]
        assert whole - sum(part.size for part in written) <= max(part.size for part in feed.parts)


@pytest.mark.parametrize("seed", range(12))
def test_a_power_cut_in_the_middle_of_a_sweep(ward: Ward, disk: PowerDisk, seed: int) -> None:
    """Files whose deletion was certified may come back; files that are gone are known to be deleted."""
    dice = random.Random(seed)
    record(ward, begin(ward), 40)
    ward.flush()
    # What has expired goes by the hour.
    ward.clock.advance(3 * 3600)
    ward.take_up(*BOTH)
    ward.flush()
    disk.kill_in(dice.randrange(20) if seed % 3 else None)
    few = keep(days=0.02, reserve_bytes=0)
    with suppress(Killed):
        ward.sweep(few, disk)
    ward.crash(dice)
    ward.begin_again()
    ward.take_up(*BOTH)
    ward.sweep(few, disk)
    is_clean(ward)
    adds_up(ward, *BOTH)
    for key in BOTH:
        assert account(ward, key)[1] == 0
