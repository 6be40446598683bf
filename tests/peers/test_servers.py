"""The other people's servers themselves, as FFmpeg sees them: what tests against them rely on."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from tests.peers.certificates import self_signed
from tests.peers.clips import make_clip
from tests.peers.gstreamer import gst_serving, reel_mount
from tests.peers.vlc import vlc_serving
from tests.simulator.watching import TIMEOUT_S


def watched(url: str, transport: str, count: int = 20) -> int:
    """The width of the picture, when `count` of them came."""
    with av.open(url, options={"rtsp_transport": transport}, timeout=TIMEOUT_S) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number == count:
                return frame.width
    return 0


@pytest.mark.gstreamer
@pytest.mark.parametrize("transport", ["tcp", "udp", "http"])
@pytest.mark.parametrize("encrypted", [False, True])
def test_gstreamer_serves_every_way(tmp_path: Path, transport: str, encrypted: bool) -> None:
    pem = None
    if encrypted:
        pem = tmp_path / "both.pem"
        self_signed(pem)
    mounts = {"/cam": reel_mount(make_clip(tmp_path / "clip.mp4", seconds=4.0), tmp_path)}
    with gst_serving(mounts, tls=pem) as server:
        way = "https" if encrypted and transport == "http" else transport
        assert watched(server.url("/cam"), way) == 160


@pytest.mark.gstreamer
def test_gstreamer_can_refuse_a_transport(tmp_path: Path) -> None:
    mount = reel_mount(make_clip(tmp_path / "clip.mp4"), tmp_path) | {"protocols": ["udp"]}
    # Two: what was made ready for a client that is refused takes a while to go.
    with gst_serving({"/one": mount, "/two": mount}) as server:
        with pytest.raises(av.FFmpegError):
            watched(server.url("/one"), "tcp")
        assert watched(server.url("/two"), "udp") == 160


def test_vlc_serves_over_udp(tmp_path: Path) -> None:
    with vlc_serving(make_clip(tmp_path / "clip.mp4", seconds=30.0)) as url:
        assert watched(url, "udp") == 160
        with pytest.raises(av.FFmpegError):
            watched(url, "tcp")
