"""The source of the bench: many cameras on this machine that cost next to nothing (design.md, section 8).

Promises   an address per camera; the process group of the source, so that its own cost can be told.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

HERE = Path(__file__).resolve().parent
SYSTEM_PYTHON = "/usr/bin/python3"
# Cameras that share one payloader of the GStreamer server.
CAMERAS_PER_MEDIA = 4
_STOP_S = 10.0

SourceName = Literal["gstreamer", "simulator", "light"]


@dataclass(frozen=True, slots=True)
class Source:
    """`urls` by camera code; `group` is the process group."""

    name: SourceName
    urls: dict[str, str]
    group: int


def code(number: int) -> str:
    return f"CAM{number:03d}"


def gstreamer_is_here() -> bool:
    """The system's Python can load the GStreamer RTSP server."""
    if shutil.which(SYSTEM_PYTHON) is None:
        return False
    probe = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    return subprocess.run([SYSTEM_PYTHON, "-c", probe], capture_output=True).returncode == 0


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
    """Ask the process's group to end; whoever does not is killed. Returns the exit code."""
    if process.poll() is None:
        os.killpg(process.pid, number)
    try:
        return process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


@contextmanager
def running(
    name: SourceName,
    clip: Path,
    count: int,
    log: Path,
    *,
    codec: str = "h264",
    audio: bool = True,
    tls: bool = False,
) -> Iterator[Source]:
    """`count` cameras that loop `clip`. Only the simulator knows another codec than H.264, silence, or TLS."""
    if name == "gstreamer":
        media = -(-count // CAMERAS_PER_MEDIA)
        command = [SYSTEM_PYTHON, str(HERE / "gst_cameras.py"), str(clip), "--media", str(media)]
    elif name == "light":
        media = count
        command = [sys.executable, str(HERE / "light_cameras.py"), str(clip)]
    else:
        command = [sys.executable, "-m", "luytre.cli", "sim", "--port", "0", "--cameras", str(count)]
        command += ["--clip", str(clip), "--codec", codec, "--audio", "aac" if audio else "none", "--json"]
        command += ["--tls"] * tls
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"the cameras did not start: see {log}")
        ready = json.loads(line)
        if name != "simulator":
            urls = [f"rtsp://127.0.0.1:{ready['port']}/{number % media}" for number in range(count)]
        else:
            urls = [camera["main"] for camera in ready["cameras"]]
        yield Source(name, {code(number): url for number, url in enumerate(urls)}, process.pid)
    finally:
        stop(process)
