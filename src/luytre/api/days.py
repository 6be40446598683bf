"""What is recorded when (design/api.md, "Playback")."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request

from luytre.api import shapes
from luytre.api.cameras import Code, said, time_or_none
from luytre.api.guards import WardNode, needs
from luytre.api.languages import language_of
from luytre.api.problems import zone_of
from luytre.api.times import calendar_day
from luytre.archive.keys import INTENDED
from luytre.base.clock import US_PER_S, rfc3339
from luytre.people.actor import Actor

routes = APIRouter(tags=["playback"])

DayText = Annotated[
    str, Path(max_length=32, description="YYYY-MM-DD, a day of the ward.", examples=["2026-11-22"])
]


@routes.get("/cameras/{code}/days", operation_id="listDays")
def list_days(
    code: Code,
    request: Request,
    node: WardNode,
    actor: Annotated[Actor, needs("playback")],
    stream: shapes.PlayedName = "main",
) -> shapes.Days:
    """Local days with something recorded."""
    return shapes.Days(days=node.viewing.days(actor, code, stream, zone_of(request)))


@routes.get("/cameras/{code}/days/{date}", operation_id="getDay")
def get_day(
    code: Code,
    date: DayText,
    request: Request,
    node: WardNode,
    actor: Annotated[Actor, needs("playback")],
    stream: shapes.PlayedName = "main",
) -> shapes.Day:
    """One day's timeline: minute bitmap, exact spans, gaps with their causes, holds, how far the times can be trusted."""
    zone = zone_of(request)
    language = language_of(request)
    day = node.viewing.day(actor, code, stream, calendar_day(date), zone)
    return shapes.Day(
        code=code,
        stream=stream,
        date=day.date,
        zone=zone.key,
        start=rfc3339(day.start_us),
        end=rfc3339(day.end_us),
        minutes=list(day.minutes),
        recorded_s=round(day.recorded_s, 3),
        spans=[
            shapes.RecordedSpan.model_validate(
                {"start": rfc3339(span.start_us), "end": rfc3339(span.end_us), "stream": span.stream}
            )
            for span in day.spans
        ],
        gaps=[
            shapes.Gap(
                start=rfc3339(gap.start_us),
                end=time_or_none(gap.end_us),
                cause=gap.cause,
                intended=gap.cause in INTENDED,
                reason=said(gap.cause, language)[0] or gap.cause,
            )
            for gap in day.gaps
        ],
        holds=[
            shapes.Hold(start=rfc3339(hold.start_us), end=rfc3339(hold.end_us), reason=hold.reason)
            for hold in day.holds
        ],
        clocks=[
            shapes.ClockSpan(
                start=rfc3339(span.start_us),
                end=rfc3339(span.end_us),
                error_s=_seconds(span.clocks.error_us),
                camera_offset_s=_seconds(span.clocks.camera_us),
            )
            for span in day.clocks
        ],
    )


def _seconds(us: int | None) -> float | None:
    return None if us is None else round(us / US_PER_S, 3)
