"""Connect to a camera and talk RTSP until it plays (RFC 2326); foreign errors become causes here.

Promises   returns a playing connection or raises Error with a cause of design/api.md, within the time limit.
Does not   read media (drain.py) or try again (stream.py).
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from luytre.archive.keys import Cause
from luytre.base.errors import Error, Kind
from luytre.media.rtsp.client import ClientSession, Described, Playing, Redirect
from luytre.media.rtsp.url import Address, address

CONNECT_S = 5.0
HANDSHAKE_S = 15.0
# A camera that is silent this long after a description without a length has ended it.
SILENCE_S = 1.0
RECEIVE_BYTES = 65_536

_HINTS = {
    Cause.HOST_DOWN: "Check the camera's power, its cable and its address.",
    Cause.REFUSED: "Check the port: RTSP is usually 554. The camera may still be starting.",
    Cause.TIMEOUT: "Check the line; the camera may be overloaded: restart it.",
    Cause.CLOSED_BY_CAMERA: "The camera may allow too few viewers, or it restarts by itself.",
}
_NO_ROUTE = {
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.ENETDOWN,
    errno.EADDRNOTAVAIL,
    errno.EINVAL,
}


@dataclass(slots=True)
class Connection:
    """A camera that plays. `early` are the first bytes of its stream."""

    sock: socket.socket
    session: ClientSession
    playing: Playing
    server: str
    early: bytes

    def close(self) -> None:
        """Say goodbye if that costs nothing, and close."""
        with suppress(OSError):
            self.sock.send(self.session.teardown())
        self.sock.close()


def failure(cause: Cause, what: str) -> Error:
    return Error(Kind.UNAVAILABLE, what, hint=_HINTS[cause], cause=cause)


def from_socket(error: OSError, where: Address) -> Error:
    """A socket's error as a cause. The address is told without credentials."""
    place = f"{where.host}:{where.port}"
    if isinstance(error, TimeoutError):
        return failure(Cause.TIMEOUT, f"{place} does not answer")
    if isinstance(error, socket.gaierror):
        return failure(Cause.HOST_DOWN, f"the name {where.host} is not known")
    if isinstance(error, ConnectionRefusedError):
        return failure(Cause.REFUSED, f"{place} refuses the connection")
    if isinstance(error, ConnectionError):
        return failure(Cause.CLOSED_BY_CAMERA, f"{place} closed the connection")
    if error.errno in _NO_ROUTE:
        return failure(Cause.HOST_DOWN, f"{place} cannot be reached")
    return failure(Cause.HOST_DOWN, f"{place}: {error.strerror or error}")


async def connect(
    url: str, user: str, password: str, *, audio: bool, handshake_s: float = HANDSHAKE_S
) -> Connection:
    """Raises Error."""
    session = ClientSession(url, user, password, audio)
    redirected = 0
    while True:
        where = address(session.url)
        try:
            # asyncio's timeout raises TimeoutError, which is an OSError.
            async with asyncio.timeout(handshake_s):
                answer = await _attempt(session, where)
        except OSError as error:
            raise from_socket(error, where) from error
        if isinstance(answer, Connection):
            return answer
        redirected += 1
        # Another host is not given our password.
        kept = (user, password) if answer.same_host else ("", "")
        session = ClientSession(answer.url, *kept, audio, redirected=redirected)


async def _attempt(session: ClientSession, where: Address) -> Connection | Redirect:
    sock = await _open(where)
    try:
        result = await _handshake(sock, session)
    except BaseException:
        sock.close()
        raise
    if isinstance(result, Redirect):
        sock.close()
    return result


async def _open(where: Address) -> socket.socket:
    loop = asyncio.get_running_loop()
    found = await _resolve(where)
    problem: OSError | None = None
    for family, kind, protocol, _, place in found:
        sock = socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(CONNECT_S):
                await loop.sock_connect(sock, place)
        except TimeoutError:
            # Who does not even accept a connection is not there: behind a router nobody else tells us so.
            sock.close()
            problem = OSError(errno.EHOSTUNREACH, f"no answer within {CONNECT_S:.0f} s")
        except OSError as error:
            sock.close()
            problem = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise problem or OSError(errno.EHOSTUNREACH, "no address")


async def _resolve(where: Address) -> Sequence[Any]:
    """What getaddrinfo finds. Numbers are not sent to its threads: these may all be waiting for a dead name server."""
    try:
        return socket.getaddrinfo(
            where.host, where.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except OSError:
        loop = asyncio.get_running_loop()
        return await loop.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, "no name of a host") from error


async def _handshake(sock: socket.socket, session: ClientSession) -> Connection | Redirect:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, session.start())
    server = ""
    # A task, because a cancelled sock_recv may already have taken bytes.
    receiving: asyncio.Task[bytes] | None = None
    try:
        while True:
            receiving = receiving or loop.create_task(loop.sock_recv(sock, RECEIVE_BYTES))
            await asyncio.wait([receiving], timeout=SILENCE_S)
            if not receiving.done():
                events = session.idle()
            else:
                data, receiving = receiving.result(), None
                if not data:
                    raise ConnectionResetError(errno.ECONNRESET, "closed in the handshake")
                events = session.receive(data)
            for event in events:
                if isinstance(event, Described):
                    server = event.server
                elif isinstance(event, Redirect):
                    return event
                else:
                    return Connection(sock, session, event, server, session.rest())
            to_send = session.data_to_send()
            if to_send:
                await loop.sock_sendall(sock, to_send)
    finally:
        if receiving is not None:
            receiving.cancel()
            await asyncio.wait([receiving])
