"""`luytre init`, `run`, `demo`."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from luytre.app import demo as demonstration
from luytre.app import launch
from luytre.app.demo import Announcement
from luytre.app.foundation import InitResult, add_disks
from luytre.app.foundation import init as make_node
from luytre.base.config import STANDARD, ClassConfig, NodeConfig, VolumeConfig
from luytre.base.errors import Error, Kind
from luytre.cli.language import say
from luytre.cli.output import print_json


def init(
    directory: Path,
    name: str,
    zone: str,
    host: str | None,
    port: int | None,
    volume: list[Path],
    days: float,
    new_disks: bool,
    as_json: bool,
) -> None:
    if new_disks:
        result = add_disks(directory)
    else:
        paths = list(dict.fromkeys(path.absolute() for path in volume)) or [Path("volumes/1")]
        result = make_node(directory, _config(name, zone, host, port, paths, days))
    if as_json:
        volumes = [str(path) for path in result.volumes]
        print_json({"directory": str(result.directory), "name": result.config.name, "volumes": volumes})
    elif new_disks:
        made = ", ".join(str(path) for path in result.volumes)
        print(say("init.disks", volumes=made) if made else say("init.no_disks"))
    else:
        _say_next(result)


def _config(
    name: str, zone: str, host: str | None, port: int | None, paths: list[Path], days: float
) -> NodeConfig:
    chosen = NodeConfig(
        name="Lũy Tre",
        classes=(ClassConfig(name=STANDARD, days=days),),
        volumes=tuple(VolumeConfig(path=path) for path in paths),
    )
    wanted = {"name": name, "zone": zone, "host": host, "port": port}
    try:
        return NodeConfig.model_validate(
            {**chosen.model_dump(), **{key: value for key, value in wanted.items() if value is not None}}
        )
    except ValueError:
        # The name and the zone are all that can be wrong here.
        raise Error(
            Kind.INVALID,
            f"{zone!r} is not an IANA time zone, or the name is empty or too long",
            hint="Write a zone like Asia/Ho_Chi_Minh, and a name of at most 120 characters.",
            cause="bad_zone",
        ) from None


def _say_next(result: InitResult) -> None:
    print(say("init.done", directory=result.directory))
    for step in ("user add NAME --dir {}", "camera add CODE rtsp://... --dir {}", "run {}"):
        print("  luytre " + step.format(result.directory))


def run(directory: Path, host: str | None, port: int | None) -> None:
    ready = launch.prepare(directory, host, port)
    print(say("run.started", url=ready.url, shards=ready.shards))
    if ready.rtsp is not None and ready.rtsp.fd is None:
        print(say("run.rtsp_taken", port=ready.rtsp.port))
    launch.become_supervisor(ready)


def demo(directory: Path, host: str | None, port: int | None, as_json: bool) -> None:
    if not as_json:
        print(say("demo.starting"), file=sys.stderr)

    def announce(ready: Announcement) -> None:
        if as_json:
            print_json({"url": ready.url, "user": ready.user, "password": ready.password})
        else:
            _show(ready)

    demonstration.run(directory, host, port, announce)


def _show(ready: Announcement) -> None:
    rows = [("demo.address", ready.url), ("demo.user", ready.user), ("demo.password", ready.password)]
    width = max(len(say(key)) for key, _ in rows)
    text = Text()
    for key, value in rows:
        text.append(say(key).ljust(width) + "  ").append(value + "\n", style="bold")
    if ready.recording < ready.cameras:
        text.append(say("demo.late", recording=ready.recording, cameras=ready.cameras) + "\n")
    text.append("\n" + say("demo.stop"), style="dim")
    console = Console(highlight=False)
    console.print(Panel(text, title=say("demo.title"), expand=False, padding=(1, 2)))
