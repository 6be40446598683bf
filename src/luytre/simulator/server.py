"""Simulated cameras behind one port: asyncio sockets around luytre.media.rtsp.server.

    async with Simulator([drawn(1)]) as simulator:
        ... simulator.url(1, "main") ...

Promises   one timer for all clients; stops asking for the time when nobody is connected.
Does not   draw, encode or pack in the event loop.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Sequence
from types import TracebackType

from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error, Kind
from luytre.media.rtsp.server import Guard, HangUp, Pause, Play, Presentation, ServerSession
from luytre.simulator.camera import Camera
from luytre.simulator.player import Player
from luytre.simulator.studio import Studio

TICK_S = 0.040
_PATH = re.compile(r"/cam(\d{1,6})/([A-Za-z0-9_-]{1,32})")


class Simulator:
    """Cameras are found by their number. With `port` 0 the system chooses: see `port` after start()."""

    def __init__(
        self,
        cameras: Sequence[Camera],
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        guard: Guard | None = None,
        tick_s: float = TICK_S,
        clock: Clock = SYSTEM,
    ) -> None:
        self.cameras = {camera.number: camera for camera in cameras}
        self.host, self.port = host, port
        self.guard = guard or Guard()
        self.clock = clock
        self.connections: set[_Connection] = set()
        self._tick_s = tick_s
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._next_s = 0.0

    async def start(self) -> None:
        """Prepare all sources in a thread, then listen. Raises Error(UNAVAILABLE) when the port is taken."""
        await asyncio.to_thread(self._prepare)
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: _Connection(self), self.host, self.port, backlog=1024
            )
        except OSError as error:
            raise Error(
                Kind.UNAVAILABLE,
                f"cannot listen on {self.host} port {self.port}: {error.strerror}",
                hint="Choose another port, or 0 for any free one.",
                cause="port_taken",
            ) from None
        self.port = self._server.sockets[0].getsockname()[1]

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
        return f"rtsp://{host}:{self.port}{self.cameras[number].path(stream)}"

    def find(self, path: str) -> tuple[Camera, str] | None:
        match = _PATH.fullmatch(path.partition("?")[0])
        camera = self.cameras.get(int(match.group(1))) if match else None
        return (camera, match.group(2)) if camera is not None and match is not None else None

    def lookup(self, path: str) -> Presentation | int:
        """For ServerSession."""
        found = self.find(path)
        return found[0].presentation(found[1]) if found else 404

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


class _Connection(asyncio.Protocol):
    """One socket."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._session = ServerSession(simulator.lookup, simulator.guard)
        self._transport: asyncio.Transport | None = None
        self._player: Player | None = None
        self._camera: Camera | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._simulator.connections.add(self)
        self._simulator.wake()

    def data_received(self, data: bytes) -> None:
        transport = self._transport
        assert transport is not None
        for event in self._session.receive(data):
            if isinstance(event, Play):
                transport.write(self._session.data_to_send())
                self._play(event)
            elif isinstance(event, Pause):
                self._stop()
            elif isinstance(event, HangUp):
                self._stop()
                transport.write(self._session.data_to_send())
                transport.close()
        transport.write(self._session.data_to_send())

    def _play(self, event: Play) -> None:
        found = self._simulator.find(event.path)
        if found is None:
            return
        self._stop()
        self._camera = found[0]
        self._camera.clients += 1
        self._player = Player(found[0], found[0].streams[found[1]], event.tracks, self._simulator.clock)

    def _stop(self) -> None:
        if self._player is not None and self._camera is not None:
            self._player.close()
            self._camera.clients -= 1
            self._player = None

    def tick(self) -> None:
        if (
            self._player is not None
            and self._transport is not None
            and not self._player.tick(self._transport)
        ):
            self._stop()
            self._transport.abort()

    def abort(self) -> None:
        self._stop()
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._stop()
        self._simulator.connections.discard(self)
