from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.base.errors import Error
from luytre.media import h265
from luytre.media.fmp4.entry import configuration
from luytre.media.h265 import parse_sps, sprop_parameter_sets, video_track, vps_fps
from tests.media.clips import attempt, encode_video, parameter_sets, remux

ANJVISION = (
    "QAEMAf//AUAAAAMAAAMAAAMAAAMAmawJ",
    "QgEBAUAAAAMAAAMAAAMAAAMAmaACgIAsH+Wu5Gwa5VE1BQYFAIA=",
    "RAHAc8BBgwk=",
)
DAHUA = (
    "QAEMAf//AWAAAAMAsAAAAwAAAwBarAwAAAMABAAAAwAyqA==",
    "QgEBAWAAAAMAsAAAAwAAAwBaoAWCAeFja5JFL83BQYFBAAADAAEAAAMADKE=",
    "RAHA8saNA7NA",
)
CAMERAS = [(ANJVISION, "hvc1.1.2.L153", None), (DAHUA, "hvc1.1.6.L90.B0", 12.0)]
VPS, SPS, PPS = sprop_parameter_sets(*DAHUA)


def size_by_libav(sample_entry: bytes) -> tuple[int, int]:
    decoder: Any = av.CodecContext.create("hevc", "r")
    decoder.extradata = configuration(sample_entry, b"hvcC")
    decoder.open()
    return decoder.width, decoder.height


@pytest.mark.parametrize(("texts", "name", "fps"), CAMERAS)
def test_parameter_sets_of_cameras(texts: tuple[str, str, str], name: str, fps: float | None) -> None:
    sets = sprop_parameter_sets(*texts)
    track = video_track(sets)
    assert (track.width, track.height) == size_by_libav(track.sample_entry)
    assert track.codec_string == name
    assert track.parameter_sets == sets
    assert (parse_sps(sets[1]).fps, vps_fps(sets[0])) == (fps, fps)
    assert h265.sets_of_hvcc(configuration(track.sample_entry, b"hvcC") or b"") == sets


@pytest.mark.parametrize(("pix_fmt", "profile"), [("yuv420p", 1), ("yuv420p10le", 2), ("yuv444p", 4)])
@pytest.mark.parametrize("b_frames", [0, 3])
def test_headers_of_x265(pix_fmt: str, profile: int, b_frames: int) -> None:
    coded = encode_video(
        "h265",
        frames=8,
        b_frames=b_frames,
        pix_fmt=pix_fmt,
        preset="medium",
        params=":sar=16\\:11:scaling-list=default",
    )
    sps = parse_sps(parameter_sets(coded)[1])
    assert (sps.width, sps.height, sps.profile) == (178, 100, profile)
    assert (sps.width, sps.height) == size_by_libav(coded.track.sample_entry)
    assert sps.fps == 25.0
    assert sps.sar == (16, 11)
    assert sps.bit_depth_luma == (10 if "10" in pix_fmt else 8)
    assert (sps.max_num_reorder > 0) == (b_frames > 0)


def test_the_start_of_hvcc_equals_libavs_own(tmp_path: Path) -> None:
    coded = encode_video("h265", frames=4)
    path = tmp_path / "referee.mp4"
    remux("hevc", coded, path)
    file = path.read_bytes()
    start = file.index(b"hvcC") + 4
    ours = configuration(coded.track.sample_entry, b"hvcC") or b""
    # Version, profile, tier, level, segmentation, then chroma and depths: parallelismType is ours to leave open.
    assert ours[:15] == file[start : start + 15]
    assert ours[16:19] == file[start + 16 : start + 19]
    assert ours[21] & 0x3B == file[start + 21] & 0x3B


@pytest.mark.parametrize(
    ("sets", "missing"),
    [([SPS, PPS], "video"), ([VPS, PPS], "sequence"), ([VPS, SPS], "picture"), ([], "video")],
)
def test_missing_parameter_sets_are_named(sets: list[bytes], missing: str) -> None:
    with pytest.raises(Error, match=missing) as caught:
        video_track(sets)
    assert caught.value.cause == "no_parameters"


@pytest.mark.parametrize("cut", [1, 2, 3, 10, 14, 16, 20])
def test_a_cut_sps_is_bad_media(cut: int) -> None:
    with pytest.raises(Error) as caught:
        parse_sps(SPS[:cut])
    assert caught.value.cause == "bad_media"


def test_damage_behind_the_size_costs_only_the_rate() -> None:
    whole, cut = parse_sps(SPS), parse_sps(SPS[:-9])
    assert (cut.width, cut.height) == (whole.width, whole.height)
    assert (whole.fps, cut.fps) == (12.0, None)


@given(st.binary(max_size=120))
def test_random_bytes_are_read_or_refused(data: bytes) -> None:
    sps = attempt(parse_sps, b"\x42\x01" + data)
    if isinstance(sps, Error):
        assert sps.cause == "bad_media"
    else:
        assert 0 < sps.width <= 16888
        assert 0 < sps.height <= 16888


@given(st.sampled_from([0, 1, 2]), st.integers(2, 200), st.integers(0, 255))
def test_tracks_of_mutated_sets_are_made_or_refused(which: int, at: int, value: int) -> None:
    sets = [bytearray(VPS), bytearray(SPS), bytearray(PPS)]
    sets[which][2 + at % (len(sets[which]) - 2)] = value
    vps_fps(bytes(sets[0]))
    track = attempt(video_track, [bytes(one) for one in sets])
    if isinstance(track, Error):
        assert track.cause in ("bad_media", "no_parameters")
    else:
        assert track.sample_entry[4:8] == b"hvc1"


def test_key_is_an_irap_picture() -> None:
    for kind in range(64):
        sample = h265.to_length_prefixed([b"\x46\x01\x50", bytes([kind << 1, 1, 0xAF])])
        assert h265.is_key(sample) == (16 <= kind <= 21)
    assert not h265.is_key(b"\0\0\0\x09\x26")


def test_nal_types() -> None:
    assert h265.nal_type(0x42) == h265.SPS
    assert [kind for kind in range(64) if h265.is_parameter_set(kind)] == [32, 33, 34]
