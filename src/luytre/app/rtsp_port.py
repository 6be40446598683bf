"""The port that readers come to (design/restream.md): opened before the node runs, and how it stands.

Promises   a port that is taken never stops a node: recording goes on, and the state says so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from luytre.base.config import NodeConfig

FILE: Final = "rtsp.json"


@dataclass(frozen=True, slots=True)
class RtspPort:
    """Where readers are served. `fd`: the listening socket; None while another program has the port."""

    host: str
    port: int
    fd: int | None

    def arguments(self, prefix: str = "") -> tuple[str, ...]:
        """For a command line."""
        words = (f"--{prefix}host", self.host, f"--{prefix}port", str(self.port))
        return words if self.fd is None else (*words, f"--{prefix}fd", str(self.fd))


@dataclass(frozen=True, slots=True)
class RtspState:
    """`port` 0: switched off. `problem`: why readers are not served, a cause; "" when they are."""

    port: int
    problem: str = ""


def write_state(run_folder: Path, port: int, problem: str = "") -> None:
    """DIR/run/rtsp.json. That it cannot be written must not end the door."""
    fresh = run_folder / (FILE + ".new")
    try:
        fresh.write_text(json.dumps({"port": port, "problem": problem}))
        fresh.rename(run_folder / FILE)
    except OSError:
        return


def read_state(run_folder: Path, config: NodeConfig) -> RtspState:
    """How it stands; `not_running` while the door has said nothing."""
    if not config.rtsp_port:
        return RtspState(0)
    try:
        told = json.loads((run_folder / FILE).read_text())
        return RtspState(int(told["port"]), str(told["problem"]))
    except (OSError, ValueError, KeyError, TypeError):
        return RtspState(config.rtsp_port, "not_running")


def address(host: str, port: int, code: str = "CODE", stream: str = "main") -> str:
    """Where a reader finds a stream, without credentials."""
    shown = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"rtsp://{shown}:{port}/{code}/{stream}"
