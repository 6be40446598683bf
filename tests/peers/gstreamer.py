"""A real RTSP server of other people's making: GStreamer's, as Debian has it, in a process of its own.

    from tests.peers.gstreamer import gst_server            # a fixture; F401 is to be expected
    def test_x(gst_server): gst_server.url("/h264")

    with gst_serving({"/cam": reel_mount(clip, tmp_path)}, user="u", password="p") as server: ...

Promises   a loud skip where GStreamer or its Python binding is absent; the process ends with the test, and with us.
Does not   encode: clips are read by luytre.simulator.clips, whose access units GStreamer packs into RTP by itself.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from luytre.simulator.clips import read, sound_for
from luytre.simulator.sources import TICKS, VideoName
from tests.peers.clips import make_clip

SCRIPT = Path(__file__).with_name("gst_rtsp_server.py")
_RECORD = struct.Struct(">BBQQI")
_NS = 1_000_000_000
Mount = dict[str, str | bool]

TEST_PICTURE: Mount = {
    "launch": "( videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1 "
    "! x264enc tune=zerolatency speed-preset=ultrafast threads=1 key-int-max=15 ! h264parse "
    "! rtph264pay name=pay0 pt=96 config-interval=-1 )",
    "shared": True,
}


@dataclass(frozen=True, slots=True)
class GstServer:
    """A running server."""

    port: int
    mounts: tuple[str, ...]
    pid: int

    def url(self, mount: str) -> str:
        return f"rtsp://127.0.0.1:{self.port}{mount}"


@cache
def system_python() -> str | None:
    """The Python that has GStreamer's RTSP server: $LUYTRE_GST_PYTHON, else Debian's; None when there is none."""
    for candidate in (os.environ.get("LUYTRE_GST_PYTHON"), "/usr/bin/python3"):
        if candidate and shutil.which(candidate):
            code = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
            if subprocess.run([candidate, "-c", code], capture_output=True, check=False).returncode == 0:
                return candidate
    return None


def reel_mount(
    clip: Path, folder: Path, *, codec: VideoName = "h264", audio: bool = True, shared: bool = True
) -> Mount:
    """A mount that loops a clip for ever; its access units are written to a file in `folder`."""
    footage = read(clip, codec)
    sound = sound_for(clip, footage) if audio else None
    head = {
        "codec": codec,
        "length_ns": footage.length * _NS // TICKS,
        "audio_length_ns": len(sound.frames) * 1024 * _NS // sound.rate if sound else 0,
        "audio": {"rate": sound.rate, "channels": sound.channels, "config": sound.config.hex()}
        if sound
        else None,
    }
    encoded = json.dumps(head).encode()
    parts = [len(encoded).to_bytes(4, "big"), encoded]
    for unit in footage.units:
        data = b"".join(b"\0\0\0\1" + nal for nal in unit.nals)
        times = (moment * _NS // TICKS for moment in (unit.send, unit.pts))
        parts += (_RECORD.pack(0, unit.key, *times, len(data)), data)
    for number, frame in enumerate(sound.frames if sound else []):
        assert sound is not None
        at_ns = number * 1024 * _NS // sound.rate
        parts += (_RECORD.pack(1, True, at_ns, at_ns, len(frame)), frame)
    path = folder / f"{clip.stem}-{codec}{'-aac' if audio else ''}.reel"
    path.write_bytes(b"".join(parts))
    return {"reel": str(path), "shared": shared}


@contextmanager
def gst_serving(
    mounts: Mapping[str, Mount], *, user: str = "", password: str = "", certificate: Path | None = None
) -> Iterator[GstServer]:
    """The server with these mounts, over TLS with a `certificate`. Skips the test where GStreamer is absent."""
    python = system_python()
    if python is None:
        pytest.skip("GSTREAMER ABSENT: no RTSP server to test against (see `make test` on Debian as root)")
    wish = json.dumps(
        {
            "mounts": mounts,
            "user": user,
            "password": password,
            "certificate": str(certificate) if certificate else "",
        }
    )
    # Its own environment: the virtual environment's Python must not reach into the system's.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    process = subprocess.Popen(
        [python, "-I", str(SCRIPT), wish],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"the GStreamer server ended with {process.wait()}"
        told = json.loads(line)
        yield GstServer(told["port"], tuple(told["mounts"]), process.pid)
    finally:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def gst_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GstServer]:
    """Mounts /h264 (with AAC), /h265, both a looped clip of 160x120 at 20 fps, and /live (a test picture)."""
    if system_python() is None:
        pytest.skip("GSTREAMER ABSENT: no RTSP server to test against (see `make test` on Debian as root)")
    folder = tmp_path_factory.mktemp("gst")
    mounts = {
        "/h264": reel_mount(make_clip(folder / "h264.mp4", seconds=4.0), folder),
        "/h265": reel_mount(
            make_clip(folder / "h265.mp4", codec="libx265", seconds=4.0), folder, codec="h265", audio=False
        ),
        "/live": TEST_PICTURE,
    }
    with gst_serving(mounts) as server:
        yield server
