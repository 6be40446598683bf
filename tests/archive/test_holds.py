from __future__ import annotations

import errno
import os

import pytest

from luytre.archive import holds
from luytre.archive.check import check
from luytre.archive.keys import Span, StreamKey
from luytre.base.errors import Error, Kind
from tests.archive.builder import KEY, Ward, keep


def test_placed_and_released(ward: Ward) -> None:
    feed = ward.record(6)
    span = Span(feed.start_us + 5, feed.end_us + 10_000_000)
    with ward.index() as index:
        hold = holds.place(index, KEY, span, "Vụ 12", "an", ward.clock)
        assert ward.archive.coverage(KEY, *span).holds == [hold]
        clipped = ward.archive.coverage(KEY, feed.start_us, feed.start_us + 7).holds
        assert [(h.start_us, h.end_us) for h in clipped] == [(span.start_us, feed.start_us + 7)]
        holds.release(index, hold.id, "bình", ward.clock)
        assert ward.archive.coverage(KEY, *span).holds == []
        with pytest.raises(Error) as caught:
            holds.release(index, hold.id, "bình", ward.clock)
    assert caught.value.kind is Kind.NOT_FOUND


@pytest.mark.parametrize(
    ("key", "span", "reason", "kind"),
    [
        (StreamKey("nobody", "main"), Span(1, 2), "x", Kind.NOT_FOUND),
        (KEY, Span(2, 2), "x", Kind.INVALID),
        (KEY, Span(1, 2), "  ", Kind.INVALID),
    ],
    ids=["unknown", "empty", "no-reason"],
)
def test_refused(ward: Ward, key: StreamKey, span: Span, reason: str, kind: Kind) -> None:
    with ward.index() as index, pytest.raises(Error) as caught:
        holds.place(index, key, span, reason, "an", ward.clock)
    assert caught.value.kind is kind
    assert caught.value.hint


def test_a_hold_that_could_not_be_written_down_is_not_in_force(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = ward.record(3)
    span = Span(feed.start_us, feed.end_us)

    def refuse(_: int, __: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with ward.index() as index:
        with monkeypatch.context() as patched:
            patched.setattr("luytre.archive.holds.os.write", refuse)
            with pytest.raises(Error) as caught:
                holds.place(index, KEY, span, "vụ", "an", ward.clock)
        assert caught.value.cause == "disk_full"
        assert index.db.execute("SELECT count(*) FROM hold").fetchone() == (0,)


def test_a_torn_line_costs_itself_only(ward: Ward) -> None:
    feed = ward.record(3)
    journal = ward.path / holds.JOURNAL
    with ward.index() as index:
        one = holds.place(index, KEY, Span(feed.start_us, feed.end_us), "một", "an", ward.clock)
        with journal.open("ab") as file:
            file.write(b'{"placed":["torn')
        two = holds.place(index, KEY, Span(feed.start_us, feed.end_us), "hai", "an", ward.clock)
    ward.volume.index_path.unlink()
    ward.flush()
    ward.sweep()
    assert {h.id for h in ward.archive.coverage(KEY, feed.start_us, feed.end_us).holds} == {one.id, two.id}


def test_what_was_deleted_before_the_hold_is_no_fault(ward: Ward) -> None:
    feed = ward.record(10)
    with ward.index() as index:
        oldest = index.db.execute("SELECT end_us FROM segment ORDER BY start_us LIMIT 1").fetchone()[0]
    with ward.index() as index:
        _, used, _ = index.totals()
    ward.sweep(keep(days=3650, max_bytes=used - 1, reserve_bytes=0))
    with ward.index() as index:
        holds.place(index, KEY, Span(feed.start_us, feed.end_us), "vụ", "an", ward.clock)
    assert ward.archive.coverage(KEY, feed.start_us, feed.end_us).spans[0].start_us == oldest
    assert check(ward.path, clock=ward.clock) == []
