from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.base.clock import to_ntp
from luytre.base.errors import Error
from luytre.media.aac import audio_track
from luytre.media.fmp4.boxes import box, full_box, iter_boxes
from luytre.media.fmp4.read import PartInfo, parse_init, part_columns, part_samples, scan_parts
from luytre.media.fmp4.write import PartSample, TrackPart, init_segment, part_header
from luytre.media.h264 import sprop_parameter_sets, video_track
from luytre.media.stored import tracks_of
from luytre.media.tracks import Track
from tests.media.clips import attempt

VIDEO = video_track(sprop_parameter_sets("Z00AKZpkA8ARPyzUBAQFAAADA+gAAOpgBA==,aO48gA=="))
AUDIO = audio_track(bytes.fromhex("1188"))
TRACKS: list[Track] = [VIDEO, AUDIO]
INIT = init_segment(TRACKS)
WALL_US = 1_795_330_000_123_457

rows = st.builds(
    PartSample,
    st.integers(0, 2**32 - 1),
    st.integers(0, 300),
    st.integers(-(2**31), 2**31 - 1),
    st.booleans(),
)
# Like real ones: a keyframe and what follows, steady durations, no reordering.
plain_rows = st.lists(st.builds(PartSample, st.just(3600), st.integers(1, 300), st.just(0), st.just(False)))
track_parts = st.builds(
    TrackPart, st.integers(1, 9), st.integers(0, 2**63), st.lists(rows, min_size=1, max_size=12) | plain_rows
)


def reader(data: bytes) -> Callable[[int, int], bytes]:
    return lambda offset, size: data[offset : offset + size]


def scan(data: bytes, start: int = 0) -> list[PartInfo]:
    return list(scan_parts(reader(data), len(data), start))


def payload(part: TrackPart, letter: bytes) -> bytes:
    return letter * sum(sample.size for sample in part.samples)


def simple_part(number: int, base: int = 0, samples: int = 5) -> bytes:
    video = TrackPart(1, base, [PartSample(3600, 30 + i, 0, i == 0) for i in range(samples)])
    audio = TrackPart(2, base, [PartSample(1024, 7, 0, True) for _ in range(samples)])
    head = part_header(number, [video, audio], WALL_US + base)
    return head + payload(video, b"v") + payload(audio, b"a")


def test_init_says_what_the_tracks_say() -> None:
    info = parse_init(INIT)
    assert info.size == len(INIT)
    video, audio = info.tracks
    assert (video.track_id, video.timescale, video.handler) == (1, 90000, "vide")
    assert (video.width, video.height, video.codec_string) == (1920, 1080, "avc1.4D0029")
    assert video.sample_entry == VIDEO.sample_entry
    assert (audio.track_id, audio.timescale, audio.handler) == (2, 48000, "soun")
    assert (audio.channels, audio.rate, audio.codec_string) == (1, 48000, "mp4a.40.2")


def test_init_is_deterministic_and_gives_its_tracks_back() -> None:
    assert init_segment(TRACKS) == INIT
    assert tracks_of(INIT) == (VIDEO, AUDIO)
    assert init_segment(tracks_of(INIT)) == INIT


def test_init_brands() -> None:
    size, kind, major = struct.unpack_from(">I4s4s", INIT)
    assert (kind, major) == (b"ftyp", b"iso6")
    assert {INIT[at : at + 4] for at in range(16, size, 4)} == {b"iso5", b"iso6", b"mp41", b"cmfc", b"cmf2"}


def test_other_codecs_are_named_as_unsupported() -> None:
    foreign = replace(
        VIDEO, sample_entry=VIDEO.sample_entry.replace(b"avcC", b"av1C").replace(b"avc1", b"av01")
    )
    with pytest.raises(Error) as caught:
        tracks_of(init_segment([foreign]))
    assert caught.value.cause == "unsupported_codec"


@given(st.integers(0, 2**33), st.lists(track_parts, min_size=1, max_size=3, unique_by=lambda t: t.track_id))
def test_parts_round_trip(sequence: int, parts: list[TrackPart]) -> None:
    present = [part for part in parts if part.samples]
    if not present:
        with pytest.raises(Error):
            part_header(sequence, parts, WALL_US)
        return
    head = part_header(sequence, parts, WALL_US)
    data = b"".join(payload(part, bytes([65 + i])) for i, part in enumerate(present))
    (found,) = scan(head + data)
    assert (found.offset, found.size, found.moof_offset) == (0, len(head) + len(data), 32)
    assert (found.sequence, found.wall_us) == (sequence & 0xFFFFFFFF, WALL_US)
    moof = (head + data)[found.moof_offset :]
    columns, single = part_columns(moof), part_samples(moof)
    for index, (part, seen) in enumerate(zip(present, found.tracks, strict=True)):
        first = part.samples[0]
        assert seen == (
            part.track_id,
            part.base_ticks,
            sum(s.duration for s in part.samples),
            len(part.samples),
            first.key,
            first.cts_offset,
            sum(s.size for s in part.samples),
        )
        table = columns[part.track_id]
        assert (table.base_ticks, list(table.sizes)) == (part.base_ticks, [s.size for s in part.samples])
        for sample, stored in zip(part.samples, single[part.track_id], strict=True):
            assert (stored.duration, stored.size, stored.cts, stored.key) == sample
            at = stored.offset
            assert moof[at : at + stored.size] == bytes([65 + index]) * stored.size
        assert list(table.durations) == [s.duration for s in part.samples]
        assert list(table.cts) == [s.cts_offset for s in part.samples]
        assert list(table.keys) == [s.key for s in part.samples]


def test_a_known_data_size_gives_the_same_bytes() -> None:
    part = TrackPart(1, 0, [PartSample(3600, 10, 0, True), PartSample(3600, 5, 0, False)])
    assert part_header(1, [part], None, 15) == part_header(1, [part], None)
    assert part_header(1, [part], None)[4:8] == b"moof"


def test_a_steady_part_costs_four_bytes_a_sample() -> None:
    def size(count: int) -> int:
        return len(
            part_header(1, [TrackPart(1, 0, [PartSample(1, 9, 0, i == 0) for i in range(count)])], None)
        )

    assert size(50) - size(10) == 4 * 40


def test_producer_reference_time_says_capture_in_both_clocks() -> None:
    head = part_header(7, [TrackPart(2, 12_345, [PartSample(1, 1, 0, True)])], WALL_US)
    assert struct.unpack_from(">I4sIIQQ", head) == (32, b"prft", 0x0100_0018, 2, to_ntp(WALL_US), 12_345)


def test_wide_mdat_above_4_gib() -> None:
    samples = [PartSample(1, 0xF000_0000, 0, True), PartSample(1, 0x1000_0000, 0, False)]
    head = part_header(1, [TrackPart(1, 0, samples)], None)
    assert head[-16:] == struct.pack(">I4sQ", 1, b"mdat", 0x1_0000_0010)
    sparse = reader(head + b"x")
    assert [part.size for part in scan_parts(sparse, len(head) + 0x1_0000_0000)] == [
        len(head) + 0x1_0000_0000
    ]
    assert not list(scan_parts(sparse, len(head) + 0xFFFF_FFFF))


def test_two_tracks_beyond_2_gib_are_refused() -> None:
    big = TrackPart(1, 0, [PartSample(1, 0x8000_0000, 0, True)])
    with pytest.raises(Error):
        part_header(1, [big, TrackPart(2, 0, [PartSample(1, 1, 0, True)])], None)


def test_unknown_boxes_between_parts_are_stepped_over() -> None:
    parts = [simple_part(n, n * 18000) for n in range(3)]
    file = INIT + box(b"uuid", b"h" * 99) + parts[0] + box(b"free") + box(b"styp", b"x") + parts[1] + parts[2]
    found = scan(file + box(b"uuid", b"tail"))
    assert [part.sequence for part in found] == [0, 1, 2]
    assert [file[p.offset : p.offset + p.size] for p in found] == parts


def test_prft_belongs_to_the_moof_right_behind_it() -> None:
    part = simple_part(1)
    (found,) = scan(part[:32] + box(b"free") + part[32:])
    assert (found.offset, found.wall_us) == (40, None)


def test_mdat_is_never_read() -> None:
    file = INIT + simple_part(0) + simple_part(1, 18000)
    touched: set[int] = set()

    def read(offset: int, size: int) -> bytes:
        touched.update(range(offset, min(offset + size, len(file))))
        return file[offset : offset + size]

    found = list(scan_parts(read, len(file), len(INIT)))
    assert len(found) == 2
    for part in found:
        # A header is fetched as 16 bytes, of which mdat's takes 8.
        payload_start = part.moof_offset + part.moof_size + 16
        assert not touched & set(range(payload_start, part.offset + part.size))


def test_a_file_cut_at_every_byte_gives_its_whole_parts() -> None:
    parts = [simple_part(n, n * 18000, samples=3) for n in range(3)]
    file = INIT + b"".join(parts)
    ends = [len(INIT) + sum(map(len, parts[: n + 1])) for n in range(3)]
    for cut in range(len(INIT), len(file) + 1):
        assert len(scan(file[:cut])) == sum(end <= cut for end in ends)
        # What a power cut leaves behind: the length is there, the bytes are zeros.
        assert len(scan(file[:cut].ljust(len(file), b"\0"))) <= 3


@pytest.mark.parametrize(
    "tail",
    [
        bytes(64),
        struct.pack(">I4s", 0, b"free"),
        struct.pack(">I4s", 7, b"free"),
        struct.pack(">I4sQ", 1, b"free", 15),
        struct.pack(">I4sQ", 1, b"free", 2**64 - 1),
        struct.pack(">I4s", 2**32 - 1, b"free"),
        struct.pack(">I4s", 8, b"\x01\x02\x03\x04"),
        b"moo",
    ],
)
def test_hostile_headers_end_the_list(tail: bytes) -> None:
    assert len(scan(INIT + simple_part(0) + tail)) == 1


def hostile_moof(trun: bytes, tfhd_flags: int = 0x2_0000) -> bytes:
    traf = box(b"traf", full_box(b"tfhd", 0, tfhd_flags, struct.pack(">I", 1)), trun)
    return box(b"moof", full_box(b"mfhd", 0, 0, bytes(4)), traf) + box(b"mdat", b"x" * 100)


@pytest.mark.parametrize(
    "trun",
    [
        full_box(b"trun", 0, 0, struct.pack(">I", 2**32 - 1)),
        full_box(b"trun", 0, 0, struct.pack(">I", 2**18)) * 3,
        full_box(b"trun", 0, 0xF00, struct.pack(">I", 2**28)),
        full_box(b"trun", 0, 0x201, struct.pack(">IiI", 1, 2**31 - 1, 4)),
        full_box(b"trun", 0, 0x201, struct.pack(">IiI", 1, -5000, 4)),
        full_box(b"trun", 0, 0x201, struct.pack(">IiI", 1, 0, 4)),
        full_box(b"trun", 0, 0x5, struct.pack(">I", 1)),
        full_box(b"trun", 0, 0),
    ],
)
def test_hostile_truns_end_the_list(trun: bytes) -> None:
    assert scan(simple_part(0) + hostile_moof(trun) + simple_part(1)) == scan(simple_part(0))


def test_a_giant_moof_is_not_read() -> None:
    def read(offset: int, size: int) -> bytes:
        assert size <= 1 << 20
        return (struct.pack(">I4s", 2**31, b"moof") + bytes(100))[offset : offset + size]

    assert list(scan_parts(read, 2**32)) == []


def test_defaults_of_the_init_and_of_foreign_fragments() -> None:
    trun = full_box(b"trun", 0, 0x1, struct.pack(">Ii", 3, 0)) + full_box(b"trun", 0, 0, struct.pack(">I", 2))
    size = len(hostile_moof(trun)) - 100
    trun = full_box(b"trun", 0, 0x1, struct.pack(">Ii", 3, size)) + full_box(
        b"trun", 0, 0, struct.pack(">I", 2)
    )
    old = full_box(b"trex", 0, 0, struct.pack(">5I", 1, 1, 0, 0, 0))
    new = full_box(b"trex", 0, 0, struct.pack(">5I", 1, 1, 40, 20, 0x1_0000))
    defaults = parse_init(INIT.replace(old, new)).defaults
    data = hostile_moof(trun)
    (part,) = scan_parts(reader(data), len(data), 0, defaults)
    assert part.tracks == ((1, 0, 200, 5, False, 0, 100),)
    assert [s.offset - size for s in part_samples(data, defaults)[1]] == [0, 20, 40, 60, 80]
    assert list(part_columns(data, defaults)[1].durations) == [40] * 5


@given(st.binary(max_size=300))
def test_random_bytes_never_crash(data: bytes) -> None:
    scan(data)
    list(iter_boxes(data))
    for read in (parse_init, part_samples, part_columns):
        with pytest.raises(Error):
            read(data)


@given(st.data())
def test_mutated_files_never_crash(data: st.DataObject) -> None:
    file = bytearray(INIT + simple_part(0) + simple_part(1, 18000))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(file) - 1))
        file[at] = data.draw(st.sampled_from([0, 1, 7, 8, 127, 255]) | st.integers(0, 255))
    for part in scan(bytes(file)):
        assert 0 <= part.offset < part.offset + part.size <= len(file)
    for read in (parse_init, tracks_of):
        answer = attempt(read, bytes(file))
        assert not isinstance(answer, Error) or answer.hint
    samples = attempt(part_samples, bytes(file[len(INIT) + 32 :]))
    assert not isinstance(samples, Error) or samples.cause == "bad_media"


def test_timescale_zero_is_damage() -> None:
    broken = INIT.replace(struct.pack(">II", 90000, 0), struct.pack(">II", 0, 0), 1)
    assert broken != INIT
    with pytest.raises(Error, match="timescale 0"):
        parse_init(broken)


@pytest.mark.parametrize("cut", range(0, len(INIT), 7))
def test_a_cut_init_is_damage(cut: int) -> None:
    with pytest.raises(Error) as caught:
        parse_init(INIT[:cut])
    assert caught.value.cause == "bad_media"
