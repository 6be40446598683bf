"""The archive's volumes (design/api.md, "The rest")."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from luytre.api import shapes
from luytre.api.cameras import time_or_none
from luytre.api.guards import WardNode, needs
from luytre.people.actor import Actor

routes = APIRouter(tags=["archive"])


@routes.get("/archive", operation_id="getArchive")
def get_archive(node: WardNode, actor: Annotated[Actor, needs("configure")]) -> shapes.Archive:
    """Volumes: space, oldest recording, days promised and days left."""
    return shapes.Archive(
        volumes=[
            shapes.Volume(
                id=volume.id,
                path=volume.path,
                state=volume.state,
                total_bytes=volume.total_bytes,
                free_bytes=volume.free_bytes,
                used_bytes=volume.used_bytes,
                oldest=time_or_none(volume.oldest_us),
                segments=volume.segments,
                promised_days=volume.promised_days,
                days_left=volume.days_left,
            )
            for volume in node.viewing.volumes(actor)
        ]
    )
