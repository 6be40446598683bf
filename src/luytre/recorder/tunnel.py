"""RTSP and RTP through an HTTP tunnel: two connections that look like one (luytre.media.rtsp.tunnel)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

from luytre.base.errors import Error
from luytre.media.rtsp.tunnel import TunnelSession
from luytre.recorder.intake import TLS
from luytre.recorder.pipe import RECEIVE_BYTES, Pipe

Open = Callable[[], Awaitable[Pipe]]


class Tunnel:
    """An Intake, and what the handshake goes over."""

    hurried = False

    def __init__(self, session: TunnelSession, listening: Pipe, speaking: Pipe, reopen: Open) -> None:
        self._session = session
        self._listening, self._speaking = listening, speaking
        self._reopen = reopen
        self._reopening: asyncio.Task[None] | None = None
        self._waiting = bytearray()
        self.short_is_all = listening.short_is_all
        self.recv = listening.recv

    @property
    def sock(self) -> socket.socket:
        return self._listening.sock

    @property
    def transport(self) -> str:
        return "http" + TLS if self._listening.transport.endswith(TLS) else "http"

    @property
    def certificate(self) -> str | None:
        return self._listening.certificate

    async def receive(self) -> bytes:
        """As a Pipe's."""
        if self._session.rest:
            rest, self._session.rest = self._session.rest, b""
            return rest
        return await self._listening.receive()

    async def sendall(self, data: bytes) -> None:
        if not self._takes(data):
            await self._speak_anew()
        await self._speaking.sendall(self._session.wrap(data))

    def send(self, data: bytes) -> None:
        """Where a new connection is needed first, a task of its own makes it: the tick does not wait."""
        if not data:
            return
        if self._reopening is None and self._takes(data):
            self._speaking.send(self._session.wrap(data))
            return
        self._waiting += data
        if self._reopening is None:
            self._reopening = asyncio.get_running_loop().create_task(self._send_later())

    async def _send_later(self) -> None:
        # What fails here is a keep-alive: when the camera minds, it ends the listening connection, and that is seen.
        with suppress(OSError, Error):
            await self._speak_anew()
            data = bytes(self._waiting)
            await self._speaking.sendall(self._session.wrap(data))
        self._waiting.clear()
        self._reopening = None

    async def _speak_anew(self) -> None:
        fresh = await self._reopen()
        self._speaking.close()
        self._speaking = fresh
        await fresh.sendall(self._session.post())

    def _takes(self, data: bytes) -> bool:
        """Whether this can be said without a new connection. All that is heard on this one is that it ended."""
        try:
            while self._speaking.recv(RECEIVE_BYTES):
                pass
            self._session.full()
        except BlockingIOError:
            pass
        except (OSError, Error):
            self._session.full()
        return self._session.holds(data)

    def maintain(self) -> None:
        self._listening.maintain()
        with suppress(OSError):
            # Closed by the camera: it is opened again for what is said next.
            self._speaking.maintain()

    def close(self) -> None:
        if self._reopening is not None:
            self._reopening.cancel()
        self._listening.close()
        self._speaking.close()


async def dig(session: TunnelSession, open_pipe: Open) -> Tunnel:
    """Both connections, the listening one first. Raises Error, OSError."""
    while True:
        listening = await open_pipe()
        try:
            await listening.sendall(session.get())
            is_open: bool | None = None
            while is_open is None:
                data = await listening.receive()
                if not data:
                    raise ConnectionResetError
                is_open = session.answered(data)
            if is_open:
                speaking = await open_pipe()
                try:
                    await speaking.sendall(session.post())
                except BaseException:
                    speaking.close()
                    raise
                return Tunnel(session, listening, speaking, open_pipe)
        except BaseException:
            listening.close()
            raise
        listening.close()
