"""From packets to the archive: bit-exact, at the right time, and what ends a run; the clock is simulated."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from luytre.archive.keys import Cause
from luytre.archive.open_segment import Part, RunHandle
from luytre.base.clock import to_ntp
from luytre.base.errors import Error
from luytre.media.rtp import rtcp
from luytre.media.tracks import AudioTrack, Sample
from luytre.recorder import run as run_module
from tests.archive.faulty import FaultyDisk
from tests.media.clips import Coded, encode_audio, encode_video
from tests.recorder.camera import (
    CODE,
    KEY,
    Bench,
    Sender,
    client_track,
    in_band,
    of_file,
    pictures,
    sound_track,
)

GARBAGE_FRAME = b"$\0\0\x10" + b"\x80\x60" + bytes(14)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.writer.stop()
    made.writer.join(30)


@pytest.fixture(scope="module")
def clip() -> Coded:
    return encode_video("h264", frames=150, gop=25)


def later(samples: list[Sample], ticks: int) -> list[Sample]:
    return [Sample(s.pts + ticks, s.data, s.key) for s in samples]


def shifted(samples: list[Sample]) -> list[tuple[int, bytes, bool]]:
    """Times from the first keyframe; what is shown before it in decode order after it is not recorded."""
    first = next(n for n, s in enumerate(samples) if s.key)
    origin = samples[first].pts
    return [(s.pts - origin, s.data, s.key) for s in samples[first:] if s.pts >= origin]


def as_tuples(samples: list[Sample]) -> list[tuple[int, bytes, bool]]:
    return [(s.pts, s.data, s.key) for s in samples]


@pytest.mark.parametrize(("codec", "b_frames"), [("h264", 0), ("h264", 3), ("h265", 0), ("h265", 2)])
def test_what_was_sent_is_what_is_recorded(bench: Bench, codec: str, b_frames: int) -> None:
    samples = in_band(encode_video(codec, frames=120, gop=30, b_frames=b_frames))
    ingest = bench.ingest(client_track(codec))
    bench.play(ingest, Sender(codec), samples)
    ingest.end(Cause.CLOSED_BY_CAMERA)
    bench.settle()
    assert as_tuples(bench.recorded()) == shifted(samples)
    assert ingest.lost == 0
    parts = bench.parts()
    assert all(before.end_us == after.entry.wall_us for before, after in pairwise(parts))
    assert bench.coverage().gaps[-1].cause == Cause.CLOSED_BY_CAMERA
    assert bench.close() == []


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("video/bottle-detection.mp4", "h264"),
        ("video/one-by-one-person-detection.mp4", "h264"),
        ("video/adith_cctv.mp4", "h264"),
        ("video/traffic_camera_vfr.mp4", "h264"),
        ("video/rfmanz_night.mp4", "h265"),
        ("traps/h264_3bf_pyramid_nobsrestriction.mp4", "h264"),
        ("traps/h265_bframes.mp4", "h265"),
        ("traps/ps_prefix_first_idr.mp4", "h264"),
    ],
)
def test_real_clips_come_out_bit_for_bit(bench: Bench, test_data: Path, name: str, codec: str) -> None:
    samples = of_file(test_data / name, codec)
    samples = [s for s in samples if s.pts - samples[0].pts < 40 * 90_000]
    ingest = bench.ingest(client_track(codec))
    bench.play(ingest, Sender(codec), samples)
    ingest.end(Cause.CLOSED_BY_CAMERA)
    bench.settle()
    recorded = bench.recorded()
    # What a demuxer calls a keyframe and what we do may differ; the bytes and the times may not.
    first = next(n for n, s in enumerate(samples) if s.data == recorded[0].data)
    origin = samples[first].pts
    wanted = [(s.pts - origin, s.data) for s in samples[first:] if s.pts >= origin]
    assert [(s.pts, s.data) for s in recorded] == wanted
    assert len(wanted) >= 10
    assert bench.close() == []


def test_sound_and_pictures_lie_side_by_side(bench: Bench, clip: Coded) -> None:
    sound = encode_audio(frames=280)
    assert isinstance(sound.track, AudioTrack)
    samples = in_band(clip)
    tracks = client_track("h264", rtptime=0xFFFF_0000), sound_track(sound.track.config, 48_000)
    ingest = bench.ingest(tracks[0], tracks[1])
    video, audio = Sender(), Sender(channel=2, rtp_base=777)
    for tick in range(30):
        due = [s for s in samples if tick * 5 <= s.pts // 3600 < tick * 5 + 5]
        heard = [s for s in sound.samples if tick * 9600 <= s.pts < tick * 9600 + 9600]
        bench.clock.advance(0.2)
        ingest.feed(b"".join([*map(video.picture, due), *map(audio.sound, heard)]))
    ingest.end(Cause.NODE_STOPPED)
    bench.settle()
    found = list(pictures(bench.parts(), track=2))
    sent = [s.data for s in sound.samples]
    begin = sent.index(found[0].data)
    assert [s.data for s in found] == sent[begin : begin + len(found)]
    assert begin <= 2
    assert len(found) > 270
    assert {b.pts - a.pts for a, b in pairwise(found)} == {1024}
    # By arrival: no RTP-Info told where the sound begins.
    assert abs(found[0].pts - begin * 1024) <= 0.04 * 48_000
    assert bench.close() == []


def test_pictures_before_the_first_keyframe_are_waited_out(bench: Bench, clip: Coded) -> None:
    samples = in_band(clip)[10:]
    ingest = bench.ingest(client_track("h264"))
    bench.play(ingest, Sender(), samples)
    assert ingest.run is not None
    ingest.end(Cause.NODE_STOPPED)
    bench.settle()
    assert as_tuples(bench.recorded()) == shifted(samples)


def test_new_parameters_in_mid_stream_make_two_runs_that_touch(bench: Bench, clip: Coded) -> None:
    other = in_band(encode_video("h264", frames=75, gop=25, params=":ref=3:level=40"))
    assert other[0].data != clip.samples[0].data
    samples = in_band(clip)[:80]
    ingest = bench.ingest(client_track("h264"))
    sender = Sender()
    bench.play(ingest, sender, samples + later(other, 80 * 3600))
    ingest.end(Cause.NODE_STOPPED)
    bench.settle()
    coverage = bench.coverage()
    assert len(coverage.spans) == 1
    assert [gap.cause for gap in coverage.gaps if gap.start_us < coverage.spans[0].start_us] == ["connecting"]
    assert [gap.cause for gap in coverage.gaps if gap.start_us > coverage.spans[0].start_us] == [
        "node_stopped"
    ]
    runs = {part.found.row.run_id: part.entry.wall_us for part in bench.parts()}
    assert len(runs) == 2
    data = [s.data for s in bench.recorded()]
    assert data == [s.data for s in samples] + [s.data for s in other]
    assert bench.close() == []


@pytest.mark.parametrize("jump_s", [3600, -3600, 5, -5])
def test_jumping_timestamps_end_the_run_and_the_next_begins_at_a_keyframe(
    bench: Bench, clip: Coded, jump_s: int
) -> None:
    samples = in_band(clip)
    ingest = bench.ingest(client_track("h264"))
    sender = Sender()
    bench.play(ingest, sender, samples[:60])
    bench.play(ingest, sender, later(samples[60:], jump_s * 90_000))
    ingest.end(Cause.NODE_STOPPED)
    bench.settle()
    coverage = bench.coverage()
    assert [gap.cause for gap in coverage.gaps] == ["connecting", "timestamp_jump", "node_stopped"]
    gap = coverage.gaps[1]
    assert gap.end_us is not None
    # The rest of the interrupted GOP: 15 of 25 pictures, and what a tick adds.
    assert 0.3e6 < gap.end_us - gap.start_us < 1.1e6
    assert bench.close() == []


def test_timestamps_that_stand_still_do_not_gather_memory(bench: Bench, clip: Coded) -> None:
    samples = in_band(clip)
    ingest = bench.ingest(client_track("h264"))
    sender = Sender()
    bench.play(ingest, sender, samples[:50])
    run = ingest.run
    for _ in range(30 * 5):
        bench.clock.advance(0.2)
        ingest.feed(b"".join(sender.picture(Sample(49 * 3600, samples[1].data, False)) for _ in range(5)))
    assert ingest.run is not run
    ingest.end(Cause.NODE_STOPPED)
    bench.settle()
    assert "timestamp_jump" in [gap.cause for gap in bench.coverage().gaps]
    assert bench.close() == []


def test_a_camera_that_delivers_fewer_pictures_than_it_says_keeps_its_times(
    bench: Bench, clip: Coded
) -> None:
    # Every third picture of 25 per second; the description's rate is never asked.
    samples = [s for n, s in enumerate(in_band(clip)) if n % 3 == 0 or s.key]
    ingest = bench.ingest(client_track("h264"))
    bench.play(ingest, Sender(), samples)
    ingest.end(Cause.NODE_STOPPED)
    bench.settle()
    assert as_tuples(bench.recorded()) == shifted(samples)
    assert bench.close() == []


def test_one_picture_in_five_seconds_is_recorded_too(bench: Bench, clip: Coded) -> None:
    samples = [Sample(n * 5 * 90_000, s.data, True) for n, s in enumerate(in_band(clip)[::25])]
    ingest = bench.ingest(client_track("h264"))
    bench.play(ingest, Sender(), samples)
    ingest.end(Cause.NODE_STOPPED)
    bench.settle()
    assert [s.pts for s in bench.recorded()] == [n * 450_000 for n in range(6)]
    assert bench.close() == []


def test_lost_packets_are_counted_and_the_rest_is_recorded(bench: Bench, clip: Coded) -> None:
    samples = in_band(clip)
    ingest = bench.ingest(client_track("h264"))
    sender = Sender()
    bench.play(ingest, sender, samples[:30])
    sender.seq += 3
    bench.play(ingest, sender, samples[31:])
    ingest.end(Cause.NODE_STOPPED)
    bench.settle()
    assert ingest.lost == 3
    assert len(bench.recorded()) == 149
    assert bench.close() == []


def test_garbage_between_frames_is_an_error_with_a_cause(bench: Bench, clip: Coded) -> None:
    ingest = bench.ingest(client_track("h264"))
    ingest.feed(GARBAGE_FRAME + Sender().picture(in_band(clip)[0]))
    with pytest.raises(Error) as caught:
        ingest.feed(b"\xff" * 100)
    assert caught.value.cause == Cause.BAD_MEDIA


def test_messages_between_frames_are_put_aside(bench: Bench, clip: Coded) -> None:
    samples, sender = in_band(clip), Sender()
    ingest = bench.ingest(client_track("h264"))
    answer = b"RTSP/1.0 200 OK\r\nCSeq: 7\r\n\r\n"
    stream = sender.picture(samples[0]) + answer + b"\r\n" + sender.picture(samples[1])
    for at in range(0, len(stream), 7):
        ingest.feed(stream[at : at + 7])
    assert b"".join(ingest.messages).strip() == answer.strip()
    assert ingest.pictures == 2


def test_no_parameter_sets_is_told_apart_from_no_keyframe(bench: Bench, clip: Coded) -> None:
    bare = bench.ingest(client_track("h264"))
    bench.play(bare, Sender(), clip.samples)
    assert bare.pictures == bare.unused == len(clip.samples)
    assert bare.no_pictures().cause == Cause.NO_PARAMETERS
    endless = bench.ingest(client_track("h264"))
    bench.play(endless, Sender(), [Sample(s.pts, s.data, s.key) for s in in_band(clip) if not s.key])
    assert endless.run is None
    assert endless.no_pictures().cause == Cause.NO_PARAMETERS
    noise = bench.ingest(client_track("h264"))
    noise.feed(b"$\0\0\x10" + bytes(16))
    assert noise.no_pictures().cause == Cause.BAD_MEDIA


def test_the_camera_clock_is_compared_not_followed(bench: Bench, clip: Coded) -> None:
    sender = Sender()
    ingest = bench.ingest(client_track("h264"))
    bench.play(ingest, sender, in_band(clip)[:50])
    ntp = to_ntp(bench.clock.wall_us() + 3_600_000_000)
    report = rtcp.build(rtcp.SenderReport(7, ntp, (sender.rtp_base + 50 * 3600) & 0xFFFF_FFFF, 1, 1))
    ingest.feed(b"$\x01" + len(report).to_bytes(2, "big") + report)
    assert ingest.clock_offset_ms is not None
    assert abs(ingest.clock_offset_ms - 3_600_000) < 300


def test_a_slow_disk_ends_the_run_and_memory_stays_bounded(
    bench: Bench, clip: Coded, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = 60_000
    monkeypatch.setattr(run_module, "BUDGET_BYTES", budget)
    monkeypatch.setattr("luytre.recorder.outlet.BUDGET_BYTES", budget)
    handed: list[int] = []

    def never_written(run: RunHandle, part: Part) -> None:
        handed.append(part.size)
        run.enqueued += part.size

    monkeypatch.setattr(bench.writer, "write", never_written)
    ingest = bench.ingest(client_track("h264"))
    big = [Sample(s.pts, s.data + b"\0\0\x0f\xa0\x0c" + bytes(3999), s.key) for s in in_band(clip)]
    bench.play(ingest, Sender(), [s for n in range(4) for s in later(big, n * 150 * 3600)])
    assert sum(handed) < 4 * budget
    assert ingest.blocked == Cause.DISK_SLOW
    assert not ingest.is_recording


@pytest.mark.parametrize("before", [Cause.HOST_DOWN, Cause.NO_MOTION])
def test_a_disk_that_takes_nothing_is_told_though_no_run_was_open(
    tmp_path: Path, clip: Coded, before: Cause
) -> None:
    disk = FaultyDisk()
    bench = Bench(tmp_path, disk=disk)
    bench.outlet.gap(bench.clock.wall_us(), before)
    disk.fail("flush", errno.EROFS)
    bench.clock.advance(3)
    for _ in range(2):
        bench.writer.take_up(KEY, CODE).result(20)
    begin_us = bench.clock.wall_us()
    ingest, sender = bench.ingest(client_track("h264")), Sender()
    bench.play(ingest, sender, in_band(clip)[:30])
    assert (ingest.run, ingest.blocked) == (None, "disk_read_only")
    disk.heal()
    bench.settle()
    told = bench.coverage().gaps[-1]
    assert told.cause == "disk_read_only"
    assert 0 <= told.start_us - begin_us < 1_000_000
    bench.clock.advance(10)
    bench.play(ingest, sender, later(in_band(clip), 20 * 90_000))
    ingest.end(Cause.NODE_STOPPED)
    bench.settle()
    assert len(bench.recorded()) > 100
    assert [gap.cause for gap in bench.coverage().gaps][1:] == [before, "disk_read_only", "node_stopped"]
    assert bench.close() == []
