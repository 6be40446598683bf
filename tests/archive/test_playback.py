from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from luytre.archive import playback
from luytre.archive.catalog import Archive, Found
from luytre.archive.chain import MARK_SIZE
from luytre.archive.keys import Span, StreamKey
from luytre.archive.playback import SegmentRef
from luytre.base.clock import to_us
from luytre.base.errors import Error, Kind
from luytre.media import h264
from tests.archive.builder import KEY, OTHER, Feed, Ward, audio, video
from tests.media import clips

BYTERANGE = re.compile(r"#EXT-X-BYTERANGE:(\d+)@(\d+)")


@dataclass
class Entry:
    uri: str = ""
    init: str = ""
    at_us: int = 0
    seconds: float = 0.0
    offset: int = 0
    size: int = 0
    broken: bool = False


@dataclass
class Parsed:
    target: int = 0
    ended: bool = False
    entries: list[Entry] = field(default_factory=list)


def parse(text: str) -> Parsed:
    """RFC 8216, as much of it as is used; anything else fails the test."""
    lines = text.splitlines()
    assert lines[0] == "#EXTM3U"
    found, entry, init = Parsed(), Entry(), ""
    for line in lines[1:]:
        name, _, value = line.partition(":")
        match name:
            case "#EXT-X-TARGETDURATION":
                found.target = int(value)
            case "#EXT-X-MAP":
                init = value.removeprefix('URI="').removesuffix('"')
            case "#EXT-X-PROGRAM-DATE-TIME":
                entry.at_us = to_us(datetime.fromisoformat(value))
            case "#EXTINF":
                entry.seconds = float(value.rstrip(","))
            case "#EXT-X-BYTERANGE":
                size, offset = value.split("@")
                entry.size, entry.offset = int(size), int(offset)
            case "#EXT-X-DISCONTINUITY":
                entry.broken = True
            case "#EXT-X-ENDLIST":
                found.ended = True
            case "#EXT-X-VERSION" | "#EXT-X-PLAYLIST-TYPE" | "#EXT-X-MEDIA-SEQUENCE":
                assert value in ("7", "VOD", "0")
            case _:
                assert not line.startswith("#"), line
                entry.uri, entry.init = line, init
                found.entries.append(entry)
                entry = Entry()
    return found


def play(ward: Ward, start_us: int, end_us: int) -> Parsed:
    text = playback.playlist(
        ward.archive, [KEY], Span(start_us, end_us), lambda _, ref: ref.id, lambda _, run: f"init/{run}"
    )
    found = parse(text)
    assert found.ended
    assert all(round(entry.seconds) <= found.target for entry in found.entries)
    return found


def fetch(ward: Ward, found: Parsed) -> list[bytes]:
    """One file per stretch without a discontinuity: its init and its ranges."""
    files: list[bytes] = []
    for entry in found.entries:
        if entry.broken or not files:
            files.append(playback.init_bytes(ward.archive, KEY, entry.init.removeprefix("init/")))
        files[-1] += playback.segment_file(ward.archive, KEY, entry.uri).read(entry.offset, entry.size)
    return files


def packets(file: bytes) -> list[bytes]:
    with clips.reading(file) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def decoded(file: bytes) -> int:
    with clips.reading(file) as container:
        return sum(1 for _ in container.decode(video=0))


def whole_parts(feed: Feed, found: Parsed) -> None:
    sizes = [MARK_SIZE + part.size for part in feed.parts]
    for entry in found.entries:
        first = next(n for n, part in enumerate(feed.parts) if abs(part.start_us - entry.at_us) < 1000)
        total = 0
        while total < entry.size:
            total += sizes[first]
            first += 1
        assert total == entry.size


@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize(
    ("first_s", "last_s", "parts"),
    [
        (0.0, 8.0, range(20)),
        (0.1, 0.2, range(1)),
        (0.5, 2.9, range(1, 8)),
        (2.0, 2.0001, range(5, 6)),
        (7.9, 9.0, range(19, 20)),
    ],
)
def test_any_window_decodes_from_its_keyframe(
    ward: Ward, b_frames: int, first_s: float, last_s: float, parts: range
) -> None:
    feed = ward.record(20, coded=(video(b_frames=b_frames), audio()))
    found = play(ward, feed.start_us + round(first_s * 1e6), feed.start_us + round(last_s * 1e6))
    (file,) = fetch(ward, found)
    assert packets(file) == feed.samples[0][parts.start * 10 : parts.stop * 10]
    assert decoded(file) == 10 * len(parts)
    assert [entry.broken for entry in found.entries] == [False] * len(found.entries)
    assert found.entries[0].at_us == feed.parts[parts.start].start_us // 1000 * 1000
    assert sum(entry.seconds for entry in found.entries) == pytest.approx(0.4 * len(parts))
    whole_parts(feed, found)


@pytest.mark.parametrize("at_s", [0.0, 1.0, 3.9, 5.5])
def test_a_long_gop_is_played_from_where_it_begins(ward: Ward, at_s: float) -> None:
    """6 s from keyframe to keyframe, in parts of 0.4 s, over three segments."""
    long = video(gop=150, frames=150)
    feed = ward.record(15, coded=(long,), pieces=15)
    assert len(ward.files()) >= 2
    at_us = feed.start_us + round(at_s * 1e6)
    (file,) = fetch(ward, play(ward, at_us, at_us + 100))
    wanted = int(at_s / 0.4) * 10 + 10
    assert packets(file) == feed.samples[0][:wanted]
    assert decoded(file) == wanted


def test_gaps_and_runs_are_discontinuities(ward: Ward) -> None:
    one = ward.record(5)
    two = ward.record(5)
    three = ward.record(5, pause_s=30)
    found = play(ward, one.start_us, three.end_us)
    starts = {feed.start_us // 1000 * 1000 for feed in (two, three)}
    assert {entry.at_us for entry in found.entries if entry.broken} == starts
    assert len({entry.init for entry in found.entries}) == 3
    for file, feed in zip(fetch(ward, found), (one, two, three), strict=True):
        assert packets(file) == feed.samples[0]


def test_an_open_segment_plays_up_to_its_last_part(ward: Ward) -> None:
    feed = Feed(KEY, (video(),), ward.clock.wall_us())
    ward.write(feed, 3)
    (file,) = fetch(ward, play(ward, feed.start_us, feed.end_us + 10_000_000))
    assert packets(file) == feed.samples[0]
    ref = play(ward, feed.start_us, feed.end_us).entries[0].uri
    size = playback.segment_file(ward.archive, KEY, ref).size
    assert playback.segment_file(ward.archive, KEY, ref).read(size + 5, 10) == b""


def test_of_several_streams_each_moment_comes_from_the_first_that_has_it(ward: Ward) -> None:
    """Main from 0 to 4 s and from 14 to 18 s, sub from 2 to 16 s."""
    begin = ward.clock.wall_us()
    first = ward.record(10, key=OTHER)
    ward.clock.advance(10)
    second = ward.record(10, key=OTHER)
    ward.clock.step_wall(-(ward.clock.wall_us() - begin) / 1e6 + 2)
    sub = Feed(KEY, (video(),), ward.clock.wall_us())
    ward.write(sub, 35)
    ward.end(sub)
    window = Span(begin, second.end_us)
    found = parse(
        playback.playlist(
            ward.archive,
            [OTHER, KEY],
            window,
            lambda key, ref: f"{key.camera}/{ref.id}",
            lambda key, run: run,
        )
    )
    shown = [
        (entry.uri.split("/")[0], entry.at_us, entry.at_us + entry.seconds * 1e6) for entry in found.entries
    ]
    assert [camera for camera, _, _ in shown if camera == KEY.camera] != []
    of_main = [row for row in shown if row[0] == OTHER.camera]
    of_sub = [row for row in shown if row[0] == KEY.camera]
    assert of_sub[0][1] == pytest.approx(first.end_us, abs=500_000)
    assert of_sub[-1][2] == pytest.approx(second.start_us, abs=500_000)
    assert [row[1] for row in shown] == sorted(row[1] for row in shown)
    assert sum(end - start for _, start, end in shown) == pytest.approx(window.end_us - begin, abs=900_000)
    assert len(of_main) + len(of_sub) == len(shown)
    assert [entry.broken for entry in found.entries].count(True) == 2


def test_a_short_hole_is_not_worth_a_change_of_stream(ward: Ward) -> None:
    begin = ward.clock.wall_us()
    ward.record(10, key=OTHER)
    ward.record(10, key=OTHER, pause_s=1.5)
    end = ward.clock.wall_us()
    ward.clock.step_wall((begin - end) / 1e6)
    ward.record(20)
    found = parse(
        playback.playlist(
            ward.archive, [OTHER, KEY], Span(begin, end), lambda key, ref: key.camera, lambda key, run: run
        )
    )
    assert {entry.uri for entry in found.entries} == {OTHER.camera}


def test_volumes_are_asked_once_however_many_holes_there_are(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Main is away eight times; sub was recorded through some of it."""
    begin = ward.clock.wall_us()
    for _ in range(8):
        ward.record(2, key=OTHER, pause_s=3)
    end = ward.clock.wall_us()
    ward.clock.step_wall((begin - end) / 1e6)
    ward.record(20)
    asked: list[StreamKey] = []
    real = Archive.segments

    def counted(self: Archive, key: StreamKey, window: Span) -> list[Found]:
        asked.append(key)
        return real(self, key, window)

    def no_errand(*_: object) -> int | None:
        raise AssertionError("nobody asked what is near")

    monkeypatch.setattr(Archive, "segments", counted)
    monkeypatch.setattr(Archive, "nearest", no_errand)
    parts = playback.first_parts(ward.archive, [OTHER, KEY], Span(begin, end))
    assert asked == [OTHER, KEY]
    assert {part.key for part in parts} == {OTHER, KEY}
    assert [part.entry.wall_us for part in parts] == sorted(part.entry.wall_us for part in parts)


def test_nothing_recorded(ward: Ward) -> None:
    feed = ward.record(3)
    with pytest.raises(Error) as caught:
        play(ward, feed.end_us, feed.end_us + 1_000_000)
    assert (caught.value.kind, caught.value.cause) == (Kind.NOT_FOUND, "nothing_recorded")
    assert "nearest picture" in caught.value.hint
    with pytest.raises(Error) as caught:
        playback.playlist(
            ward.archive,
            [OTHER],
            Span(feed.start_us, feed.end_us),
            lambda _, ref: ref.id,
            lambda _, run: run,
        )
    assert "Nothing was recorded yet" in caught.value.hint


@pytest.mark.parametrize("name", ["", "x", "run-", "run--1", "run-1x", "-1", "run-99999999999", "run-٣"])
def test_a_name_that_is_no_segment(ward: Ward, name: str) -> None:
    ward.record(2)
    with pytest.raises(Error) as caught:
        playback.segment_file(ward.archive, KEY, name)
    assert caught.value.kind is Kind.NOT_FOUND


def test_a_segment_of_another_stream_is_not_given(ward: Ward) -> None:
    feed = ward.record(2, key=OTHER)
    name = SegmentRef(feed.handle.run_id, 0).id
    assert playback.segment_file(ward.archive, OTHER, name).size > 0
    with pytest.raises(Error):
        playback.segment_file(ward.archive, KEY, name)
    with pytest.raises(Error) as caught:
        playback.init_bytes(ward.archive, KEY, "no run")
    assert caught.value.kind is Kind.NOT_FOUND


@pytest.mark.parametrize(("at_s", "number"), [(0.0, 0), (0.39, 0), (0.4, 10), (3.3, 80), (-0.5, 0)])
def test_keyframe(ward: Ward, at_s: float, number: int) -> None:
    feed = ward.record(10, coded=(video(b_frames=2), audio()))
    found = playback.keyframe(ward.archive, KEY, feed.start_us + round(at_s * 1e6))
    assert found.data == feed.samples[0][number]
    assert h264.is_key(found.data)
    assert found.at_us == feed.parts[number // 10].start_us
    assert found.track == video(b_frames=2).track


def test_a_keyframe_of_a_long_gop_lies_before(ward: Ward) -> None:
    feed = ward.record(15, coded=(video(gop=150, frames=150),), pieces=15)
    found = playback.keyframe(ward.archive, KEY, feed.end_us - 1)
    assert (found.at_us, found.data) == (feed.start_us, feed.samples[0][0])


def test_a_damaged_part_is_said_to_be_damaged(ward: Ward) -> None:
    feed = ward.record(3)
    path = ward.files()[0]
    found = play(ward, feed.start_us, feed.end_us).entries[0]
    with path.open("r+b") as file:
        file.seek(found.offset)
        file.write(bytes(200))
    with pytest.raises(Error) as caught:
        playback.keyframe(ward.archive, KEY, feed.start_us)
    assert caught.value.kind is Kind.DATA_LOSS
