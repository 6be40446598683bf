"""Every way to a camera, recorded: GStreamer's server as the camera, and odd ones of our own."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from luytre.base.errors import Error
from luytre.media.rtsp.auth import Credentials, accepted, challenges_to_send
from luytre.media.rtsp.messages import parse_headers
from luytre.media.rtsp.server import Play, Presentation, ServerSession
from luytre.media.rtsp.url import Address
from luytre.recorder import connection
from luytre.recorder.connection import Approach, connect
from luytre.recorder.plan import StreamPlan, Transport
from luytre.recorder.probe import probe
from tests.media.clips import encode_video
from tests.peers.certificates import self_signed
from tests.peers.clips import make_clip
from tests.peers.gstreamer import Mount, gst_serving, reel_mount
from tests.recorder.ward import Speak, Ward, at_25_fps, camera_that, description, port_that, serving

CODED = encode_video("h264", frames=50, gop=25)
MEDIA = description(CODED)


@pytest.mark.gstreamer
@pytest.mark.parametrize("encrypted", [False, True])
def test_gstreamer_by_every_transport(tmp_path: Path, encrypted: bool) -> None:
    reel = reel_mount(make_clip(tmp_path / "clip.mp4", seconds=4.0), tmp_path, shared=False)
    certificate = tmp_path / "camera.pem"
    fingerprint = self_signed(certificate)
    wanted: dict[str, tuple[str, Transport, str]] = {
        "auto": ("/tcp", "auto", "tcp"),
        "udp": ("/both", "udp", "udp"),
        "http": ("/both", "http", "http"),
    }
    if not encrypted:
        wanted["found"] = ("/udp", "auto", "udp")
    mounts: dict[str, Mount] = {
        "/tcp": reel | {"protocols": ["tcp"]},
        "/udp": reel | {"protocols": ["udp"]},
        "/both": reel,
    }
    login = {"user": "ward", "password": "tre lang"}
    ward = Ward(tmp_path / "node")

    async def main(url: Callable[[str], str]) -> None:
        for camera, (mount, transport, _) in wanted.items():
            ward.add(camera, url(mount), *login.values(), audio=True)
            ward.streams[camera] = replace(ward.streams[camera], transport=transport)
        ward.write()
        async with ward.recording() as ear:
            await ear.recording(*wanted)
            for camera, (_, _, found) in wanted.items():
                # After the statistics of some seconds.
                await ear.until(lambda c=camera: (ear.last(c).fps or 0) > 0, f"{camera} goes on")  # type: ignore[misc, union-attr]
                state = ear.last(camera)
                assert state is not None
                assert state.transport == found + ("+tls" if encrypted else "")
                assert state.certificate == (fingerprint if encrypted else None)
                assert (state.lost, state.audio_codec) == (0, "aac")

    user, password = login.values()
    with gst_serving(mounts, user=user, password=password, tls=certificate if encrypted else None) as server:
        asyncio.run(main(server.url))
    for camera in wanted:
        assert len(ward.coverage(camera).spans) == 1
    assert ward.check() == []


@pytest.mark.gstreamer
def test_encryption_is_not_given_up_by_itself(tmp_path: Path) -> None:
    reel = reel_mount(make_clip(tmp_path / "clip.mp4"), tmp_path, audio=False) | {"protocols": ["udp"]}
    certificate = tmp_path / "camera.pem"
    self_signed(certificate)
    with (
        gst_serving({"/udp": reel}, user="ward", password="tre lang", tls=certificate) as server,
        pytest.raises(Error) as caught,
    ):
        asyncio.run(probe(server.url("/udp"), "ward", "tre lang"))
    assert caught.value.cause == "server_error"


class Tunnelled:
    """A camera behind HTTP; `asks`: whether it wants a login there; it closes each POST after `requests` of them."""

    def __init__(self, asks: bool = False, requests: int = 1000) -> None:
        self.asks, self.requests = asks, requests
        self.said: list[str] = []
        self.posts = 0
        self._listening: dict[str, asyncio.StreamWriter] = {}
        self._sessions: dict[str, ServerSession] = {}
        self._sending: list[asyncio.Task[None]] = []

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        line, _, rest = head.partition(b"\r\n")
        headers = dict(parse_headers(rest))
        method, cookie = line.split()[0].decode(), headers["x-sessioncookie"]
        who, login = Credentials("u", "p"), headers.get("authorization", "")
        if self.asks and not accepted("digest", login, who, method, "r", "n0"):
            challenge = challenges_to_send("digest", "r", "n0")[0]
            writer.write(f"HTTP/1.0 401 No\r\nWWW-Authenticate: {challenge}\r\n\r\n".encode())
            return
        if method == "GET":
            self._listening[cookie] = writer
            self._sessions[cookie] = ServerSession(lambda path: Presentation((MEDIA,)), timeout_s=4)
            writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/x-rtsp-tunnelled\r\n\r\n")
            await reader.read(1)
            for task in self._sending:
                task.cancel()
            return
        self.posts += 1
        for _ in range(self.requests):
            data = await reader.read(20_000)
            if not data:
                return
            self._hear(cookie, base64.b64decode(data))

    def _hear(self, cookie: str, data: bytes) -> None:
        session, writer = self._sessions[cookie], self._listening[cookie]
        self.said.append(data.split()[0].decode())
        for event in session.receive(data):
            writer.write(session.data_to_send())
            if isinstance(event, Play):
                sending = at_25_fps(CODED, writer, event.tracks[0], lambda n: b"")
                self._sending.append(asyncio.create_task(sending))
        writer.write(session.data_to_send())


@pytest.mark.parametrize(("asks", "requests"), [(False, 1000), (True, 1000), (False, 1), (True, 1)])
def test_a_tunnel_whose_post_is_kept_or_closed(tmp_path: Path, asks: bool, requests: int) -> None:
    peer = Tunnelled(asks, requests)
    ward = Ward(tmp_path)

    async def main() -> None:
        async with port_that(peer.speak) as port:
            url = f"rtsp://127.0.0.1:{port}/cam"
            ward.streams["cam"] = StreamPlan(
                "cam", "cam", "main", url, "u", "p", volume="volume", transport="http"
            )
            ward.write()
            async with ward.recording() as ear:
                await ear.recording("cam")
                await ear.until(lambda: peer.said.count("GET_PARAMETER") >= 2, "the session is kept alive")
                state = ear.last("cam")
                assert state is not None
                assert (state.state, state.transport) == ("recording", "http")

    asyncio.run(main())
    assert peer.said[:4] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    assert (peer.posts > 4) == (requests == 1)
    assert len(ward.coverage("cam").spans) == 1
    assert ward.check() == []


def test_the_tunnels_own_port() -> None:
    asked = []

    async def refuse(where: Address) -> socket.socket:
        asked.append((where.host, where.port))
        raise ConnectionRefusedError

    async def main() -> None:
        for url in ("rtsp://camera/x", "rtsps://camera/x", "rtsp://camera:8080/x", "rtsp://camera:554/x"):
            with pytest.raises(Error) as caught:
                await connect(url, "", "", audio=False, approach=Approach("http"))
            assert caught.value.cause == "refused"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "_open", refuse)
        asyncio.run(main())
    assert [port for _, port in asked] == [80, 443, 8080, 554]


def test_the_converter_is_asked_on_its_socket(tmp_path: Path) -> None:
    ward = Ward(tmp_path)
    heard: list[bytes] = []
    speaks = camera_that(lambda w, track: at_25_fps(CODED, w, track, lambda n: b""), MEDIA, heard)
    refusal = (
        b"RTSP/1.0 503 No\r\nCSeq: 1\r\nX-Luytre-Cause: converter_busy\r\nX-Luytre-Detail: all taken\r\n\r\n"
    )

    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(refusal.replace(b"CSeq: 1", b"CSeq: 2"))
        await writer.drain()
        writer.close()

    async def main() -> None:
        for camera, name in (("good", "good.sock"), ("busy", "busy.sock"), ("gone", "gone.sock")):
            ward.streams[camera] = StreamPlan(
                camera, camera, "main", "rtsp://camera.invalid/cam", volume="volume", socket=f"run/{name}"
            )
        ward.write()
        async with (
            serving(speaks, lambda serve: asyncio.start_unix_server(serve, tmp_path / "run" / "good.sock")),
            serving(refuses, lambda serve: asyncio.start_unix_server(serve, tmp_path / "run" / "busy.sock")),
            ward.recording() as ear,
        ):
            await ear.recording("good")
            await ear.until(lambda: ear.is_state("busy", "retrying", "converter_busy"), "it says why")
            await ear.until(lambda: ear.is_state("gone", "retrying", "converter_failed"), "nobody is there")
            busy = ear.last("busy")
            assert busy is not None
            assert busy.detail == "all taken"

    asyncio.run(main())
    assert heard[0].startswith(b"OPTIONS rtsp://camera.invalid/cam RTSP/1.0\r\n")


def answered(speak: Speak, action: Callable[[str], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        async with port_that(speak) as port:
            return await action(f"rtsp://127.0.0.1:{port}/cam")

    return asyncio.run(main())


def good(heard: list[bytes] | None = None) -> Speak:
    return camera_that(lambda w, track: at_25_fps(CODED, w, track, lambda n: b""), MEDIA, heard)


def test_a_name_with_several_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = connection._resolve

    async def several(where: Address) -> list[Any]:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            dead = await resolve(replace(where, port=taken.getsockname()[1]))
        return [*dead, *await resolve(where)]

    monkeypatch.setattr(connection, "_resolve", several)
    found = answered(good(), lambda url: probe(url, seconds=1.0))
    assert found.transport == "tcp"


def test_another_host_is_not_told_the_password() -> None:
    heard: list[bytes] = []

    async def main() -> None:
        async with port_that(good(heard)) as port:
            moved = f"rtsp://{'u:p'}@localhost:{port}/cam"

            async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n")
                await reader.readuntil(b"\r\n\r\n")
                writer.write(f"RTSP/1.0 301 Moved\r\nCSeq: 2\r\nLocation: {moved}\r\n\r\n".encode())
                await writer.drain()

            async with port_that(elsewhere) as first:
                (await connect(f"rtsp://127.0.0.1:{first}/x", "admin", "s3cret", audio=False)).close()

    asyncio.run(main())
    assert heard[0].startswith(b"OPTIONS rtsp://localhost:")
    assert b"uthorization" not in b"".join(heard)


def test_an_ipv6_address_with_its_zone() -> None:
    heard: list[bytes] = []

    async def main() -> None:
        async with serving(good(heard), lambda serve: asyncio.start_server(serve, "::1", 0)) as server:
            port = server.sockets[0].getsockname()[1]
            playing = await connect(f"rtsp://[::1%251]:{port}/cam", "", "", audio=False)
            assert playing.session.playing
            playing.close()

    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("IPV6 ABSENT: nowhere to listen")
    asyncio.run(main())
    assert heard[0].startswith(b"OPTIONS rtsp://[::1]:")
