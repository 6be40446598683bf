"""RTSP inside HTTP, the camera's end (Apple's "Tunnelling RTSP and RTP through HTTP").

    GET   with x-sessioncookie: the camera answers, then sends all of RTSP and the media here, as they are
    POST  with the same cookie: the client sends its requests here, in base64; it gets no answer

Does not   open sockets (server.py does).
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

MAX_HEAD = 16_384
_BEGIN = re.compile(rb"(GET|POST) ")
_HEAD = re.compile(rb"(GET|POST) (\S+) HTTP/1\.[01]\r?\n(.*?)(?<=\n)\r?\n", re.DOTALL)
_COOKIE = re.compile(rb"^x-sessioncookie:[ \t]*(\S+?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)

ACCEPTED = (
    b"HTTP/1.0 200 OK\r\nServer: LuyTre-sim\r\nConnection: close\r\nCache-Control: no-store\r\nPragma: no-cache\r\n"
    b"Content-Type: application/x-rtsp-tunnelled\r\n\r\n"
)
REFUSED = b"HTTP/1.0 400 Bad Request\r\nServer: LuyTre-sim\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Opening:
    """The first request of one of the two connections; `size` bytes long."""

    post: bool
    cookie: bytes
    size: int


def may_begin(data: bytes | bytearray) -> bool:
    """Could these first bytes of a connection be HTTP? RTSP's GET_PARAMETER is not."""
    return bool(_BEGIN.match(data)) or any(word.startswith(data) for word in (b"GET ", b"POST "))


def parse(data: bytes | bytearray) -> Opening | None:
    """The opening; None while it is not whole. Without a cookie it is one with an empty cookie."""
    head = _HEAD.match(data)
    if head is None:
        return None
    cookie = _COOKIE.search(head.group(3))
    return Opening(head.group(1) == b"POST", cookie.group(1) if cookie else b"", head.end())


class Decoder:
    """Base64 in pieces, each request padded on its own or not. Raises ValueError for what is none."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> bytes:
        self._waiting += data.translate(None, b"\r\n \t")
        whole = len(self._waiting) // 4 * 4
        quads, self._waiting = bytes(self._waiting[:whole]), self._waiting[whole:]
        # One by one: padding may stand in the middle.
        return b"".join(
            binascii.a2b_base64(quads[at : at + 4], strict_mode=True) for at in range(0, whole, 4)
        )
