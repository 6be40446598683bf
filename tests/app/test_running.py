"""A node as it really runs: processes, signals, sockets; and the demonstration, twice."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from luytre.app import launch
from luytre.app.foundation import init
from luytre.app.store import Store
from luytre.archive.catalog import Archive
from luytre.archive.keys import StreamKey
from luytre.base.clock import SYSTEM, rfc3339
from luytre.base.config import NodeConfig, VolumeConfig

# A loaded machine with two cores starts a node slowly; nobody waits this long when all is well.
PATIENCE_S = 90.0


def until(ask: Callable[[], object]) -> None:
    """Ask until the answer is true."""
    end_s = SYSTEM.monotonic_s() + PATIENCE_S
    while not ask():
        assert SYSTEM.monotonic_s() < end_s, "it never happened"
        threading.Event().wait(0.05)


@contextmanager
def command(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """`luytre ...` running; whatever happens, it and its children are gone afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", "luytre.cli", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LUYTRE_LANG": "en"},
    )
    try:
        yield process
    finally:
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.kill()
        process.communicate()
        _, alive = psutil.wait_procs(children, timeout=PATIENCE_S)
        assert alive == [], "children outlived their supervisor"


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    return line


def stops(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """The signal ends it and all of its children, with exit code 0."""
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    assert process.wait(PATIENCE_S) == 0, process.communicate()[1]
    gone, _ = psutil.wait_procs(children, timeout=0)
    assert len(gone) == len(children)


def child(process: subprocess.Popen[str], words: str) -> psutil.Process | None:
    for one in psutil.Process(process.pid).children():
        try:
            if words in " ".join(one.cmdline()):
                return one
        except psutil.NoSuchProcess:
            continue
    return None


def ask(url: str, body: dict[str, str] | None = None, token: str = "") -> Any:
    data = json.dumps(body).encode() if body else None
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(url, data, headers if token else {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def answers(*arguments: str | Path) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "luytre.cli", *map(str, arguments), "--json"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def refused(*arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "luytre.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env={**os.environ, "LUYTRE_LANG": "en"},
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 2), done.stderr
    return done.stderr


@pytest.fixture
def node(tmp_path: Path) -> Path:
    config = NodeConfig(
        name="Phường thử", port=0, rtsp_port=0, shards=2, volumes=(VolumeConfig(path=Path("volumes/1")),)
    )
    return init(tmp_path / "n", config).directory


def test_a_running_node(node: Path) -> None:
    with command("run", node) as process:
        found = re.search(r"http://127\.0\.0\.1:\d+", first_line(process))
        assert found
        url = found[0]
        # The connection waits in the supervisor's socket until the web process takes it.
        assert ask(f"{url}/healthz")["ok"] is True
        until(lambda: child(process, "--shard 1"))
        web, recorder = child(process, "luytre.app.web"), child(process, "--shard 0")
        assert web is not None
        assert recorder is not None
        assert f"process {process.pid}" in refused("run", node)

        web.kill()
        until(lambda: not web.is_running())
        assert ask(f"{url}/healthz")["ok"] is True
        assert recorder.is_running()
        again = child(process, "luytre.app.web")
        assert again is not None
        assert again.pid != web.pid
        assert "child ended" in (node / "log" / "supervisor.log").read_text()
        stops(process, signal.SIGTERM)
    ready = launch.prepare(node)
    os.close(ready.lock_fd)
    os.close(ready.listen_fd)


def test_children_of_a_killed_supervisor_end(node: Path) -> None:
    with command("run", node) as process:
        first_line(process)
        until(lambda: child(process, "--shard 1"))
        children = psutil.Process(process.pid).children(recursive=True)
        # Web, attendant and two recorders at least.
        assert len(children) >= 4
        process.kill()
        process.communicate()
        gone, _ = psutil.wait_procs(children, timeout=PATIENCE_S)
        assert len(gone) == len(children)


def main_streams(directory: Path) -> dict[str, int]:
    """Where the recording of each camera's main stream begins."""
    store = Store.open(directory)
    archive = Archive([volume.path for volume in store.config.volumes])
    ranges = {
        camera.code: archive.recorded_range(StreamKey(camera.id, "main")) for camera in store.registry.list()
    }
    store.close()
    return {code: found[0] for code, found in ranges.items() if found is not None}


@pytest.mark.slow
def test_the_demonstration_goes_on_where_it_was(tmp_path: Path) -> None:
    directory = tmp_path / "d"
    with command("demo", directory, "--json", "--port", "0") as process:
        first = json.loads(first_line(process))
        assert set(first) == {"url", "user", "password"}
        session = ask(
            f"{first['url']}/api/v1/session", {"user": first["user"], "password": first["password"]}
        )
        cameras = ask(f"{first['url']}/api/v1/cameras", token=session["token"])
        assert [one["code"] for one in cameras] == [f"TX-0{number}" for number in range(1, 7)]
        until(
            lambda: all(
                one["state"] == "recording"
                for one in ask(f"{first['url']}/api/v1/cameras", token=session["token"])
            )
        )
        kept = (directory / "demo.json").read_text()
        assert (directory / "demo.json").stat().st_mode & 0o777 == 0o600
        assert f"process {process.pid}" in refused("demo", directory, "--port", "0", "--json")
        assert (directory / "demo.json").read_text() == kept
        stops(process, signal.SIGINT)
    began = main_streams(directory)
    assert len(began) == 6
    assert answers("check", directory)["clean"] is True
    start, output = rfc3339(began["TX-01"]), tmp_path / "x.mp4"
    written = answers("export", directory, "tx-01", start, rfc3339(SYSTEM.wall_us()), "-o", output)
    assert written["bytes"] == output.stat().st_size > 10_000
    assert output.read_bytes()[4:8] == b"ftyp"

    # Somebody else has the simulator's port now.
    with (
        launch.listen(
            "127.0.0.1", json.loads((directory / "demo.json").read_text())["simulator_port"]
        ) as taken,
        command("demo", directory, "--json", "--port", "0") as process,
    ):
        second = json.loads(first_line(process))
        assert (second["user"], second["password"]) == (first["user"], first["password"])
        again = ask(f"{second['url']}/api/v1/cameras", token=session["token"])
        assert [one["id"] for one in again] == [one["id"] for one in cameras]
        assert str(taken.getsockname()[1]) not in again[0]["streams"][0]["url"]
        stops(process, signal.SIGINT)
    assert main_streams(directory) == began


def test_the_demonstration_says_when_its_port_is_taken(tmp_path: Path) -> None:
    with launch.listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "luytre.cli", "demo", str(tmp_path / "d"), "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            env={**os.environ, "LUYTRE_LANG": "en"},
            check=False,
        )
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_real_node_is_no_demonstration(node: Path) -> None:
    assert "real node" in refused("demo", node, "--json")
