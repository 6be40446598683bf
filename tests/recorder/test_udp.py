"""Cameras by UDP, and ways that lose, double and mix their packets: what is recorded of them."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from luytre.archive.catalog import Archive
from luytre.archive.keys import Span, StreamKey
from luytre.archive.playback import Located
from luytre.media.tracks import Sample
from luytre.recorder import udp
from luytre.recorder.plan import Transport
from luytre.recorder.state import StreamState
from tests.media.clips import encode_video
from tests.recorder.camera import in_band, pictures
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
