"""Why a source cannot be had, said in RTSP: 503 with the cause in headers that the recorder understands.

Does not   send or receive: bytes in, bytes out, as luytre.media.rtsp.server.
"""

from __future__ import annotations

from typing import Final

from luytre.base.errors import Error
from luytre.base.log import redact
from luytre.media.rtsp.messages import Connection, Request, build_response
from luytre.media.rtsp.server import HangUp, ServerEvent

CAUSE: Final = "X-Luytre-Cause"
DETAIL: Final = "X-Luytre-Detail"


class Refusal:
    """The server side of a connection that gets nothing."""

    def __init__(self, error: Error) -> None:
        words = redact(error.message).encode("ascii", "replace").decode()
        self._headers = ((CAUSE, error.cause), (DETAIL, " ".join(words.split())[:300]))
        self._connection = Connection()
        self._out = bytearray()

    def data_to_send(self) -> bytes:
        data = bytes(self._out)
        self._out.clear()
        return data

    def receive(self, data: bytes | bytearray | memoryview) -> list[ServerEvent]:
        """HangUp once it was said."""
        self._connection.feed(data)
        try:
            while (event := self._connection.next_event()) is not None:
                if isinstance(event, Request) and self._answered(event):
                    return [HangUp()]
        except Error:
            return [HangUp()]
        return []

    def _answered(self, request: Request) -> bool:
        cseq = ("CSeq", request.get("cseq") or "0")
        if request.method == "OPTIONS":
            self._out += build_response(200, "OK", (cseq, ("Public", "OPTIONS, DESCRIBE")))
            return False
        self._out += build_response(503, "Service Unavailable", (cseq, *self._headers))
        return True
