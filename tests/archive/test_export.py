from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from luytre.archive.export import CHUNK_BYTES, Movie, export, movie
from luytre.archive.keys import Span
from luytre.base.errors import Error, Kind
from luytre.media.fmp4.read import parse_init
from tests.archive.builder import KEY, Feed, Ward, audio, concatenated, video
from tests.media import clips
from tests.media.clips import Coded, Packet

# Another SPS: other reference frames; another size would need another source clip.
OTHER_SETS = "ref=2:level=31"


def read(made: Movie) -> bytes:
    return b"".join(made.read(0, made.size))


def demuxed(made: Movie, scales: list[int], **options: str) -> list[list[Packet]]:
    return clips.demuxed(read(made), scales, **options)


def decoded(file: bytes, stream: int = 0) -> int:
    with clips.reading(file) as container:
        return sum(1 for _ in container.decode(container.streams[stream]))


@pytest.mark.parametrize("b_frames", [0, 2])
def test_packets_are_what_was_written(ward: Ward, b_frames: int) -> None:
    coded = (video(b_frames=b_frames), audio())
    feed = ward.record(20, coded=coded)
    made = movie(ward.archive, KEY, feed.start_us, feed.end_us)
    assert (made.start_us, made.end_us) == (feed.start_us, feed.end_us)
    found, sound = demuxed(made, [90_000, 48_000], ignore_editlist="1")
    assert [packet.data for packet in found] == feed.samples[0]
    assert [packet.data for packet in sound] == feed.samples[1]
    assert [packet.key for packet in found] == [n % 10 == 0 for n in range(200)]
    loop = [sample.pts for sample in coded[0].samples]
    assert [packet.pts for packet in found] == [n * 40 * 3600 + pts for n in range(5) for pts in loop]
    assert decoded(read(made)) == 200


@pytest.mark.parametrize(("first_s", "last_s", "parts"), [(0.5, 2.9, range(1, 8)), (7.9, 9.0, range(19, 20))])
def test_a_span_begins_at_its_keyframe(ward: Ward, first_s: float, last_s: float, parts: range) -> None:
    feed = ward.record(20, coded=(video(b_frames=2), audio()))
    made = movie(ward.archive, KEY, feed.start_us + round(first_s * 1e6), feed.start_us + round(last_s * 1e6))
    found, _ = demuxed(made, [90_000, 48_000])
    assert [packet.data for packet in found] == feed.samples[0][parts.start * 10 : parts.stop * 10]
    assert min(packet.pts for packet in found) == 0
    assert made.start_us == feed.parts[parts.start].start_us
    assert decoded(read(made)) == 10 * len(parts)


def test_a_hole_keeps_its_length(ward: Ward) -> None:
    one = ward.record(7)
    two = ward.record(5, pause_s=60)
    made = movie(ward.archive, KEY, one.start_us, two.end_us)
    (found,) = demuxed(made, [90_000])
    assert [packet.data for packet in found] == concatenated([one, two])
    later = found[70].pts - found[0].pts
    assert later == (two.start_us - one.start_us) * 90_000 // 1_000_000
    assert decoded(read(made)) == 120


def test_every_range_is_a_slice_of_the_whole(ward: Ward) -> None:
    feed = ward.record(9, coded=(video(b_frames=2), audio()))
    made = movie(ward.archive, KEY, feed.start_us, feed.end_us)
    whole = read(made)
    assert len(whole) == made.size
    dice = random.Random(5)
    borders = [0, 1, len(made.header) - 1, len(made.header), len(made.header) + 1, made.size - 1, made.size]
    for _ in range(300):
        start = dice.choice([*borders, dice.randrange(made.size)])
        end = dice.choice([*borders, dice.randrange(made.size), made.size + 100])
        assert b"".join(made.read(start, end)) == whole[start : max(start, end)]


def test_no_chunk_is_longer_than_a_mebibyte(ward: Ward) -> None:
    feed = ward.record(2)
    made = movie(ward.archive, KEY, feed.start_us, feed.end_us)
    long = Movie(
        bytes(3 * CHUNK_BYTES + 5), made.pieces, 0, 0, "", tuple(3 * CHUNK_BYTES + 5 + n for n in (0, 0, 0))
    )
    sizes = [len(chunk) for chunk in long.read(1, 3 * CHUNK_BYTES + 5)]
    assert sizes == [CHUNK_BYTES] * 3 + [4]


def test_the_etag_names_the_bytes(ward: Ward) -> None:
    feed = ward.record(10)
    ask = (ward.archive, KEY, feed.start_us, feed.start_us + 2_000_000)
    one, two = movie(*ask), movie(*ask)
    assert (one.etag, read(one)) == (two.etag, read(two))
    ward.record(3)
    assert movie(*ask).etag == one.etag
    longer = movie(ward.archive, KEY, feed.start_us, feed.end_us)
    assert longer.etag != one.etag


def test_the_etag_outlives_the_closing_of_the_segment(ward: Ward) -> None:
    feed = Feed(KEY, (video(),), ward.clock.wall_us())
    ward.write(feed, 3)
    ask = (ward.archive, KEY, feed.start_us, feed.end_us)
    before = movie(*ask)
    whole = read(before)
    ward.end(feed)
    assert movie(*ask).etag == before.etag
    assert read(before) == whole


def shown(file: bytes) -> list[bytes]:
    """The pictures themselves."""
    with clips.reading(file) as container:
        return [frame.to_ndarray(format="gray").tobytes() for frame in container.decode(video=0)]


def runs(ward: Ward, *coded: tuple[Coded, ...]) -> tuple[list[Feed], Movie]:
    feeds = [ward.record(4, coded=one) for one in coded]
    return feeds, movie(ward.archive, KEY, feeds[0].start_us, feeds[-1].end_us)


def test_other_parameter_sets_are_another_sample_entry(ward: Ward, tmp_path: Path) -> None:
    first, second = (video(b_frames=2), audio()), (video(extra=f":{OTHER_SETS}"), audio())
    assert first[0].track.sample_entry != second[0].track.sample_entry
    feeds, made = runs(ward, first, second, first)
    found, sound = demuxed(made, [90_000, 48_000], ignore_editlist="1")
    assert [packet.data for packet in found] == concatenated(feeds)
    assert [packet.data for packet in sound] == concatenated(feeds, 1)
    assert read(made).count(b"avcC") == 2
    assert shown(read(made)) == [
        picture
        for feed in feeds
        for picture in shown(read(movie(ward.archive, KEY, feed.start_us, feed.end_us)))
    ]
    if shutil.which("ffmpeg"):
        assert_ffmpeg_decodes(read(made), 120, tmp_path)


def assert_ffmpeg_decodes(file: bytes, frames: int, folder: Path) -> None:
    path = folder / "movie.mp4"
    path.write_bytes(file)
    answer = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v:0", "-f", "framecrc", "-"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    # ffmpeg's parser ("NULL") reads the second run with the first run's parameter sets, and grumbles; its decoder does not.
    grumbling = (b"[NULL @", b"    Last message repeated")
    assert [line for line in answer.stderr.splitlines() if not line.startswith(grumbling)] == []
    assert sum(1 for line in answer.stdout.splitlines() if not line.startswith(b"#")) == frames


def test_a_run_without_sound_among_runs_with_it(ward: Ward) -> None:
    feeds, made = runs(ward, (video(),), (video(), audio()), (video(),))
    found, sound = demuxed(made, [90_000, 48_000], ignore_editlist="1")
    assert [packet.data for packet in found] == concatenated(feeds)
    assert [packet.data for packet in sound] == feeds[1].samples[1]


def test_another_codec_and_another_rate_are_tracks_of_their_own(ward: Ward) -> None:
    """Pictures of another codec do not fit into a track; the file has all of them all the same."""
    feeds, made = runs(ward, (video(), audio()), (video(codec="h265"), audio(rate=16000)), (video(), audio()))
    file = read(made)
    kinds = [(t.handler, t.codec_string[:4], t.timescale) for t in parse_init(file).tracks]
    assert kinds == [
        ("vide", "avc1", 90_000),
        ("vide", "hvc1", 90_000),
        ("soun", "mp4a", 48_000),
        ("soun", "mp4a", 16_000),
    ]
    found = demuxed(made, [90_000, 90_000, 48_000, 16_000], ignore_editlist="1")
    assert [packet.data for packet in found[0]] == concatenated([feeds[0], feeds[2]])
    assert [packet.data for packet in found[1]] == feeds[1].samples[0]
    assert [packet.data for packet in found[2]] == concatenated([feeds[0], feeds[2]], 1)
    assert [packet.data for packet in found[3]] == feeds[1].samples[1]
    assert (decoded(file, 0), decoded(file, 1)) == (80, 40)


def test_export_writes_the_same_bytes(ward: Ward, tmp_path: Path) -> None:
    feed = ward.record(6)
    path = tmp_path / "clip.mp4"
    span = Span(feed.start_us, feed.end_us)
    *_, size = export(ward.archive, KEY, span, path)
    assert path.read_bytes() == read(movie(ward.archive, KEY, *span))
    assert size == path.stat().st_size
    with pytest.raises(Error) as caught:
        list(export(ward.archive, KEY, span, path))
    assert caught.value.kind is Kind.CONFLICT
    assert path.stat().st_size == size


def test_a_segment_that_goes_in_the_middle(ward: Ward) -> None:
    feed = ward.record(20)
    made = movie(ward.archive, KEY, feed.start_us, feed.end_us)
    ward.files()[-1].unlink()
    with pytest.raises(Error) as caught:
        read(made)
    assert caught.value.kind is Kind.NOT_FOUND


def test_an_export_that_cannot_be_finished_leaves_nothing(ward: Ward, tmp_path: Path) -> None:
    feed = ward.record(20)
    path = tmp_path / "clip.mp4"
    writing = export(ward.archive, KEY, Span(feed.start_us, feed.end_us), path)
    next(writing)
    assert path.exists()
    ward.files()[-1].unlink()
    with pytest.raises(Error):
        list(writing)
    assert not path.exists()


@pytest.mark.parametrize(
    "noise", [bytes(300), b"\xff" * 300, b"\0\0\0\x08free" * 40], ids=["zeros", "ones", "boxes"]
)
@pytest.mark.parametrize("skip", [0, 32, 60])
def test_a_damaged_part_ends_it(ward: Ward, noise: bytes, skip: int) -> None:
    feed = ward.record(3)
    path = ward.files()[0]
    with path.open("r+b") as file:
        file.seek(path.read_bytes().index(b"prft") - 4 + skip)
        file.write(noise)
    with pytest.raises(Error) as caught:
        movie(ward.archive, KEY, feed.start_us, feed.end_us)
    assert caught.value.kind is Kind.DATA_LOSS
    assert caught.value.hint


def test_nothing_recorded(ward: Ward) -> None:
    feed = ward.record(2)
    with pytest.raises(Error) as caught:
        movie(ward.archive, KEY, feed.end_us, feed.end_us + 5)
    assert caught.value.cause == "nothing_recorded"
