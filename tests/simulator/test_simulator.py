"""Simulated cameras over real sockets: as FFmpeg sees them, packet by packet, and when they fail."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import Literal

import av
import pytest
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from luytre.base.clock import SYSTEM, from_ntp
from luytre.base.errors import Error
from luytre.media.rtp import rtcp
from luytre.media.rtsp.auth import Credentials, Scheme
from luytre.media.rtsp.server import Guard
from luytre.media.tracks import AudioCodec
from luytre.simulator.assembly import drawn, of_clip, running
from luytre.simulator.camera import Camera, Refusal
from luytre.simulator.clips import load
from luytre.simulator.command import Ready, run
from luytre.simulator.player import MAX_UNSENT
from luytre.simulator.reels import Reel
from luytre.simulator.server import Simulator
from luytre.simulator.sources import TICKS, Unit, VideoName
from tests.peers.clips import make_clip
from tests.simulator.watching import TIMEOUT_S, Watcher, opened

WHO = Credentials("admin", "p@ss/w:rd")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture
def camera(clip: Path) -> Camera:
    return of_clip(1, clip, audio="aac")[0]


@pytest.fixture
def simulator(camera: Camera) -> Iterator[Simulator]:
    with running(Simulator([camera], tick_s=0.01)) as started:
        yield started


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_ffmpeg_decodes_over_the_end_of_the_loop(tmp_path: Path, codec: VideoName) -> None:
    made = make_clip(tmp_path / "clip.mp4", codec={"h264": "libx264", "h265": "libx265"}[codec])
    with (
        running(Simulator(of_clip(1, made, codec=codec, audio="aac"))) as simulator,
        opened(simulator.url(1)) as container,
    ):
        video, sound = container.streams.video[0], container.streams.audio[0]
        assert video.codec_context.name == {"h264": "h264", "h265": "hevc"}[codec]
        assert (sound.codec_context.name, sound.codec_context.sample_rate) == ("aac", 16000)
        pictures: list[int] = []
        heard: list[int] = []
        for packet in container.demux(video, sound):
            times = pictures if packet.stream is video else heard
            for frame in packet.decode():
                if isinstance(frame, (VideoFrame, AudioFrame)) and frame.pts is not None:
                    times.append(frame.pts)
            if len(pictures) >= 45:
                break
    assert {after - before for before, after in pairwise(pictures[1:])} == {4500}
    assert {after - before for before, after in pairwise(heard[1:])} == {1024}
    assert len(heard) > 20


@pytest.mark.parametrize(
    ("codec", "name", "rate"),
    [("alaw", "pcm_alaw", 8000), ("ulaw", "pcm_mulaw", 8000), ("opus", "opus", 48_000)],
)
def test_ffmpeg_hears_each_kind_of_sound(clip: Path, codec: AudioCodec, name: str, rate: int) -> None:
    cameras = of_clip(1, clip, audio=codec)
    with running(Simulator(cameras, tick_s=0.01)) as simulator, opened(simulator.url(1)) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.codec_context.sample_rate) == (name, rate)
        packets = list(islice(container.demux(stream), 60))
    sound = cameras[0].streams["main"].source.sound
    assert sound is not None
    assert b"".join(map(bytes, packets)) in b"".join(sound.frames) * 2
    assert {(b.pts or 0) - (a.pts or 0) for a, b in pairwise(packets)} == {rate // 50}


@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_passwords(clip: Path, scheme: Scheme) -> None:
    with running(Simulator(of_clip(1, clip), guard=Guard(scheme, WHO))) as simulator:
        with opened(simulator.url(1), WHO.user, WHO.password) as container:
            assert next(container.decode(video=0)).width == 160
        for user, password in (("", ""), (WHO.user, "wrong"), ("nobody", WHO.password)):
            with pytest.raises(av.HTTPUnauthorizedError), opened(simulator.url(1), user, password):
                pass


def test_the_first_packets_are_those_that_play_announced(simulator: Simulator) -> None:
    with Watcher(simulator.url(1), audio=True) as watcher:
        packets = watcher.until(lambda seen: len({channel for channel, _ in seen}) == 2)
        for track in watcher.playing.tracks:
            first = next(packet for channel, packet in packets if channel == track.channel)
            assert (first.seq, first.timestamp, first.ssrc) == (track.seq, track.rtptime, track.ssrc)


def test_clients_of_one_camera_have_their_own_numbers(simulator: Simulator) -> None:
    one, two = Watcher(simulator.url(1), audio=True), Watcher(simulator.url(1, "sub"), audio=True)
    for watcher in (one, two):
        packets = watcher.until(lambda seen: len(seen) > 150)
        for track in watcher.playing.tracks:
            mine = [packet for channel, packet in packets if channel == track.channel]
            assert {packet.ssrc for packet in mine} == {track.ssrc}
            assert {(after.seq - before.seq) & 0xFFFF for before, after in pairwise(mine)} == {1}
    assert {track.ssrc for track in one.playing.tracks}.isdisjoint(track.ssrc for track in two.playing.tracks)
    one.close()
    two.close()


def test_sender_reports_tell_the_true_time(
    camera: Camera, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("luytre.simulator.player.REPORT_EVERY_S", 0.2)
    camera.clock_offset_s = -3.0
    with Watcher(simulator.url(1), audio=True) as watcher:
        newest: dict[int, int] = {}
        seen: dict[int, float] = {}
        for channel, payload in watcher.frames():
            if channel % 2 == 0:
                newest[channel] = int.from_bytes(payload[4:8], "big")
                continue
            report, name = rtcp.parse(payload)
            assert isinstance(report, rtcp.SenderReport)
            assert name == rtcp.SourceDescription(report.ssrc, "cam1")
            assert report.packets > 0
            rate = 16000 if channel == 3 else TICKS
            ahead_s = ((report.rtp_time - newest[channel - 1] + (1 << 31)) % (1 << 32) - (1 << 31)) / rate
            assert -0.02 <= ahead_s < 0.2
            seen[channel] = (from_ntp(report.ntp) - SYSTEM.wall_us()) / 1e6
            if len(seen) == 2:
                break
        assert all(-3.5 < offset <= -3.0 for offset in seen.values())


def wait_for_end(watcher: Watcher) -> int:
    """How many frames came before the connection ended."""
    count = 0
    try:
        for _ in watcher.frames():
            count += 1
    except (EOFError, ConnectionError):
        return count
    raise AssertionError("unreachable")


def test_drop_closes_and_takes_new_ones(camera: Camera, simulator: Simulator) -> None:
    with Watcher(simulator.url(1)) as watcher:
        camera.drop()
        wait_for_end(watcher)
    with Watcher(simulator.url(1)) as again:
        assert len(list(islice(again.frames(), 3))) == 3


def test_close_every_so_often(camera: Camera, simulator: Simulator) -> None:
    camera.close_every_s = 0.3
    with Watcher(simulator.url(1)) as watcher:
        assert wait_for_end(watcher) > 0


def test_freeze_sends_nothing_and_then_a_keyframe(camera: Camera, simulator: Simulator) -> None:
    with Watcher(simulator.url(1)) as watcher:
        next(watcher.frames())
        camera.freeze()
        watcher.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            for _ in watcher.frames():
                pass
        watcher.socket.settimeout(TIMEOUT_S)
        # RTSP still answers.
        watcher.session.keepalive(0.0)
        watcher.socket.sendall(watcher.session.keepalive(1000.0))
        assert watcher.socket.recv(4096).startswith(b"RTSP/1.0 200 OK")
        watcher.forget()
        camera.freeze(False)
        (_, packet), *_ = watcher.until(lambda seen: True)
        # A STAP-A with the parameter sets, or the first of them.
        assert packet.payload[0] & 0x1F in (7, 24, 6, 9)


@pytest.mark.parametrize(
    ("refuse", "cause"),
    [
        ("not_found", "not_found"),
        ("unavailable", "server_error"),
        ("unsupported", "unsupported_codec"),
        ("no_video", "no_video"),
    ],
)
def test_refusals(camera: Camera, simulator: Simulator, refuse: Refusal, cause: str) -> None:
    camera.refuse = refuse
    with pytest.raises(Error) as caught:
        Watcher(simulator.url(1))
    assert caught.value.cause == cause


def test_hanging_up(camera: Camera, simulator: Simulator) -> None:
    camera.refuse = "hang_up"
    with pytest.raises((EOFError, ConnectionError)):
        Watcher(simulator.url(1))


@pytest.mark.parametrize("kind", ["packets", "stream"])
def test_garbage(camera: Camera, simulator: Simulator, kind: Literal["packets", "stream"]) -> None:
    with Watcher(simulator.url(1)) as watcher:
        camera.garbage = kind
        if kind == "stream":
            with pytest.raises(Error):
                for _ in watcher.frames():
                    pass
        else:
            broken = (payload for _, payload in watcher.frames() if payload[:1] != b"\x80")
            assert len(list(islice(broken, 3))) == 3


def test_parameters_change_in_mid_stream(
    camera: Camera, simulator: Simulator, tmp_path: Path, test_data: Path
) -> None:
    other = load(test_data / "video/street_house_camera.mp4")
    with opened(simulator.url(1)) as container:
        sizes: list[tuple[int, int]] = []
        times: list[int] = []
        for frame in container.decode(video=0):
            sizes.append((frame.width, frame.height))
            times.append(frame.pts or 0)
            if len(sizes) == 10:
                camera.change_parameters(other)
            if sizes[-1] == (640, 352):
                break
    assert sizes[0] == (160, 120)
    assert all(after > before for before, after in pairwise(times[1:]))


def test_parameter_sets_only_in_band(clip: Path) -> None:
    (camera,) = of_clip(1, clip)
    camera.omit_sprop = True
    with running(Simulator([camera])) as simulator:
        with Watcher(simulator.url(1)) as watcher:
            assert watcher.playing.tracks[0].track is None
        with opened(simulator.url(1)) as container:
            assert next(container.decode(video=0)).width == 160


def test_a_client_that_does_not_read_is_dropped(clip: Path) -> None:
    # 50 kB a thousand times a second: more than any socket's buffers hold is due within the first seconds.
    units = [Unit(90 * number, 90 * number, True, (b"\x65\x88" + bytes(50_000),)) for number in range(400)]
    reel = Reel(units, load(clip).picture(), 90 * len(units))
    assert MAX_UNSENT < 50_000 * 1000
    with running(Simulator([Camera(1, {"main": reel})])) as simulator, Watcher(simulator.url(1)):
        until(lambda: not simulator.connections)


def test_nobody_there_means_no_ticks(simulator: Simulator) -> None:
    with Watcher(simulator.url(1)) as watcher:
        next(watcher.frames())
    until(lambda: not simulator.connections)
    until(lambda: simulator._timer is None)


def until(done: Callable[[], bool]) -> None:
    for _ in range(600):
        if done():
            return
        asyncio.run(asyncio.sleep(0.02))
    raise AssertionError("it did not come")


def test_udp_is_refused_and_noise_closes_the_connection(simulator: Simulator) -> None:
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=TIMEOUT_S) as raw:
        transport = "Transport: RTP/AVP;unicast;client_port=4000-4001"
        raw.sendall(f"SETUP {simulator.url(1)}/trackID=0 RTSP/1.0\r\nCSeq: 1\r\n{transport}\r\n\r\n".encode())
        assert raw.recv(4096).startswith(b"RTSP/1.0 461 ")
        raw.sendall(b"\x00\x01\x02")
        assert raw.recv(4096).startswith(b"RTSP/1.0 400 ")
        assert raw.recv(4096) == b""


def test_a_taken_port_is_an_error_with_a_hint(simulator: Simulator, camera: Camera) -> None:
    with pytest.raises(Error) as caught:
        asyncio.run(Simulator([camera], simulator.port).start())
    assert caught.value.cause == "port_taken"
    assert caught.value.hint


def test_the_command_tells_where_and_with_which_password(clip: Path) -> None:
    told: list[Ready] = []

    def ready(what: Ready) -> None:
        told.append(what)
        asyncio.get_running_loop().call_soon(cancel_all)

    def cancel_all() -> None:
        for task in asyncio.all_tasks():
            task.cancel()

    run(cameras=2, clip=clip, auth="digest", ready=ready)
    (what,) = told
    assert what.urls[1] == tuple(f"rtsp://127.0.0.1:{what.port}/cam2/{name}" for name in ("main", "sub"))
    assert what.user == "admin"
    assert len(what.password) >= 12
    assert what.password not in repr(what)


def test_numbers_outside_and_streams_that_are_not_there(simulator: Simulator) -> None:
    for path in ("/cam2/main", "/cam1/other", "/", "/cam1/main/x"):
        with pytest.raises(Error) as caught:
            Watcher(f"rtsp://127.0.0.1:{simulator.port}{path}")
        assert caught.value.cause == "not_found"


def test_a_drawn_camera_has_two_sizes() -> None:
    with running(Simulator([drawn(1, main=(640, 360), sub=(320, 180))])) as simulator:
        sizes = []
        for name in ("main", "sub"):
            with opened(simulator.url(1, name)) as container:
                picture = next(container.decode(video=0))
                sizes.append((picture.width, picture.height))
    assert sizes == [(640, 360), (320, 180)]
