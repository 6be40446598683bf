"""Logging in and out (design/api.md, "Sessions")."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from luytre import __version__
from luytre.api import shapes
from luytre.api.guards import COOKIE, WardNode, needs, open_to_all, session_of
from luytre.api.problems import Refusal
from luytre.base.clock import US_PER_S, rfc3339
from luytre.base.errors import Kind
from luytre.people import sessions as rooms
from luytre.people.actor import Actor

routes = APIRouter(tags=["session"])

# The order of design/api.md; a set has none.
PERMISSIONS = ("live", "ptz", "playback", "export", "configure")


@routes.post("/session", operation_id="logIn", dependencies=[open_to_all()])
def log_in(body: shapes.LogIn, request: Request, response: Response, node: WardNode) -> shapes.NewSession:
    """Sets the cookie and returns a bearer token too."""
    address = request.client.host if request.client else ""
    session = node.sessions.log_in(body.user, body.password.get_secret_value(), address)
    response.set_cookie(
        COOKIE,
        session.token,
        max_age=max(0, (session.expires_us - node.clock.wall_us()) // US_PER_S),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return shapes.NewSession(token=session.token, **_told(session).model_dump())


@routes.get("/session", operation_id="getSession")
def get_session(connection: HTTPConnection, _: Annotated[Actor, needs()]) -> shapes.Session:
    """Who is logged in, and what they may do."""
    session = session_of(connection)
    if session is None:
        raise Refusal(Kind.UNAUTHENTICATED, "the session has just ended", "unauthenticated")
    return _told(session)


@routes.delete("/session", operation_id="logOut", status_code=204)
async def log_out(
    request: Request, response: Response, node: WardNode, actor: Annotated[Actor, needs()]
) -> None:
    """Ends this session, its tickets and its live sockets."""
    if actor.session_id is not None:
        await run_in_threadpool(node.sessions.end, actor.session_id)
        request.app.state.presence.end(actor.session_id)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")


@routes.get("/node", operation_id="getNode")
def get_node(node: WardNode, _: Annotated[Actor, needs()]) -> shapes.Node:
    """The ward's name, its zone and the node's clock."""
    return shapes.Node(
        name=node.config.name, version=__version__, zone=node.config.zone, now=rfc3339(node.clock.wall_us())
    )


def _told(session: rooms.Session) -> shapes.Session:
    actor = session.actor
    return shapes.Session.model_validate(
        {
            "user": actor.name,
            "role": actor.role,
            "permissions": [permission for permission in PERMISSIONS if actor.may(permission)],
            "csrf": session.csrf,
            "expires": rfc3339(session.expires_us),
        }
    )
