"""Who is let in: raw requests over a socket."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

import pytest

from luytre.base.clock import ManualClock
from luytre.cameras.restreaming import Grant
from luytre.media.rtsp.auth import Challenge, Credentials, authorization, choose, parse_challenges
from luytre.people.actor import LOCAL
from luytre.people.lockout import FAILURES
from luytre.restream import connection, server
from luytre.simulator.assembly import of_clip
from luytre.simulator.camera import Camera
from tests.peers.clips import make_clip
from tests.restream.node import Door, pictures, play


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits a second for each wrong key, or four for a camera that is away."""
    monkeypatch.setattr(connection, "WRONG_S", 0.0)
    monkeypatch.setattr(connection, "PATIENCE_S", 2.0)


class Raw:
    """One connection; `ask` gives status and headers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.body = b""

    async def ask(self, method: str, url: str, *lines: str) -> tuple[int, str]:
        self._writer.write("\r\n".join((f"{method} {url} RTSP/1.0", "CSeq: 7", *lines, "", "")).encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"(?i)content-length: (\d+)", head)
        self.body = await self._reader.readexactly(int(length[1])) if length else b""
        return int(head.split()[1]), head

    def send(self, method: str, url: str, *lines: str) -> None:
        """Without waiting for the answer, which lies among the pictures."""
        self._writer.write("\r\n".join((f"{method} {url} RTSP/1.0", "CSeq: 8", *lines, "", "")).encode())

    def close(self) -> None:
        self._writer.close()


async def raw(door: Door) -> Raw:
    return Raw(*await asyncio.open_connection("127.0.0.1", door.port))


def challenges(head: str) -> list[Challenge]:
    return parse_challenges(re.findall(r"WWW-Authenticate: (.*)\r", head))


def basic(user: str, secret: str) -> str:
    return "Authorization: Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


def at(folder: Path, count: int = 1) -> tuple[Path, list[Camera]]:
    return folder, of_clip(count, make_clip(folder / "clip.mp4", seconds=2.0))


@pytest.mark.parametrize("way", ["SHA-256", "MD5", "basic"])
def test_ways_to_prove_a_key(tmp_path: Path, way: Literal["SHA-256", "MD5", "basic"]) -> None:
    async def act(door: Door) -> None:
        one = await raw(door)
        status, head = await one.ask("DESCRIBE", door.url())
        assert status == 401
        offered = challenges(head)
        assert [(c.scheme, c.algorithm) for c in offered] == [
            ("digest", "SHA-256"),
            ("digest", "MD5"),
            ("basic", "MD5"),
        ]
        best = choose(offered)
        assert best is not None
        assert best.algorithm == "SHA-256"
        chosen = next(
            c for c in offered if way in (c.algorithm, c.scheme) and (way == "basic") == (c.scheme == "basic")
        )
        header = authorization(chosen, Credentials(*door.who), "DESCRIBE", door.url())
        status, head = await one.ask("DESCRIBE", door.url(), f"Authorization: {header}")
        assert status == 200
        assert b"sprop-parameter-sets" in one.body
        assert "LuyTre-sim" not in head
        one.close()

    play(*at(tmp_path), act)


def test_a_replayed_login_is_challenged_again(tmp_path: Path) -> None:
    async def act(door: Door) -> None:
        one, two = await raw(door), await raw(door)
        _, head = await one.ask("DESCRIBE", door.url())
        header = authorization(challenges(head)[1], Credentials(*door.who), "DESCRIBE", door.url())
        status, head = await two.ask("DESCRIBE", door.url(), f"Authorization: {header}")
        assert status == 401
        assert all(one.stale for one in challenges(head) if one.scheme == "digest")
        # It is no failure: the key was right.
        assert (await one.ask("DESCRIBE", door.url(), f"Authorization: {header}"))[0] == 200
        one.close()
        two.close()

    play(*at(tmp_path), act)


def test_what_there_is_is_told_to_readers_only(tmp_path: Path) -> None:
    async def act(door: Door) -> None:
        new = door.store.readers.add(LOCAL, "một", [door.store.registry.get("C-1").id])
        mine, limited = basic(*door.who), basic(new.reader.user, new.secret)
        for lines, path, expected in [
            ((), "C-1/main", 401),
            ((), "C-9/main", 401),
            ((basic("nobody", "guess"),), "C-9/main", 401),
            (("Authorization: Bearer x",), "C-1", 401),
            ((mine,), "C-9/main", 404),
            ((mine,), "C-1/third", 404),
            ((mine,), "", 404),
            ((mine,), "C-2", 200),
            ((mine,), "c-1/sub?x=1", 200),
            ((limited,), "C-1/main", 200),
            ((limited,), "C-2/main", 403),
        ]:
            one = await raw(door)
            assert (await one.ask("DESCRIBE", door.url(path), *lines))[0] == expected, path
            one.close()
        assert door.store.looks.list() == [], "a description shows no picture"

    play(*at(tmp_path, 2), act)


def test_wrong_keys_lock_the_address_out(tmp_path: Path) -> None:
    async def act(door: Door) -> None:
        one = await raw(door)
        for _ in range(FAILURES):
            assert (await one.ask("DESCRIBE", door.url(), basic("vms", "guess")))[0] == 401
        status, head = await one.ask("DESCRIBE", door.url(), basic(*door.who))
        assert status == 503
        assert 290 <= int(re.findall(r"Retry-After: (\d+)", head)[0]) <= 300
        one.close()

    play(*at(tmp_path), act)


def by_hand(door: Door, monkeypatch: pytest.MonkeyPatch) -> tuple[ManualClock, Callable[[], Awaitable[None]]]:
    """The door's clock, and what waits until all of it has been looked at twice."""
    clock = ManualClock()
    door.server.clock = clock
    monkeypatch.setattr(server, "STILL_S", 1e9)
    rounds = 0
    living = door.server.restreaming.living

    def counted() -> set[str]:
        nonlocal rounds
        rounds += 1
        return living()

    monkeypatch.setattr(door.server.restreaming, "living", counted)

    async def looked() -> None:
        before = rounds
        await door.until(lambda: rounds >= before + 2, "all connections are looked at")

    return clock, looked


async def starts(one: Raw, door: Door) -> tuple[int, str]:
    """SETUP and PLAY. -> PLAY's answer"""
    mine = basic(*door.who)
    assert (await one.ask("DESCRIBE", door.url(), mine))[0] == 200
    how = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
    status, head = await one.ask("SETUP", door.url("C-1/main/trackID=0"), mine, how)
    assert status == 200
    session = re.findall(r"Session: (\w+)", head)[0]
    return (await one.ask("PLAY", door.url(), mine, f"Session: {session}"))[0], session


def test_a_reader_that_pauses_late_has_its_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(door: Door) -> None:
        clock, looked = by_hand(door, monkeypatch)
        one = await raw(door)
        status, session = await starts(one, door)
        assert status == 200
        clock.advance(server.IDLE_S + 1)
        one.send("PAUSE", door.url(), basic(*door.who), f"Session: {session}")
        (connection,) = door.server.connections
        await door.until(lambda: not connection.is_playing, "it pauses")
        await looked()
        assert door.server.connections == {connection}
        clock.advance(server.IDLE_S + 1)
        await door.until(lambda: not door.server.connections, "it goes")
        one.close()

    play(*at(tmp_path), act)


def test_who_proves_no_key_goes_soon_and_there_are_few_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MOST_STRANGERS", 3)

    async def act(door: Door) -> None:
        clock, looked = by_hand(door, monkeypatch)
        known = await raw(door)
        assert (await known.ask("DESCRIBE", door.url(), basic(*door.who)))[0] == 200
        strangers = [await raw(door) for _ in range(3)]
        for one in strangers:
            assert (await one.ask("OPTIONS", door.url()))[0] == 200
        one_more = await raw(door)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await one_more.ask("OPTIONS", door.url())
        clock.advance(server.STRANGER_S + 1)
        await looked()
        assert len(door.server.connections) == 1
        assert (await known.ask("DESCRIBE", door.url(), basic(*door.who)))[0] == 200
        for one in (known, one_more, *strangers):
            one.close()

    play(*at(tmp_path), act)


def test_a_camera_that_changes_while_a_reader_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(door: Door) -> None:
        def look(grant: Grant) -> None:
            channel = door.server.enter(grant)
            channel.on_tracks([])

        monkeypatch.setattr(door.server.restreaming, "look", look)
        one = await raw(door)
        assert (await starts(one, door))[0] == 503
        one.close()

    play(*at(tmp_path), act)


def test_a_camera_that_is_away_is_said_to_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, cameras = at(tmp_path)

    async def act(door: Door) -> None:
        cameras[0].refuse = "unavailable"
        cameras[0].drop()
        (camera,) = door.store.registry.list()
        await door.until(lambda: door.ear.is_state(camera.id, "retrying"), "it is away")
        one = await raw(door)
        status, head = await one.ask("DESCRIBE", door.url(), basic(*door.who))
        assert status == 503
        assert "Retry-After: 5" in head
        cameras[0].refuse = ""
        monkeypatch.setattr(connection, "PATIENCE_S", 20.0)
        assert (await one.ask("DESCRIBE", door.url(), basic(*door.who)))[0] == 200
        one.close()

    play(folder, cameras, act)


def test_nonsense_costs_its_own_connection_only(tmp_path: Path) -> None:
    async def act(door: Door) -> None:
        watcher = await door.watch()
        for noise in (b"\0" * 100, b"GET / HTTP/1.1\r\n\r\n", b"DESCRIBE " + b"x" * 10_000, b"$\0\xff\xff"):
            reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
            writer.write(noise)
            writer.write_eof()
            await asyncio.wait_for(reader.read(), 20)
            writer.close()
        assert len(await asyncio.to_thread(pictures, watcher, 20)) == 20
        watcher.close()

    play(*at(tmp_path), act)
