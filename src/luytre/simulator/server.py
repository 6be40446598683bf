"""Simulated cameras behind one port: asyncio sockets around luytre.media.rtsp.server.

    async with Simulator([drawn(1)]) as simulator:
        ... simulator.url(1, "main") ...

Promises   one timer for all clients; stops asking for the time when nobody is connected. Media over TCP, over UDP (one
           pair of ports for all), or through an HTTP tunnel; with a certificate all of it but UDP is inside TLS.
Does not   draw, encode or pack in the event loop.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from types import TracebackType

from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error, Kind
from luytre.media.rtsp.server import Guard, Moved, Presentation
from luytre.simulator.camera import Camera
from luytre.simulator.certificate import Certificate
from luytre.simulator.connection import Connection
from luytre.simulator.datagrams import Place, PortPair
from luytre.simulator.studio import Studio

TICK_S = 0.040
_PATH = re.compile(r"/cam(\d{1,6})/([A-Za-z0-9_-]{1,32})")


class Simulator:
    """Cameras are found by their number. With `port` 0 the system chooses: see `port` after start().

    certificate  all connections are TLS (rtsps://)
    timeout_s    sessions: a client over UDP that says nothing for so long is dropped
    """

    def __init__(
        self,
        cameras: Sequence[Camera],
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        guard: Guard | None = None,
        certificate: Certificate | None = None,
        timeout_s: int = 60,
        tick_s: float = TICK_S,
        clock: Clock = SYSTEM,
    ) -> None:
        self.cameras = {camera.number: camera for camera in cameras}
        self.host, self.port = host, port
        self.guard = guard or Guard()
        self.certificate = certificate
        self.timeout_s = timeout_s
        self.clock = clock
        self.connections: set[Connection] = set()
        self.ports: PortPair | None = None
        # Who hears what comes back over UDP, by where the client's RTCP is from; who waits for the other half of a tunnel.
        self.listeners: dict[Place, Connection] = {}
        self.tunnels: dict[bytes, Connection] = {}
        self._tick_s = tick_s
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._next_s = 0.0

    async def start(self) -> None:
        """Prepare all sources in a thread, then listen. Raises Error(UNAVAILABLE) when the port is taken."""
        await asyncio.to_thread(self._prepare)
        loop = asyncio.get_running_loop()
        self.ports = PortPair(self.host)
        try:
            self._server = await loop.create_server(
                lambda: Connection(self),
                self.host,
                self.port,
                backlog=1024,
                ssl=self.certificate.context() if self.certificate else None,
            )
        except OSError as error:
            self.ports.close()
            self.ports = None
            raise Error(
                Kind.UNAVAILABLE,
                f"cannot listen on {self.host} port {self.port}: {error.strerror}",
                hint="Choose another port, or 0 for any free one.",
                cause="port_taken",
            ) from None
        self.port = self._server.sockets[0].getsockname()[1]
        loop.add_reader(self.ports.rtcp, self.ports.receive, self._hear)

    def _prepare(self) -> None:
        for camera in self.cameras.values():
            for stream in camera.streams.values():
                stream.source.prepare()
                if isinstance(stream.source, Studio):
                    stream.source.wall_offset_us = round(camera.clock_offset_s * 1_000_000)

    async def serve(self) -> None:
        """start(), then serve until cancelled."""
        async with self:
            assert self._server is not None
            await self._server.serve_forever()

    async def close(self) -> None:
        """Close the port and all connections."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for connection in list(self.connections):
            connection.abort()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None
        if self.ports is not None:
            asyncio.get_running_loop().remove_reader(self.ports.rtcp)
            self.ports.close()
            self.ports = None

    async def __aenter__(self) -> Simulator:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def url(self, number: int, stream: str = "main") -> str:
        """Where a stream is found, without credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        scheme = "rtsps" if self.certificate else "rtsp"
        return f"{scheme}://{host}:{self.port}{self.cameras[number].path(stream)}"

    def find(self, path: str) -> tuple[Camera, str] | None:
        match = _PATH.fullmatch(path.partition("?")[0])
        camera = self.cameras.get(int(match.group(1))) if match else None
        return (camera, match.group(2)) if camera is not None and match is not None else None

    def lookup(self, path: str) -> Presentation | Moved | int:
        """For ServerSession."""
        found = self.find(path)
        return found[0].presentation(found[1]) if found else 404

    def _hear(self, place: Place, data: bytes) -> None:
        listener = self.listeners.get(place[:2])
        if listener is not None:
            listener.hear(data)

    def wake(self) -> None:
        """A connection came: tick from now on."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._next_s = loop.time() + self._tick_s
            self._timer = loop.call_at(self._next_s, self._tick)

    def _tick(self) -> None:
        self._timer = None
        for connection in list(self.connections):
            connection.tick()
        if self.connections:
            loop = asyncio.get_running_loop()
            # After a stall the missed ticks are not made up for: what was due goes out with the next one.
            self._next_s = max(self._next_s + self._tick_s, loop.time())
            self._timer = loop.call_at(self._next_s, self._tick)
