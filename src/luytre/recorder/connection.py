"""Connect to a camera and talk RTSP until it plays (RFC 2326); foreign errors become causes here.

Promises   returns a playing connection or raises Error with a cause of design/api.md, within the time limit; nothing is said
           to a camera over TLS before its certificate was looked at.
Does not   read media (drain.py) or try again (stream.py).
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from luytre.archive.keys import Cause
from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error, Kind
from luytre.media.rtsp.client import ClientSession, Described, Playing, Redirect
from luytre.media.rtsp.setup import Way
from luytre.media.rtsp.tunnel import TunnelSession
from luytre.media.rtsp.url import Address, address, port_given, split_credentials
from luytre.recorder.intake import Intake
from luytre.recorder.local_socket import dial
from luytre.recorder.pipe import Pipe
from luytre.recorder.plan import Transport
from luytre.recorder.tls import failure as tls_failure
from luytre.recorder.tunnel import Tunnel, dig
from luytre.recorder.udp import Ports, UdpIntake

CONNECT_S = 5.0
HANDSHAKE_S = 15.0
# A camera that is silent this long after a description without a length has ended it.
SILENCE_S = 1.0
# The tunnel's own doors (RFC 9110 section 4.2).
_WEB_PORTS = {"rtsp": 80, "rtsps": 443}
# SHA-256 of a certificate in hexadecimal, shown at `host:port`. Raises Error for one that is not to be talked to.
Trusting = Callable[[str, str], None]

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

    intake: Intake
    session: ClientSession
    playing: Playing
    server: str
    early: bytes

    def close(self) -> None:
        """Say goodbye if that costs nothing, and close."""
        with suppress(OSError, Error):
            self.intake.send(self.session.teardown())
        self.intake.close()


@dataclass(frozen=True, slots=True)
class Approach:
    """How to get to a camera.

    transport  as the plan says
    trust      is asked about the certificate of a camera that speaks TLS, in a thread; None: any will do
    unix       the socket of our own converter, which is asked rather than the address's host
    """

    transport: Transport = "auto"
    trust: Trusting | None = None
    unix: Path | None = None
    handshake_s: float = HANDSHAKE_S
    clock: Clock = SYSTEM

    def way(self, where: Address) -> Way:
        if self.transport == "tcp" or self.transport == "http" or self.unix is not None:
            return "tcp"
        # Who wants encryption must not get pictures in clear by itself.
        return "tcp" if self.transport == "auto" and where.scheme == "rtsps" else self.transport


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
    url: str, user: str, password: str, *, audio: bool, approach: Approach | None = None
) -> Connection:
    """Raises Error."""
    approach = approach or Approach()
    url, url_user, url_password = split_credentials(url)
    user, password = user or url_user, password or url_password
    redirected = 0
    while True:
        where = address(url)
        ports = Ports()
        session = ClientSession(
            url,
            user,
            password,
            audio,
            redirected=redirected,
            way=approach.way(where),
            reserve=ports.reserve,
            causes=frozenset() if approach.unix is None else frozenset(Cause),
        )
        try:
            # asyncio's timeout raises TimeoutError, which is an OSError.
            async with asyncio.timeout(approach.handshake_s):
                answer = await _attempt(session, ports, approach, (user, password))
        except OSError as error:
            raise from_socket(error, where) from error
        if isinstance(answer, Connection):
            return answer
        redirected += 1
        url = answer.url
        # Another host is not given our password, and no camera sends us into the converter.
        if not answer.same_host:
            user = password = ""
            approach = replace(approach, unix=None)


async def _attempt(
    session: ClientSession, ports: Ports, approach: Approach, who: tuple[str, str]
) -> Connection | Redirect:
    line: Pipe | Tunnel | None = None
    result: Connection | Redirect | None = None
    try:
        line = await _reach(session.url, approach, who)
        if approach.unix is None:
            ports.attach(line.sock)
        result = await _handshake(line, session, ports, approach.clock)
        return result
    finally:
        if not isinstance(result, Connection):
            ports.close()
            if line is not None:
                line.close()


async def _reach(url: str, approach: Approach, who: tuple[str, str]) -> Pipe | Tunnel:
    where = address(url)
    if approach.unix is not None:
        return Pipe(_converter(approach.unix))
    if approach.transport != "http":
        return await _pipe(where, approach.trust)
    if not port_given(url):
        where = replace(where, port=_WEB_PORTS[where.scheme])
    session = TunnelSession(_place(where), where.path, *who)
    return await dig(session, lambda: _pipe(where, approach.trust))


def _converter(path: Path) -> socket.socket:
    try:
        return dial(path)
    except OSError as error:
        raise Error(
            Kind.UNAVAILABLE,
            f"the converter does not answer: {error.strerror or error}",
            hint="It is started again by itself; if not, restart the node.",
            cause=Cause.CONVERTER_FAILED,
        ) from error


async def _pipe(where: Address, trust: Trusting | None) -> Pipe:
    pipe = Pipe(await _open(where))
    try:
        if where.scheme == "rtsps":
            await _encrypt(pipe, where, trust)
    except BaseException:
        pipe.close()
        raise
    return pipe


async def _encrypt(pipe: Pipe, where: Address, trust: Trusting | None) -> None:
    try:
        async with asyncio.timeout(CONNECT_S):
            await pipe.encrypt(where.host)
    except TimeoutError:
        raise tls_failure("the camera does not answer in TLS") from None
    if trust is not None:
        # It reads a file, and may write one.
        await asyncio.to_thread(trust, _place(where), pipe.certificate or "")


def _place(where: Address) -> str:
    return f"[{where.host}]:{where.port}" if ":" in where.host else f"{where.host}:{where.port}"


async def _open(where: Address) -> socket.socket:
    loop = asyncio.get_running_loop()
    found = await _resolve(where)
    problem: OSError | None = None
    for number, (family, kind, protocol, _, place) in enumerate(found, 1):
        sock = socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A name with several addresses: one that is dead must not use up the time of the others.
            async with asyncio.timeout(CONNECT_S if number == len(found) else CONNECT_S / 2):
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


async def _handshake(
    line: Pipe | Tunnel, session: ClientSession, ports: Ports, clock: Clock
) -> Connection | Redirect:
    loop = asyncio.get_running_loop()
    await line.sendall(session.start())
    server = ""
    # A task, because a cancelled read may already have taken bytes.
    receiving: asyncio.Task[bytes] | None = None
    try:
        while True:
            receiving = receiving or loop.create_task(line.receive())
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
                    intake = UdpIntake(line, ports, clock) if ports.lanes else line
                    return Connection(intake, session, event, server, session.rest())
            # Before PLAY is sent: the first packets must find the way open.
            ports.open(session.set_up)
            to_send = session.data_to_send()
            if to_send:
                await line.sendall(to_send)
    finally:
        if receiving is not None:
            receiving.cancel()
            await asyncio.wait([receiving])
