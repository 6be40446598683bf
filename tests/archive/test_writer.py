from __future__ import annotations

from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest

from luytre.archive import recover
from luytre.archive.chain import mark
from luytre.archive.check import check
from luytre.archive.index import Index, SegmentRow
from luytre.archive.keys import StreamKey
from luytre.archive.segment import GapNote
from luytre.base.errors import Error
from luytre.media.fmp4.write import init_segment
from tests.archive.builder import KEY, OTHER, Feed, Ward, audio, video
from tests.archive.conftest import MakeWard


def rows(ward: Ward, key: StreamKey = KEY) -> list[SegmentRow]:
    with ward.index() as index:
        stream = index.stream(key)
        assert stream is not None
        return segments(index, stream.id)


def segments(index: Index, stream_id: int) -> list[SegmentRow]:
    return [
        SegmentRow(*row)
        for row in index.db.execute(
            "SELECT id, stream_id, run_id, seq, path, state, start_us, start_ticks, end_us, end_ticks, bytes,"
            " tail_offset, root, link, error_us, camera_us FROM segment WHERE stream_id = ? ORDER BY start_us",
            (stream_id,),
        )
    ]


def test_a_run_is_touching_segments_of_the_same_init(ward: Ward) -> None:
    feed = ward.record(40, coded=(video(b_frames=2), audio()))
    found = rows(ward)
    assert len(found) >= 7
    assert found[0].start_us == feed.start_us
    assert found[-1].end_us == feed.end_us
    for before, after in pairwise(found):
        assert (before.end_us, before.end_ticks, before.seq + 1) == (
            after.start_us,
            after.start_ticks,
            after.seq,
        )
    inits = set()
    for row in found:
        contents = recover.contents(ward.path / row.path)
        assert contents is not None
        assert contents.whole
        assert (row.bytes, row.end_ticks, row.end_us) == (contents.size, contents.end_ticks, contents.end_us)
        inits.add(contents.opening.init)
    assert inits == {init_segment([video(b_frames=2).track, audio().track])}
    assert check(ward.path, clock=ward.clock) == []


def test_the_bytes_are_those_handed_in(ward: Ward) -> None:
    feed = ward.record(12)
    stored = b""
    for row in rows(ward):
        contents = recover.contents(ward.path / row.path)
        assert contents is not None
        data = (ward.path / row.path).read_bytes()
        stored += data[contents.opening.parts_offset : contents.parts_end]
    parts = [b"".join(part.buffers) for part in feed.parts]
    assert stored == b"".join(mark(sha256(part).digest()) + part for part in parts)


def test_segments_turn_at_keyframes_each_stream_at_its_own_time(ward: Ward) -> None:
    for key in (KEY, OTHER):
        feed = Feed(key, (video(),), ward.clock.wall_us(), pieces=2)
        ward.write(feed, 60)
        ward.end(feed)
    starts = {key: [row.start_us for row in rows(ward, key)] for key in (KEY, OTHER)}
    phases = []
    for key in (KEY, OTHER):
        for row in rows(ward, key):
            contents = recover.contents(ward.path / row.path)
            assert contents is not None
            assert contents.parts[0].key
        phases.append({start % 2_000_000 // 400_000 for start in starts[key][1:]})
    assert phases[0] != phases[1]


def test_a_gop_longer_than_two_segments_is_cut_all_the_same(make_ward: MakeWard) -> None:
    ward = make_ward(segment_s=1.0)
    long = video(gop=150, frames=150)
    feed = Feed(KEY, (long,), ward.clock.wall_us(), pieces=15)
    ward.write(feed, 14)
    ward.end(feed)
    found = rows(ward)
    assert len(found) >= 2
    assert all(row.end_us is not None and row.end_us - row.start_us <= 2_400_000 for row in found)
    assert check(ward.path, clock=ward.clock) == []


def test_gaps_touch_runs_and_keep_their_causes(ward: Ward) -> None:
    one = ward.record(5)
    ward.clock.advance(1)
    ward.writer.gap(KEY, ward.clock.wall_us(), "host_down")
    ward.clock.advance(1)
    ward.writer.gap(KEY, ward.clock.wall_us(), "host_down")
    ward.writer.gap(KEY, ward.clock.wall_us(), "auth_failed", "401")
    two = ward.record(5, pause_s=1)
    found = ward.archive.coverage(KEY, one.start_us, two.end_us + 1)
    assert found.spans == [(one.start_us, one.end_us), (two.start_us, two.end_us)]
    assert [(g.start_us, g.end_us, g.cause, g.detail) for g in found.gaps][:3] == [
        (one.end_us, one.end_us + 1_000_000, "closed_by_camera", ""),
        (one.end_us + 1_000_000, one.end_us + 2_000_000, "host_down", ""),
        (one.end_us + 2_000_000, two.start_us, "auth_failed", "401"),
    ]
    told = [note for path in ward.files() for note in opening_gaps(path)]
    assert [note.cause for note in told] == ["closed_by_camera", "host_down", "auth_failed"]
    assert check(ward.path, clock=ward.clock) == []


def opening_gaps(path: Path) -> tuple[GapNote, ...]:
    found = recover.contents(path)
    assert found is not None
    return found.opening.header.gaps


def test_stop_closes_what_is_open(ward: Ward) -> None:
    feed = Feed(KEY, (video(),), ward.clock.wall_us())
    ward.write(feed, 3)
    ward.restart()
    assert [row.state for row in rows(ward)] == ["closed"] * len(rows(ward))
    assert ward.causes()[-1] == "node_stopped"
    assert feed.handle.failure == "node_stopped"


def test_two_nodes_cannot_write_one_stream(ward: Ward) -> None:
    ward.write(Feed(KEY, (video(),), ward.clock.wall_us()), 2)
    second = Ward(ward.path, ward.clock, 2.0)
    try:
        with pytest.raises(Error) as caught:
            second.take_up(KEY)
        assert "another recorder" in caught.value.message
    finally:
        second.stop()


def test_a_run_begins_after_the_last_one_though_the_clock_was_set_back(ward: Ward) -> None:
    feed = ward.record(5)
    ward.restart()
    ward.clock.step_wall(-3600)
    assert ward.take_up(KEY) >= feed.end_us
    assert check(ward.path, clock=ward.clock) == []


def test_a_file_that_a_crash_left_unborn_goes(ward: Ward) -> None:
    ward.record(2)
    stray = ward.files()[0].with_name("000000-00000000-0000.unborn")
    stray.write_bytes(b"")
    ward.restart()
    ward.take_up(KEY)
    assert not stray.exists()


def test_nothing_is_written_where_the_disk_was_unmounted(ward: Ward) -> None:
    """The directory below a mount point looks like a volume without its marker."""
    ward.record(3)
    away = ward.path.with_name("away")
    ward.path.rename(away)
    ward.path.mkdir()
    feed = Feed(KEY, (video(),), ward.clock.wall_us())
    ward.write(feed, 2)
    assert feed.handle.failure == "disk_missing"
    ward.flush()
    ward.forgive()
    assert ward.writer.is_away
    assert list(ward.path.iterdir()) == []
    ward.path.rmdir()
    away.rename(ward.path)
    ward.forgive()
    after = ward.record(3)
    assert after.handle.failure == "closed_by_camera"
    assert ward.causes()[-2:] == ["disk_missing", "closed_by_camera"]
    assert check(ward.path, clock=ward.clock) == []
