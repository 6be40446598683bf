"""Each invariant of design/archive.md, broken by hand: found, repaired, and clean afterwards."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from luytre.archive import check_stream, recover
from luytre.archive import segment as fmt
from luytre.archive.check import Finding, check
from luytre.archive.holds import place
from luytre.archive.index import Index
from luytre.archive.keys import Span, join_spans
from luytre.base.errors import Error, Kind
from tests.archive.builder import KEY, OTHER, START_US, Feed, Ward, video
from tests.archive.conftest import MakeWard

Break = Callable[[Ward], None]


def sql(statement: str) -> Break:
    def change(ward: Ward) -> None:
        with ward.index() as index:
            changed = index.db.execute(statement).rowcount
        assert changed

    return change


def first_file(change: Callable[[Path], object]) -> Break:
    return lambda ward: void(change(ward.files()[0]))


def void(_: object) -> None:
    return None


def truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 300)


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def wreck_opening(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(2000))


def index_of_another(ward: Ward) -> None:
    sql("UPDATE meta SET value = 'another' WHERE key = 'volume'")(ward)


def delete_index(ward: Ward) -> None:
    ward.volume.index_path.unlink()


def forget_file(ward: Ward) -> None:
    with ward.index() as index:
        index.db.execute("DELETE FROM segment WHERE id = (SELECT min(id) FROM segment)")


def stray_file(ward: Ward) -> None:
    path = ward.files()[0]
    path.with_name("000000-aaaaaaaa-0000.mp4").write_bytes(path.read_bytes()[:500])


def lying_tail(ward: Ward) -> None:
    """A tail that lists a part less."""
    path = ward.files()[0]
    found = recover.contents(path)
    assert found is not None
    with path.open("r+b") as file:
        file.truncate(found.parts_end)
        file.seek(found.parts_end)
        tail = replace(found.tail, parts=found.parts[:-1], leaves=found.tail.leaves[:-32])
        file.write(fmt.tail_box(tail))


def held_and_deleted(ward: Ward) -> None:
    with ward.index() as index:
        row = index.db.execute(
            "SELECT start_us, end_us FROM segment WHERE stream_id = 1 ORDER BY start_us"
        ).fetchone()
        place(index, KEY, Span(*row), "vụ", "an", ward.clock)
        index.db.execute("DELETE FROM segment WHERE stream_id = 1 AND start_us = ?", (row[0],))
        index.db.execute("UPDATE stream SET expired_us = ? WHERE id = 1", (row[1],))
    ward.files()[0].unlink()


def second_open(ward: Ward) -> None:
    sql(
        "UPDATE segment SET state = 'open', end_us = NULL, bytes = NULL WHERE id IN (SELECT id FROM segment LIMIT 2)"
    )(ward)


EARLIER = "UPDATE segment SET start_us = start_us - 5000000 WHERE seq = 0 AND stream_id = 2"
DOUBLE = (
    "INSERT INTO gap (stream_id, start_us, end_us, cause)"
    " SELECT stream_id, start_us + 5, end_us, 'timeout' FROM gap WHERE cause = 'stalled'"
)
OPEN = "UPDATE segment SET state = 'open', end_us = NULL WHERE id = (SELECT max(id) FROM segment)"
BREAKS = [
    pytest.param(1, delete_index, id="index-gone"),
    pytest.param(1, index_of_another, id="index-of-another-volume"),
    pytest.param(2, first_file(Path.unlink), id="file-gone"),
    pytest.param(2, forget_file, id="row-gone"),
    pytest.param(2, stray_file, id="stray-file"),
    pytest.param(2, sql(EARLIER), id="row-time"),
    pytest.param(3, sql("UPDATE segment SET bytes = bytes + 1"), id="row-size"),
    pytest.param(3, first_file(truncate), id="file-cut"),
    pytest.param(3, first_file(append), id="file-longer"),
    pytest.param(3, first_file(empty), id="file-empty"),
    pytest.param(3, first_file(wreck_opening), id="opening-gone"),
    pytest.param(3, lying_tail, id="tail-lies"),
    pytest.param(2, sql("UPDATE segment SET start_ticks = start_ticks + 7 WHERE seq = 1"), id="ticks"),
    pytest.param(4, sql("UPDATE segment SET end_ticks = end_ticks + 7 WHERE seq = 0"), id="ticks-do-not-touch"),
    pytest.param(5, sql("UPDATE segment SET end_us = end_us + 900000000 WHERE seq = 0"), id="overlap"),
    pytest.param(6, sql("DELETE FROM gap WHERE end_us IS NULL"), id="no-open-gap"),
    pytest.param(6, sql("DELETE FROM gap WHERE cause = 'stalled'"), id="hole"),
    pytest.param(6, sql("UPDATE gap SET end_us = end_us + 1000000 WHERE cause = 'stalled'"), id="gap-over-recording"),
    pytest.param(6, sql("UPDATE gap SET start_us = start_us - 3000000 WHERE end_us IS NULL"), id="open-gap-over-recording"),
    pytest.param(6, sql(DOUBLE), id="gap-over-gap"),
    pytest.param(6, sql("UPDATE gap SET cause = '' WHERE cause = 'stalled'"), id="no-cause"),
    pytest.param(7, sql("UPDATE day SET recorded = zeroblob(180)"), id="bitmap-empty"),
    pytest.param(7, sql("INSERT INTO day VALUES (1, 5, randomblob(180))"), id="bitmap-more"),
    pytest.param(8, held_and_deleted, id="held-and-deleted"),
    pytest.param(9, sql(OPEN), id="left-open"),
    pytest.param(9, second_open, id="two-open"),
]  # fmt: skip


@pytest.fixture
def volume(ward: Ward) -> Ward:
    """Two streams; the first has two runs and a gap. Nobody writes."""
    ward.clock.advance(1)
    ward.record(8, cause="stalled")
    ward.record(8, pause_s=100)
    ward.record(8, key=OTHER)
    ward.clock.advance(10)
    ward.stop()
    assert check(ward.path, clock=ward.clock) == []
    return ward


def errors(volume: Ward) -> list[Finding]:
    """What is wrong; that something was lost stays on record, as a note."""
    return [found for found in check(volume.path, clock=volume.clock) if found.severity == "error"]


def print_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(("invariant", "damage"), BREAKS)
def test_a_breakage_is_found_and_repaired(volume: Ward, invariant: int, damage: Break) -> None:
    damage(volume)
    before = print_of(volume.path)
    found = check(volume.path, clock=volume.clock)
    assert invariant in {finding.invariant for finding in found}
    assert not any(finding.repaired for finding in found)
    assert print_of(volume.path) == before
    repaired = check(volume.path, repair=True, clock=volume.clock)
    assert any(finding.repaired and finding.invariant in (1, 2, 3, invariant) for finding in repaired)
    assert errors(volume) == []
    volume.restart()
    assert volume.take_up(KEY) > START_US
    assert volume.record(3).handle.failure == "closed_by_camera"
    volume.stop()
    assert errors(volume) == []


def test_what_cannot_be_read_is_set_aside_not_deleted(volume: Ward) -> None:
    path = volume.files()[0]
    data = bytes(3000) + path.read_bytes() * 100
    assert len(data) > recover.OPENING_BYTES
    path.write_bytes(data)
    name = path.relative_to(volume.path).as_posix()
    found = [f for f in check(volume.path, repair=True, clock=volume.clock) if f.path == name]
    assert [f.invariant for f in found] == [3]
    assert path.with_name(path.name + ".damaged").read_bytes() == data
    assert "file_lost" in volume.causes()
    assert errors(volume) == []


def test_what_files_themselves_contradict_is_told_and_left(volume: Ward) -> None:
    """Two files of one stream over the same time: no repair may choose which one to lose."""
    path = volume.files()[0]
    copy = path.with_name("000000-aaaaaaaa-0000.mp4")
    found = recover.contents(path)
    assert found is not None
    data = path.read_bytes().replace(found.opening.header.run.encode(), b"f" * 32)
    copy.write_bytes(data)
    check(volume.path, repair=True, clock=volume.clock)
    left = check(volume.path, clock=volume.clock)
    assert [f.invariant for f in left if f.severity == "error"] == [5]
    assert copy.exists()
    assert path.exists()


def test_a_folder_that_is_no_volume(tmp_path: Path) -> None:
    with pytest.raises(Error) as caught:
        check(tmp_path)
    assert caught.value.kind is Kind.NOT_FOUND
    assert caught.value.hint


@pytest.mark.parametrize("quick", [False, True], ids=["bytes", "files"])
def test_progress_counts_everything(volume: Ward, quick: bool) -> None:
    steps: list[tuple[int, int]] = []
    check(
        volume.path, quick=quick, clock=volume.clock, progress=lambda done, total: steps.append((done, total))
    )
    sizes = [1 if quick else path.stat().st_size for path in volume.files()]
    assert steps[-1] == (sum(sizes), sum(sizes))
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_quick_opens_no_file_that_agrees_with_the_index(
    volume: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    real = os.open

    def counted(path: str | Path, *arguments: int, **options: int) -> int:
        opened.append(str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", counted)
    assert check(volume.path, quick=True, clock=volume.clock) == []
    assert not [path for path in opened if path.endswith(".mp4")]
    assert check(volume.path, clock=volume.clock) == []
    assert len({path for path in opened if path.endswith(".mp4")}) == len(volume.files())


def test_messages_name_the_day(volume: Ward) -> None:
    sql("UPDATE day SET recorded = zeroblob(180)")(volume)
    found = check(volume.path, clock=volume.clock)
    assert {f.message for f in found} == {"the minute bitmap of 2026-11-22 (UTC) is wrong"}


def test_no_false_alarm_while_a_recorder_writes(make_ward: MakeWard) -> None:
    ward = make_ward(segment_s=0.8)
    stop = threading.Event()
    findings: list[Finding] = []
    rounds = 0

    def look() -> None:
        nonlocal rounds
        while not stop.is_set():
            findings.extend(check(ward.path, clock=ward.clock))
            rounds += 1

    checker = threading.Thread(target=look)
    checker.start()
    try:
        feeds = [Feed(key, (video(),), ward.clock.wall_us()) for key in (KEY, OTHER)]
        for _ in range(150):
            for number, feed in enumerate(feeds):
                ward.write(feed, 1)
                if len(feed.parts) == 20:
                    ward.end(feed)
                    feeds[number] = Feed(feed.key, (video(),), ward.clock.wall_us())
    finally:
        stop.set()
        checker.join(60)
    assert findings == []
    assert rounds > 1


def test_repair_leaves_a_living_recorder_alone(ward: Ward) -> None:
    feed = Feed(KEY, (video(),), ward.clock.wall_us())
    ward.write(feed, 2)
    assert check(ward.path, repair=True, clock=ward.clock) == []
    ward.write(feed, 2)
    ward.end(feed)
    assert feed.handle.failure == "closed_by_camera"
    assert check(ward.path, clock=ward.clock) == []


def test_ten_thousand_rows_are_read_a_few_times_only(volume: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are not loaded again for each file or each gap."""
    calls = 0
    real = Index.segments

    def counted(self: Index, stream_id: int, window: Span, *, deleting: bool = False) -> object:
        nonlocal calls
        calls += 1
        return real(self, stream_id, window, deleting=deleting)

    monkeypatch.setattr(Index, "segments", counted)
    check(volume.path, clock=volume.clock)
    assert calls == 2


def test_no_gap_costs_a_copy_of_all_that_is_recorded(volume: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    class Whole(list[Span]):
        def __getitem__(self, at: Any) -> Any:
            assert not isinstance(at, slice)
            return super().__getitem__(at)

    def joined(spans: list[Span], tolerance_us: int = 0) -> list[Span]:
        return Whole(join_spans(spans, tolerance_us))

    monkeypatch.setattr(check_stream, "join_spans", joined)
    assert check(volume.path, clock=volume.clock) == []
