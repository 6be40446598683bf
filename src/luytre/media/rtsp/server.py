"""The server side of one RTSP connection over TCP interleaved, sans-I/O; what the simulated cameras speak.

Promises   OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN; Basic or Digest on
           all but OPTIONS; what RTP-Info announces is what the media must begin with.
Does not   open sockets, send media, or offer UDP (461) or recording (501).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from luytre.base.errors import Error
from luytre.media import sdp
from luytre.media.rtsp.answers import parse_transport
from luytre.media.rtsp.auth import Credentials, Scheme, accepted, challenges_to_send, new_nonce
from luytre.media.rtsp.messages import Connection, Frame, Request, build_response

PUBLIC = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN"
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    459: "Aggregate Operation Not Allowed",
    461: "Unsupported Transport",
    501: "Not Implemented",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Presentation:
    """What one path offers. Each medium's `control` is one path component."""

    media: tuple[sdp.Media, ...]
    name: str = "Luy Tre camera"


@dataclass(frozen=True, slots=True)
class ServerTrack:
    """A medium that was set up; media begins with exactly this seq (16 bits) and rtptime (32 bits)."""

    index: int
    channel: int
    ssrc: int
    seq: int
    rtptime: int


@dataclass(frozen=True, slots=True)
class Play:
    path: str
    tracks: tuple[ServerTrack, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    path: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """Send what is left and close the connection."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """An interleaved frame of the client, mostly an RTCP receiver report."""

    channel: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Held:
    """A request that waits for its owner: `go_on()` answers it, `refuse()` refuses it. Nothing is read until then."""

    request: Request


ServerEvent = Play | Pause | HangUp | Feedback | Held
# Path (with query, no trailing slash) to what is there, or the status to refuse with; 0 hangs up.
Lookup = Callable[[str], Presentation | int]


@dataclass(frozen=True, slots=True)
class Guard:
    """How a client must log in."""

    scheme: Scheme = "none"
    who: Credentials = field(default_factory=lambda: Credentials("", ""), repr=False)
    realm: str = "Luy Tre"


class ServerSession:
    """One connection. `receive` never raises for what a client sends: it answers, or says HangUp.

    `hold` says which requests wait for the owner, who has to find out something first.
    """

    def __init__(
        self,
        lookup: Lookup,
        guard: Guard | None = None,
        *,
        timeout_s: int = 60,
        hold: Callable[[Request], bool] = lambda request: False,
        server: str = "LuyTre-sim",
    ) -> None:
        self._hold = hold
        self._held: Request | None = None
        self._server = server
        self._lookup = lookup
        self._guard = guard or Guard()
        self._timeout_s = timeout_s
        self._connection = Connection()
        self._out = bytearray()
        self._nonce = new_nonce()
        self._session_id = ""
        self._path = ""
        self._tracks: dict[int, ServerTrack] = {}
        self._playing = False

    def data_to_send(self) -> bytes:
        data = bytes(self._out)
        self._out.clear()
        return data

    def receive(self, data: bytes | bytearray | memoryview) -> list[ServerEvent]:
        self._connection.feed(data)
        return self._read([])

    @property
    def is_held(self) -> bool:
        """A request waits."""
        return self._held is not None

    def go_on(self) -> list[ServerEvent]:
        """Answer the request that was held, and what came behind it."""
        request, self._held = self._held, None
        return self._read([] if request is None else self._answer(request))

    def refuse(self, status: int, headers: tuple[tuple[str, str], ...] = ()) -> list[ServerEvent]:
        """Refuse the request that was held, and read on."""
        request, self._held = self._held, None
        return self._read([] if request is None else self._reply(request, status, headers))

    def _read(self, events: list[ServerEvent]) -> list[ServerEvent]:
        try:
            while self._held is None and (event := self._connection.next_event()) is not None:
                if isinstance(event, Frame):
                    events.append(Feedback(event.channel, event.payload))
                elif isinstance(event, Request) and self._hold(event):
                    self._held = event
                    events.append(Held(event))
                elif isinstance(event, Request):
                    events += self._answer(event)
        except Error:
            self._connection.rest()
            self._out += build_response(400, _REASONS[400], ())
            events.append(HangUp())
        return events

    def _reply(
        self, request: Request, status: int, headers: tuple[tuple[str, str], ...] = (), body: bytes = b""
    ) -> list[ServerEvent]:
        lines = [("CSeq", request.get("cseq") or "0"), ("Server", self._server)]
        self._out += build_response(status, _REASONS.get(status, "Error"), (*lines, *headers), body)
        return []

    def _answer(self, request: Request) -> list[ServerEvent]:
        if request.method == "OPTIONS":
            return self._reply(request, 200, (("Public", PUBLIC),))
        if not self._allowed(request):
            values = challenges_to_send(self._guard.scheme, self._guard.realm, self._nonce)
            return self._reply(request, 401, tuple(("WWW-Authenticate", value) for value in values))
        if request.method == "DESCRIBE":
            return self._describe(request)
        if request.method == "SETUP":
            return self._set_up(request)
        if request.method not in ("PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER"):
            return self._reply(request, 501, (("Public", PUBLIC),))
        given = request.get("session").partition(";")[0].strip()
        if given != self._session_id and (given or request.method in ("PLAY", "PAUSE")):
            return self._reply(request, 454)
        session = (("Session", self._session_id),) if self._session_id else ()
        if request.method == "PLAY":
            return self._play(request)
        self._reply(request, 200, session)
        if request.method == "PAUSE":
            self._playing = False
            return [Pause(self._path)]
        return [HangUp()] if request.method == "TEARDOWN" else []

    def _allowed(self, request: Request) -> bool:
        guard = self._guard
        if guard.scheme == "none":
            return True
        header = request.get("authorization")
        return accepted(guard.scheme, header, guard.who, request.method, guard.realm, self._nonce)

    def _describe(self, request: Request) -> list[ServerEvent]:
        path = _path(request.url)
        found = self._lookup(path)
        if isinstance(found, int):
            return [HangUp()] if found == 0 else self._reply(request, found)
        base = request.url if request.url.endswith("/") else f"{request.url}/"
        body = sdp.describe(found.media, name=found.name).encode()
        return self._reply(request, 200, (("Content-Base", base), ("Content-Type", "application/sdp")), body)

    def _set_up(self, request: Request) -> list[ServerEvent]:
        path = _path(request.url)
        found = self._lookup(path)
        index = 0
        if isinstance(found, int):
            path, _, control = path.rpartition("/")
            found = self._lookup(path)
            if isinstance(found, int):
                return [HangUp()] if found == 0 else self._reply(request, found)
            names = [medium.control for medium in found.media]
            if control not in names:
                return self._reply(request, 404)
            index = names.index(control)
        elif len(found.media) != 1:
            return self._reply(request, 459)
        if self._playing or (self._tracks and path != self._path):
            return self._reply(request, 455)
        transport = parse_transport(request.get("transport"))
        if not transport.tcp:
            return self._reply(request, 461)
        channel = (transport.channels or (2 * index, 0))[0]
        if channel > 254:
            return self._reply(request, 461)
        self._path = path
        self._session_id = self._session_id or os.urandom(8).hex()
        ssrc = int.from_bytes(os.urandom(4), "big") or 1
        self._tracks[index] = ServerTrack(index, channel, ssrc, 0, 0)
        answer = f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1};ssrc={ssrc:08X}"
        session = f"{self._session_id};timeout={self._timeout_s}"
        return self._reply(request, 200, (("Transport", answer), ("Session", session)))

    def _play(self, request: Request) -> list[ServerEvent]:
        found = self._lookup(self._path)
        if not self._tracks:
            return self._reply(request, 455)
        if isinstance(found, int):
            return [HangUp()] if found == 0 else self._reply(request, found)
        if self._playing:
            return self._reply(request, 200, (("Session", self._session_id),))
        info = []
        for index, track in sorted(self._tracks.items()):
            random = os.urandom(6)
            seq, rtptime = int.from_bytes(random[:2], "big"), int.from_bytes(random[2:], "big")
            self._tracks[index] = ServerTrack(index, track.channel, track.ssrc, seq, rtptime)
            url = f"{request.url.rstrip('/')}/{found.media[index].control}"
            info.append(f"url={url};seq={seq};rtptime={rtptime}")
        self._playing = True
        headers = (("Session", self._session_id), ("Range", "npt=now-"), ("RTP-Info", ",".join(info)))
        self._reply(request, 200, headers)
        return [Play(self._path, tuple(track for _, track in sorted(self._tracks.items())))]


def _path(url: str) -> str:
    """Path and query of a request's address, without slashes at the end."""
    # Not urlsplit: it raises for what a client may send.
    path = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", "", url).partition("#")[0]
    return path.rstrip("/") or "/"
