"""Samples into parts: touching, at most 2 s, cut before keyframes; decode times that add up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luytre.media.aac import audio_track
from luytre.media.fmp4.read import scan_parts
from luytre.media.tracks import Sample
from luytre.recorder.assemble import MAX_PART_TICKS, Assembler, Group, decode_times, pack

FRAME = 3600
AAC_48K_STEREO = bytes.fromhex("1190")


def picture(pts: int, key: bool = False) -> Sample:
    return Sample(pts, b"\0\0\0\x02\x41" + bytes((pts // FRAME & 0xFF,)), key)


def assembled(samples: Iterable[Sample], end_pts: int | None = None) -> list[Group]:
    assembler = Assembler(None)
    groups = [group for sample in samples if (group := assembler.video(sample)) is not None]
    return groups + assembler.end(end_pts)


def check(groups: Sequence[Group], samples: Sequence[Sample]) -> None:
    """Everything is there, in order; parts touch; each part's bytes say the same as the group."""
    assert [s.data for group in groups for s in group.video] == [s.data for s in samples]
    assert groups[0].start_ticks == 0
    for before, after in pairwise(groups):
        assert before.end_ticks == after.start_ticks
    origin = min(s.pts for s in groups[0].video)
    file = b"".join(b"".join(pack(group, n, origin, None, 0)) for n, group in enumerate(groups, 1))
    parts = list(scan_parts(lambda at, size: file[at : at + size], len(file)))
    found = [(p.tracks[0].base_ticks, p.tracks[0].duration_ticks, p.tracks[0].first_is_key) for p in parts]
    assert found == [(g.start_ticks, g.end_ticks - g.start_ticks, g.key) for g in groups]


def test_a_part_is_one_gop() -> None:
    samples = [picture(n * FRAME, n % 25 == 0) for n in range(100)]
    groups = assembled(samples)
    check(groups, samples)
    assert [(len(g.video), g.key) for g in groups] == [(25, True)] * 4
    assert groups[-1].end_ticks == 100 * FRAME


def test_a_gop_of_ten_seconds_makes_parts_of_at_most_one() -> None:
    samples = [picture(n * FRAME, n % 250 == 0) for n in range(600)]
    groups = assembled(samples)
    check(groups, samples)
    assert all(g.end_ticks - g.start_ticks <= MAX_PART_TICKS for g in groups)
    assert [g.start_ticks // (250 * FRAME) for g in groups if g.key] == [0, 1, 2]
    assert len(groups) == 24


def b_frames(gops: int, *, is_open: bool, length: int = 12) -> list[Sample]:
    """Decode order I P B B P B B; with `is_open` the last B pictures of a GOP follow the next I."""
    samples: list[Sample] = []
    for gop in range(gops):
        start = gop * length
        samples.append(picture((start + 2 * is_open) * FRAME, True))
        if is_open and gop:
            samples += [picture((start + n) * FRAME) for n in (0, 1)]
        anchors = range(start + 3 + 2 * is_open, start + length + 2 * is_open, 3)
        for anchor in anchors:
            samples += [picture(n * FRAME) for n in (anchor, anchor - 2, anchor - 1)]
    return samples


@pytest.mark.parametrize("is_open", [False, True])
def test_pictures_shown_before_the_keyframe_that_they_follow_stay_behind_the_cut(is_open: bool) -> None:
    samples = b_frames(6, is_open=is_open)
    groups = assembled(samples)
    check(groups, samples)
    assert all(group.key for group in groups)
    assert len(groups) == 6
    for before, after in pairwise(groups):
        assert max(s.pts for s in before.video) < min(s.pts for s in after.video)


def test_a_long_open_gop_is_cut_within_two_seconds_too() -> None:
    samples = b_frames(2, is_open=True, length=300)
    groups = assembled(samples)
    check(groups, samples)
    assert all(g.end_ticks - g.start_ticks <= MAX_PART_TICKS for g in groups)


def test_where_the_run_ends_a_keyframe_in_sight_still_begins_a_part() -> None:
    samples = [picture(n * FRAME, n % 25 == 0) for n in range(26)]
    groups = assembled(samples, end_pts=26 * FRAME + 77)
    check(groups, samples)
    assert [len(g.video) for g in groups] == [25, 1]
    assert groups[-1].end_ticks == 26 * FRAME + 77


def test_one_picture_is_a_part_of_the_usual_length() -> None:
    (group,) = assembled([picture(5000, True)])
    assert (group.start_ticks, group.end_ticks, group.key) == (0, 3600, True)
    assert assembled([]) == []


def test_a_time_before_the_last_border_is_shown_right_after_it() -> None:
    samples = [picture(n * FRAME, n % 25 == 0) for n in range(30)]
    samples += [picture(20 * FRAME), *(picture(n * FRAME) for n in range(30, 40))]
    check(assembled(samples), samples)


def test_two_pictures_with_one_time_keep_decode_times_ascending() -> None:
    times, durations = decode_times([0, 3600, 3600, 7200], 10800)
    assert times == [0, 3600, 3601, 7200]
    assert durations == [3600, 1, 3599, 3600]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=40), st.integers(1, 30))
def test_decode_times_always_add_up(pts: list[int], beyond: int) -> None:
    end = max(pts) + beyond
    times, durations = decode_times(pts, end)
    assert times[0] == min(pts)
    assert sum(durations) == end - min(pts)
    assert all(duration >= 0 for duration in durations)
    assert times == sorted(times)
    if len(pts) <= end - min(pts):
        assert min(durations) >= 1


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-4 * FRAME, 30 * FRAME), st.integers(0, 12).map(lambda n: n == 0)),
        min_size=1,
        max_size=120,
    )
)
def test_whatever_times_a_camera_gives_parts_touch_and_nothing_is_lost(steps: list[tuple[int, bool]]) -> None:
    samples, pts = [], 10 * FRAME
    for number, (step, key) in enumerate(steps):
        pts = max(pts + step, 10 * FRAME)
        samples.append(Sample(pts, b"\0\0\0\x03\x41" + number.to_bytes(2, "big"), key or number == 0))
    check(assembled(samples), samples)


def test_sound_goes_into_the_part_it_is_heard_in() -> None:
    track = audio_track(AAC_48K_STEREO)
    assembler = Assembler(track)
    heard = [Sample(n * 1024, b"sound%d" % n, True) for n in range(-3, 200)]
    groups: list[Group] = []
    for sample in heard:
        assembler.audio([sample])
    for number in range(100):
        group = assembler.video(picture(number * FRAME, number % 25 == 0))
        groups += [group] if group else []
    groups += assembler.end()
    assert [len(g.audio) for g in groups] == [47, 47, 47, 47]
    assert [s.pts for g in groups for s in g.audio] == [n * 1024 for n in range(188)]
    file = b"".join(b"".join(pack(group, n, 0, track, 0)) for n, group in enumerate(groups, 1))
    sound = [p.tracks[1] for p in scan_parts(lambda at, size: file[at : at + size], len(file))]
    assert all(
        before.base_ticks + before.duration_ticks == after.base_ticks for before, after in pairwise(sound)
    )
