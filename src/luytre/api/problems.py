"""Errors on their way out: kind to status in one place, cause to words in the reader's language.

Promises   every answer that is not a success is {"kind", "cause", "message", "hint"} (design/api.md); what went wrong
           inside is logged, and never shown.
Does not   decide anything: rooms raise, this tells.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from luytre.api.headers import ALWAYS
from luytre.api.languages import language_of
from luytre.api.shapes import Problem
from luytre.api.words import RIGHTS, WORDS, duration
from luytre.base import log
from luytre.base.clock import to_datetime
from luytre.base.errors import Error, Kind
from luytre.cameras.reasons import Language, words
from luytre.cameras.viewing import NothingRecorded

LOG = log.get("api")

STATUS: Mapping[Kind, int] = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.GONE: 410,
    Kind.TOO_MANY: 429,
    Kind.UNAVAILABLE: 503,
    Kind.DATA_LOSS: 500,
    Kind.INTERNAL: 500,
}

# WebSocket close codes (design/api.md); 1011 is RFC 6455's "unexpected condition".
CLOSE: Mapping[Kind, int] = {
    Kind.UNAUTHENTICATED: 4401,
    Kind.FORBIDDEN: 4403,
    Kind.NOT_FOUND: 4404,
    Kind.INVALID: 4404,
    Kind.UNAVAILABLE: 1012,
}
CLOSE_OTHERWISE = 1011


class Refusal(Error):
    """What the door itself refuses. `facts` fill the {places} of the words for its cause."""

    def __init__(self, kind: Kind, message: str, cause: str, **facts: str) -> None:
        super().__init__(kind, message, hint="See design/api.md.", cause=cause)
        self.facts = facts
        # Of an UNAUTHENTICATED one: how to prove who one is.
        self.challenge = "Bearer"


class CameraRefusal(Error):
    """What a camera said to a probe: its cause is a stream's cause, in the words for streams."""

    def __init__(self, error: Error) -> None:
        # 401 and 403 would say that the person lost their session or right; it is the camera that refuses.
        kind = Kind.INVALID if error.kind in (Kind.UNAUTHENTICATED, Kind.FORBIDDEN) else error.kind
        super().__init__(kind, error.message, hint=error.hint, cause=error.cause)


class _Facts(dict[str, str]):
    """A fact that nobody told leaves a gap in the sentence rather than no sentence."""

    def __missing__(self, key: str) -> str:
        return "…"


def problem(error: Error, language: Language, zone: ZoneInfo) -> Problem:
    """The answer's body."""
    cause, facts = _facts(error, language, zone)
    said = words(cause, language) if isinstance(error, CameraRefusal) else WORDS[language].get(cause)
    said = said or words(cause, language) or WORDS[language].get(cause)
    if said is not None:
        message, hint = (sentence.format_map(facts) for sentence in said)
    elif language == "en":
        # Our own errors are written in English and say what to do; only their translation is missing.
        message, hint = error.message, error.hint or WORDS[language][error.kind].hint
    else:
        message, hint = WORDS[language][error.kind]
    return Problem(kind=error.kind.value, cause=error.cause, message=message, hint=hint)


def _facts(error: Error, language: Language, zone: ZoneInfo) -> tuple[str, _Facts]:
    """The cause to look up, and what its words speak of."""
    if isinstance(error, NothingRecorded):
        if error.nearest_us is None:
            return "never_recorded", _Facts()
        nearest = to_datetime(error.nearest_us).astimezone(zone)
        return error.cause, _Facts(nearest=f"{nearest:%d/%m/%Y %H:%M:%S}")
    facts = _Facts(error.facts if isinstance(error, Refusal) else {})
    if "right" in facts:
        facts["right"] = RIGHTS[language].get(facts["right"], facts["right"])
    if error.cause == "locked":
        facts["wait"] = duration(error.retry_after_s or 60.0, language)
    return error.cause, facts


def answer(connection: HTTPConnection, error: Error, status: int | None = None) -> JSONResponse:
    """The HTTP answer for an error."""
    body = problem(error, language_of(connection), zone_of(connection))
    headers = {"Cache-Control": "no-store"}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    if error.kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = error.challenge if isinstance(error, Refusal) else "Bearer"
    return JSONResponse(body.model_dump(), status or STATUS[error.kind], headers)


def zone_of(connection: HTTPConnection) -> ZoneInfo:
    """The ward's zone."""
    zone: ZoneInfo = connection.app.state.zone
    return zone


async def refuse(websocket: WebSocket, error: Error) -> None:
    """Close with the code of the error's kind. A browser sees the code only of a socket that was accepted."""
    said = problem(error, language_of(websocket), zone_of(websocket))
    if websocket.client_state.name == "CONNECTING":
        await websocket.accept()
    # A close reason has at most 123 bytes (RFC 6455 section 5.5).
    reason = said.message.encode()[:123].decode(errors="ignore")
    await websocket.close(CLOSE.get(error.kind, CLOSE_OTHERWISE), reason)


async def _on_error(connection: Any, error: Exception) -> Any:
    """For requests and sockets alike: Starlette has one handler for both, and a type for neither."""
    assert isinstance(error, Error)
    if error.kind in (Kind.INTERNAL, Kind.DATA_LOSS):
        LOG.error(error.message, cause=error.cause, hint=error.hint)
    if isinstance(connection, WebSocket):
        await refuse(connection, error)
        return None
    return answer(connection, error)


async def _on_wrong_input(connection: Any, error: Exception) -> Any:
    assert isinstance(error, RequestValidationError | WebSocketRequestValidationError)
    return await _on_error(connection, _first_fault(error))


def _first_fault(error: RequestValidationError | WebSocketRequestValidationError) -> Refusal:
    fault = next(iter(error.errors()), {"type": "", "loc": (), "msg": ""})
    where = [str(step) for step in fault["loc"][1:]]
    if fault["type"] in ("json_invalid", "model_attributes_type") or not where:
        return Refusal(Kind.INVALID, f"the body cannot be read: {fault['msg']}", "bad_body")
    field = ".".join(where)[:64]
    return Refusal(Kind.INVALID, f"{field}: {fault['msg']}", "bad_field", field=field)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        refusal = Refusal(Kind.INVALID, "this method is not known here", "wrong_method")
    elif error.status_code == 404:
        refusal = Refusal(Kind.NOT_FOUND, f"nothing at {request.url.path}", "no_such_address")
    else:
        cause = error.detail if error.detail in WORDS["en"] else "bad_body"
        refusal = Refusal(Kind.INVALID, str(error.detail), cause)
    return answer(request, refusal, error.status_code)


async def _on_crash(request: Request, error: Exception) -> JSONResponse:
    LOG.error("request failed", path=request.url.path, error=type(error).__name__)
    response = answer(request, Error(Kind.INTERNAL, "internal error", hint="Read the node's log."))
    # Starlette answers a crash outside of every layer of ours.
    response.headers.update(ALWAYS)
    return response


def install(app: FastAPI) -> None:
    """Every failure of this application is told from here."""
    app.add_exception_handler(Error, _on_error)
    app.add_exception_handler(RequestValidationError, _on_wrong_input)
    app.add_exception_handler(WebSocketRequestValidationError, _on_wrong_input)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_crash)
