"""The archive's volumes, and the daily certificates (design/api.md, "The rest")."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response

from luytre.api import archive_shapes
from luytre.api.cameras import time_or_none
from luytre.api.days import DayText
from luytre.api.guards import WardNode, needs
from luytre.api.times import calendar_day
from luytre.app import daybook
from luytre.app.forecasts import forecasts
from luytre.archive.forecast import Forecast
from luytre.base.clock import rfc3339
from luytre.people.actor import Actor

routes = APIRouter(tags=["archive"])


@routes.get("/archive", operation_id="getArchive")
def get_archive(node: WardNode, actor: Annotated[Actor, needs("configure")]) -> archive_shapes.Archive:
    """Volumes: space, oldest recording, days promised, and how long the promise can be kept."""
    expected = forecasts(node)
    return archive_shapes.Archive(
        volumes=[
            archive_shapes.Volume(
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
                forecast=forecast_told(expected.get(volume.path)),
            )
            for volume in node.viewing.volumes(actor)
        ]
    )


@routes.get("/archive/certificates", operation_id="listCertificates")
def list_certificates(node: WardNode, _: Annotated[Actor, needs("configure")]) -> archive_shapes.Certificates:
    """Days that have a daily certificate."""
    return archive_shapes.Certificates(dates=daybook.dates(node.directory))


@routes.get(
    "/archive/certificates/{date}",
    operation_id="getCertificate",
    response_model=archive_shapes.DayCertificate,
)
def get_certificate(date: DayText, node: WardNode, _: Annotated[Actor, needs("configure")]) -> Response:
    """What was recorded on one day: the file itself, byte for byte, so that its signature and hash can be checked."""
    return Response(daybook.page(node.directory, calendar_day(date)), media_type="application/json")


def forecast_told(found: Forecast | None) -> archive_shapes.Forecast | None:
    """A volume's forecast as the answer says it."""
    if found is None:
        return None
    fields: dict[str, Any] = {
        name: getattr(found, name)
        for name in archive_shapes.Forecast.model_fields
        if name not in ("at", "breaks_at")
    }
    times = {"at": rfc3339(found.at_us), "breaks_at": time_or_none(found.breaks_at_us)}
    return archive_shapes.Forecast.model_validate(fields | times, from_attributes=True)
