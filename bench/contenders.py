"""The recorders that are measured: ours as a node runs it, ffmpeg, GStreamer, and the floor.

Each is started on the same addresses with an empty folder, told to stop, and asked what is wrong with what it wrote.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.cameras import HERE, stop
from luytre.archive.check import check
from luytre.archive.index import Index
from luytre.archive.keys import Cause, Span
from luytre.archive.volume import create_volume, open_volume
from luytre.recorder.plan import Plan, StreamPlan, Transport, VolumePlan, save

SEGMENT_S = 300
# Gaps that belong to a recording that is begun and ended.
_EXPECTED_GAPS = {Cause.CONNECTING, Cause.NODE_STOPPED}
# -rtsp_transport and -c copy, and no more: one long MP4 segment as ours.
_FFMPEG = (
    "-hide_banner -loglevel error -nostdin -rtsp_transport {transport} -i {url} -map 0 -c copy -f segment"
)
# As Frigate starts it for its recordings: ten-second segments, wall clock times, two threads.
_FRIGATE = (
    "-hide_banner -loglevel warning -nostdin -threads 2 -avoid_negative_ts make_zero -fflags +genpts+discardcorrupt "
    "-rtsp_transport tcp -timeout 10000000 -use_wallclock_as_timestamps 1 -i {url} -f segment -segment_time 10 "
    "-segment_format mp4 -reset_timestamps 1 -strftime 1 -c copy"
)


@dataclass(slots=True)
class Running:
    """Processes of one recorder; each leads its own group."""

    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def groups(self) -> set[int]:
        return {process.pid for process in self.processes}

    def dead(self) -> int:
        return sum(process.poll() is not None for process in self.processes)

    def stop(self, number: int = signal.SIGTERM) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(number)
        for process in self.processes:
            stop(process, number)


Start = Callable[[Path, dict[str, str]], Running]
Verify = Callable[[Path], list[str]]


@dataclass(frozen=True, slots=True)
class Contender:
    """key     how the tables find it
    start   begins to record all addresses (by camera code) into a folder
    files   glob of what one camera's recording is, `{code}` filled in
    verify  complaints about what was written; the amount is looked at for all (rounds.py)
    """

    key: str
    name: str
    start: Start
    files: str
    verify: Verify = lambda _: []
    stop_signal: int = signal.SIGTERM

    def sizes(self, folder: Path, codes: list[str]) -> dict[str, int]:
        """Bytes written so far, by camera."""
        return {
            code: sum(path.stat().st_size for path in folder.glob(self.files.format(code=code)))
            for code in codes
        }


def spawn(running: Running, command: list[str], folder: Path, given: str | None = None) -> None:
    log = (folder / "log.txt").open("a")
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE if given is not None else subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        text=True,
        start_new_session=True,
        cwd=folder,
    )
    log.close()
    running.processes.append(process)
    if given is not None:
        assert process.stdin is not None
        process.stdin.write(given)
        process.stdin.close()


def spawn_recorder(
    running: Running, folder: Path, shard: int, shards: int, interpreter: str = sys.executable
) -> None:
    """One recorder process of a node, as the supervisor starts it; the plan is there."""
    words = ["-m", "luytre.recorder", str(folder), "--shard", str(shard), "--shards", str(shards)]
    spawn(running, [interpreter, *words], folder)


def ours(shards: int, interpreter: str = sys.executable, transport: Transport = "auto") -> Contender:
    """The recorder processes of a node, with index, ledger, keeper and flush; nobody watches."""

    def start(folder: Path, urls: dict[str, str]) -> Running:
        create_volume(folder / "volume")
        streams = tuple(
            StreamPlan(
                f"00000000-0000-7000-8000-{number:012d}",
                code,
                "main",
                url,
                audio=True,
                volume="volume",
                transport=transport,
            )
            for number, (code, url) in enumerate(urls.items())
        )
        plan = Plan(streams, (VolumePlan("volume"),), float(SEGMENT_S))
        save(plan, folder / "run" / "plan.json")
        running = Running()
        for shard in range(shards):
            spawn_recorder(running, folder, shard, shards, interpreter)
        return running

    return Contender(
        f"luytre-{shards}",
        f"luytre, {_processes(shards)}",
        start,
        "volume/video/{code}/main/**/*.mp4",
        archive_complaints,
    )


def archive_complaints(folder: Path) -> list[str]:
    """What `luytre check` finds, and gaps that no bench explains."""
    path = folder / "volume"
    complaints = [f"{found.path}: {found.message}" for found in check(path)]
    index = Index(open_volume(path).index_path, open_volume(path).id)
    try:
        for stream in index.streams():
            for gap in index.gaps(stream.id, Span(0, 1 << 62)):
                if gap.cause not in _EXPECTED_GAPS:
                    complaints.append(f"{stream.code}: gap {gap.cause} {gap.detail}")
    finally:
        index.close()
    return complaints


def floor(processes: int) -> Contender:
    """Raw bytes from the sockets to files."""

    def start(folder: Path, urls: dict[str, str]) -> Running:
        running = Running()
        for number in range(processes):
            share = dict(list(urls.items())[number::processes])
            spawn(running, [sys.executable, str(HERE / "floor.py"), str(folder)], folder, json.dumps(share))
        return running

    return Contender(f"floor-{processes}", f"floor: raw copy, {_processes(processes)}", start, "{code}.raw")


def _processes(count: int) -> str:
    return "1 process" if count == 1 else f"{count} processes"


def _ffmpeg(key: str, name: str, options: str, ending: str, transport: str = "tcp") -> Contender:
    def start(folder: Path, urls: dict[str, str]) -> Running:
        running = Running()
        for code, url in urls.items():
            words = ["ffmpeg", *options.format(url=url, transport=transport).split(), f"{code}_{ending}"]
            spawn(running, words, folder)
        return running

    return Contender(key, name, start, "{code}_*.mp4")


def ffmpeg(transport: str = "tcp") -> Contender:
    return _ffmpeg(
        "ffmpeg",
        "ffmpeg -c copy -f segment, 1 per camera",
        f"{_FFMPEG} -segment_time {SEGMENT_S}",
        "%03d.mp4",
        transport,
    )


def ffmpeg_frigate() -> Contender:
    return _ffmpeg("frigate", "ffmpeg, Frigate's options, 1 per camera", _FRIGATE, "%Y%m%d%H%M%S.mp4")


def gstreamer() -> Contender:
    """A process per camera: one pipeline for all of them does not come to life with 32 live sources."""

    def start(folder: Path, urls: dict[str, str]) -> Running:
        running = Running()
        for code, url in urls.items():
            pipeline = (
                f"rtspsrc location={url} protocols=tcp name=s "
                "s. ! application/x-rtp,media=video ! rtph264depay ! h264parse ! m.video "
                "s. ! application/x-rtp,media=audio ! rtpmp4gdepay ! aacparse ! m.audio_0 "
                f"splitmuxsink name=m location={code}_%03d.mp4 max-size-time={SEGMENT_S * 10**9}"
            )
            spawn(running, ["gst-launch-1.0", "-q", "-e", *pipeline.split()], folder)
        return running

    return Contender(
        "gstreamer",
        "GStreamer splitmuxsink, 1 per camera",
        start,
        "{code}_*.mp4",
        stop_signal=signal.SIGINT,
    )
