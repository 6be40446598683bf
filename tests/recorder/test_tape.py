"""What is kept of a run: takes around triggers and in recording hours, written by the real writer."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from luytre.archive.check import check
from luytre.archive.keys import UNKNOWN_CLOCKS, Span
from luytre.base.clock import US_PER_S, ManualClock
from luytre.media.fmp4.write import init_segment
from luytre.media.tracks import VIDEO_TIMESCALE, Sample, VideoTrack
from luytre.recorder.assemble import Group
from luytre.recorder.gate import DETECTION_US, Gate, HoursGate, MotionGate, OpenGate
from luytre.recorder.hours import Hours
from luytre.recorder.tape import MEMORY_BYTES, Tape, Timed
from tests.archive.builder import CODES, KEY, START_US, Ward, audio, video
from tests.archive.faulty import FaultyDisk
from tests.recorder.camera import outlet_of

ORIGIN = 777
FPS = 25
FRAME = VIDEO_TIMESCALE // FPS


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    made = Ward(tmp_path / "volume", ManualClock(START_US), 300.0)
    made.take_up(KEY)
    yield made
    made.stop()


@dataclass
class Feeding:
    """A run of groups of one second, of real pictures; every `gop`-th group begins with a keyframe."""

    ward: Ward
    gate: Gate
    gop: int = 1
    sound: bool = False
    second: int = 0
    tape: Tape = field(init=False)

    def __post_init__(self) -> None:
        tracks = [video().track, audio().track] if self.sound else [video().track]
        sound = audio().track if self.sound else None
        assert not isinstance(sound, VideoTrack)
        self.tape = Tape(
            KEY,
            CODES[KEY],
            init_segment(tracks),
            sound,
            outlet_of(self.ward.writer, KEY, CODES[KEY], self.ward.clock),
            self.gate,
            self.ward.clock,
        )

    def group(self) -> Timed:
        start = self.second * VIDEO_TIMESCALE
        key = self.second % self.gop == 0
        pictures = [
            Sample(ORIGIN + start + n * FRAME, video().samples[n % 10].data, key and n == 0)
            for n in range(FPS)
        ]
        sounds = []
        if self.sound:
            first = -(-self.second * 48000 // 1024)
            last = -(-(self.second + 1) * 48000 // 1024)
            sounds = [Sample(n * 1024, audio().samples[n % 50].data, True) for n in range(first, last)]
        start_us = START_US + self.second * US_PER_S
        return Timed(
            Group(pictures, sounds, start, start + VIDEO_TIMESCALE),
            start_us,
            start_us + US_PER_S,
            UNKNOWN_CLOCKS,
        )

    def seconds(self, count: int) -> None:
        for _ in range(count):
            timed = self.group()
            self.second += 1
            self.ward.clock.advance(1)
            self.tape.add(timed, ORIGIN)
        self.ward.settle()

    def end(self, cause: str = "stalled") -> None:
        self.tape.end(cause, "", START_US + self.second * US_PER_S)
        self.ward.settle()


def told(ward: Ward) -> list[tuple[str, int, int]]:
    """What the archive has, in seconds from the start: ("recorded" or the cause of a gap, from, to)."""
    now_us = ward.clock.wall_us()
    coverage = ward.archive.coverage(KEY, START_US - 10 * US_PER_S, now_us + 10 * US_PER_S)
    found = [("recorded", *span) for span in coverage.spans]
    found += [
        (gap.cause, gap.start_us, now_us if gap.end_us is None else gap.end_us) for gap in coverage.gaps
    ]
    rounded = [(what, (a - START_US) // US_PER_S, (b - START_US) // US_PER_S) for what, a, b in found]
    return sorted(rounded, key=lambda row: row[1])


def runs(ward: Ward) -> int:
    return len({found.row.run_id for found in ward.archive.segments(KEY, Span(0, 1 << 62))})


def test_a_gate_that_never_shuts_makes_one_take(ward: Ward) -> None:
    feeding = Feeding(ward, OpenGate())
    feeding.seconds(5)
    feeding.end()
    assert told(ward) == [("recorded", 0, 5)]
    assert runs(ward) == 1
    assert check(ward.path) == []


def test_what_is_around_a_trigger_is_kept(ward: Ward) -> None:
    feeding = Feeding(ward, MotionGate(3.0, 2.0))
    feeding.seconds(10)
    assert told(ward) == [("no_motion", 0, 10)]
    feeding.gate.trigger(ward.clock.wall_us(), 1.0)
    feeding.seconds(10)
    assert told(ward) == [("no_motion", 0, 7), ("recorded", 7, 13), ("no_motion", 13, 20)]
    feeding.end("stalled")
    ward.clock.advance(5)
    assert told(ward)[-1] == ("stalled", 20, 25)
    assert check(ward.path) == []


def test_a_second_trigger_lengthens_and_a_later_one_begins_anew(ward: Ward) -> None:
    feeding = Feeding(ward, MotionGate(2.0, 2.0))
    feeding.seconds(4)
    for _ in range(3):
        feeding.gate.trigger(ward.clock.wall_us(), 0.0)
        feeding.seconds(1)
    feeding.seconds(13)
    feeding.gate.trigger(ward.clock.wall_us(), 0.0)
    feeding.seconds(5)
    feeding.end()
    assert [row for row in told(ward) if row[0] == "recorded"] == [("recorded", 2, 8), ("recorded", 18, 22)]
    assert runs(ward) == 2
    assert check(ward.path) == []


def test_a_trigger_that_tells_of_what_has_passed_reaches_back(ward: Ward) -> None:
    feeding = Feeding(ward, MotionGate(3.0, 2.0))
    feeding.seconds(10)
    feeding.gate.trigger(ward.clock.wall_us() - DETECTION_US, 0.0)
    feeding.seconds(4)
    assert [row for row in told(ward) if row[0] == "recorded"] == [("recorded", 5, 10)]


def test_a_take_begins_with_the_keyframe_before_what_is_wanted(ward: Ward) -> None:
    feeding = Feeding(ward, MotionGate(3.0, 1.0), gop=4, sound=True)
    feeding.seconds(11)
    feeding.gate.trigger(ward.clock.wall_us(), 0.0)
    feeding.seconds(5)
    feeding.end()
    (found,) = ward.archive.segments(KEY, Span(0, 1 << 62))
    first, *_ = parts = ward.archive.parts_of(found).parts
    # Wanted from 8 on, which begins a GOP; ticks count from the take's beginning.
    assert (first.key, first.start_ticks, first.wall_us) == (True, 0, START_US + 8 * US_PER_S)
    assert len(parts) == 4
    assert check(ward.path) == []


def test_memory_is_bounded_and_whole_groups_of_pictures(ward: Ward) -> None:
    feeding = Feeding(ward, MotionGate(30.0, 1.0), gop=3)
    big = video().samples[0].data * 200
    for _ in range(60):
        timed = feeding.group()
        for sample in timed.group.video:
            sample.data = big[: MEMORY_BYTES // 500]
        feeding.second += 1
        ward.clock.advance(1)
        feeding.tape.add(timed, ORIGIN)
    feeding.gate.trigger(ward.clock.wall_us(), 0.0)
    feeding.seconds(3)
    feeding.end()
    (span,) = ward.archive.coverage(KEY, 0, 1 << 62).spans
    # 20 groups of 25 pictures fit, less the rest of a group of pictures.
    assert 17 <= (span.end_us - span.start_us) / US_PER_S - 1 <= 20
    found, *_ = ward.archive.segments(KEY, Span(0, 1 << 62))
    assert ward.archive.parts_of(found).parts[0].key


def test_recording_hours(ward: Ward) -> None:
    # 2026-11-22T07:04:40Z is a Sunday, 14:04:40 in the ward.
    feeding = Feeding(ward, HoursGate(Hours.parse("Sun 14:05-14:06", ZoneInfo("Asia/Ho_Chi_Minh"))), gop=7)
    feeding.seconds(100)
    feeding.end("node_stopped")
    # From the keyframe before 14:05:00.
    assert told(ward) == [("not_scheduled", 0, 14), ("recorded", 14, 80), ("not_scheduled", 80, 100)]
    assert check(ward.path) == []


def test_a_run_that_ends_right_after_a_trigger_keeps_what_it_has(ward: Ward) -> None:
    feeding = Feeding(ward, MotionGate(3.0, 10.0))
    feeding.seconds(6)
    feeding.gate.trigger(ward.clock.wall_us(), 1.0)
    # What was in the assembler comes at the end of the run.
    feeding.seconds(1)
    feeding.end("closed_by_camera")
    ward.clock.advance(3)
    assert told(ward) == [("no_motion", 0, 3), ("recorded", 3, 7), ("closed_by_camera", 7, 10)]


def test_a_disk_that_fails_at_the_end_of_a_take_is_not_blamed_for_standby(tmp_path: Path) -> None:
    disk = FaultyDisk()
    ward = Ward(tmp_path / "volume", ManualClock(START_US), 300.0, disk)
    ward.take_up(KEY)
    feeding = Feeding(ward, MotionGate(3.0, 2.0))
    feeding.seconds(10)
    feeding.gate.trigger(ward.clock.wall_us(), 1.0)
    # The opening and five of six parts are taken.
    disk.fail("write", errno.ENOSPC, after=6, times=1)
    feeding.seconds(10)
    assert told(ward) == [
        ("no_motion", 0, 7),
        ("recorded", 7, 12),
        ("disk_full", 12, 13),
        ("no_motion", 13, 20),
    ]
    ward.flush()
    assert check(ward.path) == []
    ward.stop()
