"""RTP by UDP: a pair of ports per track beside the RTSP connection (RFC 2326 section 12.39, RFC 3550).

    ports = Ports()                 # attach(control), reserve() for each SETUP, open() for each track that was set up
    intake = UdpIntake(pipe, ports, clock)                              # after PLAY

Promises   only what the camera sent is read; packets are handed on in order, each once, framed as inside an RTSP connection
           (RFC 2326 section 10.12); receiver reports every REPORT_S; the way through a NAT is opened before PLAY and kept.
Does not   ask again for what is lost. The RTSP connection stays: its end ends the stream.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from contextlib import suppress
from functools import cache
from ipaddress import ip_address
from typing import Any

from luytre.base import log
from luytre.base.clock import Clock
from luytre.media.rtp import rtcp
from luytre.media.rtp.interleaved import split
from luytre.media.rtp.reorder import Window
from luytre.media.rtsp.tracks import ClientTrack
from luytre.recorder.intake import TLS
from luytre.recorder.pipe import RECEIVE_BYTES, Pipe
from luytre.recorder.tunnel import Tunnel

_log = log.get("recorder")

REPORT_S = 5.0
# NATs forget after 30 s and more (RFC 4787, REQ-5).
PUNCH_S = 15.0
# Reports and RTSP are small and not urgent.
ASIDE_S = 0.5
# What a slow tick may have to hold: 50 Mb/s for a quarter of a second, in packets of 1400 bytes that take 2304 each of the
# kernel's memory (measured on loopback); the kernel doubles what is asked for.
BUFFER_BYTES = 50_000_000 // 8 // 4 * 2304 // 1400
_SO_RCVBUFFORCE = 33
# When the packet that was read last arrived (socket(7)).
_SIOCGSTAMP = 0x8906
_TIMEVAL = struct.Struct("@ll")
_FRAME = struct.Struct(">BBH")
_DATAGRAM = 65_536
_PAIRS = 64
# Of a tick's budget, what a call costs beside its bytes: also empty datagrams come to an end.
_COSTS = 64
# So many reports, or packets before the port is known, are looked at in one go; as many reads of the RTSP connection.
_MOST_ASIDE = 256
_READS_ASIDE = 8
# All lanes of a process read into the same one: nothing of it is kept.
_BUFFER = bytearray(_DATAGRAM)
_VIEW = memoryview(_BUFFER)


class Lane:
    """One track's two sockets, once they are open."""

    def __init__(self, track: ClientTrack, rtp: socket.socket, rtcp_sock: socket.socket) -> None:
        self.track = track
        self.rtp, self.rtcp = rtp, rtcp_sock
        self.window = Window(track.media.clock_rate or 90_000)
        # The address whose first datagram tells the port, where the camera told none.
        self.waiting_for: str | None = None
        self.last_sr = 0
        self.sr_at_s = 0.0
        self.early: list[bytes] = []

    def connect(self, peer: Any) -> None:
        """`peer`: the other end of the RTSP connection. What came from elsewhere before is dropped."""
        ends = self.track.udp
        assert ends is not None
        host = _sender(ends.source, peer[0])
        if ends.server is None:
            self.waiting_for = host
            return
        for sock, port in ((self.rtp, ends.server[0]), (self.rtcp, ends.server[1])):
            place = (host, port, *peer[2:])
            sock.connect(place)
            for data, sender in _queued(sock):
                if sock is self.rtp and sender[:2] == place[:2]:
                    self.early.append(data)
        self.punch()

    def find_port(self) -> None:
        """The camera told no port: it is that of the first packet from its address."""
        for data, sender in _queued(self.rtp):
            if sender[0] != self.waiting_for:
                continue
            if not self.early:
                self.rtp.connect(sender)
                self.rtcp.connect((sender[0], sender[1] + 1, *sender[2:]))
            self.early.append(data)
        if self.early:
            self.waiting_for = None

    def punch(self) -> None:
        """An RTP header without payload: a NAT lets in what answers, and cameras throw it away."""
        if self.waiting_for is None:
            with suppress(OSError):
                self.rtp.send(b"\x80" + bytes(11))

    def read(self, budget: int) -> list[bytes]:
        """What came since, at most about `budget` bytes."""
        if self.waiting_for is not None:
            self.find_port()
        packets, self.early = self.early, []
        receive, append = self.rtp.recv_into, packets.append
        while budget > 0:
            try:
                # Half of what recv() of a whole datagram's size takes.
                size = receive(_BUFFER)
            except BlockingIOError:
                break
            except OSError:
                # Refused or forbidden (ICMP): nobody takes what we send there. That is not what we are here for.
                budget -= _COSTS
                continue
            append(bytes(_VIEW[:size]))
            budget -= size + _COSTS
        return packets

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


class Ports:
    """The UDP ports of one session. `ssrc`: by which our reports are known."""

    def __init__(self) -> None:
        self.ssrc = int.from_bytes(os.urandom(4), "big")
        self._family = socket.AF_INET
        self._here: Any = None
        self._peer: Any = None
        self._reserved: dict[int, tuple[socket.socket, socket.socket]] = {}
        self.lanes: list[Lane] = []

    def attach(self, control: socket.socket) -> None:
        """The RTSP connection: ports are opened on the address that it has here."""
        self._family = control.family
        self._here, self._peer = control.getsockname(), control.getpeername()

    def reserve(self) -> tuple[int, int]:
        """An even port and the next one (RFC 3550 section 11). Raises OSError when none can be had."""
        for _ in range(_PAIRS):
            first, port = self._bound(0)
            try:
                if port % 2 == 0:
                    second, _ = self._bound(port + 1)
                    self._reserved[port] = first, second
                    return port, port + 1
            except OSError:
                # Somebody else has the odd one.
                pass
            first.close()
        raise OSError("no pair of UDP ports is free")

    def _bound(self, port: int) -> tuple[socket.socket, int]:
        sock = socket.socket(self._family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            sock.bind((self._here[0], port, *self._here[2:]))
            return sock, sock.getsockname()[1]
        except BaseException:
            sock.close()
            raise

    def open(self, tracks: tuple[ClientTrack, ...]) -> None:
        """For tracks that were set up, and before PLAY. Raises OSError."""
        for track in tracks:
            pair = self._reserved.pop(track.udp.client[0], None) if track.udp is not None else None
            if pair is not None:
                lane = Lane(track, *pair)
                self.lanes.append(lane)
                _enlarge(lane.rtp)
                lane.connect(self._peer)
                with suppress(OSError):
                    lane.rtcp.send(rtcp.build(rtcp.ReceiverReport(self.ssrc)))

    def close(self) -> None:
        for lane in self.lanes:
            lane.close()
        for pair in self._reserved.values():
            for sock in pair:
                sock.close()
        self._reserved.clear()


class UdpIntake:
    """An Intake."""

    short_is_all = True

    def __init__(self, control: Pipe | Tunnel, ports: Ports, clock: Clock, text: bytes = b"") -> None:
        """`text`: what came on the RTSP connection behind the answer to PLAY."""
        self._control = control
        self._ports = ports
        self._lanes = ports.lanes
        self._clock = clock
        self._text = text
        now_s = clock.monotonic_s()
        self._aside_s, self._report_s, self._punch_s = now_s, now_s + REPORT_S / 2, now_s + PUNCH_S
        # The kernel tells twice of what it grants, as it counts its own memory too.
        self.hurried = any(_buffer(lane.rtp) < BUFFER_BYTES for lane in self._lanes)

    @property
    def sock(self) -> socket.socket:
        return self._control.sock

    @property
    def transport(self) -> str:
        return "udp" + TLS if self._control.certificate else "udp"

    @property
    def certificate(self) -> str | None:
        return self._control.certificate

    def recv(self, size: int) -> bytes:
        now_s = self._clock.monotonic_s()
        parts: list[bytes] = []
        for lane in self._lanes:
            self._read(lane, size, now_s, parts)
        if now_s >= self._aside_s:
            self._aside_s = now_s + ASIDE_S
            self._read_aside(now_s, parts)
        if not parts:
            raise BlockingIOError
        return b"".join(parts)

    def _read(self, lane: Lane, size: int, now_s: float, parts: list[bytes]) -> None:
        packets, window = lane.read(size), lane.window
        if packets:
            window.push(packets)
            newest = packets[-1]
            if len(newest) >= 12 and (age_s := self._age_s(lane.rtp)) is not None:
                window.arrived(int.from_bytes(newest[4:8], "big"), now_s - age_s)
        window.expire(now_s)
        frame, channel = _FRAME.pack, lane.track.channel
        for packet in window.take():
            parts += (frame(0x24, channel, len(packet)), packet)

    def _read_aside(self, now_s: float, parts: list[bytes]) -> None:
        """Reports, and what the camera says on the RTSP connection: frames too, should it send some there."""
        for lane in self._lanes:
            for data, _ in _queued(lane.rtcp) if lane.waiting_for is None else ():
                self._note_report(lane, data, now_s)
                parts += (_FRAME.pack(0x24, lane.track.rtcp_channel, len(data)), data)
        try:
            for _ in range(_READS_ASIDE):
                data = self._control.recv(RECEIVE_BYTES)
                if not data:
                    raise ConnectionResetError
                self._text += data
        except BlockingIOError:
            pass
        # A message in pieces must not be mixed with packets.
        whole = split(self._text).rest if self._text else 0
        if whole:
            parts.append(self._text[:whole])
            self._text = self._text[whole:]

    def _note_report(self, lane: Lane, data: bytes, now_s: float) -> None:
        for report in rtcp.parse(data):
            if isinstance(report, rtcp.SenderReport) and report.ssrc == lane.window.ssrc:
                lane.last_sr = report.ntp >> 16 & 0xFFFF_FFFF
                lane.sr_at_s = now_s - (self._age_s(lane.rtcp) or 0.0)

    def _age_s(self, sock: socket.socket) -> float | None:
        """How long ago the datagram that was read last arrived; None where the kernel does not tell (as the first time)."""
        try:
            seconds, micros = _TIMEVAL.unpack(fcntl.ioctl(sock, _SIOCGSTAMP, bytes(_TIMEVAL.size)))
        except OSError:
            return None
        age_s = (self._clock.wall_us() - seconds * 1_000_000 - micros) / 1e6
        # The wall clock may have been set since.
        return float(age_s) if 0 <= age_s < ASIDE_S * 4 else 0.0

    def send(self, data: bytes) -> None:
        self._control.send(data)

    def maintain(self) -> None:
        self._control.maintain()
        now_s = self._clock.monotonic_s()
        if now_s >= self._punch_s:
            self._punch_s = now_s + PUNCH_S
            for lane in self._lanes:
                lane.punch()
        if now_s >= self._report_s:
            self._report_s = now_s + REPORT_S
            for lane in self._lanes:
                # Refused, or no way there: reports are a courtesy.
                with suppress(OSError):
                    lane.rtcp.send(self.report(lane, now_s))

    def report(self, lane: Lane, now_s: float) -> bytes:
        """A receiver report (RFC 3550 section 6.4.2); an empty one while nothing came, which opens a NAT as well."""
        delay = min(round((now_s - lane.sr_at_s) * 65_536), 0xFFFF_FFFF) if lane.last_sr else 0
        block = lane.window.report(lane.last_sr, delay)
        blocks, ssrc = () if block is None else (block,), self._ports.ssrc
        return rtcp.build(rtcp.ReceiverReport(ssrc, blocks), rtcp.SourceDescription(ssrc, "luytre"))

    def close(self) -> None:
        self._ports.close()
        self._control.close()


def _sender(source: str, peer: str) -> str:
    """Where packets come from: the camera's word, if it names an address that makes sense, else who we talk to."""
    with suppress(ValueError):
        told, known = ip_address(source), ip_address(peer.partition("%")[0])
        # Behind a NAT a camera tells its inner address, that nobody outside can send from.
        inner = told.is_loopback != known.is_loopback or (told.is_private and not known.is_private)
        if told.version == known.version and told != known:
            return peer if inner or told.is_unspecified or told.is_multicast else source
    return peer


def _queued(sock: socket.socket) -> list[tuple[bytes, Any]]:
    """The datagrams that wait, with their senders."""
    found: list[tuple[bytes, Any]] = []
    for _ in range(_MOST_ASIDE):
        try:
            found.append(sock.recvfrom(_DATAGRAM))
        except BlockingIOError:
            break
        except OSError:
            # As in Lane.read.
            continue
    return found


def _enlarge(sock: socket.socket) -> None:
    """A buffer for a slow tick; what the system does not grant (net.core.rmem_max) is asked for with privilege."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    if _buffer(sock) < BUFFER_BYTES:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, BUFFER_BYTES)
    if _buffer(sock) < BUFFER_BYTES:
        _tell_small(_buffer(sock))


@cache
def _tell_small(granted: int) -> None:
    """Once."""
    _log.warning(
        "UDP buffers are small: streams are emptied more often; raise net.core.rmem_max",
        granted=granted,
        wanted=BUFFER_BYTES,
    )


def _buffer(sock: socket.socket) -> int:
    """As the kernel grants it; half of what it says is for its own."""
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
