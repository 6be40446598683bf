"""The application: routes, layers around them, and the tasks that live as long as they do.

    create(directory)   a node's application, for the web process
    shell()             the same without a node: what the OpenAPI file is made from

Invariant  every route declares its guard; tests/api/test_guards.py walks ROUTERS.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import APIRouter, FastAPI

from luytre import __version__
from luytre.api import (
    archive,
    cameras,
    days,
    live,
    metrics,
    onvif,
    pages,
    problems,
    ptz,
    readers,
    renditions,
    sessions,
    shapes,
    video,
)
from luytre.api.bodies import BodyLimit, Compression
from luytre.api.converting import Converting
from luytre.api.headers import HeadAsGet, SecurityHeaders
from luytre.api.meters import Measure, Meters
from luytre.api.presence import Presence
from luytre.app.node import Node
from luytre.base import log
from luytre.cameras.onvif.cameras import OnvifCameras

API = "/api/v1"
# Pages come last: theirs is every address that nobody else has.
ROUTERS: tuple[tuple[str, APIRouter], ...] = (
    (API, sessions.routes),
    (API, cameras.routes),
    (API, days.routes),
    (API, video.routes),
    (API, renditions.routes),
    (API, live.routes),
    (API, archive.routes),
    (API, onvif.routes),
    (API, ptz.routes),
    (API, readers.routes),
    ("", metrics.routes),
    ("", pages.routes),
)
AGAIN_AFTER_S = 1.0

LOG = log.get("api")


def create(directory: Path) -> FastAPI:
    """The application of the node in `directory`. Raises Error when there is none, or one of another version."""
    return build(Node.open(directory))


def build(node: Node) -> FastAPI:
    """The application of an opened node; it is closed when the application ends."""
    app = shell()
    app.state.node = node
    app.state.zone = node.zone
    app.state.presence = Presence(node.sessions.is_alive)
    app.state.converting = Converting(node.viewing.places)
    app.state.onvif = OnvifCameras(node.registry, node.clock)
    app.state.meters.add_node(node)
    app.router.lifespan_context = _while_serving
    return app


def shell() -> FastAPI:
    """All routes and layers, and no node behind them."""
    app = FastAPI(
        title="Lũy Tre",
        version=__version__,
        summary="Security cameras of a ward: live, recorded, played back.",
        description="What this file cannot say (WebSocket, tickets, HLS) is in design/api.md.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    app.state.meters = Meters()
    app.state.static = pages.STATIC
    failure = {"description": "What went wrong, why, and what to do.", "model": shapes.Problem}
    for prefix, router in ROUTERS:
        app.include_router(router, prefix=prefix, responses={"default": failure})
    problems.install(app)
    # The last one added is the outermost.
    app.add_middleware(BodyLimit)
    app.add_middleware(Measure, meters=app.state.meters)
    app.add_middleware(Compression)
    app.add_middleware(HeadAsGet)
    app.add_middleware(SecurityHeaders)
    return app


@asynccontextmanager
async def _while_serving(app: FastAPI) -> AsyncIterator[None]:
    node: Node = app.state.node
    tasks = [
        asyncio.create_task(_keep(node.hub.run, "live hub")),
        asyncio.create_task(_keep(app.state.presence.run, "presence")),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        await node.viewing.close()
        node.close()


async def _keep(run: Callable[[], Awaitable[None]], name: str) -> None:
    """Supervises: what should never end is begun again when it does."""
    while True:
        try:
            await run()
        except Exception:
            LOG.exception("task failed", task=name)
        await asyncio.sleep(AGAIN_AFTER_S)
