"""What a power cut leaves: boxes that are whole and bytes that never reached the disk, rows of files that did not."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from luytre.archive import certificates, recover
from luytre.archive.check import Finding, check
from luytre.archive.holds import place
from luytre.archive.keys import Span
from luytre.base.clock import ManualClock
from tests.archive.builder import KEY, Feed, Ward, video
from tests.archive.conftest import MakeWard

Damage = Callable[[Path], object]


@contextmanager
def after_the_cut(ward: Ward, damage: Callable[[Path], None]) -> Iterator[Ward]:
    """A copy of the volume as it lies on the disk while the writer has it open, damaged, and taken up 20 s later."""
    copy = ward.path.with_name("copy")
    shutil.copytree(ward.path, copy)
    damage(copy)
    found = Ward(copy, ManualClock(ward.clock.wall_us() + 20_000_000), ward.segment_s)
    try:
        found.take_up(KEY)
        yield found
    finally:
        found.stop()


def files(volume: Path) -> list[Path]:
    return sorted(volume.glob("video/cong-truoc/main/*/*.mp4"))


def zero_last_part(path: Path, number: int = -1) -> None:
    """Its boxes are whole, its pictures are zeros."""
    found = recover.contents(path)
    assert found is not None
    part = found.parts[number]
    with path.open("r+b") as file:
        file.seek(part.offset + part.size - 60)
        file.write(bytes(60))


def zero_fill(path: Path) -> None:
    """From the middle on."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(size // 2)
        file.truncate(size)


def halve(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def zero_all(path: Path) -> None:
    with path.open("r+b") as file:
        size = path.stat().st_size
        file.truncate(0)
        file.truncate(size)


def errors(ward: Ward) -> list[Finding]:
    return [found for found in check(ward.path, clock=ward.clock) if found.severity == "error"]


def test_the_open_segment_ends_before_the_first_part_that_is_not_what_was_written(
    make_ward: MakeWard,
) -> None:
    ward = make_ward(segment_s=100)
    feed = Feed(KEY, (video(),), ward.clock.wall_us())
    ward.write(feed, 6)

    def damage(volume: Path) -> None:
        (path,) = files(volume)
        zero_last_part(path, 3)

    with after_the_cut(ward, damage) as found:
        assert errors(found) == []
        spans = found.archive.coverage(KEY, feed.start_us, feed.end_us).spans
        assert spans == [Span(feed.start_us, feed.parts[3].start_us)]
        assert found.causes()[-1] == "node_crashed"
        again = found.record(3)
        assert again.handle.failure == "closed_by_camera"
        assert check(found.path, clock=found.clock) == []


def test_a_crash_without_a_power_cut_costs_nothing(make_ward: MakeWard) -> None:
    ward = make_ward(segment_s=100)
    feed = Feed(KEY, (video(),), ward.clock.wall_us())
    ward.write(feed, 6)
    with after_the_cut(ward, lambda volume: None) as found:
        assert found.archive.coverage(KEY, feed.start_us, feed.end_us).spans == [
            Span(feed.start_us, feed.end_us)
        ]
        assert check(found.path, clock=found.clock) == []


@pytest.mark.parametrize("followed", [True, False], ids=["followed", "newest"])
@pytest.mark.parametrize("damage", [zero_last_part, zero_fill, halve, zero_all, Path.unlink])
def test_a_segment_closed_just_before(make_ward: MakeWard, damage: Damage, followed: bool) -> None:
    """Its row says closed; the one after it is on the disk, or not."""
    ward = make_ward(segment_s=2.0)
    feed = Feed(KEY, (video(),), ward.clock.wall_us())
    ward.write(feed, 16)

    def cut(volume: Path) -> None:
        *_, closed, opened = files(volume)
        damage(closed)
        if not followed:
            opened.unlink()

    lost = ward.archive.recorded_range(KEY)
    assert lost is not None
    with after_the_cut(ward, cut) as found:
        assert errors(found) == []
        assert "node_crashed" in found.causes()
        found.record(3)
        findings = check(found.path, clock=found.clock)
        assert [one for one in findings if one.severity == "error"] == []
        # What follows it in the chain knows another file: that is on record.
        assert [one.invariant for one in findings] == ([10] if followed else [])
        assert found.archive.recorded_range(KEY) is not None
        with found.index() as index:
            row = index.stream(KEY)
            assert row is not None
            parts = sum(
                index.db.execute(
                    "SELECT coalesce(end_us, ?1) - start_us FROM segment WHERE stream_id = ?2"
                    " UNION ALL SELECT coalesce(end_us, ?1) - start_us FROM gap WHERE stream_id = ?2",
                    (found.clock.wall_us(), row.id),
                ).fetchall(),
                (),
            )
            assert sum(parts) == found.clock.wall_us() - row.since_us


def test_after_a_clean_stop_nothing_is_read(make_ward: MakeWard, monkeypatch: pytest.MonkeyPatch) -> None:
    ward = make_ward(segment_s=2.0)
    feed = Feed(KEY, (video(),), ward.clock.wall_us())
    ward.write(feed, 4)
    looked = []
    real = recover.crashed_contents

    def look(path: Path) -> recover.Contents | None:
        looked.append(path)
        return real(path)

    monkeypatch.setattr(recover, "crashed_contents", look)
    ward.restart()
    ward.take_up(KEY)
    assert looked == []
    assert check(ward.path, clock=ward.clock) == []


def test_a_file_without_a_row_ends_there_too(make_ward: MakeWard) -> None:
    """The index lost the rows, the disk the last bytes."""
    ward = make_ward(segment_s=100)
    feed = Feed(KEY, (video(),), ward.clock.wall_us())
    ward.write(feed, 6)

    def damage(volume: Path) -> None:
        for name in volume.glob("index.db*"):
            name.unlink()
        (path,) = files(volume)
        zero_last_part(path)

    with after_the_cut(ward, damage) as found:
        found.sweep()
        spans = found.archive.coverage(KEY, feed.start_us, feed.end_us).spans
        assert spans == [Span(feed.start_us, feed.parts[-1].start_us)]
        assert errors(found) == []


def test_an_old_part_is_not_read_again(make_ward: MakeWard) -> None:
    """Half a minute before the end all was flushed long ago; what changed there the check tells."""
    ward = make_ward(segment_s=100)
    feed = Feed(KEY, (video(),), ward.clock.wall_us())
    ward.write(feed, 75)

    def damage(volume: Path) -> None:
        (path,) = files(volume)
        zero_last_part(path, 1)

    with after_the_cut(ward, damage) as found:
        spans = found.archive.coverage(KEY, feed.start_us, feed.end_us).spans
        assert spans == [Span(feed.start_us, feed.end_us)]
        assert [one.invariant for one in errors(found)] == [10]


def test_what_is_still_to_be_read_in_is_not_lost(make_ward: MakeWard) -> None:
    """A crash, the index gone with it: of the files before the newest nobody knows yet, and they are there."""
    ward = make_ward(segment_s=2.0)
    feed = ward.write(Feed(KEY, (video(),), ward.clock.wall_us()), 16)
    with ward.index() as index:
        place(index, KEY, Span(feed.start_us, feed.end_us), "Vụ 12", "chỉ huy", ward.clock)

    def cut(volume: Path) -> None:
        for name in volume.glob("index.db*"):
            name.unlink()

    with after_the_cut(ward, cut) as found:
        assert list(certificates.read(found.volume)) == []
        found.sweep()
        found.record(2)
        assert check(found.path, clock=found.clock) == []
