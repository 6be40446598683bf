"""Pieces of playlists in a form that the viewer decodes (design/renditions.md). A playlist with `codecs` names them.

Promises   what is converted is never called the original: its addresses say `renditions`.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from luytre.api import ranges, shapes
from luytre.api.cameras import Code
from luytre.api.converting import converting_of
from luytre.api.guards import WardNode, needs
from luytre.cameras.viewing import Film, Wish, parse_codecs
from luytre.people.actor import Actor

routes = APIRouter(tags=["playback"])

MP4 = "video/mp4"
ByName = Annotated[str, Path(max_length=120, pattern=r"^[A-Za-z0-9._-]+$")]
FormName = Annotated[str, Path(max_length=20, pattern=r"^[a-z0-9]+-[a-z0-9]+$")]
At = Annotated[int, Path(ge=0, le=1 << 50)]
Codecs = Annotated[
    str | None,
    Query(
        max_length=80,
        pattern=r"^[A-Za-z0-9, ]*$",
        description="What the viewer decodes, of `h264,h265,aac,opus`: the rest is converted. Without it nothing is.",
    ),
]


def wish_of(codecs: str | None, suffix: str) -> Wish | None:
    """What a playlist is asked to name; `suffix` is added to each address."""
    decodable = parse_codecs(codecs)
    if decodable is None:
        return None
    return Wish(
        decodable,
        lambda name, form, segment, start, end: (
            f"renditions/{name}/{form}/{quote(segment, safe='')}/{start}-{end}.mp4{suffix}"
        ),
        lambda name, form, run: f"renditions/{name}/{form}/{quote(run, safe='')}/init.mp4{suffix}",
    )


@routes.get(
    "/cameras/{code}/renditions/{stream}/{form}/{run}/init.mp4", operation_id="getRenditionInit",
    response_class=Response, responses={200: {"content": {MP4: {}}}},
)  # fmt: skip
def get_rendition_init(
    code: Code,
    stream: shapes.StreamName,
    form: FormName,
    run: ByName,
    node: WardNode,
    actor: Annotated[Actor, needs("playback", ticket=True)],
) -> Response:
    """The init segment of a run in a form."""
    data = node.viewing.rendition_init(actor, code, stream, run, form)
    return Response(data, media_type=MP4, headers={"Cache-Control": ranges.IMMUTABLE})


@routes.get(
    "/cameras/{code}/renditions/{stream}/{form}/{segment}/{start}-{end}.mp4", operation_id="getRendition",
    response_class=Response, responses={200: {"content": {MP4: {}}}},
)  # fmt: skip
async def get_rendition(
    code: Code,
    stream: shapes.StreamName,
    form: FormName,
    segment: ByName,
    start: At,
    end: At,
    request: Request,
    node: WardNode,
    actor: Annotated[Actor, needs("playback", ticket=True)],
) -> Response:
    """Whole parts of a segment file, converted. 503 `renditions_full` when nothing more can be converted now."""
    data = await converting_of(request).piece(
        lambda: node.viewing.rendition(actor, code, stream, form, segment, range(start, end))
    )
    return Response(data, media_type=MP4, headers={"Cache-Control": "private, max-age=3600"})


async def film_answer(request: Request, film: Film, name: str | None) -> Response:
    """A converted span, sent as it is made. Its length is not known before."""
    # Outside of the stream, so that a refusal is an answer and not a broken body.
    chunks = await converting_of(request).film(film.chunks)
    headers = {"Cache-Control": ranges.NO_STORE, "Accept-Ranges": "none", "X-Rendition": "h264"}
    if name is not None:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return StreamingResponse(chunks, headers=headers, media_type=MP4)
