"""Hours of pictures against a clock that drifts, jitters and is set; everything is simulated, nothing waits.

The truth is what a perfect clock would have said when the camera took the picture.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from luytre.archive.clocks import clocks_in
from luytre.archive.keys import Cause, Gap, Span
from luytre.base.clock import US_PER_S, to_ntp
from luytre.base.timekeeping import NodeClock
from luytre.media.rtp import rtcp
from luytre.media.tracks import Sample
from luytre.recorder.gate import OpenGate
from luytre.recorder.ingest import Ingest
from luytre.recorder.run import BUDGET_BYTES, CAPTURE_US, Target
from tests.media.clips import Coded, encode_video
from tests.recorder.camera import CODE, KEY, Bench, Sender, client_track, in_band

GOP = 50
FRAME_TICKS = 3600
TICK_S = 0.25
ALL = Span(0, 1 << 62)


@pytest.fixture(scope="module")
def clip() -> Coded:
    return encode_video("h264", frames=GOP, gop=GOP)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.writer.stop()
    made.writer.join(30)


@dataclass
class Camera:
    """One GOP shown for ever, packed once; `ticks` is the RTP time of the next picture.

    frame_ticks    what the camera says passes from picture to picture
    drift_ppm      how much longer its second is than a true one
    jitter_s       what the way to us adds, at most
    """

    samples: list[Sample]
    frame_ticks: int = FRAME_TICKS
    drift_ppm: float = 0.0
    jitter_s: float = 0.2
    rtp_base: int = 0xFFFF_0000
    ticks: int = 0
    number: int = 0
    true_s: float = 0.0
    _seq: int = 65_000
    _packed: list[tuple[bytearray, list[int]]] = field(default_factory=list)
    _due_s: float = 0.0
    _dice: random.Random = field(default_factory=lambda: random.Random(17))

    def __post_init__(self) -> None:
        for sample in self.samples:
            data = bytearray(Sender().picture(sample))
            starts, at = [], 0
            while at < len(data):
                starts.append(at + 4)
                at += 4 + struct.unpack_from(">H", data, at + 2)[0]
            self._packed.append((data, starts))
        self._due_s = self._dice.uniform(0, self.jitter_s)

    def until(self, node_s: float) -> bytes:
        """Everything that has arrived by then, in the order in which it was sent."""
        waiting = []
        while self._due_s <= node_s:
            waiting.append(self.picture())
        return b"".join(waiting)

    def picture(self) -> bytes:
        data, starts = self._packed[self.number % len(self._packed)]
        for start in starts:
            struct.pack_into(
                ">HI", data, start + 2, self._seq & 0xFFFF, self.ticks + self.rtp_base & 0xFFFF_FFFF
            )
            self._seq += 1
        self.number += 1
        self.ticks += self.frame_ticks
        self.true_s += self.frame_ticks / 90_000 * (1 + self.drift_ppm / 1e6)
        # Over TCP nothing overtakes.
        self._due_s = max(self._due_s, self.true_s + self._dice.uniform(0.005, self.jitter_s))
        return bytes(data)

    def report(self, ntp: int) -> bytes:
        """A sender report of the newest picture."""
        newest = self.ticks - self.frame_ticks + self.rtp_base & 0xFFFF_FFFF
        data = rtcp.build(rtcp.SenderReport(7, ntp, newest, 1, 1))
        return b"$\x01" + len(data).to_bytes(2, "big") + data


class Play:
    """A camera playing into an Ingest; the true time goes on from call to call."""

    def __init__(self, bench: Bench, camera: Camera, error_us: int | None = 20_000) -> None:
        self.bench, self.camera = bench, camera
        self.node = NodeClock(bench.clock, lambda: error_us)
        self.begin_us = bench.clock.wall_us()
        self.passed_s = 0.0
        self.since_us = bench.coverage().gaps[0].start_us
        self.ingest = self.connect()

    def connect(self) -> Ingest:
        target = Target(KEY, CODE, self.bench.outlet, self.bench.floor_us, OpenGate())
        self.ingest = Ingest((client_track("h264"),), target, self.bench.clock, node=self.node)
        return self.ingest

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            self.bench.clock.advance(TICK_S)
            self.passed_s += TICK_S
            data = self.camera.until(self.passed_s)
            if data:
                self.ingest.feed(data)
            # Hours pass in seconds here: the disk is given the time that it would have.
            run = self.ingest.run
            if run is not None and run.handle is not None and run.handle.pending_bytes > BUDGET_BYTES // 4:
                settled(self.bench)

    def end(self) -> None:
        self.ingest.end(Cause.NODE_STOPPED)
        self.bench.settle()


def prove(play: Play) -> tuple[list[Span], list[Gap]]:
    """No part of an absurd length, no overlap, nothing unexplained, and a clean check. Gives spans and closed gaps."""
    bench = play.bench
    # After a clock set back the ledger runs ahead of it; wait until all of it has been.
    bench.clock.advance(10 * 86_400)
    for part in bench.parts():
        assert 0 < part.end_us - part.entry.wall_us < 10 * US_PER_S
        assert 0 < part.entry.duration_ticks < 10 * 90_000
    for before, after in pairwise(bench.parts()):
        assert before.end_us <= after.entry.wall_us
    coverage = bench.coverage()
    now_us = bench.clock.wall_us()
    gaps = [gap for gap in coverage.gaps if gap.end_us is not None]
    lasting_us = now_us - coverage.spans[-1].end_us
    recorded_us = sum(end - start for start, end in coverage.spans)
    missing_us = sum((gap.end_us or 0) - gap.start_us for gap in gaps)
    assert recorded_us + missing_us + lasting_us == now_us - play.since_us
    assert bench.close() == []
    return coverage.spans, gaps


def settled(bench: Bench) -> int:
    """The writer has done all that it was given; where the next run may begin."""
    return bench.writer.take_up(KEY, CODE).result(60)


def labels(play: Play) -> Iterator[tuple[float, int, int | None]]:
    """For each border of parts where no picture was lost: seconds from the first picture as the camera counts them, the
    wall time it was given, and the error that its segment tells.
    """
    at = 0
    for part in play.bench.parts():
        error_us = part.found.row.error_us
        yield at / 90_000, part.entry.wall_us, error_us
        at += part.entry.duration_ticks
        yield at / 90_000, part.end_us, error_us


@pytest.mark.parametrize("drift_ppm", [30.0, -30.0])
def test_six_hours_of_a_drifting_camera_stay_within_half_a_second(
    bench: Bench, clip: Coded, drift_ppm: float
) -> None:
    play = Play(bench, Camera(in_band(clip), drift_ppm=drift_ppm))
    play.run(6 * 3600)
    play.end()
    worst_us = 0.0
    for media_s, wall_us, error_us in labels(play):
        off_us = abs(wall_us - play.begin_us - media_s * (1 + drift_ppm / 1e6) * US_PER_S)
        worst_us = max(worst_us, off_us)
        assert error_us is not None
        assert off_us <= error_us + TICK_S * US_PER_S
    # Measured: 0.140 s, the delay of the first picture and the tick it waited for.
    assert worst_us < 200_000
    spans, gaps = prove(play)
    assert len(spans) == 1
    assert spans[0].end_us - spans[0].start_us > 21_599 * US_PER_S
    assert [gap.cause for gap in gaps] == ["connecting"]


@pytest.mark.parametrize("per_second", [12.5, 30.0, 1.0])
def test_a_camera_that_says_25_and_sends_another_rate(bench: Bench, clip: Coded, per_second: float) -> None:
    play = Play(bench, Camera(in_band(clip), frame_ticks=round(90_000 / per_second)))
    play.run(600)
    play.end()
    spans, gaps = prove(play)
    assert len(spans) == 1
    assert spans[0].end_us - spans[0].start_us == pytest.approx(600 * US_PER_S, abs=2 * US_PER_S)
    assert [gap.cause for gap in gaps] == ["connecting"]


@pytest.mark.parametrize("jump_s", [3.0, -3.0, 3600.0, -3600.0, 6 * 3600.0, 20 * 3600.0, -20 * 3600.0])
def test_jumping_timestamps_cost_the_rest_of_a_gop(bench: Bench, clip: Coded, jump_s: float) -> None:
    play = Play(bench, Camera(in_band(clip)))
    play.run(100.5)
    play.camera.ticks += round(jump_s * 90_000)
    play.run(100)
    play.camera.rtp_base = 0x1234_5678
    play.run(100)
    play.end()
    spans, gaps = prove(play)
    assert [gap.cause for gap in gaps] == ["connecting", "timestamp_jump", "timestamp_jump"]
    assert all((gap.end_us or 0) - gap.start_us < 2.6 * US_PER_S for gap in gaps[1:])
    assert spans[-1].end_us == pytest.approx(play.begin_us + 300.5 * US_PER_S, abs=0.3 * US_PER_S)


def test_timestamps_that_stand_still_are_no_recording_and_no_nonsense(bench: Bench, clip: Coded) -> None:
    play = Play(bench, Camera(in_band(clip)))
    play.run(60)
    play.camera.frame_ticks = 0
    # The camera goes on sending: its own counting of time is what stands still.
    for _ in range(240):
        bench.clock.advance(TICK_S)
        play.passed_s += TICK_S
        play.ingest.feed(b"".join(play.camera.picture() for _ in range(6)))
    play.camera.frame_ticks = FRAME_TICKS
    play.camera.true_s = play.passed_s
    play.run(60)
    play.end()
    spans, gaps = prove(play)
    assert {gap.cause for gap in gaps[1:]} == {"timestamp_jump"}
    recorded_s = sum(end - start for start, end in spans) / US_PER_S
    assert 115 < recorded_s < 126


@pytest.mark.parametrize("step_s", [3600.0, 5.0, 1.0, -1.0, -5.0, -3600.0])
def test_a_node_clock_that_is_set_loses_no_picture_and_time_comes_back_to_the_truth(
    bench: Bench, clip: Coded, step_s: float
) -> None:
    play = Play(bench, Camera(in_band(clip)))
    play.run(600.5)
    bench.clock.step_wall(step_s)
    play.run(600 + 2 * max(-step_s, 0))
    play.end()
    assert sum(part.entry.duration_ticks for part in bench.parts()) == play.camera.ticks
    off_us = [
        wall_us - play.begin_us - (media_s + (step_s if media_s > 600.5 else 0)) * US_PER_S
        for media_s, wall_us, _ in labels(play)
    ]
    assert all(
        error_us is not None and abs(off) <= error_us + TICK_S * US_PER_S
        for off, (_, _, error_us) in zip(off_us, labels(play), strict=True)
    )
    assert abs(off_us[-1]) < 200_000
    spans, gaps = prove(play)
    if step_s > 0:
        assert [gap.cause for gap in gaps] == ["connecting", "clock_stepped"]
        assert (gaps[1].end_us or 0) - gaps[1].start_us == pytest.approx(step_s * US_PER_S, abs=2)
        assert gaps[1].detail == f"+{step_s:.3f} s"
    else:
        assert [gap.cause for gap in gaps] == ["connecting"]
        assert len(spans) == 1


@pytest.mark.parametrize("step_s", [0.4, -0.4])
def test_a_small_correction_is_followed_without_a_new_run(bench: Bench, clip: Coded, step_s: float) -> None:
    play = Play(bench, Camera(in_band(clip)))
    play.run(60)
    bench.clock.step_wall(step_s)
    play.run(1000)
    play.end()
    assert len({part.found.row.run_id for part in bench.parts()}) == 1
    *_, (media_s, wall_us, _) = labels(play)
    assert abs(wall_us - play.begin_us - (media_s + step_s) * US_PER_S) < 200_000
    prove(play)


def test_a_clock_set_and_set_back_within_a_gop_changes_nothing(bench: Bench, clip: Coded) -> None:
    play = Play(bench, Camera(in_band(clip)))
    play.run(60.25)
    bench.clock.step_wall(-3600)
    play.run(0.5)
    bench.clock.step_wall(3600)
    play.run(60)
    play.end()
    assert len({part.found.row.run_id for part in bench.parts()}) == 1
    spans, _ = prove(play)
    assert len(spans) == 1


def test_a_step_forward_uses_up_the_lead_of_a_step_back(bench: Bench, clip: Coded) -> None:
    play = Play(bench, Camera(in_band(clip)))
    play.run(60)
    bench.clock.step_wall(-3600)
    play.run(600)
    bench.clock.step_wall(3600)
    play.run(60)
    play.end()
    assert sum(part.entry.duration_ticks for part in bench.parts()) == play.camera.ticks
    _, gaps = prove(play)
    # Half of the ten minutes had been won back.
    assert [(gap.end_us or 0) - gap.start_us for gap in gaps[1:]] == [pytest.approx(300e6, abs=2e6)]


@pytest.mark.parametrize("step_s", [3600.0, 5.0, -5.0, -3600.0])
def test_a_clock_that_is_set_while_the_camera_is_away(bench: Bench, clip: Coded, step_s: float) -> None:
    play = Play(bench, Camera(in_band(clip)))
    play.run(60)
    play.ingest.end(Cause.CLOSED_BY_CAMERA)
    for cause in (Cause.REFUSED, Cause.HOST_DOWN):
        bench.clock.advance(10)
        play.passed_s += 10
        bench.writer.gap(KEY, bench.clock.wall_us(), cause)
    bench.clock.step_wall(step_s)
    bench.floor_us = settled(bench)
    play.camera.until(play.passed_s)
    play.connect()
    play.run(2 * max(-step_s, 0) + 120)
    play.end()
    end_us = bench.clock.wall_us()
    spans, gaps = prove(play)
    wanted = ["connecting", "closed_by_camera", "refused", "host_down"]
    # With the clock set back, wall time stands at where the last cause began.
    assert [gap.cause for gap in gaps] == (wanted if step_s > 0 else wanted[:3])
    assert abs(spans[-1].end_us - end_us + 10 * US_PER_S) < 0.4 * US_PER_S


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_to_the_clocks_the_ledger_adds_up(bench: Bench, clip: Coded, seed: int) -> None:
    dice = random.Random(seed)
    play = Play(bench, Camera(in_band(clip), drift_ppm=dice.uniform(-200, 200)))
    for _ in range(25):
        play.run(dice.uniform(0.25, 90))
        match dice.randrange(5):
            case 0:
                play.camera.ticks += dice.choice([-1, 1]) * round(10 ** dice.uniform(3, 9.6))
            case 1 | 2:
                bench.clock.step_wall(dice.choice([-1, 1]) * 10 ** dice.uniform(-1, 4))
            case 3:
                play.ingest.end(Cause.CLOSED_BY_CAMERA)
                bench.floor_us = settled(bench)
                play.connect()
            case _:
                play.camera.rtp_base = dice.randrange(1 << 32)
    play.end()
    prove(play)


class TestTheCamerasClock:
    @pytest.mark.parametrize("ahead_s", [0.0, -0.5, 86_400.0, -40 * 365 * 86_400.0, 60 * 365 * 86_400.0])
    def test_is_stored_as_it_is_and_places_nothing(self, bench: Bench, clip: Coded, ahead_s: float) -> None:
        play = Play(bench, Camera(in_band(clip)))
        play.run(30)
        play.ingest.feed(play.camera.report(to_ntp(bench.clock.wall_us() + round(ahead_s * US_PER_S))))
        play.run(30)
        play.end()
        (span,) = clocks_in(bench.archive, KEY, ALL)
        assert span.clocks.camera_us == pytest.approx(ahead_s * US_PER_S, abs=0.5 * US_PER_S)
        assert span.clocks.error_us == pytest.approx(20_000 + CAPTURE_US, abs=140_000)
        spans, _ = prove(play)
        assert span[:2] == spans[0]
        assert spans[0].end_us == pytest.approx(play.begin_us + 60 * US_PER_S, abs=0.3 * US_PER_S)

    def test_is_unknown_without_a_report_that_knows_it(self, bench: Bench, clip: Coded) -> None:
        play = Play(bench, Camera(in_band(clip)), error_us=None)
        # Before the first picture there is nothing to compare with; 0 says that the camera has no clock.
        play.ingest.feed(play.camera.report(to_ntp(bench.clock.wall_us())))
        play.run(30)
        play.ingest.feed(play.camera.report(0))
        play.run(30)
        play.end()
        (span,) = clocks_in(bench.archive, KEY, ALL)
        assert span.clocks == (None, None)
        prove(play)

    def test_goes_on_into_the_next_run_and_does_not_move_with_the_nodes(
        self, bench: Bench, clip: Coded
    ) -> None:
        play = Play(bench, Camera(in_band(clip)))
        play.run(30)
        play.ingest.feed(play.camera.report(to_ntp(bench.clock.wall_us() + 7 * US_PER_S)))
        assert play.ingest.clock_offset_ms == pytest.approx(7000, abs=500)
        bench.clock.step_wall(-3600)
        play.run(30)
        play.ingest.feed(play.camera.report(to_ntp(bench.clock.wall_us() + 7 * US_PER_S)))
        assert play.ingest.clock_offset_ms == pytest.approx(7000, abs=500)
        play.end()
        prove(play)
