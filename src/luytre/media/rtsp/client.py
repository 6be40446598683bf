"""The client side of one RTSP session, sans-I/O (RFC 2326).

    session = ClientSession(url, user, password, want_audio=False)
    send(session.start())
    for event in session.receive(bytes_read): ...      # Described, Redirect, Playing; idle() after a second of silence
    send(session.data_to_send())
    # After Playing the stream is the caller's: session.rest() first, then what the socket gives. Text between
    # two frames ("$") it hands to receive_message_bytes().
    send(session.keepalive(clock.monotonic_s()))       # b"" when none is due

Promises   OPTIONS, DESCRIBE, SETUP per track, PLAY; credentials are tried once per challenge; what arrives
           before the answer to PLAY are not lost; every refusal is an Error with a cause of design/api.md;
           no text, repr or error holds the credentials.
Does not   open sockets, wait, follow redirects, or look into RTP.
Tolerates  answers whose CSeq is missing, wrong, or always the same; answers that come twice (design/transports.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from luytre.base.errors import Error, Kind
from luytre.media import sdp
from luytre.media.rtsp.answers import DEFAULT_TIMEOUT_S, parse_rtp_info, parse_session, refusal, rtp_info_for
from luytre.media.rtsp.auth import Credentials, parse_challenges
from luytre.media.rtsp.login import Login
from luytre.media.rtsp.messages import Connection, Frame, Request, Response, build_request, build_response
from luytre.media.rtsp.setup import Reserve, Setup, Way
from luytre.media.rtsp.tracks import ClientTrack, choose_tracks
from luytre.media.rtsp.url import address, split_credentials, without_credentials, without_zone

USER_AGENT = "LuyTre"
MAX_REDIRECTS = 3
# Frames sent before the answer to PLAY are kept up to here: a keyframe of a big camera.
MAX_EARLY = 4 * 1024 * 1024
# What our own converter says of a source that it cannot open; of no worth from anybody else.
CAUSE, DETAIL = "x-luytre-cause", "x-luytre-detail"


@dataclass(frozen=True, slots=True)
class Described:
    """The camera told what it has. `server` is its Server header, "" when none."""

    session: sdp.Session
    base: str
    server: str


@dataclass(frozen=True, slots=True)
class Playing:
    """Video first. From here on the byte stream is the caller's."""

    tracks: tuple[ClientTrack, ...]
    timeout_s: int


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go there instead with a new session, `redirected` counted up. Credentials only if `same_host`."""

    url: str
    same_host: bool


ClientEvent = Described | Playing | Redirect


class _State(Enum):
    NEW = auto()
    OPTIONS = auto()
    DESCRIBE = auto()
    SETUP = auto()
    PLAY = auto()
    PLAYING = auto()
    DONE = auto()


class ClientSession:
    """See the module's text. Raises Error from every receiving method; the session is over then.

    way, reserve  how RTP is to come; what opens two ports of ours, for UDP
    causes        which causes a refusal may name by itself, in X-Luytre-Cause: none unless the other side is our own
    """

    def __init__(
        self,
        url: str,
        user: str = "",
        password: str = "",
        want_audio: bool = False,
        *,
        redirected: int = 0,
        way: Way = "tcp",
        reserve: Reserve | None = None,
        causes: frozenset[str] = frozenset(),
    ) -> None:
        clean, url_user, url_password = split_credentials(url)
        address(clean)
        self.url = clean
        # What is on the wire: the zone of an IPv6 address is ours alone (RFC 6874 section 1).
        self._asked = without_zone(clean)
        self._login = Login(Credentials(user or url_user, password or url_password))
        self._want_audio = want_audio
        self._setup = Setup(way, reserve)
        self._causes = causes
        self._redirected = redirected
        self._connection = Connection()
        self._state = _State.NEW
        self._out = bytearray()
        self._early = bytearray()
        self._cseq = 0
        self._last: tuple[str, str, tuple[tuple[str, str], ...]] = ("", "", ())
        # An answer with another number than the request's, until it turns out whether the right one comes as well.
        self._doubtful: Response | None = None
        self._counts = True
        self._public: frozenset[str] = frozenset()
        self._session_id = ""
        self._timeout_s = DEFAULT_TIMEOUT_S
        self._keepalive_due_s: float | None = None
        self._keepalive_retried = False
        self._aggregate = self._asked
        self._wanted: list[ClientTrack] = []

    def __repr__(self) -> str:
        return f"ClientSession({self._state.name})"

    @property
    def playing(self) -> bool:
        return self._state is _State.PLAYING

    @property
    def timeout_s(self) -> int:
        """The session's timeout as the camera told it, in seconds."""
        return self._timeout_s

    @property
    def set_up(self) -> tuple[ClientTrack, ...]:
        """The tracks that were set up so far."""
        return tuple(self._setup.ready)

    def start(self) -> bytes:
        """The first request."""
        self._state = _State.OPTIONS
        self._request("OPTIONS", self._asked)
        return self.data_to_send()

    def data_to_send(self) -> bytes:
        """Take what is to be written to the socket; b"" when nothing."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def receive(self, data: bytes | bytearray | memoryview) -> list[ClientEvent]:
        """Bytes of the socket, until Playing has come."""
        self._connection.feed(data)
        return self._drain()

    def idle(self) -> list[ClientEvent]:
        """Call when the camera was silent for about a second: ends what has no right end, and takes an answer with a
        wrong number for the one that we wait for.
        """
        message = self._connection.flush(cut_short=True)
        if isinstance(message, Response):
            return self._answer(message) + self._drain()
        doubtful, self._doubtful = self._doubtful, None
        if doubtful is None:
            return []
        self._counts = False
        return self._answer(doubtful) + self._drain()

    def rest(self) -> bytes:
        """Take, once, the bytes of the media stream that came before and together with the answer to PLAY."""
        data = bytes(self._early) + self._connection.rest()
        self._early.clear()
        return data

    def receive_message_bytes(self, data: bytes | bytearray | memoryview) -> int:
        """Consume one RTSP message at the start of `data`; how many bytes it took, 0 when incomplete.

        Raises Error: cause "not_rtsp" when it is no message, "closed_by_camera" when it is a TEARDOWN.
        Blank lines before it are consumed too, also when a frame follows them. Ask data_to_send() afterwards.
        """
        blanks = 0
        while blanks < len(data) and data[blanks] in b"\r\n":
            blanks += 1
        if blanks == len(data) or data[blanks] == 0x24:
            return blanks
        connection = Connection()
        connection.feed(data)
        message = connection.next_event() or connection.flush()
        if message is None or isinstance(message, Frame):
            return 0
        self._between_frames(message)
        return len(data) - len(connection.rest())

    def keepalive(self, now_s: float) -> bytes:
        """A request that keeps the session alive, once per half of its timeout; b"" when none is due."""
        if self._state is not _State.PLAYING:
            return b""
        every_s = self._timeout_s / 2
        if self._keepalive_due_s is None:
            self._keepalive_due_s = now_s + every_s
        if now_s < self._keepalive_due_s:
            return b""
        self._keepalive_due_s = now_s + every_s
        self._keepalive_retried = False
        self._request("GET_PARAMETER" if "GET_PARAMETER" in self._public else "OPTIONS", self._aggregate)
        return self.data_to_send()

    def teardown(self) -> bytes:
        """The goodbye; b"" when there is no session."""
        if not self._session_id or self._state is _State.DONE:
            return b""
        self._state = _State.DONE
        self._request("TEARDOWN", self._aggregate)
        return self.data_to_send()

    def _drain(self) -> list[ClientEvent]:
        events: list[ClientEvent] = []
        while self._state is not _State.PLAYING and (event := self._connection.next_event()) is not None:
            if isinstance(event, Frame):
                if len(self._early) + len(event.payload) <= MAX_EARLY:
                    self._early += bytes(event)
            elif isinstance(event, Request):
                self._refuse(event)
            else:
                events += self._answer(event)
        return events

    def _request(self, method: str, url: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self._last = (method, url, headers)
        self._cseq += 1
        self._doubtful = None
        lines = [("CSeq", str(self._cseq)), ("User-Agent", USER_AGENT), *self._login.headers(method, url)]
        if self._session_id and (self.playing or method not in ("OPTIONS", "DESCRIBE")):
            lines.append(("Session", self._session_id))
        self._out += build_request(method, url, (*lines, *headers))

    def _answer(self, response: Response) -> list[ClientEvent]:
        if response.status < 200:
            return []
        if self._counts and response.cseq is not None and response.cseq < self._cseq:
            # One that comes twice, or a camera that cannot count: silence will tell.
            self._doubtful = response
            return []
        if response.status == 401:
            self._authorize(response)
            return []
        self._login.accepted()
        if self._state is _State.OPTIONS:
            # Optional: whatever a camera answers, DESCRIBE tells the truth.
            self._public = frozenset(word.strip().upper() for word in response.get("public").split(","))
            self._describe()
            return []
        if self._state is _State.DESCRIBE:
            return self._described(response)
        if self._state is _State.SETUP:
            return self._was_set_up(response)
        if self._state is _State.PLAY:
            return self._plays(response)
        return []

    def _authorize(self, response: Response) -> None:
        if self._state is _State.OPTIONS and not parse_challenges(response.get_all("www-authenticate")):
            self._describe()
            return
        self._login.challenged(response)
        self._request(*self._last)

    def _describe(self) -> None:
        self._state = _State.DESCRIBE
        self._request("DESCRIBE", self._asked, (("Accept", "application/sdp"),))

    def _described(self, response: Response) -> list[ClientEvent]:
        if response.status in (300, 301, 302, 303, 305, 307, 308):
            return [self._redirect(response.get("location"))]
        if not 200 <= response.status < 300:
            raise self._refused("DESCRIBE", response)
        session = sdp.parse(response.body)
        base = sdp.base_url(response.get("content-base"), response.get("content-location"), self._asked)
        base = without_zone(without_credentials(base))
        self._aggregate = without_credentials(sdp.control_url(base, session.control, ""))
        self._wanted = choose_tracks(session, base, self._want_audio)
        self._state = _State.SETUP
        self._set_up_next()
        return [Described(session, base, response.get("server"))]

    def _redirect(self, location: str) -> Redirect:
        if self._redirected >= MAX_REDIRECTS:
            raise Error(
                Kind.UNAVAILABLE,
                f"the camera sent us on more than {MAX_REDIRECTS} times",
                hint="Enter the address of the stream itself.",
                cause="server_error",
            )
        try:
            target = split_credentials(location)[0]
            here, there = address(self.url), address(target)
        except Error:
            raise refusal("DESCRIBE", 302, "to an address that is none") from None
        self._state = _State.DONE
        return Redirect(target, (here.host, here.scheme) == (there.host, there.scheme))

    def _set_up_next(self) -> None:
        track = self._wanted[0]
        self._request("SETUP", track.url, (("Transport", self._setup.header(track)),))

    def _was_set_up(self, response: Response) -> list[ClientEvent]:
        track = self._wanted[0]
        if 200 <= response.status < 300 and response.get("session"):
            self._session_id, self._timeout_s = parse_session(response.get("session"))
        elif response.get(CAUSE):
            raise self._refused("SETUP", response)
        try:
            if self._setup.answered(track, response):
                self._wanted.pop(0)
        except Error:
            # Pictures without sound are better than neither.
            if track.media.kind == "video":
                raise
            self._wanted.pop(0)
        if self._wanted:
            self._set_up_next()
        else:
            self._state = _State.PLAY
            self._request("PLAY", self._aggregate, (("Range", "npt=0.000-"),))
        return []

    def _plays(self, response: Response) -> list[ClientEvent]:
        if not 200 <= response.status < 300:
            raise self._refused("PLAY", response)
        self._state = _State.PLAYING
        self._keepalive_due_s = None
        if "timeout" in response.get("session").lower():
            self._timeout_s = parse_session(response.get("session"))[1]
        entries = parse_rtp_info(response.get("rtp-info"))
        tracks = []
        for position, track in enumerate(self._setup.ready):
            info = rtp_info_for(entries, track.url, position, len(self._setup.ready))
            if info is not None:
                track = replace(track, seq=info.seq, rtptime=info.rtptime, ssrc=info.ssrc or track.ssrc)
            tracks.append(track)
        return [Playing(tuple(tracks), self._timeout_s)]

    def _between_frames(self, message: Request | Response) -> None:
        """Keep-alive answers, and what a camera asks by itself."""
        if isinstance(message, Request):
            if message.method == "TEARDOWN":
                raise Error(
                    Kind.UNAVAILABLE,
                    "the camera ended the session",
                    hint="It is tried again by itself.",
                    cause="closed_by_camera",
                )
            self._refuse(message)
        elif message.status == 401 and not self._keepalive_retried:
            # The nonce grew old. A refused keep-alive is not the end: while media comes, all is well.
            if self._login.renewed(message):
                self._keepalive_retried = True
                self._request(*self._last)
        elif message.status in (405, 501, 551):
            self._public -= {"GET_PARAMETER"}

    def _refuse(self, request: Request) -> None:
        headers = [("CSeq", request.get("cseq") or "0")]
        if self._session_id:
            headers.append(("Session", self._session_id))
        known = request.method in ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER")
        status, reason = (200, "OK") if known else (501, "Not Implemented")
        self._out += build_response(status, reason, tuple(headers))

    def _refused(self, method: str, response: Response) -> Error:
        """Why: in the words of our own converter where it is one that answered."""
        cause = response.get(CAUSE)
        if cause in self._causes:
            hint = refusal(method, response.status, response.reason).hint
            return Error(Kind.UNAVAILABLE, response.get(DETAIL) or cause, hint=hint, cause=cause)
        return refusal(method, response.status, response.reason)
