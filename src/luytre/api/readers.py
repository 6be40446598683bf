"""Readers: programs that take pictures, and their keys (design/api.md, "Readers")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from luytre.api import reader_shapes
from luytre.api.cameras import time_or_none
from luytre.api.guards import WardNode, needs
from luytre.app.node import Node
from luytre.app.rtsp_port import address, read_state
from luytre.base.clock import rfc3339
from luytre.people.actor import Actor
from luytre.people.readers import Reader

routes = APIRouter(tags=["readers"])


@routes.get("/readers", operation_id="listReaders")
def list_readers(
    request: Request, node: WardNode, _: Annotated[Actor, needs("configure")]
) -> reader_shapes.Readers:
    """All readers whose keys open something, by name; and how the door for them stands."""
    codes = {camera.id: camera.code for camera in node.registry.list()}
    state = read_state(node.run_folder, node.config)
    door = {
        "state": state.problem or ("listening" if state.port else "off"),
        "port": state.port,
        "address": _address(request, node, "CODE"),
    }
    readers = [_told(reader, codes) for reader in node.readers.list()]
    return reader_shapes.Readers.model_validate({"rtsp": door, "readers": readers})


@routes.post("/readers", operation_id="addReader", status_code=201)
def add_reader(
    body: reader_shapes.ReaderAsk,
    request: Request,
    node: WardNode,
    actor: Annotated[Actor, needs("configure")],
) -> reader_shapes.NewReader:
    """A new key. Its secret is in this answer and nowhere else."""
    found = None if body.cameras is None else [node.registry.get(code) for code in body.cameras]
    ids = None if found is None else [camera.id for camera in found]
    new = node.readers.add(actor, body.name, ids, body.days)
    told = _told(new.reader, {camera.id: camera.code for camera in found or []})
    url = _address(request, node, found[0].code if found else "CODE")
    return reader_shapes.NewReader.model_validate({**told, "secret": new.secret, "url": url})


@routes.delete("/readers/{reader}", operation_id="removeReader", status_code=204)
def remove_reader(
    reader: Annotated[str, Path(max_length=64, description="The reader's id.")],
    node: WardNode,
    actor: Annotated[Actor, needs("configure")],
) -> None:
    """Its key opens nothing any more; its sessions end within seconds."""
    node.readers.revoke(actor, reader)


def _told(reader: Reader, codes: Mapping[str, str]) -> dict[str, Any]:
    cameras = reader.cameras
    return {
        "id": reader.id,
        "name": reader.name,
        "user": reader.user,
        # Those that were removed meanwhile have no code.
        "cameras": None if cameras is None else sorted(codes[one] for one in cameras if one in codes),
        "created": rfc3339(reader.created_us),
        "created_by": reader.created_by,
        "expires": time_or_none(reader.expires_us),
        "used": time_or_none(reader.used_us),
    }


def _address(request: Request, node: Node, code: str) -> str | None:
    """By the name that the page was asked by: that one leads here."""
    port = read_state(node.run_folder, node.config).port
    return address(request.url.hostname or "127.0.0.1", port, code) if port else None
