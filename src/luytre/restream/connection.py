"""One reader's connection: who it is, what it asks for, and its delivery.

Promises   each request but OPTIONS proves a reader's key; whether a camera exists is told to readers only; a wrong key is
           answered slowly; nothing more is read from a client while it waits for an answer.
Does not   pack or choose pictures (channel.py, delivery.py).
"""

from __future__ import annotations

import asyncio
import re
import socket
from typing import Final, Protocol, cast
from urllib.parse import unquote

from luytre.archive.keys import StreamKey
from luytre.base import log
from luytre.base.clock import Clock
from luytre.base.errors import Error, Kind
from luytre.cameras.restreaming import Grant, Restreaming
from luytre.media.rtsp.auth import challenges_to_send, claimed, new_nonce, proves
from luytre.media.rtsp.messages import Request
from luytre.media.rtsp.server import (
    Feedback,
    HangUp,
    Held,
    Pause,
    Play,
    Presentation,
    ServerEvent,
    ServerSession,
)
from luytre.people.actor import Actor
from luytre.people.readers import WRONG_S, Readers
from luytre.restream.channel import Channel
from luytre.restream.delivery import Delivery

REALM: Final = "Luy Tre"
# How long DESCRIBE waits for a camera that is just connecting; then the reader is told when to come again.
PATIENCE_S: Final = 4.0
RETRY_AFTER_S: Final = 5
_STATUS: Final = {Kind.NOT_FOUND: 404, Kind.FORBIDDEN: 403}
_TRACK: Final = re.compile(r"trackID=\d+")

_log = log.get("restream")
_Headers = tuple[tuple[str, str], ...]


class House(Protocol):
    """What connections share."""

    clock: Clock
    readers: Readers
    restreaming: Restreaming

    def connected(self, connection: Connection) -> bool:
        """False: there are too many."""

    def disconnected(self, connection: Connection) -> None: ...

    def enter(self, grant: Grant) -> Channel:
        """The stream's channel; each `enter` is paired with a `leave`."""

    def leave(self, key: StreamKey) -> None: ...


class _Refused(Exception):
    """What a request is refused with."""

    def __init__(self, status: int, *headers: tuple[str, str]) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers


class Connection(asyncio.Protocol):
    """One socket."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._session = ServerSession(
            self._lookup, hold=lambda request: request.method != "OPTIONS", server="LuyTre"
        )
        self._nonce = new_nonce()
        self._transport: asyncio.Transport | None = None
        self._asking: asyncio.Task[None] | None = None
        self._secret = ""
        self._user: str | None = None
        self._actor: Actor | None = None
        self._grant: Grant | None = None
        self._channel: Channel | None = None
        self._presentation: Presentation | None = None
        self._delivery: Delivery | None = None
        self.address = ""
        # Since when it plays nothing.
        self.since_s = house.clock.monotonic_s()

    # -- what the server's rounds look at ---------------------------------------------------------------------------

    @property
    def reader(self) -> str | None:
        """The reader's id, once it is known."""
        return None if self._actor is None else self._actor.user_id

    @property
    def camera(self) -> str | None:
        """The UUID of the camera that was asked for."""
        return None if self._grant is None else self._grant.key.camera

    @property
    def is_playing(self) -> bool:
        return self._delivery is not None

    @property
    def heard_s(self) -> float | None:
        """When the stream's last picture came (monotonic); None while nothing is asked for."""
        return None if self._channel is None else self._channel.heard_s

    @property
    def slow_since_s(self) -> float | None:
        return None if self._delivery is None else self._delivery.slow_since_s

    def end(self, why: str) -> None:
        """Say goodbye, and close when what is under way has gone out."""
        if self._delivery is not None:
            self._delivery.end(why)
        elif self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    # -- asyncio.Protocol -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not isinstance: uvloop's transports are no subclasses.
        transport = cast("asyncio.Transport", transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if not self._house.connected(self):
            transport.abort()

    def data_received(self, data: bytes) -> None:
        self._handle(self._session.receive(data))

    def connection_lost(self, error: Exception | None) -> None:
        if self._asking is not None:
            self._asking.cancel()
        self._stop("closed by the reader")
        if self._grant is not None:
            self._house.leave(self._grant.key)
            self._grant = None
        self._transport = None
        self._house.disconnected(self)

    def _handle(self, events: list[ServerEvent]) -> None:
        transport = self._transport
        if transport is None:
            return
        for event in events:
            if isinstance(event, Held):
                transport.pause_reading()
                self._asking = asyncio.create_task(self._ask(event.request))
            elif isinstance(event, Play):
                # RTP-Info before the first packet.
                transport.write(self._session.data_to_send())
                self._play(event)
            elif isinstance(event, Pause):
                self._stop("paused")
            elif isinstance(event, HangUp):
                self._stop("closed by the reader")
                transport.write(self._session.data_to_send())
                transport.close()
            else:
                assert isinstance(event, Feedback)
        transport.write(self._session.data_to_send())

    # -- requests ---------------------------------------------------------------------------------------------------

    async def _ask(self, request: Request) -> None:
        """Find out whether a request may be answered, and let the session answer."""
        refused: _Refused | None = None
        try:
            await self._prove(request)
            if request.method in ("DESCRIBE", "SETUP"):
                await self._find(request)
            elif request.method == "PLAY" and self._grant is not None and not self.is_playing:
                self._require_same()
                await asyncio.to_thread(self._house.restreaming.look, self._grant)
                # The camera may have come back as another one meanwhile.
                self._require_same()
        except _Refused as caught:
            refused = caught
        except Error as error:
            status = _STATUS.get(error.kind, 503)
            refused = _Refused(status, *(_retry_after(error) if status == 503 else ()))
            _log.info("reader refused", address=self.address, cause=error.cause, status=status)
        if self._transport is None:
            return
        if not self._transport.is_closing():
            self._transport.resume_reading()
        if refused is None:
            self._handle(self._session.go_on())
        else:
            self._handle(self._session.refuse(refused.status, refused.headers))

    async def _prove(self, request: Request) -> None:
        """Raises _Refused(401) for who does not prove a key, and for a key that is not this connection's."""
        header = request.get("authorization")
        user = claimed(header)
        if user is None:
            raise self._challenge()
        stale = False

        def proof(secret: str) -> bool:
            nonlocal stale
            verdict = proves(header, secret, request.method, REALM, self._nonce)
            stale = verdict is None
            self._secret = secret
            return verdict is not False

        if self._actor is not None:
            if user != self._user or not proof(self._secret):
                await asyncio.sleep(WRONG_S)
                raise self._challenge()
        else:
            try:
                actor = await asyncio.to_thread(self._house.readers.prove, user, self.address, proof)
            except Error as error:
                if error.kind is not Kind.UNAUTHENTICATED:
                    raise
                _log.warning("a wrong key", address=self.address)
                await asyncio.sleep(WRONG_S)
                raise self._challenge() from None
            if not stale:
                self._actor, self._user = actor, user
        if stale:
            raise self._challenge(stale=True)

    def _challenge(self, *, stale: bool = False) -> _Refused:
        """The last Digest is the one that FFmpeg and VLC take, and they know no other than MD5."""
        more = ", stale=true" if stale else ""
        digests = [
            f'Digest realm="{REALM}", nonce="{self._nonce}", algorithm={name}, qop="auth"{more}'
            for name in ("SHA-256", "MD5")
        ]
        values = [*digests, *challenges_to_send("basic", REALM, self._nonce)]
        return _Refused(401, *(("WWW-Authenticate", value) for value in values))

    async def _find(self, request: Request) -> None:
        """Admit the reader to what a DESCRIBE or SETUP is for. Raises _Refused, Error."""
        code, stream, _ = _parse(request.url)
        assert self._actor is not None
        if self.is_playing:
            return
        grant = await asyncio.to_thread(self._house.restreaming.admit, self._actor, code, stream)
        if self._grant is None or grant.key != self._grant.key:
            if self._grant is not None:
                self._house.leave(self._grant.key)
            self._channel = self._house.enter(grant)
        self._grant = grant
        assert self._channel is not None
        media = await self._channel.described(PATIENCE_S)
        if media is None:
            raise _Refused(503, ("Retry-After", str(RETRY_AFTER_S)))
        if request.method == "DESCRIBE" or self._presentation is None:
            self._presentation = Presentation(media, grant.title)
        self._require_same()

    def _require_same(self) -> None:
        """What was described is what is sent. Raises _Refused(503)."""
        if (
            self._presentation is None
            or self._channel is None
            or self._presentation.media != self._channel.media
        ):
            raise _Refused(503, ("Retry-After", "1"))

    def _lookup(self, path: str) -> Presentation | int:
        """For ServerSession, after `_find`: only a path without a track is a presentation."""
        _, _, track = _parse(path)
        return 404 if track or self._presentation is None else self._presentation

    # -- pictures ---------------------------------------------------------------------------------------------------

    def _play(self, event: Play) -> None:
        grant, channel, transport = self._grant, self._channel, self._transport
        assert grant is not None
        assert channel is not None
        assert transport is not None
        self._stop("played again")
        name = f"{grant.code}@luytre"
        self._delivery = Delivery(
            event.tracks, channel.tracks, transport, self._house.clock, name, self._ended
        )
        _log.info(
            "reader plays",
            reader=grant.actor.name,
            camera=grant.code,
            stream=grant.key.stream,
            address=self.address,
        )
        channel.join(self._delivery)

    def _stop(self, why: str) -> None:
        if self._delivery is None or self._grant is None:
            return
        assert self._channel is not None
        self._channel.leave(self._delivery)
        self._delivery = None
        self.since_s = self._house.clock.monotonic_s()
        _log.info("reader ended", reader=self._grant.actor.name, camera=self._grant.code, why=why)

    def _ended(self, why: str) -> None:
        self._stop(why)
        if self._transport is not None:
            self._transport.close()


def _parse(url: str) -> tuple[str, str, str]:
    """Code, stream and track out of `rtsp://node:8554/CODE/main/trackID=0`; a query is passed over."""
    path = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", "", url)
    steps = [unquote(step) for step in re.split(r"[/?#]", path) if step]
    track = steps.pop() if len(steps) > 1 and _TRACK.fullmatch(steps[-1]) else ""
    return steps[0] if steps else "", steps[1] if len(steps) > 1 else "main", track


def _retry_after(error: Error) -> _Headers:
    wait_s = RETRY_AFTER_S if error.retry_after_s is None else max(1, round(error.retry_after_s))
    return (("Retry-After", str(wait_s)),)
