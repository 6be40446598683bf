"""Sound beside pictures, from packets to an exported movie: kept bit for bit, and never the end of the pictures."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from luytre.archive.export import movie
from luytre.archive.keys import Cause
from luytre.archive.segment import FileReader
from luytre.media.fmp4.boxes import iter_boxes
from luytre.media.fmp4.moof import read_moof
from luytre.media.rtsp.tracks import ClientTrack
from luytre.media.tracks import AudioCodec, Sample
from luytre.recorder.ingest import Ingest
from tests.media.clips import Coded, encode_video
from tests.media.sounds import encode, pcm
from tests.recorder.camera import KEY, Bench, Sender, client_track, in_band, pictures, plain_sound_track

TICK_S = 0.2
Late = Callable[[int], int]


@pytest.fixture(scope="module")
def clip() -> Coded:
    return encode_video("h264", frames=250, gop=25)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    if bench.writer.is_alive():
        bench.close()


class Played:
    """One camera with pictures and sound for as long as the clip is."""

    def __init__(self, bench: Bench, clip: Coded, sound: Coded, track: ClientTrack | None = None) -> None:
        self.bench, self.sound = bench, sound
        self.pictures = in_band(clip)
        self.rate = sound.track.timescale
        self.ingest: Ingest = bench.ingest(client_track("h264"), track or plain_sound_track(sound))
        self.video, self.audio = Sender(), Sender(channel=2, rtp_base=777)

    def send(self, heard: Callable[[Sample], Sample | None] = lambda sample: sample) -> None:
        """All of both; `heard` changes a sound before it is sent, or leaves it out."""
        for tick in range(round(self.pictures[-1].pts / 90_000 / TICK_S) + 1):
            begin, end = tick * TICK_S, (tick + 1) * TICK_S
            due = [s for s in self.pictures if begin <= s.pts / 90_000 < end]
            sounds = [s for s in self.sound.samples if begin <= s.pts / self.rate < end]
            changed = [other for s in sounds if (other := heard(s)) is not None]
            self.bench.clock.advance(TICK_S)
            sent = [*map(self.video.picture, due), *map(self.audio.plain_sound, changed)]
            self.ingest.feed(b"".join(sent))
        self.ingest.end(Cause.NODE_STOPPED)
        self.bench.settle()

    def recorded(self) -> list[Sample]:
        return list(pictures(self.bench.parts(), track=2))

    def movie(self) -> bytes:
        (span,) = self.bench.coverage().spans
        made = movie(self.bench.archive, KEY, span.start_us, span.end_us)
        return b"".join(made.read(0, made.size))

    def assert_pictures_are_whole(self) -> None:
        """One run with all pictures, whatever the sound did."""
        assert len({part.found.row.run_id for part in self.bench.parts()}) == 1
        assert [s.data for s in self.bench.recorded()] == [s.data for s in self.pictures]
        assert self.bench.close() == []


def decoded(file: bytes) -> tuple[int, bytes]:
    """(pictures, 16-bit sound) as libav decodes them."""
    opened: Any = av.open(io.BytesIO(file))
    with opened as container:
        frames = [frame for packet in container.demux() for frame in packet.decode()]
    sounds = [frame.to_ndarray() for frame in frames if isinstance(frame, av.AudioFrame)]
    shown = sum(isinstance(frame, av.VideoFrame) for frame in frames)
    return shown, b"".join(sound.tobytes() for sound in sounds)


@pytest.mark.parametrize("codec", ["alaw", "ulaw"])
def test_g711_is_heard_exactly_as_it_was_sent(bench: Bench, clip: Coded, codec: AudioCodec) -> None:
    played = Played(bench, clip, encode(codec, frames=500))
    played.send()
    shown, heard = decoded(played.movie())
    sent = pcm(codec, b"".join(sample.data for sample in played.sound.samples))
    at = sent.find(heard[:3200])
    # By arrival the first sounds may lie before the first picture, where a movie has no place for them.
    assert 0 <= at <= TICK_S * 8000 * 2
    assert sent[at : at + len(heard)] == heard
    assert len(heard) >= 2 * 8000 * 9.5
    assert shown == 250
    played.assert_pictures_are_whole()


@pytest.mark.parametrize("size", [77, 320, 1000])
def test_packets_of_any_size_last_as_long_as_their_bytes(bench: Bench, clip: Coded, size: int) -> None:
    sound = encode("alaw", frames=500)
    whole = b"".join(sample.data for sample in sound.samples)
    samples = [Sample(at, whole[at : at + size], True) for at in range(0, len(whole), size)]
    played = Played(bench, clip, Coded(sound.track, samples, size))
    # None of them right: they are counted.
    played.send(lambda s: Sample(0, s.data, True))
    assert len(played.recorded()) >= 0.85 * len(samples)
    borders = 0
    for part in bench.parts():
        with FileReader(part.path) as reader:
            data = reader.read(part.entry.offset, part.entry.size)
        moof = next(box for box in iter_boxes(data) if box.type == b"moof")
        for run in read_moof(data[moof.start : moof.end]).runs:
            if run.track_id == 2:
                # The last one of a part lasts as long as it is, whatever was usual.
                assert run.samples.durations[-1] == run.samples.sizes[-1]
                borders += 1
    assert borders >= 8
    played.assert_pictures_are_whole()


@pytest.mark.parametrize("frame_duration", ["10", "20", "60"])
def test_opus_of_any_length_is_kept(bench: Bench, clip: Coded, frame_duration: str) -> None:
    sound = encode(
        "opus", channels=2, frames=round(10_000 / int(frame_duration)), frame_duration=frame_duration
    )
    played = Played(bench, clip, sound)
    played.send()
    found = played.recorded()
    sent = [sample.data for sample in sound.samples]
    begin = sent.index(found[0].data)
    assert [sample.data for sample in found] == sent[begin : begin + len(found)]
    assert len(found) >= 0.95 * len(sent)
    assert {b.pts - a.pts for a, b in pairwise(found)} == {sound.frame_ticks}
    opened: Any = av.open(io.BytesIO(played.movie()))
    with opened as container:
        assert container.streams.audio[0].codec_context.name == "opus"
        lasts = sum(frame.samples for frame in container.decode(container.streams.audio[0]))
    assert lasts == len(found) * sound.frame_ticks
    played.assert_pictures_are_whole()


@pytest.mark.parametrize(
    "heard",
    [
        lambda s: Sample(s.pts * 90_000 // 8000, s.data, True),
        lambda s: Sample(0, s.data, True),
        lambda s: Sample(s.pts + (0x7000_0000 if s.pts > 40_000 else 0), s.data, True),
        lambda s: Sample(s.pts - (40_000 if s.pts > 40_000 else 0), s.data, True),
    ],
    ids=["90 kHz", "none", "jump", "restart"],
)
def test_timestamps_of_sound_may_be_nonsense(
    bench: Bench, clip: Coded, heard: Callable[[Sample], Sample]
) -> None:
    played = Played(bench, clip, encode("alaw", frames=500))
    played.send(heard)
    found = played.recorded()
    sent = [sample.data for sample in played.sound.samples]
    assert {sample.data for sample in found} <= set(sent)
    assert len(found) >= 0.85 * len(sent)
    assert all(b.pts > a.pts for a, b in pairwise(found))
    # At the end of the clip sound lies where it belongs, or where ten seconds were too short to notice.
    assert abs(found[-1].pts - played.sound.samples[-1].pts) <= 5.5 * 8000
    played.assert_pictures_are_whole()


@pytest.mark.parametrize(
    ("begin_s", "end_s"), [(0.0, 4.0), (6.0, 11.0), (3.0, 5.0)], ids=["ends early", "begins late", "a while"]
)
def test_sound_may_come_for_a_while_only(bench: Bench, clip: Coded, begin_s: float, end_s: float) -> None:
    played = Played(bench, clip, encode("ulaw", frames=500))
    played.send(lambda s: s if begin_s <= s.pts / 8000 < end_s else None)
    found = played.recorded()
    wanted = [s for s in played.sound.samples if begin_s <= s.pts / 8000 < end_s]
    begin = next(n for n, s in enumerate(wanted) if s.data == found[0].data)
    assert [s.data for s in found] == [s.data for s in wanted[begin:]][: len(found)]
    assert len(found) >= len(wanted) - TICK_S * 50
    assert abs(found[0].pts - wanted[begin].pts) <= TICK_S * 8000
    shown, heard = decoded(played.movie())
    assert shown == 250
    assert len(heard) == 2 * sum(len(s.data) for s in found)
    played.assert_pictures_are_whole()


def test_sound_before_the_first_picture_waits_for_it(bench: Bench, clip: Coded) -> None:
    played = Played(bench, clip, encode("alaw", frames=500))
    for sample in played.sound.samples[:100]:
        bench.clock.advance(0.02)
        played.ingest.feed(played.audio.plain_sound(sample))
    assert played.ingest.run is None
    played.send(lambda s: Sample(s.pts + 16_000, s.data, True))
    assert len(played.recorded()) >= 480
    played.assert_pictures_are_whole()


def test_new_parameters_keep_sound_and_pictures_together(bench: Bench, clip: Coded) -> None:
    other = in_band(encode_video("h264", frames=125, gop=25, params=":ref=3:level=40"))
    played = Played(bench, clip, encode("alaw", frames=500))
    played.pictures = played.pictures[:125] + [Sample(s.pts + 125 * 3600, s.data, s.key) for s in other]
    played.send()
    runs: dict[str, list[Any]] = {}
    for part in bench.parts():
        runs.setdefault(part.found.row.run_id, []).append(part)
    first, second = ([(s.pts, s.data) for s in pictures(parts, track=2)] for parts in runs.values())
    sent = [s.data for s in played.sound.samples]
    at = [
        pts - sent.index(data) * 160 for pts, data in first + [(pts + 40_000, data) for pts, data in second]
    ]
    # The offset between sound and pictures is the same to the tick in both.
    assert len(set(at)) == 1
    assert bench.close() == []


def test_sound_on_the_pictures_channel_is_left_out(bench: Bench, clip: Coded) -> None:
    sound = encode("alaw", frames=500)
    played = Played(bench, clip, sound, replace(plain_sound_track(sound), channel=0, rtcp_channel=1))
    assert played.ingest.audio_codec is None
    played.audio.channel = 0
    played.send()
    played.assert_pictures_are_whole()


def test_sound_that_is_not_recorded_leaves_the_pictures_alone(bench: Bench, clip: Coded) -> None:
    played = Played(bench, clip, encode("alaw", frames=500))
    media = played.ingest
    assert media.audio_codec == "alaw"
    lonely = bench.ingest(client_track("h264"))
    assert lonely.audio_codec is None
    played.ingest = lonely
    played.send()
    assert played.recorded() == []
    played.assert_pictures_are_whole()


def test_a_clock_that_is_set_while_only_sound_comes_loses_none_of_it(bench: Bench, clip: Coded) -> None:
    """The node is told the true time, and the next bytes of the camera are sound alone."""
    played = Played(bench, clip, encode("alaw", frames=500))
    pictures, sounds = played.pictures, played.sound.samples
    for number in range(50):
        begin, end = number * TICK_S, (number + 1) * TICK_S
        due = [s for s in pictures if begin <= s.pts / 90_000 < end]
        heard = [s for s in sounds if begin <= s.pts / played.rate < end]
        bench.clock.advance(TICK_S / 2)
        played.ingest.feed(b"".join(map(played.video.picture, due)))
        bench.clock.advance(TICK_S / 2)
        if number == 20:
            bench.clock.step_wall(3600.0)
        played.ingest.feed(b"".join(map(played.audio.plain_sound, heard)))
    played.ingest.end(Cause.NODE_STOPPED)
    bench.settle()
    kept = sum(len(sample.data) for sample in played.recorded())
    # A tick of it may fall between the two runs.
    assert kept >= sum(len(s.data) for s in sounds) * 0.9
