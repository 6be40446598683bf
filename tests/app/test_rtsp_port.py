"""The readers' port: opened with the node, never in its way."""

from __future__ import annotations

import json
import os
import signal
import socket
import urllib.request
from pathlib import Path

from luytre.app import launch
from luytre.app.foundation import init
from luytre.app.rtsp_port import RtspPort, RtspState, address, read_state, write_state
from luytre.base.config import NodeConfig, VolumeConfig
from tests.app.test_running import child, command, first_line, stops, until


def node(folder: Path, rtsp_port: int) -> Path:
    volumes = (VolumeConfig(path=Path("volumes/1")),)
    return init(folder, NodeConfig(name="Thử", port=0, rtsp_port=rtsp_port, volumes=volumes)).directory


def free_port() -> int:
    with launch.listen("127.0.0.1", 0) as probe:
        port: int = probe.getsockname()[1]
        return port


def answer(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as asking:
        asking.sendall(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
        return asking.recv(4096)


def test_a_node_answers_readers_and_stops_in_order(tmp_path: Path) -> None:
    port = free_port()
    directory = node(tmp_path / "n", port)
    with command("run", directory) as process:
        first_line(process)
        # The connection waits in the socket until the process is there, and again when it was killed.
        assert answer(port).startswith(b"RTSP/1.0 200 OK")
        assert read_state(
            directory / "run", NodeConfig(name="x", volumes=(VolumeConfig(path=Path("v")),))
        ) == RtspState(port)
        restream = child(process, "luytre.restream")
        assert restream is not None
        restream.kill()
        until(lambda: not restream.is_running())
        assert answer(port).startswith(b"RTSP/1.0 200 OK")
        stops(process, signal.SIGTERM)


def test_a_taken_port_does_not_stop_a_node(tmp_path: Path) -> None:
    with launch.listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        directory = node(tmp_path / "n", port)
        with command("run", directory) as process:
            line = first_line(process)
            url = line[line.index("http://") :].split()[0]
            with urllib.request.urlopen(f"{url}/healthz", timeout=60) as healthy:
                assert json.load(healthy)["ok"] is True
            until(lambda: (directory / "run" / "rtsp.json").exists())
            assert json.loads((directory / "run" / "rtsp.json").read_text()) == {
                "port": port,
                "problem": "port_taken",
            }
            until(lambda: "port_taken" in (directory / "log" / "restream.log").read_text())
            stops(process, signal.SIGTERM)


def test_the_demonstration_takes_another_port(tmp_path: Path) -> None:
    with launch.listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert launch.open_rtsp("127.0.0.1", port, anywhere=False) == RtspPort("127.0.0.1", port, None)
        other = launch.open_rtsp("127.0.0.1", port, anywhere=True)
        assert other is not None
        assert other.fd is not None
        os.close(other.fd)
        assert other.port not in (0, port)
    assert launch.open_rtsp("127.0.0.1", 0, anywhere=True) is None


def test_how_it_stands(tmp_path: Path) -> None:
    volumes = (VolumeConfig(path=Path("v")),)
    on, off = (NodeConfig(name="x", rtsp_port=port, volumes=volumes) for port in (8554, 0))
    assert read_state(tmp_path, off) == RtspState(0)
    assert read_state(tmp_path, on) == RtspState(8554, "not_running")
    write_state(tmp_path, 8600)
    assert read_state(tmp_path, on) == RtspState(8600)
    (tmp_path / "rtsp.json").write_text("[")
    assert read_state(tmp_path, on) == RtspState(8554, "not_running")
    write_state(tmp_path / "nowhere", 1)


def test_addresses() -> None:
    assert address("10.0.0.2", 8554, "DK-01") == "rtsp://10.0.0.2:8554/DK-01/main"
    assert address("::1", 8554, "DK-01", "sub") == "rtsp://[::1]:8554/DK-01/sub"
