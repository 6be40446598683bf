from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.base.errors import Error
from luytre.media import h264
from luytre.media.fmp4.entry import configuration, pixel_aspect
from luytre.media.h264 import parse_sps, sprop_parameter_sets, video_track
from tests.media.clips import attempt, encode_video, parameter_sets, remux

# Re-typed sprop-parameter-sets of cameras: size and rate as their web pages or SDP lines state them.
CAMERAS: dict[str, tuple[str, tuple[int, int], float | None, str]] = {
    "anpviz": ("Z01AH5WgLASabAQ=,aO48gA==", (704, 576), None, "avc1.4D401F"),
    "dahua": ("Z2QAHqwsaoLA9puCgIKgAAADACAAAAMD0IAA,aO4xshsA", (704, 480), 15.0, "avc1.64001E"),
    "foscam": ("Z00AH5WoFAFuQA==,aO48gA==", (1280, 720), None, "avc1.4D001F"),
    "geovision": ("Z01AMpWgCoAwfiZuAgICgAAB9AAAdTBC,aO48gA==", (2688, 1520), 30.0, "avc1.4D4032"),
    "gw": ("Z00AHpWoLQ9puAgICBAAAAAB,aO48gAAAAAE=", (720, 480), None, "avc1.4D001E"),
    "h264dvr": ("Z0IAKZY1QPAET8s3AQEBQAAAAwBAAAAHoQ==,aM4xsg==", (1920, 1080), 15.0, "avc1.420029"),
    "hikvision": ("Z00AKZpkA8ARPyzUBAQFAAADA+gAAOpgBA==,aO48gA==", (1920, 1080), 30.0, "avc1.4D0029"),
    "ipcam": ("J00AII1qBQB5oQAAAwABAAADACiE,KO48gA==", (1280, 960), 20.0, "avc1.4D0020"),
    "macrovideo": ("J03gKI1oBQBboQAAAwABAAADACgPFCKg,KO4BNJI=", (1280, 720), 20.0, "avc1.4DE028"),
    "reolink": ("Z2QAM6zoAoALWQ==,aO48MA==", (2560, 1440), None, "avc1.640033"),
}
SPS, PPS = sprop_parameter_sets(CAMERAS["hikvision"][0])


@pytest.mark.parametrize("vendor", sorted(CAMERAS))
def test_parameter_sets_of_cameras(vendor: str) -> None:
    text, size, fps, name = CAMERAS[vendor]
    sets = sprop_parameter_sets(text)
    track = video_track(sets)
    assert (track.width, track.height) == size
    assert parse_sps(sets[0]).fps == fps
    assert track.codec_string == name
    assert track.parameter_sets == sets
    assert h264.sets_of_avcc(configuration(track.sample_entry, b"avcC") or b"") == sets


@pytest.mark.parametrize(
    ("pix_fmt", "profile"), [("yuv420p", 100), ("yuv422p", 122), ("yuv444p", 244), ("yuv420p10le", 110)]
)
def test_avcc_equals_libavs_own(pix_fmt: str, profile: int, tmp_path: Path) -> None:
    coded = encode_video("h264", frames=4, pix_fmt=pix_fmt, preset="fast", params=":sar=4/3")
    sps = parse_sps(parameter_sets(coded)[0])
    assert (sps.width, sps.height, sps.profile) == (178, 100, profile)
    assert (sps.sar, sps.fps) == ((4, 3), 25.0)
    assert pixel_aspect(coded.track.sample_entry) == (4, 3)
    path = tmp_path / "referee.mp4"
    remux("h264", coded, path)
    file = path.read_bytes()
    start = file.index(b"avcC")
    size = int.from_bytes(file[start - 4 : start], "big")
    assert configuration(coded.track.sample_entry, b"avcC") == file[start + 4 : start - 4 + size]


@pytest.mark.parametrize("b_frames", [0, 2])
def test_reordering_is_told(b_frames: int) -> None:
    coded = encode_video("h264", frames=12, b_frames=b_frames)
    assert parse_sps(parameter_sets(coded)[0]).max_num_reorder == b_frames


def test_several_sets_and_repeated_ones() -> None:
    other = parse_sps(SPS)
    assert other.id == 0
    second_pps = bytes([0x68, 0b0101_1000])
    track = video_track([PPS, SPS, b"\x06\x05", PPS, second_pps, SPS + b"\x00\x00", b""])
    assert track.parameter_sets == (SPS, PPS, second_pps)


def test_a_set_with_the_same_number_replaces_the_earlier() -> None:
    newer = sprop_parameter_sets(CAMERAS["foscam"][0])[0]
    assert video_track([SPS, PPS, newer]).parameter_sets == (newer, PPS)


@pytest.mark.parametrize("sets", [[], [SPS], [PPS], [b"\x65\x88"], [b"", b"\x00"]])
def test_missing_parameter_sets_are_named(sets: list[bytes]) -> None:
    with pytest.raises(Error) as caught:
        video_track(sets)
    assert caught.value.cause == "no_parameters"
    assert caught.value.hint


@pytest.mark.parametrize("cut", range(1, 8))
def test_a_cut_sps_is_bad_media(cut: int) -> None:
    with pytest.raises(Error) as caught:
        parse_sps(SPS[:cut])
    assert caught.value.cause == "bad_media"


def test_a_cut_vui_costs_only_the_vui() -> None:
    whole, cut = parse_sps(SPS), parse_sps(SPS[:-6])
    assert (cut.width, cut.height) == (whole.width, whole.height)
    assert cut.fps is None
    assert whole.fps is not None


@given(st.binary(max_size=80))
def test_random_bytes_are_read_or_refused(data: bytes) -> None:
    sps = attempt(parse_sps, b"\x67" + data)
    if isinstance(sps, Error):
        assert sps.cause == "bad_media"
    else:
        assert 0 < sps.width <= 16896
        assert 0 < sps.height <= 2 * 16896


@given(st.lists(st.binary(max_size=40), max_size=5), st.integers(0, 200), st.integers(0, 255))
def test_tracks_of_mutated_sets_are_made_or_refused(junk: list[bytes], at: int, value: int) -> None:
    changed = bytearray(SPS)
    changed[at % len(changed)] = value
    track = attempt(
        video_track, [bytes(changed), PPS, *(b"\x67" + j for j in junk), *(b"\x68" + j for j in junk)]
    )
    if isinstance(track, Error):
        assert track.cause in ("bad_media", "no_parameters")
    else:
        assert track.sample_entry[4:8] == b"avc1"


def test_key_is_the_first_slices_type() -> None:
    idr = h264.to_length_prefixed([b"\x09\xf0", b"\x06\x01", b"\x65\x88"])
    assert h264.is_key(idr)
    assert not h264.is_key(h264.to_length_prefixed([b"\x09\xf0", b"\x41\x9a", b"\x65\x88"]))
    assert not h264.is_key(h264.to_length_prefixed([b"\x06\x01"]))
    assert not h264.is_key(idr[:7])
    assert not h264.is_key(b"")


def test_nal_types() -> None:
    assert h264.nal_type(0x67) == h264.SPS
    assert [kind for kind in range(32) if h264.is_parameter_set(kind)] == [7, 8, 13]
