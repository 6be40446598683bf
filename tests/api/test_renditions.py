"""Converted pictures over HTTP. The footage is H.264, and the viewer says that they do not decode it."""

from __future__ import annotations

import asyncio
import io
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import av
import httpx
import pytest

from luytre.api.converting import WAITING
from luytre.cameras.renditions import recorded
from tests.api.serving import ClipRecorder, serving
from tests.api.test_live import bearer, pictures, run, texts, until, watch
from tests.api.ward import FPS, Ward, at

BASE = "/api/v1/cameras/DK-01/video.m3u8"
SPAN = {"start": at(0), "end": at(9)}


@pytest.fixture(autouse=True)
def _stopped(ward: Ward) -> Any:
    yield
    asyncio.run(ward.node.viewing.close())


def addresses(ward: Ward, **query: str) -> tuple[str, list[str]]:
    """(init, pieces) of a playlist."""
    user = None if "ticket" in query else "truc"
    answer = ward.get("cameras/DK-01/video.m3u8", user, params={**SPAN, "codecs": "aac", **query})
    assert answer.status_code == 200
    lines = answer.text.splitlines()
    init = next(line for line in lines if line.startswith("#EXT-X-MAP")).split('"')[1]
    return urljoin(BASE, init), [urljoin(BASE, line) for line in lines if not line.startswith("#")]


def frames(data: bytes) -> int:
    container: Any = av.open(io.BytesIO(data))
    with container:
        return sum(1 for _ in container.decode(video=0))


def test_a_playlist_names_what_was_converted(ward: Ward) -> None:
    init, pieces = addresses(ward)
    assert all("/renditions/main/h264-keep/" in piece for piece in pieces)
    data = ward.get(init, "truc").content
    for piece in pieces:
        answer = ward.get(piece, "truc")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
        data += answer.content
    assert frames(data) >= 9 * FPS
    # For who decodes it nothing is.
    same = ward.get("cameras/DK-01/video.m3u8", "truc", params={**SPAN, "codecs": "h264,aac"})
    assert same.text == ward.get("cameras/DK-01/video.m3u8", "truc", params=SPAN).text


def test_no_place_is_said_in_the_viewers_language(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "PATIENCE_S", 0.0)
    _, (piece, *_) = addresses(ward)
    places = ward.node.viewing.places
    taken = 0
    while places.take():
        taken += 1
    answer = ward.get(piece, "truc")
    assert (answer.status_code, answer.json()["cause"]) == (503, "renditions_full")
    assert "H.264" in answer.json()["hint"]
    for _ in range(taken):
        places.give()
    assert ward.get(piece, "truc").status_code == 200
    told = ward.get("/metrics").text
    assert "luytre_renditions_refused_total 2.0" in told
    assert "luytre_renditions 0.0" in told


def test_a_download_is_converted_only_for_who_asks(ward: Ward) -> None:
    query = {**SPAN, "download": "1"}
    copy = ward.get("cameras/DK-01/video.mp4", "truc", params={**query, "codecs": "aac"})
    assert copy.headers["x-rendition"] == "h264"
    assert "_converted.mp4" in copy.headers["content-disposition"]
    assert "content-length" not in copy.headers
    original = ward.get("cameras/DK-01/video.mp4", "truc", params=query)
    assert "x-rendition" not in original.headers
    assert frames(copy.content) == frames(original.content)
    assert {look.action for look in ward.node.looks.list()} == {"export"}
    refused = ward.get("cameras/DK-01/video.mp4", "to-truong", params={**query, "codecs": "aac"})
    assert refused.status_code == 403


def test_who_waits_for_a_place_keeps_nobody_else_waiting(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "PATIENCE_S", 600.0)
    monkeypatch.setattr(recorded, "FILM_PATIENCE_S", 600.0)
    _, (piece, *_) = addresses(ward)
    film = f"/api/v1/cameras/DK-01/video.mp4?{urlencode({'start': at(0), 'end': at(1), 'codecs': 'aac'})}"
    login = {"Authorization": f"Bearer {ward.token('truc')}"}
    places = ward.node.viewing.places

    async def scenario() -> None:
        transport = httpx.ASGITransport(ward.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://ward.test", headers=login
        ) as asking:
            taken = 0
            while places.take():
                taken += 1
            # More of each than there are threads for all routes.
            waiting = [asyncio.create_task(asking.get(path)) for path in (piece, film) for _ in range(45)]
            refused = len(waiting) - 2 * (places.most + WAITING)
            async with asyncio.timeout(60):
                while sum(one.done() for one in waiting) < refused:
                    await asyncio.sleep(0.01)
                assert (await asking.get("/api/v1/cameras")).status_code == 200
                assert (await asking.get(film.replace("codecs=aac", "codecs=h264"))).status_code == 200
            for _ in range(taken):
                places.give()
            answers = await asyncio.gather(*waiting)
        assert {one.json()["cause"] for one in answers if one.status_code != 200} == {"renditions_full"}
        for some in (answers[:45], answers[45:]):
            assert sum(one.status_code == 200 for one in some) == places.most + WAITING

    asyncio.run(scenario())


def test_a_ticket_opens_the_pieces_of_its_span(ward: Ward) -> None:
    made = ward.ask("POST", "cameras/DK-01/tickets", "truc", json={"start": at(0), "end": at(4)})
    ticket = urlsplit(made.json()["m3u8"]).query.rpartition("ticket=")[2]
    init, pieces = addresses(ward, ticket=ticket, end=at(4))
    assert ward.get(init).status_code == 200
    assert ward.get(pieces[0]).status_code == 200
    _, others = addresses(ward)
    assert ward.get(f"{others[-1]}?ticket={ticket}").status_code == 403
    assert ward.get(others[-1]).status_code == 401


def test_live_says_what_it_shows(ward: Ward) -> None:
    async def scenario() -> None:
        async with ClipRecorder(ward) as recorder, serving(ward.app) as (host, _):
            await recorder.feed(30)
            for codecs, made in (("h264,aac", None), ("aac", "h264")):
                query = f"stream=main&codecs={codecs}"
                async with watch(host, query, additional_headers=bearer(ward, "truc")) as socket:
                    assert (await texts(socket))["type"] == "state"
                    shown = await until(socket, "shown")
                    while shown["codec"] is None:
                        shown = await until(socket, "shown")
                    assert (shown["stream"], shown["instead"], shown["codec"]) == ("main", False, "h264")
                    assert (shown["video_as"], shown["cause"], shown["reason"]) == (made, None, None)
                    await until(socket, "init")
                    head = (await pictures(socket, 1))[0]
                    assert head[4:8] == b"ftyp"
                    await recorder.feed(2 * FPS)
                    assert len(await pictures(socket, FPS)) == FPS

    run(scenario)
