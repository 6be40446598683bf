"""Programs of other people's making as readers, and a node that records another node."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path

import av
import pytest

from luytre.archive.catalog import Archive
from luytre.archive.keys import StreamKey
from luytre.archive.playback import keyframe
from luytre.media.tracks import Sample
from luytre.simulator import strip
from luytre.simulator.assembly import drawn, of_clip
from tests.peers.clips import make_clip
from tests.recorder.ward import Ward
from tests.restream.node import DEADLINE_S, Door, play
from tests.restream.test_restream import luma

# What the tests' own libraries need must not reach into other people's programs.
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program.upper()} ABSENT: no such reader to test with (see scripts/system-packages)")


async def run(*command: str) -> str:
    """A program's standard output, when it ended well."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=PLAIN
    )
    try:
        said, complained = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    except TimeoutError:
        process.kill()
        said, complained = await process.communicate()
    assert process.returncode == 0, complained.decode()[-2000:]
    return said.decode()


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_ffprobe_and_ffmpeg(tmp_path: Path, codec: str) -> None:
    needs("ffprobe")

    async def act(door: Door) -> None:
        how = ("-v", "error", "-rtsp_transport", "tcp")
        said = await run("ffprobe", *how, "-show_streams", "-of", "json", door.login())
        video, sound = json.loads(said)["streams"]
        assert (video["codec_name"], video["width"], video["height"]) == (codec, 160, 120)
        assert (sound["codec_name"], sound["sample_rate"]) == ("aac", "16000")
        taken = tmp_path / "taken.mp4"
        # `-xerror`: the first thing that cannot be decoded ends it.
        await run("ffmpeg", *how, "-xerror", "-i", door.login(), "-t", "2", "-c", "copy", str(taken))
        await run("ffmpeg", "-v", "error", "-xerror", "-i", str(taken), "-f", "null", "-")
        with av.open(str(taken)) as container:
            packets = [packet for packet in container.demux(video=0) if packet.size]
        assert packets[0].is_keyframe
        assert len(packets) > 30

    name = {"h264": "h264", "hevc": "h265"}[codec]
    clip = make_clip(tmp_path / "clip.mp4", codec={"h264": "libx264", "h265": "libx265"}[name], seconds=2.0)
    play(
        tmp_path, of_clip(1, clip, codec="h264" if codec == "h264" else "h265", audio="aac"), act, audio=True
    )


def test_gstreamer(tmp_path: Path) -> None:
    needs("gst-launch-1.0")

    async def act(door: Door) -> None:
        user, secret = door.who
        source = f"rtspsrc location={door.url()} user-id={user} user-pw={secret} protocols=tcp name=camera"
        taken = tmp_path / "taken.h264"
        rest = "camera. ! application/x-rtp,media=video ! rtph264depay ! h264parse"
        rest += f" ! video/x-h264,stream-format=byte-stream,alignment=au ! identity eos-after=40 ! filesink location={taken}"
        await run("gst-launch-1.0", "-q", *source.split(), *rest.split())
        with av.open(str(taken)) as container:
            assert len(list(container.decode(video=0))) > 30

    play(tmp_path, of_clip(1, make_clip(tmp_path / "clip.mp4", seconds=2.0)), act)


def test_a_node_records_another_node(tmp_path: Path) -> None:
    """The second node's recording plays, and its times are those drawn into the pictures."""
    camera = drawn(1, fps=10.0)

    async def act(door: Door) -> None:
        other = Ward(tmp_path / "other")
        other.add("gate", door.url(), *door.who)
        other.write(segment_s=2.0)
        async with other.recording() as ear:
            await ear.recording("gate")
            await ear.until(lambda: covered(other) > 4_000_000, "some seconds are recorded")
        assert camera.clients == 2
        assert not [gap for gap in other.coverage("gate").gaps if gap.cause != "node_stopped"]
        assert other.check() == []
        archive = Archive([other.volume])
        (span,) = other.coverage("gate").spans
        picture = keyframe(archive, StreamKey("gate", "main"), span.end_us - 1_000_000)
        drawn_ms = strip.read(luma(picture.track.parameter_sets, Sample(0, picture.data, True)))
        assert drawn_ms is not None
        off_ms = (picture.at_us // 1000 - drawn_ms) % strip.PERIOD_MS
        assert off_ms < 1500

    def covered(ward: Ward) -> int:
        spans = ward.coverage("gate").spans
        return sum(span.end_us - span.start_us for span in spans)

    play(tmp_path, [camera], act)
