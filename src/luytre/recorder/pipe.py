"""One TCP connection to a camera (or a Unix one to our own converter), encrypted or not.

Promises   what was begun to be sent is sent whole, also when the socket takes it in pieces: TLS does not survive less.
Does not   speak RTSP (connection.py), or know who the other side must be (trust.py).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

from luytre.recorder.intake import TLS
from luytre.recorder.tls import Tls, failure

RECEIVE_BYTES = 65_536
# Our requests and answers are tiny: a camera that has not read so much of them does not read at all.
MOST_UNSENT = 65_536


class Pipe:
    """An Intake, and what the handshake goes over. The socket must not block; `recv` of a plain one is the socket's own."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        # A Unix socket holds 200 KB: at the slow ticks no more than 7 Mb/s would come through.
        self.hurried = sock.family == socket.AF_UNIX
        self.short_is_all = True
        self.certificate: str | None = None
        self.recv: Callable[[int], bytes] = sock.recv
        self._tls: Tls | None = None
        self._unsent = bytearray()

    @property
    def transport(self) -> str:
        return "tcp" if self._tls is None else "tcp" + TLS

    async def encrypt(self, host: str) -> None:
        """Everything from here on is TLS. Raises Error(tls_failed), OSError."""
        loop = asyncio.get_running_loop()
        tls, data = Tls(host), b""
        try:
            while not tls.handshake(data):
                await loop.sock_sendall(self.sock, tls.to_send())
                data = await loop.sock_recv(self.sock, RECEIVE_BYTES)
                if not data:
                    raise failure("the camera closed the connection")
            await loop.sock_sendall(self.sock, tls.to_send())
        except ConnectionError as error:
            raise failure("the camera closed the connection") from error
        finally:
            # A camera that refuses is told why, if it still listens.
            with suppress(OSError):
                self.sock.send(tls.to_send())
        self._tls, self.certificate = tls, tls.certificate
        # A read may give a part of a record, which is nothing yet: until there is nothing more to be had.
        self.recv, self.short_is_all = self._decrypted, False

    async def receive(self) -> bytes:
        """At least a byte; b"" at the end. Raises OSError, Error."""
        loop = asyncio.get_running_loop()
        while True:
            data = await loop.sock_recv(self.sock, RECEIVE_BYTES)
            if not data or self._tls is None:
                return data
            plain = self._tls.decrypt(data)
            if plain or self._tls.ended:
                return plain
            self._flush()

    async def sendall(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.sock, self._wrapped(data))

    def _decrypted(self, size: int) -> bytes:
        assert self._tls is not None
        while True:
            data = self.sock.recv(size)
            if not data:
                return data
            plain = self._tls.decrypt(data)
            if plain or self._tls.ended:
                return plain

    def _wrapped(self, data: bytes) -> bytes:
        if self._tls is None:
            return data
        self._tls.encrypt(data)
        return self._tls.to_send()

    def send(self, data: bytes) -> None:
        self._unsent += self._wrapped(data)
        self._flush()

    def _flush(self) -> None:
        if self._tls is not None:
            self._unsent += self._tls.to_send()
        with suppress(BlockingIOError):
            while self._unsent:
                del self._unsent[: self.sock.send(self._unsent)]
        if len(self._unsent) > MOST_UNSENT:
            raise ConnectionResetError("the camera does not read")

    def maintain(self) -> None:
        self._flush()

    def close(self) -> None:
        self.sock.close()
