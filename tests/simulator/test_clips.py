"""Clips become reels; and what the reels of several clients have in common."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from luytre.base.errors import Error
from luytre.media.rtp.h264 import H264Receiver
from luytre.media.rtp.h265 import H265Receiver
from luytre.media.rtp.interleaved import split
from luytre.simulator.clips import load
from luytre.simulator.lanes import Lane
from luytre.simulator.reels import Reel
from luytre.simulator.sources import TICKS, Sound, VideoName
from tests.peers.clips import make_clip


def played(
    reel: Reel, moments_s: list[float], *, rtptime: int = 4_294_900_000, seq: int = 65_500
) -> list[bytes]:
    """What one client gets at each moment, counted from its start."""
    lane = Lane(0, 7, seq, rtptime, TICKS)
    cursor = reel.open(0.0)
    return [b"".join(cursor.take(moment, lane)) for moment in moments_s]


def receiver_of(reel: Reel) -> H264Receiver | H265Receiver:
    picture = reel.picture()
    return (H264Receiver if picture.codec == "h264" else H265Receiver)(96, picture.parameter_sets)


@pytest.mark.parametrize(
    ("made_with", "bframes", "codec"),
    [
        ("libx264", 0, "h264"),
        ("libx264", 2, "h264"),
        ("libx265", 0, "h265"),
        ("libx264", 0, "h265"),
        ("mpeg4", 0, "h264"),
    ],
)
def test_three_loops_lose_nothing_and_have_even_timestamps(
    tmp_path: Path, made_with: str, bframes: int, codec: VideoName
) -> None:
    reel = load(make_clip(tmp_path / "clip.mp4", codec=made_with, bframes=bframes), codec)
    assert reel.length == TICKS
    assert reel.picture().framerate == pytest.approx(20.0)
    receiver = receiver_of(reel)
    for data in played(reel, [tick / 25 for tick in range(75)]):
        for _, start, end in split(data).frames:
            receiver.push(data, start, end)
    receiver.flush()
    assert (receiver.lost, receiver.invalid, receiver.damaged) == (0, 0, 0)
    pts = sorted(sample.pts for sample in receiver.samples)
    assert len(pts) >= 59
    # The last pictures may wait for others that are shown after them.
    gaps = {after - before for before, after in pairwise(pts[:57])}
    assert gaps == {4500}
    keys = [sample.pts - pts[0] for sample in receiver.samples if sample.key]
    # Passed through, each keyframe is one; encoded anew, a loop of a second has its first one only.
    step = 45000 if len(reel.keys) == 2 else TICKS
    assert keys == [keys[0] + number * step for number in range(len(keys))]
    assert len(keys) == 3 * len(reel.keys)


def test_any_ticks_give_the_same_bytes(tmp_path: Path) -> None:
    reel = load(make_clip(tmp_path / "clip.mp4"))
    fine = b"".join(played(reel, [tick / 100 for tick in range(301)]))
    coarse = b"".join(played(reel, [tick / 2 for tick in range(7)]))
    assert fine == coarse
    assert fine.count(b"$\x00") >= 60


def test_a_client_that_stood_still_goes_on_at_a_keyframe(tmp_path: Path) -> None:
    reel = load(make_clip(tmp_path / "clip.mp4"))
    receiver = receiver_of(reel)
    for data in played(reel, [0.0, 0.1, 7.7, 8.0]):
        for _, start, end in split(data).frames:
            receiver.push(data, start, end)
    receiver.flush()
    pts = [sample.pts for sample in receiver.samples]
    jump = next(index for index, (a, b) in enumerate(pairwise(pts)) if b - a > 4500) + 1
    assert receiver.samples[jump].key
    assert pts[jump] - pts[0] == 8 * TICKS
    assert receiver.lost == 0


def test_a_clip_that_begins_in_mid_gop_begins_at_its_first_keyframe(test_data: Path) -> None:
    reel = load(test_data / "video/rfmanz_night.mp4", "h265")
    assert reel.length / TICKS == pytest.approx(175.1, abs=0.1)
    assert [nal[0] >> 1 & 0x3F for nal in reel.picture().parameter_sets][:3] == [32, 33, 34]


def test_sound_is_passed_through_and_made_up(test_data: Path, tmp_path: Path) -> None:
    own = load(test_data / "video/car-detection.mp4", audio="aac").sound
    assert own is not None
    assert (own.rate, own.channels) == (48000, 2)
    made = load(make_clip(tmp_path / "clip.mp4"), audio="aac").sound
    assert made is not None
    assert (made.rate, made.channels) == (16000, 1)
    decoder = av.CodecContext.create("aac", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.extradata = made.config
    loudest = 0.0
    for number in range(4, 40):
        data, starts = made.at(number)
        assert len(starts) == 1
        for frame in decoder.decode(av.Packet(data[20:])):
            loudest = max(loudest, float(np.abs(frame.to_ndarray()).max()))
    assert 0.002 < loudest < 0.05


def test_the_sound_begins_anew_with_each_loop_of_the_video() -> None:
    sound = Sound(
        [bytes((number,)) for number in range(11)], b"\x14\x08", 16000, 1, Fraction(10 * 1024 + 512)
    )
    assert sound.frames == [bytes((number,)) for number in range(11)]
    contents = [sound.at(number)[0][-1] for number in range(42)]
    assert contents[:21] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert contents[21] == 0


@pytest.mark.parametrize("content", [b"", b"not a clip", b"RIFF\0\0\0\0AVI "])
def test_what_is_no_clip(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(Error, match=r"clip.mp4 cannot be shown") as caught:
        load(path)
    assert caught.value.hint


@pytest.mark.parametrize(
    "name",
    [
        "h264_extradata_reload.mp4",
        "ps_prefix_first_idr.mp4",
        "mp4-init-nonkeyframe.mp4",
        "sample_2_byte_NAL_length.mp4",
    ],
)
def test_odd_clips_are_shown(test_data: Path, name: str) -> None:
    reel = load(test_data / "traps" / name)
    receiver = receiver_of(reel)
    for data in played(reel, [tick / 25 for tick in range(round(reel.length / TICKS * 25))]):
        for _, start, end in split(data).frames:
            receiver.push(data, start, end)
    assert len(receiver.samples) > 2
    assert receiver.samples[0].key
