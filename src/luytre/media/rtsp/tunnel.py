"""RTSP through HTTP, the client's words, sans-I/O ("Tunnelling RTSP and RTP through HTTP", Apple, QuickTime).

    GET  PATH  x-sessioncookie: C, Accept: application/x-rtsp-tunnelled     everything the camera says comes as its body
    POST PATH  x-sessioncookie: C, Content-Length: 32767                    everything we say goes as its body, in base64

Promises   the credentials are only sent when asked for; both requests log in.
Does not   open connections: a GET that was refused with 401, and a POST that is full, each want a new one.
"""

from __future__ import annotations

import base64
import os
import re

from luytre.base.errors import Error, Kind
from luytre.media.rtsp.auth import Credentials
from luytre.media.rtsp.login import Login
from luytre.media.rtsp.messages import MAX_HEAD, Headers, Response, not_rtsp, parse_headers

TUNNELLED = "application/x-rtsp-tunnelled"
POST_BYTES = 32_767
_STATUS = re.compile(rb"HTTP/\d\.\d[ \t]+(\d{3})[ \t]*(.*)", re.IGNORECASE)
_HEAD_END = re.compile(rb"\r?\n\r?\n")


class TunnelSession:
    """`host` as it stands in a Host header; `rest`: what the camera said behind the head of its answer."""

    def __init__(self, host: str, path: str, user: str, password: str) -> None:
        self._host, self._path = host, path
        self._login = Login(Credentials(user, password))
        self._cookie = os.urandom(11).hex()
        self._head = bytearray()
        self._posted = POST_BYTES + 1
        self.rest = b""

    def get(self) -> bytes:
        """What to begin the listening connection with."""
        self._head.clear()
        return self._request("GET", (("Accept", TUNNELLED),))

    def answered(self, data: bytes) -> bool | None:
        """What came on it. None while more must come; True: the tunnel is open, and `rest` has the bytes behind the head;
        False: ask again, on a new connection. Raises Error when there is no tunnel.
        """
        head = self._head
        head += data
        if not b"HTTP/".startswith(bytes(head[:5]).upper()):
            raise not_rtsp("there is no HTTP at this port")
        end = _HEAD_END.search(head)
        if end is None:
            if len(head) > MAX_HEAD:
                raise not_rtsp("the header does not end")
            return None
        first, _, lines = bytes(head[: end.start()]).partition(b"\n")
        status = _STATUS.match(first.strip())
        if status is None:
            raise not_rtsp("the answer is no HTTP")
        code, reason = int(status.group(1)), status.group(2).decode("ascii", "replace")
        answer = Response(code, reason, parse_headers(lines))
        if code == 401:
            self._login.challenged(answer)
            return False
        if code != 200:
            raise _no_tunnel(f"{code} {reason}".strip())
        self._login.accepted()
        self.rest = bytes(head[end.end() :])
        return True

    def holds(self, data: bytes | bytearray) -> bool:
        """Whether this can be said on the connection there is, or has to go on a new one, that begins with post()."""
        return self._posted + (len(data) + 2) // 3 * 4 <= POST_BYTES

    def post(self) -> bytes:
        """What to begin the speaking connection with."""
        self._posted = 0
        fields = (("Content-Type", TUNNELLED), ("Content-Length", str(POST_BYTES)))
        return self._request("POST", (*fields, ("Expires", "Sun, 9 Jan 1972 00:00:00 GMT")))

    def full(self) -> None:
        """The camera closed the speaking connection: QuickTime's own server does, after each request."""
        self._posted = POST_BYTES + 1

    def wrap(self, data: bytes) -> bytes:
        """RTSP as it goes on the speaking connection."""
        wrapped = base64.b64encode(data)
        self._posted += len(wrapped)
        return wrapped

    def _request(self, method: str, headers: Headers) -> bytes:
        fields = (
            ("Host", self._host),
            ("User-Agent", "LuyTre"),
            ("x-sessioncookie", self._cookie),
            *headers,
            ("Pragma", "no-cache"),
            ("Cache-Control", "no-cache"),
            *self._login.headers(method, self._path),
        )
        # HTTP/1.0: no chunks, no connection that stays.
        lines = [f"{method} {self._path} HTTP/1.0", *(f"{name}: {value}" for name, value in fields)]
        return "\r\n".join([*lines, "", ""]).encode("utf-8")


def _no_tunnel(answer: str) -> Error:
    return Error(
        Kind.UNAVAILABLE,
        f"the camera answered the HTTP tunnel with {answer}",
        hint="Check the port and the path; most cameras only tunnel RTSP on their web port, and many not at all.",
        cause="server_error",
    )
