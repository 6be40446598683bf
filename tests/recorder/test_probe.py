"""Probing: what a camera sends, measured; and why it cannot be had."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing

import pytest

from luytre.base.errors import Error
from luytre.media.rtsp.auth import Credentials
from luytre.media.rtsp.server import Guard, ServerTrack
from luytre.recorder import connection
from luytre.recorder.probe import ProbeResult, probe
from luytre.simulator.camera import Camera
from luytre.simulator.server import Simulator
from luytre.simulator.sounds import tone
from tests.media.clips import Coded, encode_video
from tests.peers.gstreamer import GstServer, gst_server
from tests.recorder.test_bad_cameras import says_nothing, speaks_http, speaks_ssh, stream
from tests.recorder.ward import Speak, camera_that, clip, description, port_that, reel

__all__ = ["gst_server"]
Change = Callable[[Camera], None]


async def probed(
    camera: Camera, seconds: float = 2.0, guard: Guard | None = None, user: str = "", password: str = ""
) -> ProbeResult:
    async with Simulator([camera], guard=guard) as simulator:
        return await probe(simulator.url(1), user, password, seconds=seconds)


def cause_of(attempt: Awaitable[ProbeResult]) -> str:
    async def main() -> None:
        await attempt

    with pytest.raises(Error) as caught:
        asyncio.run(main())
    assert caught.value.hint
    return caught.value.cause


@pytest.mark.parametrize(("codec", "b_frames"), [("h264", 0), ("h264", 2), ("h265", 0)])
def test_codec_size_rate_and_gop_are_measured(codec: str, b_frames: int) -> None:
    camera = Camera(1, {"main": reel(encode_video(codec, frames=60, gop=20, b_frames=b_frames), tone())})
    found = asyncio.run(probed(camera))
    assert found.video.codec == codec
    assert (found.video.width, found.video.height) == (178, 100)
    assert found.video.codec_string.startswith("avc1." if codec == "h264" else "hvc1.")
    assert abs(found.video.fps - 25) < 1
    assert found.video.gop_s == pytest.approx(0.8, abs=0.05)
    assert found.video.bitrate_bps > 5_000
    assert found.audio is not None
    assert found.audio.codec == "aac"
    assert found.server == "LuyTre-sim"


def test_a_camera_whose_clock_is_wrong_says_by_how_much() -> None:
    camera = Camera(1, {"main": reel(clip())})
    camera.clock_offset_s = -86_400.0
    found = asyncio.run(probed(camera, seconds=5.5))
    assert found.clock_offset_ms is not None
    assert abs(found.clock_offset_ms + 86_400_000) < 1000


def test_credentials_stand_beside_the_address_or_in_it() -> None:
    guard = Guard("digest", Credentials("u", "p@ss"))
    camera = Camera(1, {"main": reel(clip())}, omit_sprop=True)
    assert asyncio.run(probed(camera, 1.0, guard, user="u", password="p@ss")).video.codec == "h264"

    async def inside() -> ProbeResult:
        async with Simulator([camera], guard=guard) as simulator:
            address = simulator.url(1).replace("://", "://{}:{}@".format("u", "p%40ss"))
            return await probe(address, seconds=1.0)

    assert asyncio.run(inside()).audio is None


def refuse(how: str) -> Change:
    return lambda camera: setattr(camera, "refuse", how)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (refuse("not_found"), "not_found"),
        (refuse("unavailable"), "server_error"),
        (refuse("unsupported"), "unsupported_codec"),
        (refuse("no_video"), "no_video"),
        (refuse("hang_up"), "closed_by_camera"),
        (lambda camera: setattr(camera, "garbage", "stream"), "bad_media"),
        (lambda camera: setattr(camera, "close_every_s", 0.01), "closed_by_camera"),
    ],
)
def test_each_refusal_has_its_cause(change: Change, cause: str) -> None:
    camera = Camera(1, {"main": reel(clip(), tone())})
    change(camera)
    assert cause_of(probed(camera)) == cause


def test_a_wrong_password_is_told() -> None:
    guard = Guard("basic", Credentials("u", "right"))
    camera = Camera(1, {"main": reel(clip())})
    assert cause_of(probed(camera, 2.0, guard, user="u", password="wrong")) == "auth_failed"
    assert cause_of(probed(camera, 2.0, guard)) == "auth_failed"


async def at_port(speaks: Speak, path: str = "/cam") -> ProbeResult:
    async with port_that(speaks) as port:
        return await probe(f"rtsp://127.0.0.1:{port}{path}", seconds=1.0)


@pytest.fixture(scope="module")
def coded() -> Coded:
    return clip()


def test_ports_that_are_no_cameras(monkeypatch: pytest.MonkeyPatch, free_port: int) -> None:
    monkeypatch.setattr(connection, "HANDSHAKE_S", 1.0)
    monkeypatch.setattr(connection.connect, "__kwdefaults__", {"handshake_s": 1.0})
    assert cause_of(at_port(speaks_http)) == "not_rtsp"
    assert cause_of(at_port(speaks_ssh)) == "not_rtsp"
    assert cause_of(at_port(says_nothing)) == "timeout"
    assert cause_of(probe(f"rtsp://127.0.0.1:{free_port}/")) == "refused"
    assert cause_of(probe("rtsp://no-such-camera.invalid/")) == "host_down"
    assert cause_of(probe(f"rtsp://{'x' * 70}.invalid/")) == "host_down"
    assert cause_of(probe("http://camera/")) == "bad_url"


def test_a_host_that_accepts_no_connection_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full queue drops the connection's first packet, as a machine does that is off."""
    monkeypatch.setattr(connection, "CONNECT_S", 0.5)
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as server:
        where = server.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(where)
        try:
            assert cause_of(probe(f"rtsp://127.0.0.1:{where[1]}/")) == "host_down"
        finally:
            for one in waiting:
                one.close()


def test_pictures_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, coded: Coded) -> None:
    monkeypatch.setattr("luytre.recorder.probe.LONGEST_S", 1.5)

    async def bare(writer: asyncio.StreamWriter, track: ServerTrack) -> None:
        await stream(coded.samples, writer, track)

    async def nothing(writer: asyncio.StreamWriter, track: ServerTrack) -> None:
        await asyncio.Event().wait()

    async def no_key(writer: asyncio.StreamWriter, track: ServerTrack) -> None:
        await stream([s for s in coded.samples if not s.key], writer, track)

    assert cause_of(at_port(camera_that(bare, description(coded, sprop=False)))) == "no_parameters"
    assert cause_of(at_port(camera_that(nothing, description(coded)))) == "stalled"
    assert cause_of(at_port(camera_that(no_key, description(coded)))) == "bad_media"


@pytest.mark.gstreamer
@pytest.mark.parametrize(("mount", "codec", "audio"), [("/h264", "h264", True), ("/h265", "h265", False)])
def test_gstreamer_is_probed(gst_server: GstServer, mount: str, codec: str, audio: bool) -> None:
    found = asyncio.run(probe(gst_server.url(mount), seconds=3.0))
    assert found.video.codec == codec
    assert (found.video.width, found.video.height) == (160, 120)
    assert abs(found.video.fps - 20) < 1.5
    assert (found.audio is not None) is audio
    assert found.clock_offset_ms is None or abs(found.clock_offset_ms) < 2000
