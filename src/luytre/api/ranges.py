"""Files in pieces: range requests (RFC 9110 section 14) over anything that can read [start, end).

Promises   one range, 206 or 416; If-Range with a strong tag; HEAD and conditional GET without reading; the event
           loop never waits for a disk; reading stops when the client goes away.
Does not   serve several ranges at once: the whole is sent instead, as the RFC allows.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from luytre.api.headers import HEAD_ONLY
from luytre.api.problems import Refusal, answer
from luytre.base.errors import Kind

IMMUTABLE = "private, max-age=31536000, immutable"
NO_STORE = "private, no-store"

Read = Callable[[int, int], Iterator[bytes]]
_RANGE = re.compile(r"bytes=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*$", re.ASCII | re.IGNORECASE)


class Unsatisfiable(Exception):
    """The range begins behind the end."""


def wanted(header: str | None, size: int) -> range | None:
    """The bytes a Range header asks for; None for all of them. Raises Unsatisfiable.

    What cannot be understood counts as not sent (RFC 9110 section 14.2).
    """
    match = _RANGE.match(header or "")
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        if int(last) == 0 or size == 0:
            raise Unsatisfiable
        return range(max(size - int(last), 0), size)
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return range(start, min(int(last) + 1, size) if last else size)


def file_answer(
    request: Request,
    read: Read,
    size: int,
    etag: str,
    *,
    media_type: str,
    cache: str = NO_STORE,
    name: str | None = None,
) -> Response:
    """The answer to a GET or HEAD for `size` bytes. `etag` is quoted; `name` makes it a download."""
    headers = {"Accept-Ranges": "bytes", "ETag": etag, "Cache-Control": cache}
    if name is not None:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    if etag in [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    asked = request.headers.get("range")
    condition = request.headers.get("if-range")
    if condition is not None and condition.strip() != etag:
        asked = None
    try:
        part = wanted(asked, size)
    except Unsatisfiable:
        refusal = Refusal(Kind.INVALID, f"{asked} of {size} bytes", "bad_range")
        response = answer(request, refusal, 416)
        response.headers["Content-Range"] = f"bytes */{size}"
        return response
    whole = range(size) if part is None else part
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    headers["Content-Length"] = str(len(whole))
    status = 200 if part is None else 206
    if request.scope.get(HEAD_ONLY):
        return Response(status_code=status, headers=headers, media_type=media_type)
    # Outside of the stream, so that a refusal to read is an answer and not a broken body.
    chunks = read(whole.start, whole.stop)
    return StreamingResponse(in_threads(chunks), status, headers, media_type)


async def in_threads(chunks: Iterator[bytes], limiter: CapacityLimiter | None = None) -> AsyncIterator[bytes]:
    """Each chunk is read in a worker thread; `limiter`: not in one of those that all routes share."""
    end = object()
    try:
        while True:
            chunk = await run_sync(next, chunks, end, limiter=limiter)
            if not isinstance(chunk, bytes | bytearray | memoryview):
                return
            yield bytes(chunk)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
