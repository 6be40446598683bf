"""Media over UDP: one pair of ports for all clients of a simulator (RFC 3550 section 11).

Promises   packets of one size that follow each other leave with one system call where the kernel can cut them (GSO);
           what does not fit anywhere is lost, as it is on a network.
Does not   number packets or know sessions: what is sent is the interleaved stream, without its frames.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from luytre.base.errors import Error, Kind

_FRAME = struct.Struct(">BBH")
_SEGMENT = struct.Struct("=H")
# From linux/udp.h; the socket module does not know it.
_UDP_SEGMENT = 103
# The kernel's limits: segments of one call, bytes of one call.
_MOST_SEGMENTS, _MOST_BYTES = 60, 60_000
_CANNOT_SEGMENT = {errno.EINVAL, errno.EIO, errno.ENOPROTOOPT, errno.EOPNOTSUPP}
_TRIES = 50
_REPORT_BYTES = 2048

Place = tuple[Any, ...]


class PortPair:
    """An even port for RTP and the odd one above it for RTCP, on `host`. Raises Error when none is free."""

    def __init__(self, host: str) -> None:
        self.rtp, self.rtcp = _bind(host)
        self.numbers: tuple[int, int] = (self.rtp.getsockname()[1], self.rtcp.getsockname()[1])
        self._segments = _can_segment(self.rtp)

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()

    def receive(self, deliver: Callable[[Place, bytes], None]) -> None:
        """Hand over the RTCP packets that have come, each with where it is from."""
        with suppress(OSError):
            while True:
                data, place = self.rtcp.recvfrom(_REPORT_BYTES)
                deliver(place, data)

    def send(self, data: bytes | bytearray, places: Mapping[int, Place]) -> None:
        """Interleaved frames as datagrams, each to the place of its channel; odd channels are RTCP."""
        view, size, at = memoryview(data), len(data), 0
        group: list[memoryview] = []
        channel, length, total = 0, 0, 0
        while at + _FRAME.size <= size:
            _, to, count = _FRAME.unpack_from(view, at)
            packet = view[at + _FRAME.size : at + _FRAME.size + count]
            at += _FRAME.size + count
            fits = to == channel and count <= length and total + count <= _MOST_BYTES
            if group and not (fits and len(group) < _MOST_SEGMENTS):
                self._flush(group, channel, length, places)
                group = []
            if not group:
                channel, length, total = to, count, 0
            group.append(packet)
            total += count
            if count < length:
                # Only the last segment may be shorter.
                self._flush(group, channel, length, places)
                group = []
        if group:
            self._flush(group, channel, length, places)

    def _flush(self, group: list[memoryview], channel: int, length: int, places: Mapping[int, Place]) -> None:
        place = places.get(channel)
        if place is None:
            return
        sender = self.rtcp if channel & 1 else self.rtp
        if len(group) > 1 and self._segments:
            try:
                cut = [(socket.IPPROTO_UDP, _UDP_SEGMENT, _SEGMENT.pack(length))]
                sender.sendmsg(group, cut, 0, place)
            except OSError as error:
                if error.errno not in _CANNOT_SEGMENT:
                    return
                # A network card that cannot do it: from now on one by one.
                self._segments = False
            else:
                return
        for packet in group:
            with suppress(OSError):
                sender.sendto(packet, place)


class DatagramCarrier:
    """One client's way over UDP, written to as if it were a stream of interleaved frames."""

    __slots__ = ("_pair", "_places")

    def __init__(self, pair: PortPair, places: Mapping[int, Place]) -> None:
        self._pair, self._places = pair, places

    def write(self, data: bytes | bytearray) -> None:
        self._pair.send(data, self._places)

    def get_write_buffer_size(self) -> int:
        return 0


def _bind(host: str) -> tuple[socket.socket, socket.socket]:
    problem: OSError | None = None
    for _ in range(_TRIES):
        rtp: socket.socket | None = None
        rtcp: socket.socket | None = None
        try:
            rtp = _socket(host, 0)
            number = rtp.getsockname()[1]
            if number % 2 == 0:
                rtcp = _socket(host, number + 1)
                return rtp, rtcp
        except OSError as error:
            problem = error
        finally:
            if rtp is not None and rtcp is None:
                rtp.close()
    raise Error(
        Kind.UNAVAILABLE,
        f"no pair of UDP ports is free on {host}: {problem.strerror if problem else 'all are odd'}",
        hint="Close other programs that use the network.",
        cause="port_taken",
    )


def _socket(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, place = socket.getaddrinfo(
        host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
    )[0]
    made = socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol)
    try:
        made.bind(place)
    except OSError:
        made.close()
        raise
    return made


def _can_segment(sender: socket.socket) -> bool:
    try:
        sender.setsockopt(socket.IPPROTO_UDP, _UDP_SEGMENT, 0)
    except OSError:
        return False
    return True
