"""The demonstration ward: six simulated cameras, recorded by a real node.

Promises   the first start makes everything; the next ones go on with the same cameras, user and password, on
           other ports if need be; it is announced when the pages answer and all six record, or after 20 s.
Does not   run on a directory that is a real node.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from luytre.app import launch
from luytre.app.children import Child
from luytre.app.demo_ward import CAMERAS, HOST, address
from luytre.app.foundation import init
from luytre.app.node import Node
from luytre.app.store import Store
from luytre.app.supervisor import RANK_SOURCE, Supervisor, configure_log, node_children
from luytre.archive.keys import StreamKey
from luytre.base import config as settings
from luytre.base.clock import SYSTEM
from luytre.base.config import ClassConfig, NodeConfig, VolumeConfig
from luytre.base.errors import Error, Kind, from_os
from luytre.cameras.registry import MAIN, SUB, CameraChange, NewCamera

FILE: Final = "demo.json"
NAME: Final = "Phường Tre Xanh (trình diễn)"
USER: Final = "truc"
PATIENCE_S: Final = 20.0
_VOLUME: Final = VolumeConfig(path=Path("volumes/1"), max_bytes=4 * 2**30, reserve_bytes=256 * 2**20)
_CLASS: Final = ClassConfig(name=settings.STANDARD, days=2)


@dataclass(frozen=True, slots=True)
class Demo:
    """What DIR/demo.json keeps (mode 0600)."""

    user: str
    password: str = field(repr=False)
    simulator_port: int


@dataclass(frozen=True, slots=True)
class Announcement:
    """The demo is there. `recording` of `cameras` main streams are being recorded."""

    url: str
    user: str
    password: str = field(repr=False)
    recording: int
    cameras: int


def run(
    directory: Path,
    host: str | None,
    port: int | None,
    announce: Callable[[Announcement], None],
) -> None:
    """Until Ctrl-C or SIGTERM. Raises what `launch.prepare` raises, and Error(CONFLICT,
    cause="not_a_demo").
    """
    directory = directory.absolute()
    _found(directory)
    # Under the lock: a second start must not move the cameras of the first one to other ports.
    arranged: list[Demo] = []
    ready = launch.prepare(
        directory, host, port, lambda store: arranged.append(_arrange(store)), any_rtsp=True
    )
    (demo,) = arranged
    configure_log(directory / "log")
    asyncio.run(_run(directory, demo, ready, announce))


async def _run(
    directory: Path, demo: Demo, ready: launch.Launch, announce: Callable[[Announcement], None]
) -> None:
    cameras = Child(
        name="demo-cameras",
        command=(sys.executable, "-m", "luytre.app.demo_cameras", "--port", str(demo.simulator_port)),
        rank=RANK_SOURCE,
    )
    children = node_children(directory, ready.shards, ready.listen_fd, ready.rtsp)
    supervisor = Supervisor([cameras, *children], directory / "log")
    watching = asyncio.create_task(_announce(directory, demo, ready.url, announce))
    try:
        await supervisor.run()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _announce(directory: Path, demo: Demo, url: str, announce: Callable[[Announcement], None]) -> None:
    """Say that the demo is there as soon as it is."""
    node = Node.open(directory)
    links = asyncio.create_task(node.hub.run())
    try:
        began_s = SYSTEM.monotonic_s()
        while True:
            recording, cameras = _recording(node)
            patient = SYSTEM.monotonic_s() - began_s < PATIENCE_S
            if (recording >= cameras or not patient) and await asyncio.to_thread(_answers, url):
                announce(Announcement(url, demo.user, demo.password, recording, cameras))
                return
            await asyncio.sleep(0.1)
    finally:
        links.cancel()
        await asyncio.gather(links, return_exceptions=True)
        node.close()


def _recording(node: Node) -> tuple[int, int]:
    """(main streams that are being recorded, enabled cameras)"""
    enabled = [camera for camera in node.registry.list() if camera.enabled]
    states = [node.hub.state(StreamKey(camera.id, MAIN)) for camera in enabled]
    return sum(state is not None and state.state == "recording" for state in states), len(enabled)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _found(directory: Path) -> None:
    """The node, on the first start. Raises Error(CONFLICT, cause="not_a_demo") for a real one."""
    if not (directory / settings.FILE).exists():
        init(directory, NodeConfig(name=NAME, zone="Asia/Ho_Chi_Minh", classes=(_CLASS,), volumes=(_VOLUME,)))
        # Before the user and the cameras: a start that was cut short here goes on here.
        _save(directory, Demo(user=USER, password="", simulator_port=0))
    _load(directory)


def _arrange(store: Store) -> Demo:
    """The user, and the cameras at the port of this start."""
    kept = _load(store.directory)
    demo = Demo(kept.user, _password(store, kept), _port(kept.simulator_port))
    _save(store.directory, demo)
    _cameras(store, demo.simulator_port)
    return demo


def _password(store: Store, demo: Demo) -> str:
    if demo.password:
        return demo.password
    if any(user.name == demo.user for user in store.accounts.users()):
        return store.accounts.set_password(demo.user) or ""
    return store.accounts.add_user(demo.user, role="admin").password or ""


def _port(wanted: int) -> int:
    """The port of last time when it is free, else any."""
    for port in (wanted, 0):
        try:
            with launch.listen(HOST, port) as probe:
                free: int = probe.getsockname()[1]
                return free
        except Error as error:
            if error.cause != "port_taken":
                raise
    raise Error(
        Kind.UNAVAILABLE, f"{HOST} has no free port", hint="Close other programs.", cause="port_taken"
    )


def _cameras(store: Store, port: int) -> None:
    """The first start adds the cameras; later ones only follow the simulator to its port."""
    known = {camera.code: camera for camera in store.registry.list()}
    first = not known and not any((store.directory / "volumes" / "1" / "video").glob("*"))
    for number, (code, name) in enumerate(CAMERAS, 1):
        main, sub = address(port, number, MAIN), address(port, number, SUB)
        if code in known:
            ours = all(stream.url.startswith(f"rtsp://{HOST}:") for stream in known[code].streams)
            if ours and known[code].streams[0].url != main:
                store.registry.change(code, CameraChange(url=main, sub_url=sub))
        elif first:
            store.registry.add(NewCamera(code=code, name=name, url=main, sub_url=sub))


def _load(directory: Path) -> Demo:
    path = directory / FILE
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Demo(str(kept["user"]), str(kept["password"]), int(kept["simulator_port"]))
    except FileNotFoundError:
        raise Error(
            Kind.CONFLICT,
            f"{directory} is a real node, not a demonstration",
            hint="Choose another directory for the demonstration.",
            cause="not_a_demo",
        ) from None
    except OSError as error:
        raise from_os(error, f"read {path}") from error
    except (ValueError, KeyError, TypeError):
        # Nothing in it that cannot be made again.
        return Demo(user=USER, password="", simulator_port=0)


def _save(directory: Path, demo: Demo) -> None:
    fresh = directory / (FILE + ".new")
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(demo), file, ensure_ascii=False)
        fresh.rename(directory / FILE)
    except OSError as error:
        raise from_os(error, f"write {directory / FILE}") from error
