"""Odd cameras: ffmpeg, small HTTP servers and GStreamer play them."""

from __future__ import annotations

import io
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from luytre.media.rtsp.auth import Credentials, Scheme, accepted, challenges_to_send

SIZE = (320, 240)
FPS = 10


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def picture_source(seconds: int) -> list[str]:
    """What ffmpeg draws, in real time."""
    drawn = f"testsrc2=size={SIZE[0]}x{SIZE[1]}:rate={FPS}"
    return ["-re", "-f", "lavfi", "-i", drawn, "-t", str(seconds)]


H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", str(FPS), "-pix_fmt", "yuv420p", "-threads", "1"]


@contextmanager
def ffmpeg(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Debian's ffmpeg at work until the end of the block."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("FFMPEG ABSENT: no odd camera to test against")
    process = subprocess.Popen(
        ["ffmpeg", "-loglevel", "error", "-nostdin", *arguments], stdin=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def listens(port: int) -> bool:
    """Whether somebody listens there, without connecting: ffmpeg serves one client only."""
    wanted = f":{port:04X} "
    table = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(wanted in line.split()[1] + " " and line.split()[3] == "0A" for line in table)


def coded(path: Path, *, codec: str = "libx264", seconds: int = 12, audio: str = "", **options: str) -> Path:
    """A file of moving pictures with a keyframe every second; its container by its ending."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream(codec, rate=FPS)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        video.gop_size, video.max_b_frames = FPS, int(options.pop("b_frames", "0"))
        video.options = {"preset": "ultrafast"} if codec.startswith("libx26") else {}
        sound: Any = container.add_stream(audio, rate=8000 if "law" in audio else 16000) if audio else None
        if sound is not None:
            sound.layout = "mono"
        noise = np.random.default_rng(2).integers(0, 255, (SIZE[1] * 3 // 2, SIZE[0] * 2), dtype=np.uint8)
        tones = 0
        for number in range(seconds * FPS):
            picture = np.ascontiguousarray(np.roll(noise, 4 * number, axis=1)[:, : SIZE[0]])
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="yuv420p")))
            while sound is not None and tones * 1024 * FPS < number * sound.rate:
                container.mux(sound.encode(_tone(tones, sound.rate)))
                tones += 1
        for stream in container.streams:
            if isinstance(stream, VideoStream | AudioStream):
                container.mux(stream.encode(None))
    return path


def _tone(number: int, rate: int) -> av.AudioFrame:
    tone = (np.sin(np.arange(1024) * 0.2 + number) * 8000).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(tone.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate, frame.pts = rate, number * 1024
    return frame


def jpeg(number: int = 0) -> bytes:
    made: Any = av.CodecContext.create("mjpeg", "w")
    made.width, made.height, made.pix_fmt = *SIZE, "yuvj420p"
    made.time_base = Fraction(1, 25)
    picture = np.full((SIZE[1], SIZE[0], 3), 30 + number * 20 % 200, np.uint8)
    picture[20:60, number * 10 % 200 : number * 10 % 200 + 40] = (200, 90, 50)
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuvj420p")
    return b"".join(bytes(packet) for packet in made.encode(frame) + made.encode(None))


class _Snapshots(BaseHTTPRequestHandler):
    """A JPEG at /snap.jpg behind a login; /gone and /broken."""

    protocol_version = "HTTP/1.1"
    server: SnapshotServer

    def do_GET(self) -> None:
        server = self.server
        header = self.headers.get("Authorization", "")
        if server.scheme != "none":
            server.logins += bool(header)
            if not accepted(server.scheme, header, server.who, "GET", "cam", server.nonce):
                self._answer(401, b"", *challenges_to_send(server.scheme, "cam", server.nonce))
                return
        if self.path == "/snap.jpg":
            server.asked += 1
            self._answer(200, jpeg(server.asked))
        elif self.path == "/broken":
            self._answer(500, b"")
        else:
            self._answer(404, b"")

    def _answer(self, status: int, body: bytes, *challenges: str) -> None:
        self.send_response(status)
        for challenge in challenges:
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


class SnapshotServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, scheme: Scheme, user: str, password: str) -> None:
        super().__init__(("127.0.0.1", 0), _Snapshots)
        self.scheme, self.who, self.nonce = scheme, Credentials(user, password), "5e1f"
        self.asked = self.logins = 0

    def url(self, path: str = "/snap.jpg") -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""

    def copyfile(self, source: Any, outputfile: Any) -> None:
        try:
            shutil.copyfileobj(source, outputfile)
        except ConnectionError:
            return


def folder_server(folder: Path) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    server.daemon_threads = True
    return server


def nals_of(file: bytes | Path, form: str | None = None) -> list[bytes]:
    """The coded pictures of a file or of bytes, one item a picture, parameter sets and the like left out."""
    how: Any = io.BytesIO(file) if isinstance(file, bytes) else str(file)
    found = []
    opened: Any = av.open(how, format=form)
    with opened as container:
        stream = container.streams.video[0]
        boxed = bytes(stream.codec_context.extradata or b"")[:1] == b"\x01"
        for packet in container.demux(stream):
            if packet.size:
                found.append(_slices(bytes(packet), boxed))
    return found


def _slices(data: bytes, boxed: bool) -> bytes:
    if boxed:
        units, at = [], 0
        while at < len(data):
            end = at + 4 + int.from_bytes(data[at : at + 4], "big")
            units.append(data[at + 4 : end])
            at = end
    else:
        units = [unit.rstrip(b"\0") for unit in data.split(b"\0\0\1")[1:]]
    return b"".join(unit for unit in units if 1 <= unit[0] & 0x1F <= 5)
