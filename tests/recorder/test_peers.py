"""Other people's servers recorded over every transport, bit for bit."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from luytre.recorder.plan import Transport
from luytre.simulator.clips import read
from luytre.simulator.sources import VideoName
from tests.peers.certificates import self_signed
from tests.peers.clips import make_clip
from tests.peers.gstreamer import gst_serving, reel_mount
from tests.peers.vlc import vlc_serving
from tests.recorder.kept import kept, length_s, numbers, slices, spoiled
from tests.recorder.ward import Ward

RECORD_S, FPS = 2.5, 20


def sent(clip: Path, codec: VideoName) -> list[bytes]:
    return [slices(unit.nals, codec) for unit in read(clip, codec).units]


def record(
    folder: Path, url: str, transport: Transport, *, audio: bool = False
) -> tuple[Ward, set[str | None]]:
    """The ward, and the transports that its recorder told of, once enough is recorded."""

    async def main() -> tuple[Ward, set[str | None]]:
        ward = Ward(folder)
        ward.add("gate", url, "ward", "tre-lang", audio=audio)
        ward.streams["gate"] = replace(ward.streams["gate"], transport=transport)
        ward.write()
        async with ward.recording() as ear:
            await ear.until(lambda: length_s(ward.coverage("gate")) >= RECORD_S, f"{RECORD_S} s")
        return ward, {state.transport for state in ear.of("gate") if state.state == "recording"}

    return asyncio.run(main())


@pytest.mark.gstreamer
@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("transport", ["tcp", "udp", "http"])
def test_gstreamer(tmp_path: Path, codec: VideoName, encrypted: bool, transport: Transport) -> None:
    encoder = {"h264": "libx264", "h265": "libx265"}[codec]
    clip = make_clip(tmp_path / "clip.mp4", codec=encoder, seconds=4.0, fps=FPS)
    pem = tmp_path / "both.pem"
    self_signed(pem)
    mount, tls = reel_mount(clip, tmp_path, codec=codec), pem if encrypted else None
    with gst_serving({"/cam": mount}, user="ward", password="tre-lang", tls=tls) as server:
        ward, ways = record(tmp_path / "node", server.url("/cam"), transport, audio=True)
    assert ways == {transport + ("+tls" if encrypted else "")}
    wanted = sent(clip, codec)
    found = numbers(kept(ward, "gate"), wanted, codec)
    assert len(found) >= RECORD_S * FPS - 1
    assert None not in found
    assert spoiled(found, len(wanted)) == 0
    assert ward.check() == []


@pytest.mark.gstreamer
def test_a_camera_that_refuses_tcp_is_recorded_over_udp(tmp_path: Path) -> None:
    mounts = {"/cam": reel_mount(make_clip(tmp_path / "clip.mp4"), tmp_path) | {"protocols": ["udp"]}}
    with gst_serving(mounts) as server:
        ward, ways = record(tmp_path / "node", server.url("/cam"), "auto")
    assert ways == {"udp"}
    assert ward.check() == []


@pytest.mark.parametrize("transport", ["auto", "udp"])
def test_vlc(tmp_path: Path, transport: Transport) -> None:
    # VLC knows no TCP: "auto" has to find that out.
    with vlc_serving(make_clip(tmp_path / "clip.mp4", seconds=40.0)) as url:
        ward, ways = record(tmp_path / "node", url, transport)
    assert ways == {"udp"}
    assert len(kept(ward, "gate")) >= RECORD_S * FPS - 1
    assert ward.check() == []
