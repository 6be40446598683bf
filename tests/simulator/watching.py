"""What the simulator's tests look with: PyAV as a foreign client, and our own client to see each packet."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import av
from av.container import InputContainer

from luytre.media.rtp import interleaved
from luytre.media.rtp.packet import Packet, parse
from luytre.media.rtsp.client import ClientSession, Playing
from luytre.media.rtsp.url import address, join_credentials

TIMEOUT_S = 20.0


@contextmanager
def opened(url: str, user: str = "", password: str = "") -> Iterator[InputContainer]:
    """A stream as FFmpeg sees it."""
    with av.open(
        join_credentials(url, user, password), options={"rtsp_transport": "tcp"}, timeout=TIMEOUT_S
    ) as container:
        yield container


def until(done: Callable[[], bool]) -> None:
    for _ in range(600):
        if done():
            return
        asyncio.run(asyncio.sleep(0.02))
    raise AssertionError("it did not come")


class Watcher:
    """Our own client with a blocking socket: packets of both tracks, as they come."""

    def __init__(self, url: str, *, audio: bool = False, user: str = "", password: str = "") -> None:
        self.session = ClientSession(url, user, password, audio)
        where = address(url)
        self.socket = socket.create_connection((where.host, where.port), timeout=TIMEOUT_S)
        try:
            self.playing = self._handshake()
        except BaseException:
            self.close()
            raise
        self._buffer = self.session.rest()

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _handshake(self) -> Playing:
        self.socket.sendall(self.session.start())
        while True:
            for event in self.session.receive(self._receive()):
                if isinstance(event, Playing):
                    return event
            self.socket.sendall(self.session.data_to_send())

    def forget(self) -> None:
        """Drop what was received and not looked at; only where a frame ends."""
        self._buffer = b""

    def _receive(self) -> bytes:
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError
        return data

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """(channel, payload) for ever. Raises EOFError at the end of the connection."""
        while True:
            found = interleaved.split(self._buffer)
            yield from [(channel, self._buffer[start:end]) for channel, start, end in found.frames]
            self._buffer = self._buffer[found.rest :] + self._receive()

    def until(self, done: Callable[[list[tuple[int, Packet]]], bool]) -> list[tuple[int, Packet]]:
        """RTP packets with their channels until `done` says so."""
        packets: list[tuple[int, Packet]] = []
        for channel, payload in self.frames():
            if channel % 2 == 0:
                packets.append((channel, parse(payload)))
                if done(packets):
                    return packets
        raise AssertionError("unreachable")

    def close(self) -> None:
        self.socket.close()
