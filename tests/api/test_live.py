"""Live pictures over a real WebSocket from a real server, with a recorder's real socket behind it."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import av
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from luytre.media.fmp4.boxes import iter_boxes
from luytre.media.fmp4.read import part_samples
from luytre.recorder.state import StreamState
from tests.api.serving import ClipRecorder, serving
from tests.api.ward import API, FPS, Ward, at

SOON_S = 20.0


def bearer(ward: Ward, user: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {ward.token(user)}"}


def watch(host: str, query: str = "stream=main", code: str = "DK-01", **how: Any) -> connect:
    """Not compressed: pictures are already."""
    return connect(f"ws://{host}{API}/cameras/{code}/live?{query}", compression=None, **how)


async def texts(socket: ClientConnection) -> dict[str, Any]:
    """The next text message; binary ones before it are dropped."""
    while True:
        message = await asyncio.wait_for(socket.recv(), SOON_S)
        if isinstance(message, str):
            fields: dict[str, Any] = json.loads(message)
            return fields


async def until(socket: ClientConnection, wanted: str) -> dict[str, Any]:
    """The next text of a type."""
    while (fields := await texts(socket))["type"] != wanted:
        pass
    return fields


async def pictures(socket: ClientConnection, count: int) -> list[bytes]:
    """So many binary messages."""
    found: list[bytes] = []
    while len(found) < count:
        message = await asyncio.wait_for(socket.recv(), SOON_S)
        if isinstance(message, bytes):
            found.append(message)
    return found


async def closed(socket: ClientConnection) -> int:
    """The code it is closed with."""
    try:
        while True:
            await asyncio.wait_for(socket.recv(), SOON_S)
    except ConnectionClosed as error:
        if error.rcvd is None:
            raise
        return error.rcvd.code


def is_key(fragment: bytes) -> bool:
    moof = next(box for box in iter_boxes(fragment) if box.type == b"moof")
    return part_samples(fragment[moof.start : moof.end])[1][0].key


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def within() -> None:
        await asyncio.wait_for(scenario(), 60)

    asyncio.run(within())


def test_state_init_and_fragments_make_a_film(ward: Ward) -> None:
    async def scenario() -> None:
        async with ClipRecorder(ward) as recorder, serving(ward.app) as (host, _):
            await recorder.feed(30)
            async with watch(
                host, "stream=main&lang=en", additional_headers=bearer(ward, "to-truong")
            ) as socket:
                first = await texts(socket)
                assert first["type"] == "state"
                assert set(first) == {"type", "state", "cause", "reason", "hint"}
                init = await until(socket, "init")
                assert init["mime"].startswith('video/mp4; codecs="avc1.')
                assert (init["stream"], init["width"], init["height"]) == ("main", 178, 100)
                head = (await pictures(socket, 1))[0]
                assert head[4:8] == b"ftyp"
                await recorder.feed(FPS)
                # From the newest keyframe (number 25) on: 5 pictures that were there, and the 25 fed now.
                fragments = await pictures(socket, 5 + FPS)
        assert is_key(fragments[0])
        assert [box.type for box in iter_boxes(fragments[0])] == [b"prft", b"moof", b"mdat"]
        container: Any = av.open(io.BytesIO(head + b"".join(fragments)))
        with container:
            assert sum(1 for _ in container.decode(video=0)) == 5 + FPS
        (look,) = ward.node.looks.list()
        assert (look.action, look.user_name, look.start_us) == ("live", "to-truong", None)

    run(scenario)


def test_a_change_of_state_is_told_in_the_viewers_language(ward: Ward) -> None:
    async def scenario() -> None:
        async with (
            ClipRecorder(ward) as recorder,
            serving(ward.app) as (host, _),
            watch(host, additional_headers=bearer(ward, "truc")) as socket,
        ):
            while (await until(socket, "state"))["state"] != "recording":
                pass
            recorder.tell(StreamState(*recorder.key, "retrying", "stalled", "", 1))
            told = await until(socket, "state")
            assert (told["state"], told["cause"]) == ("retrying", "stalled")
            assert told["reason"] == "Camera vẫn nối nhưng ngừng gửi hình"
            assert told["hint"]

    run(scenario)


def test_a_new_connection_of_the_camera_begins_with_a_new_init(ward: Ward) -> None:
    async def scenario() -> None:
        async with ClipRecorder(ward) as recorder, serving(ward.app) as (host, _):
            await recorder.feed(5)
            async with watch(host, additional_headers=bearer(ward, "truc")) as socket:
                await until(socket, "init")
                await pictures(socket, 6)
                recorder.connect_again()
                await recorder.feed(3)
                await until(socket, "init")
                again = await pictures(socket, 2)
                assert again[0][4:8] == b"ftyp"
                assert is_key(again[1])

    run(scenario)


def test_who_may_not_watch_is_told_by_the_close_code(ward: Ward) -> None:
    async def scenario() -> None:
        answer = await asyncio.to_thread(
            ward.ask, "POST", "cameras/DK-01/tickets", "truc", json={"start": at(0), "end": at(9)}
        )
        past = "stream=main&ticket=" + urlsplit(answer.json()["m3u8"]).query.rpartition("ticket=")[2]
        signed: dict[str, Any] = {"additional_headers": bearer(ward, "truc")}
        async with serving(ward.app) as (host, _):
            for how, code in [
                (watch(host), 4401),
                (watch(host, additional_headers={"Authorization": "Bearer x"}), 4401),
                (watch(host, past), 4403),
                (watch(host, origin="http://evil.test", **signed), 4403),
                (watch(host, code="XX-99", **signed), 4404),
                (watch(host, "stream=third", **signed), 4404),
                (watch(host, "stream=sub", code="DK-02", **signed), 4404),
            ]:
                async with how as socket:
                    assert await closed(socket) == code
        assert ward.node.looks.list() == []

    run(scenario)


def test_a_page_of_our_own_may_watch_by_cookie(ward: Ward) -> None:
    async def scenario() -> None:
        async with serving(ward.app) as (host, _):
            cookie = {"Cookie": f"luytre_session={ward.token('truc')}"}
            async with watch(host, origin=f"http://{host}", additional_headers=cookie) as socket:
                assert (await texts(socket))["state"] == "unknown"

    run(scenario)


def test_a_ticket_that_covers_now_may_watch(ward: Ward) -> None:
    async def scenario() -> None:
        body = {"start": at(0), "end": at(9000)}
        answer = await asyncio.to_thread(ward.ask, "POST", "cameras/DK-01/tickets", "truc", json=body)
        ticket = urlsplit(answer.json()["m3u8"]).query.rpartition("ticket=")[2]
        async with serving(ward.app) as (host, _):
            async with watch(host, f"stream=main&ticket={ticket}") as socket:
                assert (await texts(socket))["type"] == "state"
            async with watch(host, f"stream=sub&ticket={ticket}") as socket:
                assert await closed(socket) == 4403

    run(scenario)


@pytest.mark.parametrize("way", ["log out", "disable"])
def test_the_end_of_a_session_ends_its_live_pictures(ward: Ward, way: str) -> None:
    async def scenario() -> None:
        async with (
            serving(ward.app) as (host, _),
            watch(host, additional_headers=bearer(ward, "truc")) as socket,
            watch(host, additional_headers=bearer(ward, "to-truong")) as other,
        ):
            await texts(socket)
            await texts(other)
            if way == "log out":
                assert (await asyncio.to_thread(ward.ask, "DELETE", "session", "truc")).status_code == 204
            else:
                ward.node.accounts.disable("truc")
            began_s = asyncio.get_running_loop().time()
            assert await closed(socket) == 4401
            assert asyncio.get_running_loop().time() - began_s < 1.5
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(other.recv(), 0.3)

    run(scenario)


def test_a_node_that_stops_says_come_back(ward: Ward) -> None:
    async def scenario() -> None:
        async with (
            serving(ward.app) as (host, server),
            watch(host, additional_headers=bearer(ward, "truc")) as socket,
        ):
            await texts(socket)
            server.should_exit = True
            assert await closed(socket) == 1012

    run(scenario)


def test_who_reads_slowly_is_moved_to_a_keyframe(ward: Ward) -> None:
    fed = 500

    async def scenario() -> None:
        async with ClipRecorder(ward) as recorder, serving(ward.app) as (host, _):
            slow = watch(host, additional_headers=bearer(ward, "truc"), max_queue=1, max_size=None)
            async with slow as socket:
                await texts(socket)
                while not recorder.is_watched():
                    await asyncio.sleep(0.01)
                # 30 MB that nobody reads: more than every buffer on the way.
                await recorder.feed(fed, large=True)
                await recorder.feed(1)
                got = [m for m in await _rest(socket) if m[4:8] != b"ftyp"]
        assert 0 < len(got) < fed
        ticks = [_time(fragment) for fragment in got]
        steps = [
            (after - before, is_key(fragment))
            for before, after, fragment in zip(ticks, ticks[1:], got[1:], strict=False)
        ]
        jumps = [key for step, key in steps if step != 90_000 // FPS]
        assert jumps
        assert all(jumps)

    run(scenario)


async def _rest(socket: ClientConnection) -> list[bytes]:
    """What still comes, until nothing has come for a while."""
    found = []
    try:
        while True:
            message = await asyncio.wait_for(socket.recv(), 1.0)
            if isinstance(message, bytes):
                found.append(message)
    except TimeoutError:
        return found


def _time(fragment: bytes) -> int:
    at_byte = fragment.index(b"tfdt")
    return int.from_bytes(fragment[at_byte + 8 : at_byte + 16], "big")
