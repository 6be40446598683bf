"""Who asks, and whether they may: declared on each route.

Promises   `needs(...)` lets nobody through without a living session (or, where it says so, a ticket) and the permission;
           a cookie on an unsafe method comes with its CSRF value, and from our own pages.
Does not   replace the check inside `cameras.viewing`: that one also guards the ways in that are not HTTP.
"""

from __future__ import annotations

import hmac
from asyncio import sleep
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends
from fastapi.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from luytre.api.problems import Refusal
from luytre.app.node import Node
from luytre.base.errors import Error, Kind
from luytre.media.rtsp.auth import claimed, proves
from luytre.people.actor import Actor
from luytre.people.readers import WRONG_S
from luytre.people.sessions import Session

COOKIE = "luytre_session"
BASIC = 'Basic realm="Luy Tre", charset="UTF-8"'
CSRF_HEADER = "x-csrf-token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FALSE = frozenset({"", "0", "false", "no", "off"})


def node_of(connection: HTTPConnection) -> Node:
    """The node this application serves."""
    node: Node = connection.app.state.node
    return node


WardNode = Annotated[Node, Depends(node_of)]


@dataclass(frozen=True, eq=False)
class Guard:
    """A route's declaration: what it takes to come in."""


@dataclass(frozen=True, eq=False)
class OpenToAll(Guard):
    """Anybody. Still refuses unsafe calls from other sites' pages."""

    def __call__(self, connection: HTTPConnection) -> None:
        require_own_origin(connection)


@dataclass(frozen=True, eq=False)
class Needs(Guard):
    """`permission` None: any living session. `instead`: query field -> the permission needed when it is given."""

    permission: str | None
    instead: Mapping[str, str]
    ticket: bool
    reader: bool = False

    async def __call__(self, connection: HTTPConnection) -> Actor:
        require_own_origin(connection)
        try:
            actor = await run_in_threadpool(self._find, connection)
        except Refusal as refusal:
            if refusal.cause == "wrong_reader_key":
                await sleep(WRONG_S)
            raise
        needed = self._needed(connection)
        if needed is not None and not actor.may(needed):
            raise Refusal(Kind.FORBIDDEN, f"{actor.name} may not {needed}", "missing_right", right=needed)
        return actor

    def _needed(self, connection: HTTPConnection) -> str | None:
        for field, permission in self.instead.items():
            if connection.query_params.get(field, "").lower() not in _FALSE:
                return permission
        return self.permission

    def _find(self, connection: HTTPConnection) -> Actor:
        if self.reader and connection.headers.get("authorization", "")[:6].lower() == "basic ":
            return reader_of(connection)
        session = session_of(connection)
        if session is not None:
            return session.actor
        text = connection.query_params.get("ticket")
        if self.ticket and text:
            actor = node_of(connection).sessions.redeem(text)
            if actor is not None:
                return actor
        refusal = Refusal(Kind.UNAUTHENTICATED, "no living session", "unauthenticated")
        # A browser would open a window of its own for it.
        if self.reader and not connection.headers.get("user-agent", "").startswith("Mozilla/"):
            refusal.challenge = BASIC
        raise refusal


@dataclass(frozen=True, eq=False)
class FromHereOrSession(Guard):
    """The machine itself, or any living session."""

    async def __call__(self, connection: HTTPConnection) -> None:
        if from_here(connection):
            return
        if await run_in_threadpool(session_of, connection) is None:
            raise Refusal(Kind.UNAUTHENTICATED, "no living session", "unauthenticated")


def needs(
    permission: str | None = None,
    *,
    instead: Mapping[str, str] | None = None,
    ticket: bool = False,
    reader: bool = False,
) -> Any:
    """The dependency that gives a route its actor: `actor: Annotated[Actor, needs("playback")]`. `reader`: also by
    HTTP Basic with a reader's key.
    """
    return Depends(Needs(permission, instead or {}, ticket, reader))


def open_to_all() -> Any:
    """The dependency of a route without login: `dependencies=[open_to_all()]`."""
    return Depends(OpenToAll())


def from_here_or_session() -> Any:
    """The dependency of what a program on this machine reads without login."""
    return Depends(FromHereOrSession())


def from_here(connection: HTTPConnection) -> bool:
    """Asked over loopback, and not on behalf of somebody else by a proxy."""
    if "forwarded" in connection.headers or "x-forwarded-for" in connection.headers:
        return False
    try:
        return connection.client is not None and ip_address(connection.client.host).is_loopback
    except ValueError:
        return False


def session_of(connection: HTTPConnection) -> Session | None:
    """By `Authorization: Bearer`, else by cookie. Raises Refusal(FORBIDDEN) for a cookie without its CSRF value."""
    sessions = node_of(connection).sessions
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return sessions.find(token.strip())
    cookie = connection.cookies.get(COOKIE)
    session = sessions.find(cookie) if cookie else None
    if session is not None and connection.scope.get("method", "GET") not in SAFE_METHODS:
        sent = connection.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(sent.encode(), session.csrf.encode()):
            raise Refusal(Kind.FORBIDDEN, "X-CSRF-Token is not the session's", "csrf")
    return session


def reader_of(connection: HTTPConnection) -> Actor:
    """By HTTP Basic (RFC 7617). Raises Refusal(UNAUTHENTICATED), Error(TOO_MANY)."""
    header = connection.headers["authorization"]
    address = connection.client.host if connection.client else ""
    try:
        return node_of(connection).readers.prove(
            claimed(header) or "", address, lambda secret: bool(proves(header, secret, "", "", ""))
        )
    except Error as error:
        if error.kind is not Kind.UNAUTHENTICATED:
            raise
        refusal = Refusal(Kind.UNAUTHENTICATED, error.message, error.cause)
        refusal.challenge = BASIC
        raise refusal from error


def require_own_origin(connection: HTTPConnection) -> None:
    """A browser says which page a call comes from: WebSockets and unsafe methods only from our own.

    Programs send no Origin. Raises Refusal(FORBIDDEN).
    """
    origin = connection.headers.get("origin")
    watched = connection.scope["type"] == "websocket" or connection.scope.get("method") not in SAFE_METHODS
    if origin is None or not watched:
        return
    page = _host(origin)
    if page is None or page != _host("//" + connection.headers.get("host", "")):
        raise Refusal(Kind.FORBIDDEN, f"the call comes from {origin[:100]}", "other_origin")


def _host(url: str) -> str | None:
    """`name` or `name:port`, without a port that says nothing; None for what is no address.

    The scheme is left out: behind a proxy that ends TLS the page is https and the node is asked by http.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname:
        return None
    return parts.hostname if port in (None, 80, 443) else f"{parts.hostname}:{port}"
