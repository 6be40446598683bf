"""The one door to pictures: rights, tickets, and the line that each look leaves."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from luytre.archive.keys import Span, StreamKey
from luytre.base.clock import US_PER_S
from luytre.base.errors import Error, Kind
from luytre.cameras.lookbook import SITTING_S
from luytre.cameras.registry import CameraChange
from luytre.cameras.ticketed import byte_ranges
from luytre.cameras.viewing import NothingRecorded, Viewing
from luytre.people.actor import ROLES, Actor, Scope
from tests.api.ward import START_US, Ward, make_folder, open_ward, record


@pytest.fixture(scope="module")
def ward_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "ward"
    make_folder(folder)
    return folder


@pytest.fixture
def ward(ward_folder: Path, tmp_path: Path) -> Iterator[Ward]:
    shutil.copytree(ward_folder, tmp_path / "ward")
    opened = open_ward(tmp_path / "ward")
    yield opened
    opened.node.close()


def span(start_s: float, end_s: float) -> Span:
    return Span(START_US + round(start_s * US_PER_S), START_US + round(end_s * US_PER_S))


def actor(role: str = "officer", session: str = "s1") -> Actor:
    return Actor("u1", "truc", role, ROLES[role], session)


def playlist(viewing: Viewing, who: Actor, wanted: Span, code: str = "DK-01", stream: str = "main") -> str:
    return viewing.playlist(
        who,
        code,
        stream,
        wanted,
        segment_uri=lambda _, segment: segment,
        init_uri=lambda _, run: f"init-{run}",
    )


def actions(ward: Ward) -> list[str]:
    return [look.action for look in reversed(ward.node.looks.list())]


WAYS: dict[str, Callable[[Viewing, Actor], Any]] = {
    "cameras": lambda v, a: v.cameras(a),
    "camera": lambda v, a: v.camera(a, "DK-01"),
    "volumes": lambda v, a: v.volumes(a),
    "playlist": lambda v, a: playlist(v, a, span(0, 9)),
    "movie": lambda v, a: v.movie(a, "DK-01", "main", span(0, 9), keep=False),
    "export": lambda v, a: v.movie(a, "DK-01", "main", span(0, 9), keep=True),
    "segment": lambda v, a: v.segment(a, "DK-01", "main", "x-0"),
    "init": lambda v, a: v.init_segment(a, "DK-01", "main", "x"),
    "rendition": lambda v, a: v.rendition(a, "DK-01", "main", "h264-none", "x-0", range(9)),
    "rendition_init": lambda v, a: v.rendition_init(a, "DK-01", "main", "x", "h264-none"),
    "film": lambda v, a: v.film(a, "DK-01", "main", span(0, 9), frozenset(), keep=False),
    "kept film": lambda v, a: v.film(a, "DK-01", "main", span(0, 9), frozenset(), keep=True),
    "still": lambda v, a: v.still(a, "DK-01", "main", START_US),
    "newest": lambda v, a: v.still(a, "DK-01", "main", None),
    "scope": lambda v, a: v.scope(a, "DK-01", "main", span(0, 9)),
    "live": lambda v, a: asyncio.run(anext(v.live(a, "DK-01", "main"))),
}


@pytest.mark.parametrize("way", WAYS)
def test_nobody_sees_anything_without_a_right(ward: Ward, way: str) -> None:
    nobody = Actor("u0", "ai do", "none", frozenset(), "s0")
    with pytest.raises(Error) as caught:
        WAYS[way](ward.node.viewing, nobody)
    assert caught.value.kind is Kind.FORBIDDEN
    assert actions(ward) == []


def test_every_public_way_is_in_the_list_above() -> None:
    public = {name for name in vars(Viewing) if not name.startswith("_")}
    # `days` and `day` are tested through the API; `movie` and `still` are two ways each.
    tested = set(WAYS) - {"export", "newest", "init", "kept film"} | {"init_segment"}
    assert public - {"days", "day", "close"} == tested


class TestLooks:
    def test_a_playlist_and_its_pieces_are_one_look(self, ward: Ward) -> None:
        viewing, who = ward.node.viewing, actor()
        names = set(byte_ranges(playlist(viewing, who, span(0, 25))))
        assert len(names) >= 3
        for name in names:
            pieces = viewing.segment(who, "DK-01", "main", name)
            assert sum(map(len, pieces.read(0, pieces.size))) == pieces.size
        playlist(viewing, who, span(5, 20))
        (look,) = ward.node.looks.list()
        assert (look.action, look.user_name, look.camera) == ("playback", "truc", ward.main.camera)
        assert (look.start_us, look.end_us) == span(0, 25)

    def test_another_span_person_or_sitting_is_another_look(self, ward: Ward) -> None:
        viewing = ward.node.viewing
        playlist(viewing, actor(), span(0, 25))
        playlist(viewing, actor(), span(0, 26))
        assert len(actions(ward)) == 2
        playlist(viewing, actor(session="s2"), span(0, 25))
        assert len(actions(ward)) == 3
        ward.clock.advance(SITTING_S)
        playlist(viewing, actor(), span(0, 25))
        assert len(actions(ward)) == 4

    def test_pieces_that_no_playlist_named_are_a_look_too(self, ward: Ward) -> None:
        names = list(byte_ranges(playlist(ward.node.viewing, actor(session="s9"), span(0, 60))))
        playlist(ward.node.viewing, actor(), span(0, 5))
        ward.node.viewing.segment(actor(), "DK-01", "main", names[0])
        assert len(actions(ward)) == 2
        ward.node.viewing.segment(actor(), "DK-01", "main", names[-1])
        looks = [look for look in ward.node.looks.list() if look.session_id == "s1"]
        found = ward.node.archive.segment(
            ward.main, names[-1].partition("-")[0], int(names[-1].partition("-")[2])
        )
        assert found is not None
        assert {(look.start_us, look.end_us) for look in looks} == {
            span(0, 5),
            (found.row.start_us, found.row.end_us),
        }

    def test_exports_and_stills(self, ward: Ward) -> None:
        viewing, who = ward.node.viewing, actor()
        for _ in range(3):
            viewing.movie(who, "DK-01", "main", span(0, 9), keep=True)
        viewing.movie(who, "DK-01", "main", span(0, 9), keep=False)
        for at_s in (3, 3, 4):
            viewing.still(who, "DK-01", "main", START_US + at_s * US_PER_S)
        viewing.still(who, "DK-01", "main", None)
        viewing.still(who, "DK-01", "main", None)
        assert sorted(actions(ward)) == ["export", "playback", "snapshot", "snapshot", "snapshot"]

    def test_no_line_no_picture(self, ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise Error(Kind.UNAVAILABLE, "the database is away", hint="Wait.", cause="database_down")

        monkeypatch.setattr(ward.node.looks, "record", fail)
        for way in ("playlist", "movie", "export", "still", "newest", "live"):
            with pytest.raises(Error) as caught:
                WAYS[way](ward.node.viewing, actor())
            assert caught.value.cause == "database_down", way

    def test_a_look_that_could_not_be_written_is_tried_again(
        self, ward: Ward, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError("away")

        with monkeypatch.context() as patch:
            patch.setattr(ward.node.looks, "record", fail)
            with pytest.raises(RuntimeError):
                playlist(ward.node.viewing, actor(), span(0, 9))
        playlist(ward.node.viewing, actor(), span(0, 9))
        assert actions(ward) == ["playback"]

    def test_what_was_not_there_is_no_look(self, ward: Ward) -> None:
        with pytest.raises(NothingRecorded) as caught:
            playlist(ward.node.viewing, actor(), span(31, 39))
        assert caught.value.nearest_us == span(30, 30).start_us - 1
        assert actions(ward) == []


class TestScopes:
    def holder(self, ward: Ward, start_s: float, end_s: float) -> Actor:
        scope = Scope(ward.main.camera, "main", *span(start_s, end_s))
        return replace(actor(), scope=scope, permissions=frozenset({"playback", "live"}))

    def refused(self, call: Callable[[], object]) -> None:
        with pytest.raises(Error) as caught:
            call()
        assert (caught.value.kind, caught.value.cause) == (Kind.FORBIDDEN, "outside_ticket")

    def test_nothing_outside(self, ward: Ward) -> None:
        viewing, who = ward.node.viewing, self.holder(ward, 5, 9)
        playlist(viewing, who, span(5, 9))
        viewing.still(who, "DK-01", "main", START_US + 6 * US_PER_S)
        self.refused(lambda: playlist(viewing, who, span(4, 9)))
        self.refused(lambda: playlist(viewing, who, span(5, 10)))
        self.refused(lambda: viewing.movie(who, "DK-01", "main", span(5, 9.1), keep=False))
        self.refused(lambda: viewing.still(who, "DK-01", "main", START_US + 10 * US_PER_S))
        self.refused(lambda: viewing.still(who, "DK-01", "main", None))
        self.refused(lambda: playlist(viewing, who, span(5, 9), code="DK-02"))
        self.refused(lambda: playlist(viewing, who, span(5, 9), stream="sub"))
        self.refused(lambda: asyncio.run(anext(viewing.live(who, "DK-01", "main"))))

    def test_a_segment_opens_only_where_the_span_is(self, ward: Ward) -> None:
        # Where segments are cut depends on the camera's id.
        found = ward.node.archive.segments(ward.main, span(0, 25))
        row = next(f.row for f in found if (f.row.end_us or 0) - f.row.start_us >= 6 * US_PER_S)
        begin_s = (row.start_us - START_US) / US_PER_S + 2
        viewing, who = ward.node.viewing, self.holder(ward, begin_s, begin_s + 2)
        ((name, allowed),) = byte_ranges(playlist(viewing, who, span(begin_s, begin_s + 2))).items()
        pieces = viewing.segment(who, "DK-01", "main", name)
        assert pieces.allowed == allowed
        assert 0 < len(allowed) < pieces.size / 2
        assert sum(map(len, pieces.read(allowed.start, allowed.stop))) == len(allowed)
        self.refused(lambda: pieces.read(allowed.start, allowed.stop + 1))
        self.refused(lambda: pieces.read(0, 100))
        elsewhere = next(n for n in byte_ranges(playlist(viewing, actor(), span(0, 60))) if n != name)
        other = viewing.segment(who, "DK-01", "main", elsewhere)
        self.refused(lambda: other.read(0, 1))


def test_pieces_of_a_movie_come_from_one_movie(ward: Ward) -> None:
    viewing, who = ward.node.viewing, actor()
    first = viewing.movie(who, "DK-01", "main", span(0, 9), keep=False)
    assert viewing.movie(who, "DK-01", "main", span(0, 9), keep=False) is first
    assert viewing.movie(who, "DK-01", "main", span(0, 8), keep=False) is not first
    ward.clock.advance(61)
    assert viewing.movie(who, "DK-01", "main", span(0, 9), keep=False) is not first


def test_recordings_of_a_stream_that_was_taken_away_can_still_be_seen(ward: Ward) -> None:
    viewing, sub = ward.node.viewing, StreamKey(ward.main.camera, "sub")
    ward.node.registry.change("DK-01", CameraChange(sub_url=""))
    with pytest.raises(Error) as caught:
        playlist(viewing, actor(), span(0, 9), stream="sub")
    assert caught.value.cause == "no_stream"
    record(ward.node.config.volumes[0].path, sub, "DK-01")
    assert "#EXTINF" in playlist(viewing, actor(), span(0, 9), stream="sub")


def test_auto_shows_main_or_what_there_is_and_each_stream_leaves_its_line(ward: Ward) -> None:
    """Main has a gap from 30 to 40 s; sub was recorded at the same moments 15 s later (of another camera's clock)."""
    viewing, sub = ward.node.viewing, StreamKey(ward.main.camera, "sub")
    volume = ward.node.config.volumes[0].path
    alone = playlist(viewing, actor(), span(0, 60), stream="auto")
    assert byte_ranges(alone) == byte_ranges(playlist(viewing, actor(), span(0, 60)))
    record(volume, sub, "DK-01", begin_s=15)
    text = viewing.playlist(
        actor(session="s3"),
        "DK-01",
        "auto",
        span(0, 60),
        segment_uri=lambda stream, segment: f"{stream}/{segment}",
        init_uri=lambda stream, run: f"{stream}/{run}",
    )
    names = list(byte_ranges(text))
    assert {name.split("/")[0] for name in names} == {"main", "sub"}
    of_sub = next(name for name in names if name.startswith("sub/"))
    before = len(actions(ward))
    viewing.segment(actor(session="s3"), "DK-01", "sub", of_sub.removeprefix("sub/"))
    assert actions(ward)[before:] == ["playback"]
    day = viewing.day(actor(), "DK-01", "auto", date(2026, 11, 22), ZoneInfo("Asia/Ho_Chi_Minh"))
    told = [(s.stream, round((s.start_us - START_US) / US_PER_S)) for s in day.spans]
    assert told == [("main", 0), ("sub", 30), ("main", 40), ("sub", 60)]
    # A ticket is for one stream: the one that has the span.
    assert viewing.scope(actor(), "DK-01", "auto", span(0, 9)).stream == "main"
    assert viewing.scope(actor(), "DK-01", "auto", span(31, 39)).stream == "sub"
    bearer = replace(actor(), scope=viewing.scope(actor(), "DK-01", "main", span(0, 9)))
    with pytest.raises(Error) as caught:
        playlist(viewing, bearer, span(0, 9), stream="auto")
    assert caught.value.kind is Kind.FORBIDDEN


def test_byte_ranges_of_a_playlist() -> None:
    text = "\n".join(
        [
            "#EXTM3U",
            '#EXT-X-MAP:URI="init",BYTERANGE="50@0"',
            "#EXT-X-BYTERANGE:10@100",
            "a",
            "#EXT-X-BYTERANGE:5",
            "a",
            "#EXT-X-DISCONTINUITY",
            "#EXTINF:4,",
            "#EXT-X-BYTERANGE:7@3",
            "b",
        ]
    )
    assert byte_ranges(text) == {"a": range(100, 115), "b": range(3, 10)}
