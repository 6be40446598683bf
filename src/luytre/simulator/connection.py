"""One client's socket: RTSP on it, or one half of an HTTP tunnel, and the player that feeds it.

Does not   listen (server.py does) or know what is due (player.py does).
"""

from __future__ import annotations

import asyncio
import re
import socket
from typing import Protocol

from luytre.base.clock import Clock
from luytre.media.rtsp.server import (
    Feedback,
    Guard,
    HangUp,
    Moved,
    Pause,
    Play,
    Presentation,
    ServerSession,
    ServerTrack,
)
from luytre.simulator import tunnel
from luytre.simulator.camera import Camera
from luytre.simulator.datagrams import DatagramCarrier, Place, PortPair
from luytre.simulator.faults import HEALTHY, spoil
from luytre.simulator.player import Carrier, Player

# A camera's path in a request, whatever stands before and behind it.
_ASKED = re.compile(rb"/cam\d{1,6}/[A-Za-z0-9_-]{1,32}")


class Home(Protocol):
    """What the connections of a simulator share.

    listeners  who hears what comes over UDP, by where the client's RTCP is from
    tunnels    who waits for the other half of an HTTP tunnel, by cookie
    """

    guard: Guard
    clock: Clock
    timeout_s: int
    ports: PortPair | None
    connections: set[Connection]
    listeners: dict[Place, Connection]
    tunnels: dict[bytes, Connection]

    def lookup(self, path: str) -> Presentation | Moved | int:
        """What is at a path."""

    def find(self, path: str) -> tuple[Camera, str] | None:
        """The camera and the name of its stream at a path."""

    def wake(self) -> None:
        """Somebody wants to be ticked."""


class Connection(asyncio.Protocol):
    """A socket that the simulator accepted."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._session = ServerSession(
            home.lookup,
            home.guard,
            timeout_s=home.timeout_s,
            ports=home.ports.numbers if home.ports else None,
        )
        self._transport: asyncio.Transport | None = None
        self._player: Player | None = None
        self._camera: Camera | None = None
        self._carrier: Carrier | None = None
        self._places: list[Place] = []
        self._heard_s = 0.0
        self._faults = HEALTHY.answers
        # Until it is known whether this is RTSP or HTTP.
        self._begin: bytearray | None = bytearray()
        self._cookie = b""
        # The half that this one brings requests to.
        self._other: Connection | None = None
        self._decoder = tunnel.Decoder()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._home.connections.add(self)
        self._home.wake()

    def data_received(self, data: bytes) -> None:
        if self._begin is not None:
            self._begin += data
            if tunnel.may_begin(self._begin):
                self._open_tunnel(self._begin)
                return
            data, self._begin = bytes(self._begin), None
        if self._other is None:
            self._converse(data)
            return
        try:
            self._other._converse(self._decoder.feed(data))
        except ValueError:
            self.abort()

    def _open_tunnel(self, data: bytearray) -> None:
        opening = tunnel.parse(data)
        assert self._transport is not None
        if opening is None:
            if len(data) > tunnel.MAX_HEAD:
                self.abort()
            return
        self._begin, rest = None, bytes(data[opening.size :])
        if opening.post and opening.cookie in self._home.tunnels:
            self._other = self._home.tunnels[opening.cookie]
            self.data_received(rest)
        elif opening.cookie and not opening.post:
            self._cookie = opening.cookie
            self._home.tunnels[opening.cookie] = self
            self._transport.write(tunnel.ACCEPTED)
        else:
            self._transport.write(tunnel.REFUSED)
            self._transport.close()

    def _converse(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._heard_s = self._home.clock.monotonic_s()
        asked = _ASKED.search(data)
        found = self._home.find(asked.group().decode()) if asked else None
        if found is not None:
            self._faults = found[0].faults.answers
        for event in self._session.receive(data):
            if isinstance(event, Play):
                # First the player: who has the answer may drop() the camera, and that is to end this one too.
                self._play(event)
                if self._faults.early_media:
                    self.tick()
                transport.write(self._answers())
            elif isinstance(event, Pause):
                self._stop()
            elif isinstance(event, Feedback):
                self.hear(event.payload)
            elif isinstance(event, HangUp):
                self._stop()
                transport.write(self._answers())
                transport.close()
        transport.write(self._answers())

    def _answers(self) -> bytes:
        answers = self._session.data_to_send()
        return spoil(answers, self._faults) if answers and self._faults is not HEALTHY.answers else answers

    def hear(self, feedback: bytes) -> None:
        """RTCP of the client, however it came."""
        self._heard_s = self._home.clock.monotonic_s()
        if self._camera is not None:
            self._camera.hear(feedback)

    def _play(self, event: Play) -> None:
        found = self._home.find(event.path)
        if found is None:
            return
        self._stop()
        self._camera = found[0]
        self._camera.clients += 1
        self._carrier = self._carrier_for(event.tracks)
        self._player = Player(found[0], found[0].streams[found[1]], event.tracks, self._home.clock)

    def _carrier_for(self, tracks: tuple[ServerTrack, ...]) -> Carrier:
        assert self._transport is not None
        if self._home.ports is None or tracks[0].ports is None:
            return self._transport
        host, _, *scope = self._transport.get_extra_info("peername")
        places: dict[int, Place] = {}
        for track in tracks:
            if track.ports is not None:
                rtp, rtcp = track.ports
                places[track.channel] = (host, rtp, *scope)
                places[track.channel + 1] = (host, rtcp, *scope)
                self._places.append((host, rtcp))
                self._home.listeners[host, rtcp] = self
        return DatagramCarrier(self._home.ports, places)

    def _stop(self) -> None:
        if self._player is not None and self._camera is not None:
            self._player.close()
            self._camera.clients -= 1
            self._player = None
        for place in self._places:
            if self._home.listeners.get(place) is self:
                del self._home.listeners[place]
        self._places = []

    def tick(self) -> None:
        """Send what is due; a client that is gone or too slow is hung up on."""
        if self._player is None or self._carrier is None:
            return
        if not self._player.tick(self._carrier) or self._is_forgotten():
            self.abort()

    def _is_forgotten(self) -> bool:
        """Over UDP nobody tells that the client is gone: it has to say something now and then."""
        silent_s = self._home.clock.monotonic_s() - self._heard_s
        return bool(self._places) and silent_s > self._home.timeout_s

    def abort(self) -> None:
        """Hang up at once."""
        self._stop()
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._stop()
        self._home.connections.discard(self)
        if self._home.tunnels.get(self._cookie) is self:
            del self._home.tunnels[self._cookie]
