"""Recorded pictures for a viewer who decodes neither H.265 nor G.711: playlists, pieces, one file. Workers are real."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from luytre.archive.keys import Span
from luytre.archive.playback import SegmentRef
from luytre.base.clock import US_PER_S, ManualClock
from luytre.base.errors import Error
from luytre.cameras.renditions import recorded
from luytre.cameras.renditions.entries import Place
from luytre.cameras.renditions.form import Form, form_of, parse_codecs, size_of
from luytre.cameras.renditions.places import Claim, Places
from luytre.cameras.renditions.recorded import Recorded, Wish
from luytre.cameras.renditions.sound import SoundConverter, aac_track
from luytre.cameras.renditions.workers import Crew
from luytre.media.fmp4.read import scan_parts
from luytre.media.tracks import AudioTrack
from tests.archive.builder import KEY, START_US, SUB, Feed, Ward, video
from tests.media import sounds
from tests.media.clips import Coded

PIECE = re.compile(r"^made/(\w+)/([\w-]+)/([\w-]+)/(\d+)-(\d+)$")
CHROMIUM = frozenset({"h264", "aac", "opus"})
FPS = 25


@pytest.fixture
def places() -> Places:
    return Places(1)


@pytest.fixture
def crew(places: Places) -> Iterator[Crew]:
    made = Crew(places)
    yield made
    made.close()


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    made = Ward(tmp_path / "volume", ManualClock(START_US), segment_s=12.0)
    made.take_up(KEY, SUB)
    yield made
    made.stop()


def h265(b_frames: int = 0) -> Coded:
    """10 s, one keyframe: the parts after the first begin without one."""
    return video(b_frames=b_frames, codec="h265", gop=250, frames=250)


def whole(feed: Feed) -> Span:
    return Span(feed.start_us, feed.end_us)


def playlist(made: Recorded, span: Span, codecs: frozenset[str] = CHROMIUM, keys: Any = (KEY,)) -> list[str]:
    """Its lines."""
    wish = Wish(
        codecs,
        lambda name, form, segment, start, end: f"made/{name}/{form}/{segment}/{start}-{end}",
        lambda name, form, run: f"init/{name}/{form}/{run}",
    )
    return made.playlist(
        list(keys), span, wish, lambda key, ref: f"file/{key.stream}/{ref.id}", lambda key, run: f"run/{run}"
    ).splitlines()


def pieces(lines: list[str]) -> list[tuple[Place, Form]]:
    found = []
    for line in lines:
        if match := PIECE.match(line):
            place = Place(KEY, SegmentRef.parse(match[3]), int(match[4]), int(match[5]))
            found.append((place, Form.parse(match[2])))
    return found


def frames(data: bytes, kind: str = "video") -> list[Any]:
    container: Any = av.open(io.BytesIO(data))
    with container:
        return list(container.decode(container.streams.best(kind)))


@pytest.mark.parametrize("b_frames", [0, 2])
def test_each_piece_plays_alone_and_all_together_are_the_whole(ward: Ward, crew: Crew, b_frames: int) -> None:
    feed = ward.record(10, coded=(h265(b_frames),), pieces=10)
    made = Recorded(ward.archive, crew)
    lines = playlist(made, whole(feed))
    wanted = pieces(lines)
    assert len(wanted) >= 3
    assert not [line for line in lines if line.startswith("#EXT-X-BYTERANGE")]
    init = made.init(KEY, feed.handle.run_id, wanted[0][1])
    # Backwards: no piece needs the one before it.
    data = {place: made.piece(place, form) for place, form in reversed(wanted)}
    total = 0
    for place, _ in wanted:
        alone = frames(init + data[place])
        assert alone[0].key_frame
        assert (alone[0].width, alone[0].height) == (178, 100)
        total += len(alone)
    assert total == 250
    together = frames(init + b"".join(data[place] for place, _ in wanted))
    assert [Fraction(frame.pts) * frame.time_base for frame in together] == [
        Fraction(number, FPS) for number in range(250)
    ]


def test_the_pictures_are_those_that_were_recorded(ward: Ward, crew: Crew) -> None:
    feed = ward.record(10, coded=(h265(),), pieces=10)
    made = Recorded(ward.archive, crew)
    (place, form) = pieces(playlist(made, whole(feed)))[1]
    shown = frames(made.init(KEY, feed.handle.run_id, form) + made.piece(place, form))
    (part,) = scan_parts(
        lambda at, size: made.piece(place, form)[at : at + size], len(made.piece(place, form))
    )
    assert part.wall_us is not None
    first = round((part.wall_us - feed.start_us) / US_PER_S * FPS)
    file = next(ward.volume.video_path.glob("*/*/*/*.mp4"))
    original = frames(file.read_bytes())[first]
    difference = np.abs(
        original.to_ndarray(format="gray").astype(int) - shown[0].to_ndarray(format="gray").astype(int)
    )
    assert difference.mean() < 6


def test_what_is_made_is_kept_within_a_bound(
    ward: Ward, crew: Crew, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = ward.record(10, coded=(h265(),), pieces=10)
    made = Recorded(ward.archive, crew)
    wanted = pieces(playlist(made, whole(feed)))
    first = made.piece(*wanted[0])
    spent = places.cpu_s
    assert spent > 0
    assert made.piece(*wanted[0]) is first
    assert places.cpu_s == spent
    monkeypatch.setattr(recorded, "KEPT_BYTES", 10)
    made.piece(*wanted[1])
    made.piece(*wanted[0])
    assert places.cpu_s > spent


def test_what_can_be_decoded_is_named_as_it_is(ward: Ward, crew: Crew) -> None:
    feed = ward.record(4, coded=(h265(),), pieces=10)
    made = Recorded(ward.archive, crew)
    assert pieces(playlist(made, whole(feed), CHROMIUM | {"h265"})) == []


def test_of_two_streams_the_one_that_can_be_decoded(ward: Ward, crew: Crew) -> None:
    """Main is H.265 all the time, the sub stream is H.264 in its first half: only the rest is converted."""
    start_us = ward.clock.wall_us()
    main = Feed(KEY, (h265(),), start_us, 10)
    sub = Feed(SUB, (video(gop=25, frames=100),), start_us)
    ward.write(main, 10)
    ward.write(sub, 4)
    ward.end(main)
    ward.end(sub)
    made = Recorded(ward.archive, crew)
    lines = playlist(made, whole(main), keys=(KEY, SUB))
    streams = [line.split("/")[0:2] for line in lines if not line.startswith("#")]
    assert streams[0] == ["file", "sub"]
    assert streams[-1] == ["made", "main"]
    seconds = sum(float(line[8:-1]) for line in lines if line.startswith("#EXTINF:"))
    assert 10 <= seconds <= 14.1


@pytest.mark.parametrize("codec", ["alaw", "ulaw"])
def test_sound_alone_is_converted_and_the_pictures_passed_on(ward: Ward, crew: Crew, codec: Any) -> None:
    coded = (video(gop=25, frames=250), sounds.encode(codec, frames=500))
    feed = ward.record(10, coded=coded)
    made = Recorded(ward.archive, crew)
    wanted = pieces(playlist(made, whole(feed)))
    assert {form for _, form in wanted} == {Form("keep", "aac")}
    init = made.init(KEY, feed.handle.run_id, wanted[0][1])
    data = b"".join(made.piece(*one) for one in wanted)
    at = 0
    for sample in feed.samples[0]:
        at = data.index(sample, at)
    heard = np.concatenate([frame.to_ndarray()[0] for frame in frames(init + data, "audio")])
    spoken = np.frombuffer(sounds.pcm(codec, b"".join(feed.samples[1])), np.int16) / 32768
    assert abs(len(heard) - len(spoken)) <= 2048
    # Loud and quiet come at the same times, over the borders of pieces too.
    steps = min(len(heard), len(spoken)) // 800
    loud = [np.abs(sound[: steps * 800]).reshape(steps, 800).mean(axis=1) for sound in (heard, spoken)]
    assert np.corrcoef(loud[0], loud[1])[0, 1] > 0.98


def test_a_film_of_two_runs_is_one_file(ward: Ward, crew: Crew) -> None:
    sound = sounds.encode("alaw", frames=500)
    first = ward.record(4, coded=(h265(), sound), pieces=10)
    second = ward.record(4, coded=(h265(), sound), pieces=10, pause_s=2.0)
    made = Recorded(ward.archive, crew)
    film = made.film(KEY, Span(first.start_us, second.end_us), CHROMIUM)
    assert film is not None
    data = b"".join(film.chunks)
    shown = frames(data)
    assert len(shown) == 200
    ends = float(shown[-1].pts * shown[-1].time_base)
    assert ends == pytest.approx((second.end_us - first.start_us) / US_PER_S - 1 / FPS, abs=0.05)
    heard = frames(data, "audio")
    assert sum(frame.samples for frame in heard) == pytest.approx(8 * 8000, abs=4096)
    assert made.film(KEY, whole(first), CHROMIUM | {"h265", "alaw"}) is None


def test_no_place_is_said(ward: Ward, crew: Crew, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "PATIENCE_S", 0.0)
    feed = ward.record(4, coded=(h265(),), pieces=10)
    made = Recorded(ward.archive, crew)
    (one, *_) = pieces(playlist(made, whole(feed)))
    assert places.take()
    with pytest.raises(Error) as caught:
        made.piece(*one)
    assert (caught.value.cause, places.refused) == ("renditions_full", 1)
    places.give()
    assert made.piece(*one)


@pytest.mark.parametrize(("most", "films"), [(1, 1), (2, 1), (4, 3)])
def test_films_leave_a_place_to_who_watches(most: int, films: int) -> None:
    places, film = Places(most), Claim(is_film=True)
    assert [places.take(film) for _ in range(most)] == [True] * films + [False] * (most - films)
    assert [places.take() for _ in range(most - films + 1)] == [True] * (most - films) + [False]
    places.give(film)
    assert places.take(film)


@pytest.mark.parametrize("code", ["raise SystemExit", "import os; os.kill(os.getpid(), 11)"])
def test_a_worker_that_falls_costs_its_piece(ward: Ward, places: Places, code: str) -> None:
    feed = ward.record(4, coded=(h265(),), pieces=10)
    (one, *_) = pieces(playlist(Recorded(ward.archive, Crew(places)), whole(feed)))
    with pytest.raises(Error) as caught:
        Recorded(ward.archive, Crew(places, (sys.executable, "-c", code))).piece(*one)
    assert caught.value.cause == "rendition_failed"
    assert places.busy == 0


def test_a_place_that_no_playlist_named_is_not_there(ward: Ward, crew: Crew) -> None:
    feed = ward.record(4, coded=(h265(),), pieces=10)
    made = Recorded(ward.archive, crew)
    (place, form), *_ = pieces(playlist(made, whole(feed)))
    for wrong in (
        place._replace(start=place.start + 1),
        place._replace(end=place.end - 1),
        place._replace(ref=SegmentRef(place.ref.run_id, 99)),
    ):
        with pytest.raises(Error) as caught:
            made.piece(wrong, form)
        assert caught.value.cause == "file_lost"


@pytest.mark.parametrize(
    ("tracks", "codecs", "name"),
    [
        (("h264", "aac"), "h264,aac", "keep-keep"),
        (("h264", "aac"), None, "keep-keep"),
        (("h265", "aac"), "h264,aac", "h264-keep"),
        (("h265", "alaw"), "h264,aac", "h264-aac"),
        (("h264", "ulaw"), "H264, aac", "keep-aac"),
        (("h264", "opus"), "h264,aac,junk", "keep-none"),
        (("h264", "alaw"), "h264", "keep-none"),
        (("h265",), "h265", "keep-keep"),
    ],
)
def test_forms(tracks: tuple[str, ...], codecs: str | None, name: str) -> None:
    form = form_of(tracks, parse_codecs(codecs))
    assert form.name == name
    assert Form.parse(name) == form


@pytest.mark.parametrize(
    ("size", "made"),
    [
        ((3840, 2160), (1280, 720)),
        ((704, 576), (704, 576)),
        ((1080, 1920), (404, 720)),
        ((353, 287), (352, 288)),
    ],
)
def test_sizes(size: tuple[int, int], made: tuple[int, int]) -> None:
    assert size_of(*size) == made


def test_a_hole_in_the_sound_is_silence_and_a_jump_begins_anew() -> None:
    coded = sounds.encode("alaw", frames=100)
    assert isinstance(coded.track, AudioTrack)
    made = SoundConverter(coded.track)
    got = [frame for sample in coded.samples[:40] for frame in made.add(sample.pts, sample.data)]
    # Half a second is missing, later an hour.
    got += [frame for s in coded.samples[65:80] for frame in made.add(s.pts, s.data)]
    got += [frame for s in coded.samples[80:] for frame in made.add(s.pts + 3600 * 8000, s.data)]
    got += made.finish()
    times = [frame.pts for frame in got]
    assert all(time % 1024 == 0 for time in times)
    jumps = [later - earlier for earlier, later in pairwise(times) if later - earlier != 1024]
    assert len(jumps) == 1
    assert jumps[0] > 3599 * 8000
    track = aac_track(coded.track)
    assert track is not None
    assert (track.codec_string, track.rate, track.channels) == ("mp4a.40.2", 8000, 1)
