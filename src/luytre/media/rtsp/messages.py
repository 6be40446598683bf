"""RTSP 1.0 messages and interleaved frames, from bytes and to bytes (RFC 2326 sections 4, 6, 7, 10.12, 15.1).

Promises   any split of the same bytes gives the same messages (but for a description longer than it says); memory is
           bounded; bytes that cannot be RTSP raise Error(cause="not_rtsp") as early as they can be told apart.
Does not   know sessions, sockets or time. Not the hot path: a recorder splits frames by itself after PLAY.
Tolerates  bare LF, folded headers, any case, blanks around names and values, blank lines between messages,
           header lines without a colon, an SDP body whose Content-Length is missing, 0, too small or too large.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from luytre.base.errors import Error, Kind

MAX_LINE = 4096
MAX_HEAD = 64 * 1024
MAX_BODY = 1024 * 1024
Headers = tuple[tuple[str, str], ...]

_STATUS_LINE = re.compile(rb"^RTSP/\d+\.\d+[ \t]+(\d{3})(?:[ \t]+(.*))?$", re.IGNORECASE)
_REQUEST_LINE = re.compile(rb"^([A-Z_]{2,32})[ \t]+(\S+)[ \t]+RTSP/\d+\.\d+$")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_SDP_LINE = re.compile(rb"^[a-z]=")
_METHOD = re.compile(rb"[A-Z_]{2,32}[ \t]")
_TOKEN_START = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZr")


class _Message:
    """What requests and responses share. Header names are in lower case, in order, repeated ones included."""

    __slots__ = ()
    headers: Headers

    def get(self, name: str, default: str = "") -> str:
        """First value of a header, whatever its case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key == wanted), default)

    def get_all(self, name: str) -> list[str]:
        wanted = name.lower()
        return [value for key, value in self.headers if key == wanted]

    @property
    def cseq(self) -> int | None:
        match = re.match(r"\d{1,18}", self.get("cseq"))
        return int(match.group()) if match else None


@dataclass(frozen=True, slots=True)
class Request(_Message):
    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""

    def __repr__(self) -> str:  # headers hold credentials
        return f"Request({self.method}, cseq={self.cseq})"


@dataclass(frozen=True, slots=True)
class Response(_Message):
    status: int
    reason: str = ""
    headers: Headers = ()
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Response({self.status}, cseq={self.cseq})"


@dataclass(frozen=True, slots=True)
class Frame:
    """One interleaved frame: `$`, channel, 16-bit length, payload (RFC 2326 section 10.12)."""

    channel: int
    payload: bytes

    def __bytes__(self) -> bytes:
        return b"$" + bytes((self.channel,)) + len(self.payload).to_bytes(2, "big") + self.payload


Event = Request | Response | Frame


def build_request(method: str, url: str, headers: Headers, body: bytes = b"") -> bytes:
    return _build(f"{method} {url} RTSP/1.0", headers, body)


def build_response(status: int, reason: str, headers: Headers, body: bytes = b"") -> bytes:
    return _build(f"RTSP/1.0 {status} {reason}", headers, body)


def _build(first: str, headers: Headers, body: bytes) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in headers)]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    if any("\r" in line or "\n" in line for line in lines):
        raise Error(
            Kind.INVALID,
            "a line break inside an RTSP header",
            hint="Check the address and the user name.",
            cause="bad_url",
        )
    return "\r\n".join([*lines, "", ""]).encode("utf-8") + body


def not_rtsp(why: str) -> Error:
    return Error(
        Kind.UNAVAILABLE,
        f"the other side does not speak RTSP: {why}",
        hint="Check the port: RTSP is mostly 554, and 80 or 8000 are other doors of the camera.",
        cause="not_rtsp",
    )


class Connection:
    """Bytes of one direction of one connection in, messages and frames out."""

    __slots__ = ("_buffer", "_described", "_pending", "_unfinished")

    def __init__(self) -> None:
        self._buffer = bytearray()
        # A description of announced length came: lines of it may still follow.
        self._described = False
        # What waits for the rest of its body, and where that begins.
        self._unfinished: tuple[Request | Response, int] | None = None
        self._pending: Request | Response | None = None

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        self._buffer += data

    def receive(self, data: bytes | bytearray | memoryview) -> list[Event]:
        """Feed and give all events that are complete."""
        self.feed(data)
        events: list[Event] = []
        while (event := self.next_event()) is not None:
            events.append(event)
        return events

    def rest(self) -> bytes:
        """Take the bytes that were not used yet; the buffer is empty afterwards."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def flush(self, *, cut_short: bool = False) -> Event | None:
        """Nothing more will come for now: give the message whose end nobody announced, if there is one; with `cut_short`
        also one that announced more than came.
        """
        if self._pending is None:
            return self._cut_short() if cut_short else None
        end = _sdp_end(self._buffer, final=True)
        return self._finish(len(self._buffer) if end is None else end)

    def next_event(self) -> Event | None:
        """The next message or frame, or None when more bytes are needed. Raises Error(cause="not_rtsp")."""
        if self._pending is not None:
            end = _sdp_end(self._buffer, final=False)
            if (len(self._buffer) if end is None else end) > MAX_BODY:
                raise not_rtsp("the description does not end")
            return None if end is None else self._finish(end)
        buffer = self._buffer
        self._unfinished = None
        if self._described and self._stray_lines():
            return None
        blanks = 0
        while blanks < len(buffer) and buffer[blanks] in b"\r\n":
            blanks += 1
        if blanks:
            del buffer[:blanks]
        if not buffer:
            return None
        if buffer[0] == 0x24:
            return self._frame()
        return self._message()

    def _frame(self) -> Frame | None:
        buffer = self._buffer
        if len(buffer) < 4:
            return None
        end = 4 + int.from_bytes(buffer[2:4], "big")
        if len(buffer) < end:
            return None
        frame = Frame(buffer[1], bytes(buffer[4:end]))
        del buffer[:end]
        return frame

    def _message(self) -> Request | Response | None:
        buffer = self._buffer
        if buffer[0] not in _TOKEN_START:
            raise not_rtsp(f"the first byte is 0x{buffer[0]:02x}")
        line_end = buffer.find(b"\n")
        if (len(buffer) if line_end < 0 else line_end) > MAX_LINE:
            raise not_rtsp(f"no line end in {MAX_LINE} bytes")
        if line_end < 0:
            return None
        start = bytes(buffer[:line_end]).strip()
        status, request = _STATUS_LINE.match(start), _REQUEST_LINE.match(start)
        if status is None and request is None:
            raise not_rtsp(f"it says {_printable(start)}")
        head_end = _HEAD_END.search(buffer, max(0, line_end - 1))
        if (len(buffer) if head_end is None else head_end.start()) > MAX_HEAD:
            raise not_rtsp("the header does not end")
        if head_end is None:
            return None
        headers = parse_headers(bytes(buffer[line_end + 1 : head_end.start()]))
        message: Request | Response
        if status is not None:
            message = Response(int(status.group(1)), _text(status.group(2) or b"").strip(), headers)
        else:
            assert request is not None
            message = Request(_text(request.group(1)), _text(request.group(2)), headers)
        return self._body(message, head_end.end())

    def _body(self, message: Request | Response, head: int) -> Request | Response | None:
        length = _content_length(message)
        if length > MAX_BODY:
            raise not_rtsp(f"a body of {length} bytes is announced")
        if length == 0 and isinstance(message, Response) and _is_description(message):
            del self._buffer[:head]
            self._pending = message
            event = self.next_event()
            assert event is None or isinstance(event, Response)
            return event
        if len(self._buffer) < head + length:
            self._unfinished = (message, head)
            return None
        end = head + length
        if length and _is_description(message):
            self._described = True
            end += _beyond(self._buffer, end)
        body = bytes(self._buffer[head:end])
        del self._buffer[:end]
        return _with_body(message, body)

    def _cut_short(self) -> Response | None:
        """An answer that announced more than it brought: of a description, what is there has to make sense by itself."""
        message, head = self._unfinished or (None, 0)
        if not isinstance(message, Response):
            return None
        body = bytes(self._buffer[head:])
        if _is_description(message) and not (body.endswith(b"\n") and b"m=" in body):
            return None
        self._unfinished = None
        self._buffer.clear()
        return Response(message.status, message.reason, message.headers, body)

    def _stray_lines(self) -> bool:
        """Drop what a description had beyond its announced length. True while a line of it is not whole yet."""
        buffer = self._buffer
        while buffer and buffer[0] != 0x24 and not _begins_message(buffer):
            line_end = buffer.find(b"\n")
            if line_end < 0:
                return len(buffer) <= MAX_LINE
            del buffer[: line_end + 1]
        self._described = not buffer
        return False

    def _finish(self, end: int) -> Request | Response:
        assert self._pending is not None
        message = _with_body(self._pending, bytes(self._buffer[:end]))
        del self._buffer[:end]
        self._pending = None
        return message


def parse_headers(block: bytes) -> Headers:
    """Header lines to (lower-case name, value); a line that begins with a blank continues the one before."""
    headers: list[tuple[str, str]] = []
    for raw in block.split(b"\n"):
        line = _text(raw.rstrip(b"\r"))
        if not line.strip():
            continue
        if line[0] in " \t" and headers:
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon and name.strip():
            headers.append((name.strip().lower(), value.strip()))
    return tuple(headers)


def _is_description(message: Request | Response) -> bool:
    return "sdp" in message.get("content-type").lower()


def _begins_message(buffer: bytearray) -> bool:
    """Also where only the first letters of one are there."""
    return b"RTSP/".startswith(bytes(buffer[:5]).upper()) or _METHOD.match(buffer) is not None


def _beyond(buffer: bytearray, end: int) -> int:
    """How much of a description came with it beyond its announced end: cameras count line ends as one byte."""
    rest = buffer[end:]
    if not rest or rest[0] == 0x24 or _begins_message(rest):
        return 0
    cut = 0 if buffer[end - 1] == 0x0A else rest.find(b"\n") + 1 or len(rest)
    more = _sdp_end(rest[cut:], final=True) if _SDP_LINE.match(rest[cut:]) else 0
    return cut + (more or 0) if rest[: cut or 1].strip() else 0


def _content_length(message: Request | Response) -> int:
    match = re.match(r"\d{1,12}", message.get("content-length"))
    return int(match.group()) if match else 0


def _sdp_end(buffer: bytearray, *, final: bool) -> int | None:
    """Where a body of `x=...` lines ends; None while more of it may come."""
    position = 0
    while position < len(buffer):
        line_end = buffer.find(b"\n", position)
        if line_end < 0:
            incomplete = bytes(buffer[position:])
            may_be_sdp = _SDP_LINE.match(incomplete) or (
                len(incomplete) < 2 and not incomplete.startswith(b"$")
            )
            return None if may_be_sdp and not final else (len(buffer) if may_be_sdp else position)
        line = bytes(buffer[position : line_end + 1])
        if line.strip() and not _SDP_LINE.match(line):
            return position
        position = line_end + 1
    return position if final else None


def _with_body(message: Request | Response, body: bytes) -> Request | Response:
    if isinstance(message, Request):
        return Request(message.method, message.url, message.headers, body)
    return Response(message.status, message.reason, message.headers, body)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")


def _printable(raw: bytes) -> str:
    return repr(raw[:40].decode("ascii", errors="replace"))
