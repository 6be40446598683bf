"""Every way to a simulated camera, as FFmpeg goes it, and what only raw sockets can show."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import av
import pytest

from luytre.base.errors import Error
from luytre.media.rtp import rtcp
from luytre.media.rtp.packet import parse
from luytre.media.rtsp.auth import Algorithm, Credentials
from luytre.media.rtsp.server import Guard
from luytre.media.rtsp.url import join_credentials
from luytre.simulator.assembly import of_clip, running
from luytre.simulator.camera import Camera
from luytre.simulator.certificate import Certificate, self_signed
from luytre.simulator.datagrams import PortPair
from luytre.simulator.server import Simulator
from tests.peers.clips import make_clip
from tests.simulator.watching import TIMEOUT_S, Watcher, until

WHO = Credentials("admin", "p@ss/w:rd")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture
def camera(clip: Path) -> Camera:
    return of_clip(1, clip, audio="aac")[0]


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return self_signed()


def pictures(url: str, transport: str, count: int = 30) -> int:
    """Pictures that FFmpeg decodes without loss: one missing would leave a hole in the times."""
    options = {"rtsp_transport": transport}
    times: list[int] = []
    with av.open(url, options=options, timeout=TIMEOUT_S) as container:
        for frame in container.decode(video=0):
            times.append(frame.pts or 0)
            if len(times) == count:
                break
    assert {after - before for before, after in pairwise(times[1:])} == {4500}
    return len(times)


@pytest.mark.parametrize("transport", ["tcp", "udp", "http"])
def test_ffmpeg_watches(camera: Camera, transport: str) -> None:
    with running(Simulator([camera])) as simulator:
        url = simulator.url(1)
        assert pictures(url, transport) == 30


@pytest.mark.parametrize("transport", ["tcp", "udp", "https"])
def test_ffmpeg_watches_inside_tls(camera: Camera, certificate: Certificate, transport: str) -> None:
    # Media over UDP beside RTSP in TLS stays bare: that is what most cameras do.
    with running(Simulator([camera], certificate=certificate)) as simulator:
        assert simulator.url(1).startswith("rtsps://")
        assert pictures(simulator.url(1), transport) == 30


def test_ffmpeg_falls_back_to_the_transport_that_is_left(camera: Camera) -> None:
    with running(Simulator([camera])) as simulator:
        camera.udp = False
        assert pictures(simulator.url(1), "udp+tcp") == 30
        with pytest.raises(av.FFmpegError):
            pictures(simulator.url(1), "udp")
        camera.udp, camera.tcp = True, False
        assert pictures(simulator.url(1), "udp") == 30
        with pytest.raises(av.FFmpegError):
            pictures(simulator.url(1), "tcp")


@pytest.mark.parametrize(("algorithm", "nonce_uses"), [("SHA-256", 0), ("MD5", 1), ("SHA-256", 2)])
def test_logging_in(camera: Camera, algorithm: Algorithm, nonce_uses: int) -> None:
    guard = Guard("digest", WHO, algorithm=algorithm, nonce_uses=nonce_uses)
    with running(Simulator([camera], guard=guard)) as simulator:
        with Watcher(simulator.url(1), audio=True, user=WHO.user, password=WHO.password) as watcher:
            assert len(watcher.until(lambda seen: len(seen) >= 10)) == 10
        with pytest.raises(Error) as caught:
            Watcher(simulator.url(1), user=WHO.user, password="wrong")
        assert caught.value.cause == "auth_failed"
        if algorithm == "MD5":
            # FFmpeg knows no other.
            assert pictures(join_credentials(simulator.url(1), WHO.user, WHO.password), "tcp") == 30


def test_ffmpeg_follows_a_redirection(clip: Path) -> None:
    here, there = of_clip(2, clip)
    with running(Simulator([here, there])) as simulator:
        here.moved_to = simulator.url(2)
        assert pictures(simulator.url(1), "tcp") == 30
        assert there.number == 2


class ByHand:
    """A client over UDP that does what the test says."""

    def __init__(self, simulator: Simulator) -> None:
        self.pair = PortPair("127.0.0.1")
        self.rtsp = socket.create_connection(("127.0.0.1", simulator.port), timeout=TIMEOUT_S)
        self.url = simulator.url(1)
        first, second = self.pair.numbers
        self.setup = self.ask("SETUP", "/trackID=0", f"RTP/AVP;unicast;client_port={first}-{second}")
        self.session = self.header(self.setup, "Session").partition(";")[0]
        for sock in (self.pair.rtp, self.pair.rtcp):
            sock.settimeout(TIMEOUT_S)

    def ask(self, method: str, control: str = "", transport: str = "", session: str = "") -> str:
        lines = [f"{method} {self.url}{control} RTSP/1.0", "CSeq: 1"]
        lines += [f"Transport: {transport}"] * bool(transport) + [f"Session: {session}"] * bool(session)
        self.rtsp.sendall("\r\n".join([*lines, "", ""]).encode())
        return self.rtsp.recv(4096).decode()

    @staticmethod
    def header(answer: str, name: str) -> str:
        return next(line for line in answer.splitlines() if line.startswith(f"{name}: ")).split(": ")[1]

    def play(self) -> str:
        return self.ask("PLAY", session=self.session)

    def close(self) -> None:
        self.rtsp.close()
        self.pair.close()


@pytest.fixture
def simulator(camera: Camera) -> Iterator[Simulator]:
    with running(Simulator([camera], timeout_s=4)) as started:
        yield started


def test_packets_come_from_the_port_that_was_told_and_reports_are_heard(
    camera: Camera, simulator: Simulator
) -> None:
    client = ByHand(simulator)
    transport = dict(
        part.split("=") for part in client.header(client.setup, "Transport").split(";") if "=" in part
    )
    rtp, rtcp_port = map(int, transport["server_port"].split("-"))
    assert (rtp % 2, rtcp_port) == (0, rtp + 1)
    answer = client.play()
    data, place = client.pair.rtp.recvfrom(2048)
    assert place == ("127.0.0.1", rtp)
    packet = parse(data)
    assert packet.ssrc == int(transport["ssrc"], 16)
    assert f"seq={packet.seq};rtptime={packet.timestamp}" in client.header(answer, "RTP-Info")
    block = rtcp.ReportBlock(packet.ssrc, 3, 7, packet.seq, 11, 0, 0)
    client.pair.rtcp.sendto(rtcp.build(rtcp.ReceiverReport(99, (block,))), ("127.0.0.1", rtcp_port))
    until(lambda: camera.heard is not None)
    assert camera.heard == rtcp.ReceiverReport(99, (block,))
    client.close()
    until(lambda: not simulator.connections and not simulator.listeners)


def test_who_says_nothing_is_forgotten(camera: Camera, simulator: Simulator) -> None:
    simulator.timeout_s = 1
    client = ByHand(simulator)
    client.play()
    # Two keep-alives keep the session; then it ends although the connection is open.
    for _ in range(2):
        assert client.ask("GET_PARAMETER", session=client.session).startswith("RTSP/1.0 200")
    assert client.rtsp.recv(1) == b""
    assert camera.clients == 0
    client.close()


def test_all_tracks_come_the_same_way(simulator: Simulator) -> None:
    client = ByHand(simulator)
    second = client.ask("SETUP", "/trackID=1", "RTP/AVP/TCP;unicast;interleaved=2-3", client.session)
    assert second.startswith("RTSP/1.0 461 ")
    multicast = client.ask("SETUP", "/trackID=1", "RTP/AVP;multicast;client_port=4000-4001", client.session)
    assert multicast.startswith("RTSP/1.0 461 ")
    client.close()


def test_a_tunnel_takes_base64_in_any_pieces(simulator: Simulator) -> None:
    def door(method: str, cookie: str) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", simulator.port), timeout=TIMEOUT_S)
        made.sendall(f"{method} /cam1/main HTTP/1.0\r\nx-sessioncookie: {cookie}\r\n\r\n".encode())
        return made

    with door("POST", "unknown") as alone:
        assert alone.recv(4096).startswith(b"HTTP/1.0 400 ")
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=TIMEOUT_S) as browser:
        browser.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert browser.recv(4096).startswith(b"HTTP/1.0 400 ")
    with door("GET", "abc") as down:
        assert down.recv(4096).startswith(b"HTTP/1.0 200 OK")
        with door("POST", "abc") as up:
            for number in (1, 2):
                # Padded each on its own, broken anywhere.
                text = base64.b64encode(f"OPTIONS * RTSP/1.0\r\nCSeq: {number}0\r\n\r\n".encode())
                up.sendall(text[:5] + b"\r\n" + text[5:])
                answer = down.recv(4096)
                assert answer.startswith(b"RTSP/1.0 200 OK")
                assert f"CSeq: {number}0".encode() in answer
            up.sendall(b"!!!!")
            assert up.recv(1) == b""
    until(lambda: not simulator.tunnels)


def test_the_certificate_is_what_its_fingerprint_says(certificate: Certificate, camera: Camera) -> None:
    with running(Simulator([camera], certificate=certificate)) as simulator:
        context = ssl.create_default_context(cadata=certificate.pem.decode())
        with (
            socket.create_connection(("127.0.0.1", simulator.port), timeout=TIMEOUT_S) as raw,
            context.wrap_socket(raw, server_hostname="127.0.0.1") as wrapped,
        ):
            wrapped.sendall(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
            assert wrapped.recv(4096).startswith(b"RTSP/1.0 200 OK")
    assert len(certificate.sha256) == 64
    assert self_signed("camera.example").sha256 != certificate.sha256
