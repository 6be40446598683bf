"""Cameras by UDP, and ways that lose, double and mix their packets: what is recorded of them."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from luytre.archive.catalog import Archive
from luytre.archive.keys import Span, StreamKey
from luytre.archive.playback import Located
from luytre.base.clock import SYSTEM
from luytre.media.rtp.interleaved import split
from luytre.media.rtp.packet import Packet, build
from luytre.media.rtsp.tracks import UdpEnds
from luytre.media.tracks import Sample
from luytre.recorder import udp
from luytre.recorder.pipe import Pipe
from luytre.recorder.plan import Transport
from luytre.recorder.state import StreamState
from tests.media.clips import encode_video
from tests.recorder.camera import client_track, in_band, pictures
from tests.recorder.udp_camera import UdpCamera, Way, unharmed
from tests.recorder.ward import Ward

CODED = encode_video("h264", frames=50, gop=25)


def recorded(ward: Ward) -> list[Sample]:
    archive, parts = Archive([ward.volume]), []
    key = StreamKey("cam", "main")
    for segment in archive.segments(key, Span(0, 1 << 62)):
        table = archive.parts_of(segment)
        parts += [Located(key, segment, entry, table.end_of(n)) for n, entry in enumerate(table.parts)]
    return list(pictures(parts))


def record(
    folder: Path, camera: UdpCamera, transport: Transport = "udp", seconds: float = 3.0
) -> tuple[Ward, StreamState]:
    """Until so much of it is in the archive; the last state while it recorded."""

    async def main() -> tuple[Ward, StreamState]:
        ward = Ward(folder)
        async with camera.open() as url:
            ward.add("cam", url)
            ward.streams["cam"] = replace(ward.streams["cam"], transport=transport)
            ward.write()
            async with ward.recording() as ear:
                await ear.until(
                    lambda: (
                        sum(span.end_us - span.start_us for span in ward.coverage("cam").spans)
                        > seconds * 1e6
                    ),
                    f"{seconds} s of it",
                )
                state = next(s for s in reversed(ear.states) if s.state == "recording")
        return ward, state

    return asyncio.run(main())


def assert_whole(ward: Ward) -> list[Sample]:
    """Every picture as it was sent, none missing between the first and the last."""
    wanted = [sample.data for sample in in_band(CODED)]
    found = recorded(ward)
    begin = wanted.index(found[0].data)
    assert [sample.data for sample in found] == [
        wanted[(begin + number) % len(wanted)] for number in range(len(found))
    ]
    assert ward.check() == []
    return found


def mixed() -> Way:
    """Neighbours change places, and some packets come twice."""
    held: list[bytes] = []

    def way(number: int, packet: bytes) -> list[bytes]:
        if number % 7 == 3:
            held.append(packet)
            return []
        now = [packet, *held]
        held.clear()
        return now * 2 if number % 5 == 0 else now

    return way


@pytest.mark.parametrize(
    ("transport", "way", "tells_ports"),
    [
        pytest.param("udp", unharmed, True, id="unharmed"),
        pytest.param("auto", unharmed, True, id="found out"),
        pytest.param("udp", unharmed, False, id="ports untold"),
        pytest.param("udp", mixed(), True, id="mixed and doubled"),
    ],
)
def test_every_picture_is_recorded(tmp_path: Path, transport: Transport, way: Way, tells_ports: bool) -> None:
    camera = UdpCamera(CODED, way, tells_ports)
    ward, state = record(tmp_path, camera, transport)
    assert_whole(ward)
    assert (state.transport, state.lost, state.certificate) == ("udp", 0, None)
    assert len(ward.coverage("cam").spans) == 1
    wishes = [request.get("transport") for request in camera.asked if request.method == "SETUP"]
    assert [wish.startswith("RTP/AVP/TCP") for wish in wishes] == (
        [True, False] if transport == "auto" else [False]
    )
    if tells_ports:
        # The way was open before the first packet.
        assert camera.punched[0][:1] == b"\x80"


def test_what_a_camera_wanted_is_remembered(tmp_path: Path) -> None:
    camera = UdpCamera(CODED)

    def asked() -> list[bool]:
        wishes = [request.get("transport") for request in camera.asked if request.method == "SETUP"]
        return [wish.startswith("RTP/AVP/TCP") for wish in wishes]

    async def main() -> None:
        ward = Ward(tmp_path)
        async with camera.open() as url, ward.recording() as ear:
            ward.add("cam", url)
            ward.write()
            await ear.recording("cam")
            # It has recorded for a while, so it was good.
            await ear.until(lambda: (ear.last("cam") or ear.states[0]).fps is not None, "statistics", 30)
            assert camera.writer is not None
            camera.writer.transport.abort()
            await ear.until(lambda: len(asked()) == 3, "it is asked again")
            await ear.recording("cam")

    asyncio.run(main())
    assert asked() == [True, False, False]


def test_a_lost_packet_costs_its_picture_only(tmp_path: Path) -> None:
    chance = random.Random(3)
    lost = {number for number in range(40, 5000) if chance.random() < 0.05}
    ward, state = record(tmp_path, UdpCamera(CODED, lambda n, packet: [] if n in lost else [packet]))
    assert len(ward.coverage("cam").spans) == 1
    assert state.lost > 0
    assert ward.check() == []
    wanted = {sample.data for sample in in_band(CODED)}
    found = recorded(ward)
    whole = [sample for sample in found if sample.data in wanted]
    # A clip this small has one packet a picture: what arrived is all there.
    assert len(found) - len(whole) <= state.lost
    assert len(whole) > 0.85 * 3 * 25


def test_another_source_in_mid_stream_goes_on_without_a_storm_of_losses(tmp_path: Path) -> None:
    def way(number: int, packet: bytes) -> list[bytes]:
        if number < 50:
            return [packet]
        # As a camera that begins anew without saying so: other source, numbers and times.
        first, kind, seq, stamp, ssrc = struct.unpack_from(">BBHII", packet)
        head = (first, kind, seq + 30_000 & 0xFFFF, stamp + 0x6000_0000 & 0xFFFF_FFFF, ssrc + 1)
        return [struct.pack(">BBHII", *head) + packet[12:]]

    ward, state = record(tmp_path, UdpCamera(CODED, way), seconds=4.0)
    assert state.lost <= 1
    assert ward.causes("cam").count("timestamp_jump") == 1
    assert len(ward.coverage("cam").spans) == 2
    assert ward.check() == []


def test_reports_tell_the_camera_how_it_is_received(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp, "REPORT_S", 1.0)
    camera = UdpCamera(CODED, lambda n, packet: [] if n == 60 else [packet])
    record(tmp_path, camera, seconds=4.5)
    assert len(camera.blocks) >= 3
    last = camera.blocks[-1]
    assert (last.ssrc, last.lost) == (7, 1)
    assert last.highest_seq - 65_500 + 1 <= camera.sent
    # The middle of one of its own reports, and a delay that is not longer than since it was sent.
    middles = [ntp >> 16 & 0xFFFF_FFFF for ntp in camera.reported_ntp]
    assert last.last_sr in middles
    assert 0 < last.delay_since_sr / 65_536 < 3
    # Packets of 40 ms come every 40 ms: what is estimated is the machine's own unrest.
    assert last.jitter < 90_000 // 4


def test_strangers_are_not_listened_to(tmp_path: Path) -> None:
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def way(number: int, packet: bytes) -> list[bytes]:
        # Somebody else sends to the same port what looks exactly right, and first.
        assert camera.rtp is not None
        stranger.sendto(packet[:12] + b"\x41" * 40, camera.rtp.getpeername())
        return [packet]

    camera = UdpCamera(CODED, way)
    with stranger:
        ward, state = record(tmp_path, camera)
    assert_whole(ward)
    assert state.lost == 0


def opened(camera_port: int, control: socket.socket) -> udp.UdpIntake:
    """The intake of a track whose camera sends from `camera_port`."""
    ports = udp.Ports()
    ports.attach(control)
    ends = UdpEnds(ports.reserve(), (camera_port, camera_port + 1))
    ports.open((replace(client_track("h264"), udp=ends),))
    return udp.UdpIntake(Pipe(control), ports, SYSTEM)


@pytest.fixture
def control() -> Iterator[socket.socket]:
    """The RTSP connection of a camera that is not there."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as sock,
    ):
        sock.setblocking(False)
        yield sock


def test_a_lane_whose_buffer_is_small_is_hurried(
    control: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(udp, "BUFFER_BYTES", 100_000)
    calm = opened(9, control)
    monkeypatch.setattr(udp, "_enlarge", lambda sock: None)
    monkeypatch.setattr(udp, "BUFFER_BYTES", 1 << 40)
    hurried = opened(9, control)
    assert (calm.hurried, hurried.hurried) == (False, True)
    calm.close()
    hurried.close()


def test_ports_come_in_pairs_and_even_first(control: socket.socket) -> None:
    ports = udp.Ports()
    ports.attach(control)
    pairs = [ports.reserve() for _ in range(20)]
    ports.close()
    assert all(first % 2 == 0 and second == first + 1 for first, second in pairs)
    assert len(set(pairs)) == 20


@pytest.mark.parametrize(
    ("source", "peer", "sender"),
    [
        ("", "192.168.1.5", "192.168.1.5"),
        ("192.168.1.6", "192.168.1.5", "192.168.1.6"),
        ("203.0.113.7", "203.0.113.5", "203.0.113.7"),
        # Behind a NAT; nonsense; another family; a name.
        ("192.168.1.6", "8.8.8.8", "8.8.8.8"),
        ("127.0.0.1", "192.168.1.5", "192.168.1.5"),
        ("0.0.0.0", "192.168.1.5", "192.168.1.5"),
        ("239.1.1.1", "192.168.1.5", "192.168.1.5"),
        ("fe80::1", "192.168.1.5", "192.168.1.5"),
        ("camera", "192.168.1.5", "192.168.1.5"),
    ],
)
def test_where_packets_come_from(source: str, peer: str, sender: str) -> None:
    assert udp._sender(source, peer) == sender


def test_a_burst_of_fifty_megabits_waits_for_the_slow_tick(control: socket.socket) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as camera:
        camera.bind(("127.0.0.1", 0))
        intake = opened(camera.getsockname()[1], control)
        if intake.hurried:
            pytest.skip("NET.CORE.RMEM_MAX TOO SMALL: this machine hurries")
        camera.connect(("127.0.0.1", intake._lanes[0].rtp.getsockname()[1]))
        packets = [
            build(Packet(96, False, number, 0, 7, bytes(1388)))
            for number in range(50_000_000 // 8 // 4 // 1400)
        ]
        for packet in packets:
            camera.send(packet)
        found = b""
        with suppress(BlockingIOError):
            while True:
                found += intake.recv(1 << 18)
    frames = split(found).frames
    assert [found[start:end] for _, start, end in frames] == packets
    intake.close()


def test_the_end_of_the_rtsp_connection_is_the_end(tmp_path: Path) -> None:
    async def main() -> list[str]:
        ward = Ward(tmp_path)
        async with ward.recording() as ear:
            async with UdpCamera(CODED).open() as url:
                ward.add("cam", url)
                ward.streams["cam"] = replace(ward.streams["cam"], transport="udp")
                ward.write()
                await ear.recording("cam")
            await ear.until(lambda: ear.is_state("cam", "retrying"), "it is gone")
        return ward.causes("cam")

    assert "closed_by_camera" in asyncio.run(main())


def icmp_prohibited(sender: tuple[str, int], target: tuple[str, int]) -> bytes:
    """What a firewall answers to a packet of ours (RFC 792, RFC 1812 section 5.2.7.1): type 3, code 13."""
    udp_header = struct.pack(">HHHH", sender[1], target[1], 20, 0)
    addresses = socket.inet_aton(sender[0]) + socket.inet_aton(target[0])
    ip_header = struct.pack(">BBHHHBBH", 0x45, 0, 40, 1, 0, 64, socket.IPPROTO_UDP, 0) + addresses
    body = ip_header + udp_header
    total = sum(struct.unpack(f">{len(body) // 2}H", body)) + (3 << 8 | 13)
    total = (total >> 16) + (total & 0xFFFF)
    return struct.pack(">BBHI", 3, 13, ~(total + (total >> 16)) & 0xFFFF, 0) + body


@pytest.mark.root
def test_a_firewall_that_forbids_our_reports_ends_nothing(control: socket.socket) -> None:
    if os.geteuid() != 0:
        pytest.skip("NOT ROOT: no ICMP can be sent, this is NOT tested")
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as camera,
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as firewall,
    ):
        camera.bind(("127.0.0.1", 0))
        intake = opened(camera.getsockname()[1], control)
        lane = intake._lanes[0]
        packet = build(Packet(96, False, 1, 0, 7, bytes(100)))
        for sock in (lane.rtp, lane.rtcp):
            firewall.sendto(icmp_prohibited(sock.getsockname(), sock.getpeername()), ("127.0.0.1", 0))
        camera.sendto(packet, lane.rtp.getsockname())
        # The errors are there: whoever asks for them takes them away, so only one is looked at.
        assert lane.rtcp.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.EHOSTUNREACH
        found = intake.recv(1 << 18)
    ((_, start, end),) = split(found).frames
    assert found[start:end] == packet
    intake.close()
