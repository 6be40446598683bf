"""Live pictures over a WebSocket (design/api.md, "Live").

Promises   nothing is kept for a viewer here: the hub is asked for the next message when the last one has left, and skips
           for those who read too slowly.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from luytre.api.cameras import Code, said
from luytre.api.guards import WardNode, needs
from luytre.api.languages import language_of
from luytre.api.presence import Presence
from luytre.api.problems import LOG, Refusal, refuse
from luytre.api.words import WORDS
from luytre.base.errors import Error, Kind
from luytre.cameras.reasons import Language
from luytre.cameras.statuses import StreamStatus
from luytre.cameras.viewing import LiveInit, LiveShown, LiveView, parse_codecs
from luytre.people.actor import Actor

routes = APIRouter()

RESTARTING = 1012


@routes.websocket("/cameras/{code}/live")
async def live(
    websocket: WebSocket,
    code: Code,
    node: WardNode,
    actor: Annotated[Actor, needs("live", ticket=True)],
    stream: str = "main",
    codecs: str | None = None,
) -> None:
    """States, inits and fragments, until somebody leaves or the session ends."""
    presence: Presence = websocket.app.state.presence
    await websocket.accept()
    views = node.viewing.live(actor, code, stream, parse_codecs(codecs))
    with presence.watching(actor.session_id or "") as ended:
        sending = asyncio.create_task(_send(websocket, views, stream, language_of(websocket)))
        leaving = asyncio.create_task(_until_left(websocket))
        ending = asyncio.create_task(ended.wait())
        tasks = {sending, leaving, ending}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(sending, leaving, ending, return_exceptions=True)
    if isinstance(results[1], BaseException):
        # Nobody left: it was the session, or what is being sent.
        await _close(websocket, results[0], ended.is_set())


async def _close(websocket: WebSocket, failure: BaseException | None, ended: bool) -> None:
    """Say why, unless the other side is gone already."""
    try:
        if ended:
            await refuse(websocket, Refusal(Kind.UNAUTHENTICATED, "the session has ended", "logged_out"))
        elif isinstance(failure, Error):
            await refuse(websocket, failure)
        elif isinstance(failure, WebSocketDisconnect):
            pass
        else:
            if isinstance(failure, Exception):
                LOG.error("live failed", error=f"{type(failure).__name__}: {failure}")
            await websocket.close(RESTARTING)
    except (RuntimeError, WebSocketDisconnect):
        # Starlette's word for a socket that was closed meanwhile.
        return


async def _send(
    websocket: WebSocket, views: AsyncGenerator[LiveView, None], stream: str, language: Language
) -> None:
    """Waits for the network at each message, and so for the slowest link in the chain."""
    async with aclosing(views) as messages:
        async for view in messages:
            if isinstance(view, StreamStatus):
                await websocket.send_text(_state(view, language))
            elif isinstance(view, LiveShown):
                stream = view.stream
                await websocket.send_text(_shown(view, language))
            elif isinstance(view, LiveInit):
                await websocket.send_text(_init(view, stream))
                await websocket.send_bytes(view.data)
            else:
                await websocket.send_bytes(view.data)


async def _until_left(websocket: WebSocket) -> None:
    """Viewers have nothing to say; what they say is read and dropped."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


def _state(status: StreamStatus, language: Language) -> str:
    reason, hint = said(status.cause, language)
    fields = {"type": "state", "state": status.state, "cause": status.cause, "reason": reason, "hint": hint}
    return json.dumps(fields, ensure_ascii=False)


def _init(init: LiveInit, stream: str) -> str:
    fields = {"type": "init", "mime": init.mime, "stream": stream, "width": init.width, "height": init.height}
    return json.dumps(fields)


def _shown(shown: LiveShown, language: Language) -> str:
    reason, hint = (None, None) if shown.cause is None else WORDS[language][shown.cause]
    return json.dumps({"type": "shown", **asdict(shown), "reason": reason, "hint": hint}, ensure_ascii=False)
