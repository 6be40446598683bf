"""Pictures of the past: HLS, its pieces, one MP4, a still, and addresses that need no login (design/api.md, "Playback")."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from luytre.api import ranges, renditions, shapes
from luytre.api.cameras import Code
from luytre.api.guards import WardNode, needs
from luytre.api.times import Moment, moment_us, span
from luytre.archive.keys import Span
from luytre.base.clock import rfc3339, to_datetime
from luytre.cameras.viewing import parse_codecs
from luytre.people.actor import Actor
from luytre.people.readers import ROLE

routes = APIRouter(tags=["playback"])

HLS = "application/vnd.apple.mpegurl"
MP4 = "video/mp4"
# What a program that asks for the newest picture means by it: a keyframe interval, and the recorder's own second.
FRESH_S = 10.0
ByName = Annotated[str, Path(max_length=120, pattern=r"^[A-Za-z0-9._-]+$")]


@routes.get(
    "/cameras/{code}/video.m3u8",
    operation_id="getPlaylist",
    response_class=Response,
    responses={200: {"content": {HLS: {"schema": {"type": "string"}}}}},
)
def get_playlist(
    code: Code,
    start: Moment,
    end: Moment,
    request: Request,
    node: WardNode,
    actor: Annotated[Actor, needs("playback", ticket=True)],
    stream: shapes.PlayedName = "main",
    codecs: renditions.Codecs = None,
) -> Response:
    """HLS of a span (RFC 8216, version 7, fMP4, byte ranges, gaps as discontinuities, program date-time)."""
    ticket = request.query_params.get("ticket")
    suffix = f"?{urlencode({'ticket': ticket})}" if ticket else ""
    text = node.viewing.playlist(
        actor,
        code,
        stream,
        span(start, end),
        segment_uri=lambda name, segment: f"pieces/{name}/{quote(segment, safe='')}.mp4{suffix}",
        init_uri=lambda name, run: f"inits/{name}/{quote(run, safe='')}.mp4{suffix}",
        wish=renditions.wish_of(codecs, suffix),
    )
    return Response(text, media_type=HLS, headers={"Cache-Control": ranges.NO_STORE})


@routes.get(
    "/cameras/{code}/pieces/{stream}/{segment}.mp4", operation_id="getSegment", response_class=Response,
    responses={200: {"content": {MP4: {}}}, 206: {"description": "Part of it", "content": {MP4: {}}}},
)  # fmt: skip
def get_segment(
    code: Code,
    stream: shapes.StreamName,
    segment: ByName,
    request: Request,
    node: WardNode,
    actor: Annotated[Actor, needs("playback", ticket=True)],
) -> Response:
    """A segment file that a playlist named, in byte ranges. What is written of it never changes."""
    pieces = node.viewing.segment(actor, code, stream, segment)
    return ranges.file_answer(
        request,
        pieces.read,
        pieces.size,
        f'"{segment}-{pieces.size:x}"',
        media_type=MP4,
        cache=ranges.IMMUTABLE,
    )


@routes.get(
    "/cameras/{code}/inits/{stream}/{run}.mp4", operation_id="getInit", response_class=Response,
    responses={200: {"content": {MP4: {}}}, 206: {"description": "Part of it", "content": {MP4: {}}}},
)  # fmt: skip
def get_init(
    code: Code,
    stream: shapes.StreamName,
    run: ByName,
    request: Request,
    node: WardNode,
    actor: Annotated[Actor, needs("playback", ticket=True)],
) -> Response:
    """The init segment of a run."""
    data = node.viewing.init_segment(actor, code, stream, run)
    return ranges.file_answer(
        request,
        lambda first, last: iter([data[first:last]]),
        len(data),
        f'"{run}"',
        media_type=MP4,
        cache=ranges.IMMUTABLE,
    )


@routes.get(
    "/cameras/{code}/video.mp4", operation_id="getMovie", response_class=Response,
    responses={200: {"content": {MP4: {}}}, 206: {"description": "Part of it", "content": {MP4: {}}}},
)  # fmt: skip
async def get_movie(
    code: Code,
    start: Moment,
    end: Moment,
    request: Request,
    node: WardNode,
    actor: Annotated[Actor, needs("playback", instead={"download": "export"}, ticket=True)],
    stream: shapes.PlayedName = "main",
    download: Annotated[bool, Query(description="1: to be kept, which needs the right to export.")] = False,
    codecs: renditions.Codecs = None,
) -> Response:
    """One MP4, seekable by range requests, never re-encoded. With `codecs` that do not play it: a converted copy, sent as it
    is made, which is no evidence.
    """
    decodable = parse_codecs(codecs)
    if decodable is not None:
        film = await run_in_threadpool(
            node.viewing.film, actor, code, stream, span(start, end), decodable, keep=download
        )
        if film is not None:
            named = _file_name(code, stream, Span(film.start_us, film.end_us), "_converted")
            return await renditions.film_answer(request, film, named if download else None)

    def original() -> Response:
        movie = node.viewing.movie(actor, code, stream, span(start, end), keep=download)
        named = _file_name(code, stream, Span(movie.start_us, movie.end_us))
        return ranges.file_answer(
            request,
            movie.read,
            movie.size,
            f'"{movie.etag.strip(chr(34))}"',
            media_type=MP4,
            name=named if download else None,
        )

    return await run_in_threadpool(original)


@routes.get(
    "/cameras/{code}/snapshot.jpg", operation_id="getSnapshot", response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}},
)  # fmt: skip
def get_snapshot(
    code: Code,
    request: Request,
    node: WardNode,
    actor: Annotated[Actor, needs("live", instead={"at": "playback"}, ticket=True, reader=True)],
    at: Annotated[
        str | None, Query(max_length=64, description="RFC 3339; the newest picture without it.")
    ] = None,
    stream: shapes.PlayedName = "main",
    width: Annotated[
        int | None, Query(ge=16, le=8192, description="At most so many pixels wide; it is never enlarged.")
    ] = None,
    max_age_s: Annotated[
        float | None,
        Query(gt=0, le=86_400, description="503 for a newest picture older than this; 10 for readers."),
    ] = None,
) -> Response:
    """The picture at a moment as JPEG. `X-Picture-Time` says when it was taken. Programs come by HTTP Basic with a
    reader's key.
    """
    if max_age_s is None and actor.role == ROLE:
        max_age_s = FRESH_S
    moment = moment_us(at, "at") if at else None
    still = node.viewing.still(actor, code, stream, moment, width=width, max_age_s=max_age_s)
    headers = {"Cache-Control": ranges.NO_STORE, "X-Picture-Time": rfc3339(still.at_us)}
    return Response(still.jpeg, media_type="image/jpeg", headers=headers)


@routes.post("/cameras/{code}/tickets", operation_id="makeTickets", status_code=201)
def make_tickets(
    code: Code,
    body: shapes.TicketAsk,
    request: Request,
    node: WardNode,
    actor: Annotated[Actor, needs("playback")],
) -> shapes.Tickets:
    """Addresses for VLC or ffplay, for this camera and span only."""
    wanted = span(body.start, body.end)
    scope = node.viewing.scope(actor, code, body.stream, wanted)
    ticket = node.sessions.issue(actor, scope)
    query = urlencode(
        {
            "start": rfc3339(wanted.start_us),
            "end": rfc3339(wanted.end_us),
            "stream": scope.stream,
            "ticket": ticket.text,
        }
    )
    here = str(request.base_url).rstrip("/") + request.url.path.removesuffix("/tickets")
    return shapes.Tickets(
        m3u8=f"{here}/video.m3u8?{query}", mp4=f"{here}/video.mp4?{query}", expires=rfc3339(ticket.expires_us)
    )


def _file_name(code: str, stream: str, wanted: Span, what: str = "") -> str:
    """`DK-01_main_20261122T070500Z_60s.mp4`: what it is stays readable when it lies on a stick among others."""
    safe = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in code
    )
    seconds = round((wanted.end_us - wanted.start_us) / 1e6)
    which = "" if stream == "auto" else f"_{stream}"
    return f"{safe}{which}_{to_datetime(wanted.start_us):%Y%m%dT%H%M%SZ}_{seconds}s{what}.mp4"
