"""Each kind of odd camera, recorded by the recorder and played from the archive."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from luytre.cameras.probing import probe
from luytre.media.rtsp.auth import Scheme
from tests.converter.sources import (
    FPS,
    SIZE,
    SnapshotServer,
    coded,
    ffmpeg,
    folder_server,
    free_port,
    listens,
    nals_of,
    picture_source,
    serving,
)
from tests.converter.ward import PATIENT, OddWard, decoded, until
from tests.peers.gstreamer import Mount, gst_serving

RECORD_S = 4.0


def record(ward: OddWard, seconds: float = RECORD_S, ready: Callable[[], bool] = lambda: True) -> None:
    """Until so much of each camera is in the archive, and the converter told of it."""

    async def main() -> None:
        async with ward.converting():
            await until(ready, "the camera is there")
            ward.write()
            async with ward.recording(PATIENT) as ear:
                for camera in ward.streams:
                    await ear.until(
                        lambda c=camera: ward.length_s(c) >= seconds,  # type: ignore[misc]
                        f"{seconds} s of {camera}",
                        60.0,
                    )
                await until(lambda: all(ward.told(camera) for camera in ward.foreign), "states")
                told = {camera: ward.told(camera) for camera in ward.foreign}
        assert [one for one in told.values() if one is None] == []
        ward.seen = told

    asyncio.run(main())


def test_mjpeg_over_http_is_encoded(tmp_path: Path) -> None:
    port = free_port()
    ward = OddWard(tmp_path / "node")
    ward.odd("gate", f"http://127.0.0.1:{port}/mjpg/video.mjpg")
    form = ["-f", "mpjpeg", "-content_type", "multipart/x-mixed-replace;boundary=ffmpeg", "-listen", "1"]
    with ffmpeg(*picture_source(60), *form, f"http://127.0.0.1:{port}/mjpg/video.mjpg"):
        record(ward, ready=lambda: listens(port))
    pictures, sounds, size = decoded(ward.played_back("gate"))
    assert size == SIZE
    assert pictures == pytest.approx(ward.length_s("gate") * FPS, rel=0.15)
    assert sounds == 0
    told = ward.seen["gate"]
    assert told is not None
    assert (told.source, told.target, told.encoded) == ("mjpeg", "h264", True)
    assert 0 < told.cpu < 2
    assert ward.check() == []


@pytest.mark.parametrize("scheme", ["none", "basic", "digest"])
def test_snapshots_are_polled(tmp_path: Path, scheme: Scheme) -> None:
    server = SnapshotServer(scheme, "ward", "tre/lang@1")
    ward = OddWard(tmp_path / "node")
    ward.odd("gate", f"{server.url()}#every=0.5", "ward", "tre/lang@1")
    with serving(server):
        record(ward)
    pictures, _, size = decoded(ward.played_back("gate"))
    assert size == SIZE
    assert pictures == pytest.approx(ward.length_s("gate") * 2, abs=2)
    assert ward.check() == []


@pytest.mark.parametrize("b_frames", [0, 2])
def test_rtmp_is_copied_bit_for_bit(tmp_path: Path, b_frames: int) -> None:
    clip = coded(tmp_path / "clip.flv", seconds=30, audio="aac", b_frames=str(b_frames))
    port = free_port()
    ward = OddWard(tmp_path / "node")
    ward.odd("gate", f"rtmp://127.0.0.1:{port}/live/x", audio=True)
    url = f"rtmp://127.0.0.1:{port}/live/x"
    with ffmpeg("-re", "-i", str(clip), "-c", "copy", "-f", "flv", "-listen", "1", url):
        record(ward, ready=lambda: listens(port))
    copied(ward, nals_of(clip))
    assert decoded(ward.played_back("gate"))[1] > RECORD_S * 12


def copied(ward: OddWard, sent: list[bytes]) -> None:
    """What is in the archive is a stretch of what was sent, bit for bit, and decodes."""
    found = nals_of(ward.played_back("gate"))
    begin = sent.index(found[0])
    assert found == sent[begin : begin + len(found)]
    assert len(found) >= RECORD_S * FPS * 0.8
    pictures, _, size = decoded(ward.played_back("gate"))
    assert (pictures, size) == (len(found), SIZE)
    told = ward.seen["gate"]
    assert told is not None
    assert (told.source, told.target, told.encoded) == ("h264", "h264", False)
    assert ward.check() == []


def test_mpeg_ts_over_udp_is_copied(tmp_path: Path) -> None:
    clip = coded(tmp_path / "clip.ts", seconds=30, audio="aac")
    port = free_port(socket.SOCK_DGRAM)
    ward = OddWard(tmp_path / "node")
    ward.odd("gate", f"udp://127.0.0.1:{port}", audio=True)
    target = f"udp://127.0.0.1:{port}?pkt_size=1316"
    with ffmpeg("-re", "-i", str(clip), "-c", "copy", "-f", "mpegts", target):
        record(ward)
    copied(ward, nals_of(clip))
    assert decoded(ward.played_back("gate"))[1] > RECORD_S * 12


def test_mpeg_ts_over_http_is_copied(tmp_path: Path) -> None:
    clip = coded(tmp_path / "clip.ts", seconds=30)
    port = free_port()
    ward = OddWard(tmp_path / "node")
    ward.odd("gate", f"http://127.0.0.1:{port}/live.ts")
    target = f"http://127.0.0.1:{port}/live.ts"
    with ffmpeg(
        "-re",
        "-i",
        str(clip),
        "-c",
        "copy",
        "-f",
        "mpegts",
        "-content_type",
        "video/mp2t",
        "-listen",
        "1",
        target,
    ):
        record(ward, ready=lambda: listens(port))
    copied(ward, nals_of(clip))


def test_live_hls_is_copied_in_real_time(tmp_path: Path) -> None:
    clip = coded(tmp_path / "clip.mp4", seconds=60)
    folder = tmp_path / "hls"
    folder.mkdir()
    server = folder_server(folder)
    ward = OddWard(tmp_path / "node")
    ward.odd("gate", f"http://127.0.0.1:{server.server_port}/live.m3u8")
    form = ["-f", "hls", "-hls_time", "2", "-hls_list_size", "5", "-hls_flags", "delete_segments"]
    with serving(server), ffmpeg("-re", "-i", str(clip), "-c", "copy", *form, str(folder / "live.m3u8")):
        record(ward, 7.0, ready=lambda: len(list(folder.glob("*.ts"))) >= 3)
    copied(ward, nals_of(clip))
    assert len(ward.coverage("gate").spans) == 1


def test_a_file_over_http_with_mpeg4_and_other_sound_is_encoded(tmp_path: Path) -> None:
    coded(tmp_path / "clip.avi", codec="mpeg4", seconds=20, audio="pcm_s16le")
    server = folder_server(tmp_path)
    ward = OddWard(tmp_path / "node")
    ward.odd("gate", f"http://127.0.0.1:{server.server_port}/clip.avi", audio=True)
    with serving(server):
        record(ward)
    pictures, sounds, size = decoded(ward.played_back("gate"))
    assert size == SIZE
    assert pictures == pytest.approx(ward.length_s("gate") * FPS, rel=0.15)
    assert sounds == pytest.approx(ward.length_s("gate") * 16000 / 1024, rel=0.25)
    told = ward.seen["gate"]
    assert told is not None
    assert (told.source, told.encoded) == ("mpeg4", True)


def speaks_srt() -> bool:
    told = subprocess.run(
        ["ffmpeg", "-hide_banner", "-protocols"], capture_output=True, text=True, check=False
    )
    return " srt\n" in told.stdout


def test_srt_is_copied_and_its_passphrase_is_not_seen(tmp_path: Path) -> None:
    if shutil.which("ffmpeg") is None or not speaks_srt():
        pytest.skip("SRT IS NOT TESTED: no ffmpeg with libsrt here")
    clip = coded(tmp_path / "clip.ts", seconds=60)
    port = free_port(socket.SOCK_DGRAM)
    secret = "bamboo-'hedge'-of-home"
    ward = OddWard(tmp_path / "node")
    ward.odd("gate", f"srt://127.0.0.1:{port}?passphrase={secret}")
    seen: set[psutil.Process] = set()
    lines: set[str] = set()

    def look() -> bool:
        # Ours are those that read their addresses from standard input.
        for process in psutil.process_iter(["cmdline"]):
            if "concat" in (line := process.info["cmdline"] or []):
                seen.add(process)
                lines.add(" ".join(line))
        return True

    listener = f"srt://127.0.0.1:{port}?mode=listener&passphrase={secret}"
    with ffmpeg("-re", "-i", str(clip), "-c", "copy", "-f", "mpegts", listener):
        record(ward, ready=look)
        look()
    copied(ward, nals_of(clip))
    assert not [line for line in lines if "passphrase" in line]
    # Its worker was killed: nobody reads from it any more, and it knows.
    _, left = psutil.wait_procs(seen, timeout=30)
    assert not left


def test_srt_that_nobody_answers(tmp_path: Path) -> None:
    ward = OddWard(tmp_path / "node")
    ward.odd("gate", f"srt://127.0.0.1:{free_port(socket.SOCK_DGRAM)}")

    async def main() -> None:
        async with ward.converting():
            ward.write()
            async with ward.recording(PATIENT) as ear:
                await ear.until(
                    lambda: (s := ear.last("gate")) is not None and s.state == "retrying", "refused"
                )
                state = ear.last("gate")
                assert state is not None
                assert state.cause in ("closed_by_camera", "timeout", "bad_media", "converter_failed")

    asyncio.run(main())


def gst(codec: str, folder: Path) -> Mount:
    """A GStreamer mount that sends MJPEG, or an MPEG-4 file."""
    drawn = f"videotestsrc is-live=true ! video/x-raw,format=I420,width={SIZE[0]},height={SIZE[1]},framerate={FPS}/1"
    launch = f"{drawn} ! jpegenc ! rtpjpegpay"
    if codec == "mpeg4":
        clip = coded(folder / "clip.mp4", codec="mpeg4", seconds=60)
        launch = f"filesrc location={clip} ! qtdemux ! mpeg4videoparse config-interval=1 ! rtpmp4vpay"
    return {"launch": f"( {launch} name=pay0 pt=96 )", "shared": True}


@pytest.mark.gstreamer
@pytest.mark.parametrize("codec", ["mjpeg", "mpeg4"])
def test_rtsp_with_another_codec_goes_through_the_converter(tmp_path: Path, codec: str) -> None:
    ward = OddWard(tmp_path / "node")
    with gst_serving({"/cam": gst(codec, tmp_path)}, user="ward", password="tre@lang") as server:
        url = server.url("/cam")
        ward.odd("gate", f"convert+{url}", "ward", "tre@lang")
        record(ward)
        found = asyncio.run(probe(url, "ward", "tre@lang", seconds=2.0))
    pictures, _, size = decoded(ward.played_back("gate"))
    assert size == SIZE
    assert pictures == pytest.approx(ward.length_s("gate") * FPS, rel=0.15)
    told = ward.seen["gate"]
    assert told is not None
    assert (told.source, told.target, told.encoded) == (codec, "h264", True)
    assert ward.check() == []
    # The probe of the plain address says how it can be had.
    assert found.url == f"convert+{url}"
    assert found.converted is not None
    assert found.converted.source == codec
    assert (found.result.video.width, found.result.video.height) == SIZE
