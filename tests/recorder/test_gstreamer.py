"""Recorded from GStreamer's server, played back from the archive, compared with what libav and ffprobe see."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from luytre.archive.catalog import Archive
from luytre.archive.export import movie
from luytre.archive.keys import StreamKey
from luytre.media.h264 import to_length_prefixed
from luytre.media.tracks import AudioCodec
from luytre.recorder.probe import ProbedAudio, probe
from luytre.simulator.clips import read, sound_for
from tests.peers.clips import make_clip
from tests.peers.gstreamer import GstServer, gst_server, gst_serving, reel_mount
from tests.recorder.ward import Ward

__all__ = ["gst_server"]
pytestmark = pytest.mark.gstreamer
RECORD_S = 6.0
FPS = 20


def length_s(ward: Ward, camera: str) -> float:
    return sum(span.end_us - span.start_us for span in ward.coverage(camera).spans) / 1e6


def record(folder: Path, urls: dict[str, tuple[str, bool]], user: str = "", password: str = "") -> Ward:
    """Until `RECORD_S` of each camera are in the archive. `urls`: address, and whether with sound."""

    async def main() -> Ward:
        ward = Ward(folder)
        for name, (url, audio) in urls.items():
            ward.add(name, url, user, password, audio=audio)
        ward.write()
        async with ward.recording() as ear:
            for name in urls:
                await ear.until(
                    lambda n=name: length_s(ward, n) >= RECORD_S,  # type: ignore[misc]
                    f"{RECORD_S} s of {name}",
                )
        return ward

    return asyncio.run(main())


def played_back(ward: Ward, camera: str) -> bytes:
    (span,) = ward.coverage(camera).spans
    made = movie(Archive([ward.volume]), StreamKey(camera, "main"), span.start_us, span.end_us)
    return b"".join(made.read(0, made.size))


def decoded(file: bytes) -> tuple[int, int]:
    """(pictures, sound frames) that libav decodes without an error."""
    opened: Any = av.open(io.BytesIO(file))
    with opened as container:
        frames = [frame for packet in container.demux() for frame in packet.decode()]
    return (
        sum(isinstance(frame, av.VideoFrame) for frame in frames),
        sum(isinstance(frame, av.AudioFrame) for frame in frames),
    )


def sent_pictures(clip: Path, codec: str) -> list[bytes]:
    footage = read(clip, "h265" if codec == "h265" else "h264")
    return [slices(to_length_prefixed(unit.nals), codec) for unit in footage.units]


def slices(sample: bytes, codec: str) -> bytes:
    """Only the coded pictures: GStreamer adds and removes what stands in front of them."""
    kept, at = [], 0
    while at < len(sample):
        end = at + 4 + int.from_bytes(sample[at : at + 4], "big")
        first = sample[at + 4]
        if (first >> 1 & 0x3F) < 32 if codec == "h265" else 1 <= first & 0x1F <= 5:
            kept.append(sample[at + 4 : end])
        at = end
    return b"".join(kept)


@pytest.mark.parametrize(
    ("codec", "b_frames", "audio"), [("h264", 0, True), ("h264", 2, True), ("h265", 0, False)]
)
def test_what_gstreamer_sends_is_recorded_bit_for_bit(
    tmp_path: Path, codec: str, b_frames: int, audio: bool
) -> None:
    encoder = "libx265" if codec == "h265" else "libx264"
    clip = make_clip(tmp_path / "clip.mp4", codec=encoder, seconds=4.0, fps=FPS, bframes=b_frames)
    mount = reel_mount(clip, tmp_path, codec="h265" if codec == "h265" else "h264", audio=audio)
    with gst_serving({"/cam": mount}, user="ward", password="tre-lang") as server:
        ward = record(tmp_path / "node", {"gate": (server.url("/cam"), audio)}, "ward", "tre-lang")
    file = played_back(ward, "gate")
    opened: Any = av.open(io.BytesIO(file))
    with opened as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
    found = [slices(bytes(packet), codec) for packet in packets]
    wanted = sent_pictures(clip, codec)
    begin = wanted.index(found[0])
    assert found == [wanted[(begin + number) % len(wanted)] for number in range(len(found))]
    shown = sorted(float(packet.pts * packet.time_base) for packet in packets)
    if not b_frames:
        # GStreamer 1.22 gives B-frames the timestamp of a neighbour; and it joins the loop's ends in its own way.
        assert sum(abs(b - a - 1 / FPS) > 0.002 for a, b in pairwise(shown)) <= 2
    pictures, sounds = decoded(file)
    assert pictures >= RECORD_S * FPS - 1
    # 16 kHz, 1024 a frame.
    assert (sounds > RECORD_S * 14) is audio
    assert ward.check() == []


@pytest.mark.parametrize("codec", ["alaw", "ulaw", "opus"])
def test_the_sound_gstreamer_sends_is_recorded_bit_for_bit(tmp_path: Path, codec: AudioCodec) -> None:
    clip = make_clip(tmp_path / "clip.mp4", seconds=4.0, fps=FPS)
    sound = sound_for(clip, read(clip), codec)
    mount = reel_mount(clip, tmp_path, sound_codec=codec)
    with gst_serving({"/cam": mount}) as server:
        ward = record(tmp_path / "node", {"gate": (server.url("/cam"), True)})
        found_by_probe = asyncio.run(probe(server.url("/cam"), seconds=1.0)).audio
    assert found_by_probe == ProbedAudio(codec, sound.rate, sound.channels)
    opened: Any = av.open(io.BytesIO(played_back(ward, "gate")))
    with opened as container:
        stream = container.streams.audio[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
    found = b"".join(map(bytes, packets))
    # The loop goes on over its end.
    wanted = b"".join(sound.frames) * 3
    assert len(found) > RECORD_S * 0.9 * len(b"".join(sound.frames)) / (
        len(sound.frames) * sound.frame_ticks / sound.rate
    )
    assert found in wanted
    times = [packet.pts for packet in packets]
    assert {b - a for a, b in pairwise(times)} == {sound.frame_ticks}
    assert decoded(played_back(ward, "gate"))[1] >= len(packets)
    assert ward.check() == []


def test_ffprobe_agrees(tmp_path: Path, gst_server: GstServer) -> None:
    if shutil.which("ffprobe") is None:
        pytest.skip("FFPROBE ABSENT: nobody to compare with")
    urls = {"a": (gst_server.url("/h264"), True), "b": (gst_server.url("/h265"), False)}
    ward = record(tmp_path, urls)
    for camera, codecs in (("a", ["h264", "aac"]), ("b", ["hevc"])):
        path = tmp_path / f"{camera}.mp4"
        path.write_bytes(played_back(ward, camera))
        command = ["ffprobe", "-v", "error", "-show_streams", "-count_packets", "-of", "json", str(path)]
        told = subprocess.run(command, capture_output=True, check=True)
        assert told.stderr == b""
        streams = json.loads(told.stdout)["streams"]
        assert [stream["codec_name"] for stream in streams] == codecs
        assert (streams[0]["width"], streams[0]["height"]) == (160, 120)
        assert abs(float(streams[0]["duration"]) - length_s(ward, camera)) < 0.1
        assert abs(int(streams[0]["nb_read_packets"]) / float(streams[0]["duration"]) - FPS) < 0.5
        assert all(abs(float(s["start_time"])) < 0.3 for s in streams)
    assert ward.check() == []
