"""What tests/api/conftest.py makes: a node with users, cameras and footage, and ways to ask its application."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from luytre.api.application import build
from luytre.app.node import Node, init
from luytre.archive.keys import Span, StreamKey
from luytre.archive.volume import open_volume
from luytre.archive.writer import DiskWriter
from luytre.base.clock import US_PER_S, ManualClock, rfc3339
from luytre.base.config import NodeConfig, VolumeConfig
from luytre.base.timekeeping import NodeClock
from luytre.cameras.registry import NewCamera
from luytre.media.tracks import VIDEO_TIMESCALE, Sample, VideoTrack
from luytre.recorder.gate import OpenGate
from luytre.recorder.outlet import Outlet
from luytre.recorder.run import Run, Target
from tests.media.clips import Coded, encode_video
from tests.recorder.camera import outlet_of

# 2026-11-22T07:00:00Z, 14:00 in the ward.
START_US = 1_795_330_800 * US_PER_S
FIRST_S, GAP_S, SECOND_S = 30, 10, 20
END_US = START_US + (FIRST_S + GAP_S + SECOND_S) * US_PER_S
NOW_US = END_US + 30 * US_PER_S
FPS = 25
PASSWORD = "tre-xanh-2026"
USERS = {"quan-tri": "admin", "truc": "officer", "to-truong": "viewer"}
API = "/api/v1"


@cache
def clip() -> Coded:
    """5 s, a keyframe each second."""
    return encode_video("h264", frames=5 * FPS, gop=FPS, fps=FPS)


def at(seconds: float) -> str:
    """RFC 3339 of so many seconds after the footage begins."""
    return rfc3339(START_US + round(seconds * US_PER_S))


@dataclass
class Ward:
    """`main` is the stream with footage, of camera DK-01; DK-02 has none, and no sub stream."""

    node: Node
    clock: ManualClock
    app: FastAPI
    main: StreamKey
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, user: str) -> str:
        """A bearer token of one of USERS."""
        if user not in self.tokens:
            self.tokens[user] = self.node.sessions.log_in(user, PASSWORD).token
        return self.tokens[user]

    def ask(
        self, method: str, path: str, user: str | None = None, *, far: bool = False, **how: Any
    ) -> httpx.Response:
        """One request; `user` by bearer token, `far` from another machine. Paths without `/` in front are below the API."""
        headers = {"Accept-Language": "vi", **how.pop("headers", {})}
        if user is not None:
            headers["Authorization"] = f"Bearer {self.token(user)}"
        address = path if path.startswith("/") else f"{API}/{path}"

        async def send() -> httpx.Response:
            client = ("10.1.2.3", 40000) if far else ("127.0.0.1", 40000)
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=client)
            async with httpx.AsyncClient(transport=transport, base_url="http://ward.test") as asking:
                return await asking.request(method, address, headers=headers, **how)

        return asyncio.run(send())

    def get(self, path: str, user: str | None = None, **how: Any) -> httpx.Response:
        return self.ask("GET", path, user, **how)


def make_folder(folder: Path) -> None:
    """The node directory: users, cameras, footage. It may be copied."""
    clock = ManualClock(NOW_US)
    init(folder, NodeConfig(name="Phường Thử", volumes=(VolumeConfig(path=Path("volumes/1")),)))
    node = Node.open(folder, clock)
    for name, role in USERS.items():
        node.accounts.add_user(name, PASSWORD, role)
    main = node.registry.add(
        NewCamera("DK-01", "Ngã tư chợ", "rtsp://10.0.0.5/main", "rtsp://10.0.0.5/sub", "admin", "bi-mat")
    )
    node.registry.add(NewCamera("DK-02", "Cổng làng", "rtsp://10.0.0.6/main"))
    node.close()
    record(folder / "volumes/1", StreamKey(main.id, "main"), main.code)


def open_ward(folder: Path) -> Ward:
    """The application over a node directory."""
    clock = ManualClock(NOW_US)
    node = Node.open(folder, clock)
    main = StreamKey(node.registry.get("DK-01").id, "main")
    return Ward(node, clock, build(node), main)


def record(volume: Path, key: StreamKey, code: str, begin_s: int = 0) -> None:
    """Two runs with a gap between them, in segments of 10 s, as a recorder writes them."""
    begin_us = begin_s * US_PER_S
    clock = ManualClock(START_US + begin_us)
    writer = DiskWriter(open_volume(volume), segment_s=10.0, clock=clock)
    writer.start()
    try:
        floor_us = writer.take_up(key, code).result(20)
        outlet = outlet_of(writer, key, code, clock)
        for span in runs():
            shifted = Span(span.start_us + begin_us, span.end_us + begin_us)
            _run(outlet, key, code, shifted, floor_us, clock)
    finally:
        writer.stop()
        writer.join(20)


def runs() -> list[Span]:
    """The spans that are recorded."""
    second_us = START_US + (FIRST_S + GAP_S) * US_PER_S
    return [Span(START_US, START_US + FIRST_S * US_PER_S), Span(second_us, END_US)]


def _run(outlet: Outlet, key: StreamKey, code: str, span: Span, floor_us: int, clock: ManualClock) -> None:
    track = clip().track
    assert isinstance(track, VideoTrack)
    run: Run | None = None
    node = NodeClock(clock, lambda: 20_000)
    for sample, received_us in pictures(span):
        clock.advance((received_us - clock.wall_us()) / US_PER_S)
        if run is None:
            target = Target(key, code, outlet, floor_us, OpenGate())
            run = Run(target, track, None, floor_us, clock, sample, received_us, node=node)
            run.camera_us = 7_250_000
        assert run.add_video(sample, received_us)
    assert run is not None
    run.end("closed_by_camera", "")


def pictures(span: Span) -> list[tuple[Sample, int]]:
    """The clip over and over for a span, with the time each picture arrives."""
    coded = clip()
    made = []
    for number in range((span.end_us - span.start_us) * FPS // US_PER_S):
        sample = coded.samples[number % len(coded.samples)]
        pts = number * VIDEO_TIMESCALE // FPS
        made.append((Sample(pts, sample.data, sample.key), span.start_us + number * US_PER_S // FPS))
    return made
