"""A camera given on: what readers get, packet by packet, and when it ends."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import av
import pytest

from luytre.base.clock import from_ntp
from luytre.base.errors import Error
from luytre.cameras.registry import CameraChange
from luytre.media.rtp import rtcp
from luytre.media.rtsp.offering import AUDIO_TYPE
from luytre.media.tracks import Sample
from luytre.people.actor import LOCAL
from luytre.recorder.ingest import nal_receiver
from luytre.restream import delivery
from luytre.simulator import strip
from luytre.simulator.assembly import drawn, of_clip
from luytre.simulator.camera import Camera
from luytre.simulator.clips import load
from luytre.simulator.reels import Reel
from luytre.simulator.sources import Unit, VideoName
from tests.peers.clips import make_clip
from tests.restream.node import Door, closed, nals, pictures, play
from tests.simulator.watching import Watcher

CODECS = {"h264": "libx264", "h265": "libx265"}


def clip(folder: Path, codec: str = "h264", bframes: int = 0) -> Path:
    return make_clip(folder / f"{codec}.mp4", codec=CODECS[codec], bframes=bframes, seconds=2.0)


@pytest.mark.parametrize(("codec", "bframes"), [("h264", 0), ("h264", 2), ("h265", 0)])
def test_three_readers_get_what_the_camera_sent_by_one_pull(
    tmp_path: Path, codec: VideoName, bframes: int
) -> None:
    made = clip(tmp_path, codec, bframes)
    camera = of_clip(1, made, codec=codec)[0]

    async def act(door: Door) -> None:
        watchers = [await door.watch() for _ in range(3)]
        taken = await asyncio.gather(*(asyncio.to_thread(pictures, one, 60) for one in watchers))
        # Main and sub are recorded; nobody else asks the camera.
        assert camera.clients == 2
        sent = {nals(unit, codec) for unit in await asyncio.to_thread(straight, door)}
        for samples in taken:
            assert samples[0].key
            assert {nals(sample, codec) for sample in samples} <= sent
            times = sorted(sample.pts for sample in samples)
            # The newest of a stream that reorders may lack its neighbours.
            assert {after - before for before, after in pairwise(times[:-4])} == {4500}
        for one in watchers:
            one.close()
        lines = door.store.looks.list()
        assert [(line.user_name, line.action, line.stream) for line in lines] == [("VMS", "live", "main")] * 3

    def straight(door: Door) -> list[Sample]:
        with Watcher(door.simulator.url(1)) as watcher:
            return pictures(watcher, 90)

    play(tmp_path, [camera], act)


def test_a_reader_begins_at_a_keyframe_with_what_play_announced(tmp_path: Path) -> None:
    async def act(door: Door) -> None:
        watcher = await door.watch(audio=True)
        assert {track.codec for track in watcher.playing.tracks} == {"h264", "aac"}
        assert all(track.track is not None for track in watcher.playing.tracks), (
            "the description tells it all"
        )
        packets = await asyncio.to_thread(
            watcher.until, lambda seen: len({channel for channel, _ in seen}) == 2 and len(seen) > 80
        )
        for track in watcher.playing.tracks:
            mine = [packet for channel, packet in packets if channel == track.channel]
            assert (mine[0].seq, mine[0].ssrc) == (track.seq, track.ssrc)
            assert {(after.seq - before.seq) & 0xFFFF for before, after in pairwise(mine)} == {1}
            assert track.rtptime is not None
            ahead = (mine[0].timestamp - track.rtptime) & 0xFFFF_FFFF
            if mine[0].payload_type == AUDIO_TYPE:
                assert ahead < 16_000
                assert mine[0].marker
                assert {(b.timestamp - a.timestamp) & 0xFFFF_FFFF for a, b in pairwise(mine)} == {1024}
            else:
                assert ahead == 0
        watcher.close()

    play(tmp_path, of_clip(1, clip(tmp_path), audio="aac"), act, audio=True)


def test_reports_tell_when_a_picture_was_taken(tmp_path: Path) -> None:
    """The drawn camera writes the time into each picture; so a report can be checked against what is seen."""

    def seen(watcher: Watcher) -> tuple[float, float]:
        """How far the first picture's time is off what is drawn in it, and the two tracks' reports from each other; s."""
        video, sound = watcher.playing.tracks
        receiver = nal_receiver(video)
        told: dict[int, tuple[int, int]] = {}
        first: Sample | None = None
        for channel, payload in watcher.frames():
            if channel == video.channel and first is None:
                receiver.push(payload, 0, len(payload))
                first = next(iter(receiver.take()[0]), None)
            elif channel in (video.rtcp_channel, sound.rtcp_channel):
                report, name = rtcp.parse(payload)
                assert isinstance(report, rtcp.SenderReport)
                assert name == rtcp.SourceDescription(report.ssrc, "C-1@luytre")
                told[channel] = report.ntp, report.rtp_time
            if first is not None and len(told) == 2:
                break
        assert first is not None
        (ntp, at), (sound_ntp, sound_at) = told[video.rtcp_channel], told[sound.rtcp_channel]
        assert ntp == sound_ntp
        wall_us = from_ntp(ntp) + signed(first.pts - at) * 1_000_000 // 90_000
        drawn_ms = strip.read(luma(receiver.parameter_sets, first))
        assert drawn_ms is not None
        assert video.rtptime is not None
        assert sound.rtptime is not None
        apart_s = signed(at - video.rtptime) / 90_000 - signed(sound_at - sound.rtptime) / 16_000
        return (wall_us // 1000 - drawn_ms) % strip.PERIOD_MS / 1000, apart_s

    async def act(door: Door) -> None:
        watcher = await door.watch(audio=True)
        off_s, apart_s = await asyncio.to_thread(seen, watcher)
        watcher.close()
        # The recorder takes a picture's time when it arrives: some 100 ms after it was drawn, on a busy machine more.
        assert 0 <= off_s < 1.0
        assert abs(apart_s) < 0.001

    play(tmp_path, [drawn(1, audio="aac")], act, audio=True)


def signed(ticks: int) -> int:
    """A difference of two 32-bit timestamps."""
    return (ticks + (1 << 31)) % (1 << 32) - (1 << 31)


def luma(sets: tuple[bytes, ...], sample: Sample) -> strip.Gray:
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    units = [*sets, *nals(sample, "h264")]
    data = b"".join(b"\0\0\0\1" + nal for nal in units)
    (frame,) = decoder.decode(av.Packet(data)) + decoder.decode(None)
    gray: strip.Gray = frame.to_ndarray(format="gray").astype("uint8")
    return gray


def test_a_key_that_is_revoked_ends_its_sessions_and_no_others(tmp_path: Path) -> None:
    async def act(door: Door) -> None:
        other = door.store.readers.add(LOCAL, "khác")
        user, secret = other.reader.user, other.secret
        going = await door.watch()
        ending = await asyncio.to_thread(Watcher, door.url(), user=user, password=secret)
        door.store.readers.revoke(LOCAL, "khác")
        assert await closed(ending) > 0
        assert len(await asyncio.to_thread(pictures, going, 20)) == 20
        going.close()
        with pytest.raises(Error):
            await asyncio.to_thread(Watcher, door.url(), user=user, password=secret)

    play(tmp_path, of_clip(1, clip(tmp_path)), act)


def test_a_camera_that_is_removed_ends_its_sessions(tmp_path: Path) -> None:
    async def act(door: Door) -> None:
        one, two = await door.watch("C-1"), await door.watch("c-2/sub")
        door.store.registry.remove("C-1")
        assert await closed(one) > 0
        door.store.registry.change("C-2", CameraChange(enabled=False))
        assert await closed(two) > 0

    play(tmp_path, of_clip(2, clip(tmp_path)), act)


def test_other_parameters_end_a_session_and_a_new_one_gets_them(tmp_path: Path) -> None:
    cameras = of_clip(1, clip(tmp_path))

    async def act(door: Door) -> None:
        watcher = await door.watch()
        await asyncio.to_thread(pictures, watcher, 20)
        fresh = load(make_clip(tmp_path / "other.mp4", seconds=2.0, fps=10), "h264")
        cameras[0].change_parameters(fresh)
        assert await closed(watcher) > 0
        again = await door.watch()
        samples = await asyncio.to_thread(pictures, again, 8)
        assert samples[0].key
        again.close()

    play(tmp_path, cameras, act)


def test_times_go_on_over_a_reconnect_of_the_camera(tmp_path: Path) -> None:
    cameras = of_clip(1, clip(tmp_path))

    async def act(door: Door) -> None:
        watcher = await door.watch()
        before = await asyncio.to_thread(pictures, watcher, 20)
        runs = len(door.ear.states)
        cameras[0].drop()
        await door.until(lambda: len(door.ear.states) > runs and both_record(door), "it records again")
        watcher.forget()
        after = await asyncio.to_thread(pictures, watcher, 60)
        watcher.close()
        times = [sample.pts for sample in (*before, *after)]
        assert all(0 < signed(late - early) < 20 * 90_000 for early, late in pairwise(times))

    def both_record(door: Door) -> bool:
        (camera,) = door.store.registry.list()
        return all(state.state == "recording" for state in door.ear.of(camera.id)[-2:])

    play(tmp_path, cameras, act)


def test_a_reader_that_does_not_read_skips_to_keyframes_and_costs_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MAX_UNSENT", 20_000)

    async def act(door: Door) -> None:
        slow, quick = await door.watch(), await door.watch()
        taken = asyncio.create_task(asyncio.to_thread(pictures, quick, 60))
        await door.until(lambda: any(one.slow_since_s for one in door.server.connections), "one is slow")
        samples = await taken
        quick.close()
        assert {signed(late.pts - early.pts) for early, late in pairwise(samples)} == {4500}
        # What the system's own buffers hold comes first, without a gap.
        early, late = await asyncio.to_thread(jump, slow)
        slow.close()
        assert late.key
        assert signed(late.pts - early.pts) > 4500

    def jump(watcher: Watcher) -> tuple[Sample, Sample]:
        video = watcher.playing.tracks[0]
        receiver = nal_receiver(video)
        samples: list[Sample] = []
        for channel, payload in watcher.frames():
            if channel == video.channel:
                receiver.push(payload, 0, len(payload))
                samples = samples[-1:] + receiver.take()[0]
            for early, late in pairwise(samples):
                if signed(late.pts - early.pts) != 4500:
                    return early, late
        raise AssertionError("unreachable")

    picture = load(clip(tmp_path)).picture()
    units = [
        Unit(
            4500 * n,
            4500 * n,
            n % 10 == 0,
            (bytes((0x65 if n % 10 == 0 else 0x61, 0x88)) + b"\x55" * 200_000,),
        )
        for n in range(40)
    ]
    play(tmp_path, [Camera(1, dict.fromkeys(("main", "sub"), Reel(units, picture, 4500 * 40)))], act)
