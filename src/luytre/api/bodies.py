"""Bodies on their way in and out: not too large, and texts compressed.

Does not   touch pictures: they are compressed already, and streamed.
"""

from __future__ import annotations

import gzip

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from luytre.api.problems import Refusal, answer
from luytre.base.errors import Kind

# The largest thing anybody sends is a camera's addresses.
LARGEST_BYTES = 64 * 1024
SMALLEST_COMPRESSED = 1024
# Above this, compressing takes longer than the loop may be away.
IN_LOOP_BYTES = 64 * 1024
TEXTS = ("application/json", "application/vnd.apple.mpegurl", "text/")


class BodyLimit:
    """Refuses a body over the limit, announced or not, before it is kept."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdigit() or int(announced) > LARGEST_BYTES:
            await self._refuse(scope, receive, send)
            return
        received = 0

        async def hear() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > LARGEST_BYTES:
                # FastAPI lets only this kind of exception out of its reading of a body.
                raise HTTPException(400, "body_too_large")
            return message

        await self._app(scope, hear, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = Refusal(Kind.INVALID, f"a body over {LARGEST_BYTES} bytes", "body_too_large")
        response = answer(Request(scope), refusal)
        response.headers["Connection"] = "close"
        await response(scope, receive, send)


class Compression:
    """gzip for texts that come in one piece."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            await self._app(scope, receive, send)
            return
        held: Message | None = None

        async def say(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_text(message):
                held = message
                return
            if held is not None:
                start, held = held, None
                if not message.get("more_body") and len(message.get("body", b"")) >= SMALLEST_COMPRESSED:
                    message = {**message, "body": await _compressed(message["body"])}
                    headers = MutableHeaders(scope=start)
                    headers["Content-Encoding"] = "gzip"
                    headers["Content-Length"] = str(len(message["body"]))
                    headers.add_vary_header("Accept-Encoding")
                await send(start)
            await send(message)

        await self._app(scope, receive, say)


def _is_text(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return "content-encoding" not in headers and headers.get("content-type", "").startswith(TEXTS)


async def _compressed(body: bytes) -> bytes:
    if len(body) <= IN_LOOP_BYTES:
        return gzip.compress(body, 5, mtime=0)
    return await run_in_threadpool(gzip.compress, body, 5, mtime=0)
