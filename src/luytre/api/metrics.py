"""What machines ask a node: `/metrics` and `/healthz`."""

from __future__ import annotations

from collections import Counter

from fastapi import APIRouter, Request, Response
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from luytre import __version__
from luytre.api import shapes
from luytre.api.guards import WardNode, from_here_or_session, open_to_all
from luytre.api.meters import Meters
from luytre.base.clock import rfc3339
from luytre.base.errors import Error
from luytre.people.actor import LOCAL

routes = APIRouter(tags=["node"])


@routes.get(
    "/metrics",
    operation_id="getMetrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    dependencies=[from_here_or_session()],
)
def get_metrics(request: Request) -> Response:
    """Prometheus text; from the machine itself or with a session."""
    meters: Meters = request.app.state.meters
    return Response(generate_latest(meters.registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


@routes.get("/healthz", operation_id="getHealth", dependencies=[open_to_all()])
def get_health(node: WardNode) -> shapes.Health:
    """200 when the web process answers; how many cameras and streams are in which state."""
    cameras: Counter[str] = Counter()
    streams: Counter[str] = Counter()
    try:
        for status in node.viewing.cameras(LOCAL):
            cameras[status.state] += 1
            streams.update(stream.state for stream in status.streams)
    except Error:
        # The process answers, and its database does not: the counts are empty, and `/metrics` is thin.
        cameras.clear()
    return shapes.Health(
        ok=True,
        version=__version__,
        now=rfc3339(node.clock.wall_us()),
        cameras=dict(sorted(cameras.items())),
        streams=dict(sorted(streams.items())),
    )
