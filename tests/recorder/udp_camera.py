"""A camera that sends by UDP, with whatever the way does to its packets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count

from luytre.base.clock import SYSTEM, to_ntp
from luytre.media import sdp
from luytre.media.rtp import rtcp
from luytre.media.rtp.interleaved import split
from luytre.media.rtsp.answers import parse_transport
from luytre.media.rtsp.messages import Connection, Request, build_response
from tests.media.clips import Coded
from tests.recorder.camera import Sender, in_band
from tests.recorder.ward import description, port_that

# What becomes of packet `number` of all: what is sent instead, in order.
Way = Callable[[int, bytes], list[bytes]]
SSRC = 7


def unharmed(number: int, packet: bytes) -> list[bytes]:
    return [packet]


@dataclass
class UdpCamera:
    """`tells_ports`: whether SETUP is answered with server_port; `hears`: what came to its RTCP port; `rtp`: while it plays,
    where it sends from.
    """

    coded: Coded
    way: Way = unharmed
    tells_ports: bool = True
    takes_tcp: bool = False
    hears: list[bytes] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    punched: list[bytes] = field(default_factory=list)
    reported_ntp: list[int] = field(default_factory=list)
    sent: int = 0
    port: int = 0
    rtp: socket.socket | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Its address."""
        async with port_that(self._speak) as port:
            self.port = port
            yield f"rtsp://127.0.0.1:{port}/cam"

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rtp, rtcp_sock = _pair()
        connection = Connection()
        sending: asyncio.Task[None] | None = None
        try:
            while data := await reader.read(65_536):
                for request in connection.receive(data):
                    assert isinstance(request, Request)
                    self.asked.append(request)
                    status, headers, body = self._answer(request, rtp, rtcp_sock)
                    fields = (("CSeq", request.get("cseq")), *headers)
                    writer.write(build_response(status, "Said", fields, body))
                    if request.method == "PLAY":
                        self.rtp = rtp
                        sending = asyncio.create_task(self._send(rtp, rtcp_sock))
        finally:
            if sending is not None:
                sending.cancel()
                with suppress(asyncio.CancelledError):
                    await sending
            rtp.close()
            rtcp_sock.close()

    def _answer(
        self, request: Request, rtp: socket.socket, rtcp_sock: socket.socket
    ) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
        if request.method == "DESCRIBE":
            body = sdp.describe((description(self.coded),), name="udp").encode()
            return 200, (("Content-Type", "application/sdp"),), body
        if request.method == "SETUP":
            wish = parse_transport(request.get("transport"))
            if wish.tcp or wish.client_ports is None:
                return 461, (), b""
            rtp.connect(("127.0.0.1", wish.client_ports[0]))
            rtcp_sock.connect(("127.0.0.1", wish.client_ports[1]))
            told = "RTP/AVP;unicast;client_port={}-{}".format(*wish.client_ports)
            if self.tells_ports:
                told += f";server_port={rtp.getsockname()[1]}-{rtcp_sock.getsockname()[1]};source=127.0.0.1"
            return 200, (("Transport", told), ("Session", "5;timeout=10")), b""
        return 200, (("Public", "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER"),), b""

    async def _send(self, rtp: socket.socket, rtcp_sock: socket.socket) -> None:
        sender, pictures, numbers = Sender(), in_band(self.coded), count()
        loop, begin_s = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        for number in count():
            sample = pictures[number % len(pictures)]
            sample.pts = number * self.coded.frame_ticks
            frames = sender.picture(sample)
            for _, start, end in split(frames).frames:
                for packet in self.way(next(numbers), frames[start:end]):
                    with suppress(ConnectionRefusedError):
                        rtp.send(packet)
                self.sent += 1
            if number % 10 == 0:
                ntp = to_ntp(SYSTEM.wall_us())
                self.reported_ntp.append(ntp)
                report = rtcp.SenderReport(SSRC, ntp, sample.pts + sender.rtp_base, self.sent, 0)
                with suppress(ConnectionRefusedError):
                    rtcp_sock.send(rtcp.build(report))
            self._hear(rtp, self.punched)
            self._hear(rtcp_sock, self.hears)
            await asyncio.sleep(max(begin_s + sample.pts / 90_000 - loop.time(), 0))

    def _hear(self, sock: socket.socket, into: list[bytes]) -> None:
        with suppress(BlockingIOError, ConnectionRefusedError):
            while True:
                into.append(sock.recv(2048))

    @property
    def blocks(self) -> list[rtcp.ReportBlock]:
        """All that receiver reports said."""
        return [
            block
            for data in self.hears
            for report in rtcp.parse(data)
            if isinstance(report, rtcp.ReceiverReport)
            for block in report.blocks
        ]


def _pair() -> tuple[socket.socket, socket.socket]:
    made = []
    for _ in range(2):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        sock.bind(("127.0.0.1", 0))
        made.append(sock)
    return made[0], made[1]
