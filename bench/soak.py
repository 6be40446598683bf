"""A ward where a third of the cameras misbehave, for half an hour: does a recorder grow?

    python bench/soak.py [--minutes 30] [--cameras 32] [--turn 10] [--short] [--json] [--folder F]

Promises   every sick camera goes through all faults in turn, over TCP, UDP, the HTTP tunnel and TLS; ends with 1 when the
           memory of a recorder process grows by more than 1 MB/h beyond doubt, when it holds more threads or files at the
           end than at the beginning, when a process dies, a healthy camera has a gap, or `luytre check` finds anything.
Does not   look at the first fifth of the time: caches fill then. In a run of minutes only a growth of more than 1 MB counts.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import clip, proc
from bench.cameras import code
from bench.contenders import Running, spawn_recorder
from bench.trend import Trend, steps_up, trend
from luytre.archive.catalog import Archive
from luytre.archive.check import check
from luytre.archive.keys import Cause, StreamKey
from luytre.archive.volume import create_volume
from luytre.base.clock import SYSTEM
from luytre.recorder.plan import Plan, StreamPlan, Transport, VolumePlan, save
from luytre.simulator.assembly import of_clip, running
from luytre.simulator.camera import Camera, Garbage, Refusal
from luytre.simulator.certificate import self_signed
from luytre.simulator.faults import CATALOGUE, HEALTHY, Faults
from luytre.simulator.server import Simulator

ROOT = Path(__file__).resolve().parent.parent
SHARDS = 2
BPS = 300_000
MOST_MB_PER_H = 1.0
# An allocator takes memory in steps: within a few minutes a growth of so much says nothing yet.
STEP_MB, FEW_MINUTES_H = 1.0, 0.1
# Connections come and go: a count may end so much higher by chance.
MOST_MORE = 3
# So much of the time, and at least so long if there is twice that.
WARM_UP, WARM_UP_S = 0.2, 60.0
TRANSPORTS: tuple[Transport, ...] = ("tcp", "udp", "http")
_EXPECTED_GAPS = {Cause.CONNECTING, Cause.NODE_STOPPED}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a camera is told to do wrong; see luytre.simulator.camera. `drop`: its connections end when it begins."""

    faults: Faults = HEALTHY
    refuse: Refusal = ""
    garbage: Garbage = ""
    close_every_s: float = 0.0
    freeze: bool = False
    drop: bool = True

    def begin(self, camera: Camera) -> None:
        """In the place of the trouble before."""
        camera.faults, camera.refuse, camera.garbage = self.faults, self.refuse, self.garbage
        camera.close_every_s = self.close_every_s
        camera.freeze(self.freeze)
        if self.drop:
            camera.drop()


_REFUSALS: tuple[Refusal, ...] = ("not_found", "unavailable", "unsupported", "no_video", "hang_up")
_GARBAGE: tuple[Garbage, ...] = ("stream", "packets")
TROUBLES = [
    Trouble(drop=False),
    *(Trouble(faults) for faults in CATALOGUE.values()),
    *(Trouble(refuse=refuse) for refuse in _REFUSALS),
    *(Trouble(garbage=garbage, drop=False) for garbage in _GARBAGE),
    Trouble(close_every_s=1.5),
    Trouble(freeze=True, drop=False),
    Trouble(),
]


@dataclass(slots=True)
class Watched:
    """One recorder process. Samples after the warm-up; hours since the start."""

    pid: int
    hours: list[float] = field(default_factory=list)
    holdings: list[proc.Holdings] = field(default_factory=list)

    def look(self, hours: float) -> None:
        self.hours.append(hours)
        self.holdings.append(proc.holdings(self.pid))

    def memory(self, kind: str) -> Trend:
        """In MB/h. `kind`: uss or pss."""
        return trend(self.hours, [getattr(held, f"{kind}_bytes") / 1e6 for held in self.holdings])

    @property
    def uss_thirds_mb(self) -> list[float]:
        """The median of each third of the time: a cache that fills flattens, a leak does not."""
        size = max(1, len(self.holdings) // 3)
        thirds = (self.holdings[at * size : (at + 1) * size] or self.holdings for at in range(3))
        return [median(held.uss_bytes for held in third) / 1e6 for third in thirds]

    @property
    def most_mb_per_h(self) -> float:
        window_h = self.hours[-1] - self.hours[0]
        return max(MOST_MB_PER_H, STEP_MB / window_h) if window_h < FEW_MINUTES_H else MOST_MB_PER_H

    def complaints(self) -> list[str]:
        found = []
        for kind in ("uss", "pss"):
            line = self.memory(kind)
            if line.exceeds(self.most_mb_per_h):
                found.append(f"its {kind.upper()} grows by {line.slope:.2f} ± {line.error:.2f} MB/h")
        for kind in ("threads", "files"):
            more = steps_up([getattr(held, kind) for held in self.holdings])
            if more > MOST_MORE:
                found.append(f"{more:g} more {kind} at the end than at the beginning")
        return found

    def as_json(self) -> dict[str, object]:
        last = self.holdings[-1]
        lines = {kind: self.memory(kind) for kind in ("uss", "pss")}
        return {
            "samples": len(self.hours),
            **{f"{kind}_mb_per_h": line.slope for kind, line in lines.items()},
            **{f"{kind}_error": line.error for kind, line in lines.items()},
            "uss_mb": last.uss_bytes / 1e6,
            "uss_thirds_mb": self.uss_thirds_mb,
            "threads": last.threads,
            "files": last.files,
            "complaints": self.complaints(),
        }


@dataclass(frozen=True, slots=True)
class Settings:
    cameras: int
    seconds: float
    turn_s: float
    folder: Path

    @property
    def warm_up_s(self) -> float:
        return max(self.seconds * WARM_UP, min(WARM_UP_S, self.seconds / 2))

    @property
    def look_s(self) -> float:
        """A few hundred samples, whatever the length."""
        return max(0.25, self.seconds / 600)


def plan(cameras: list[Camera], plain: Simulator, secret: Simulator) -> tuple[StreamPlan, ...]:
    """Transports in turn; every fourth camera in TLS, which goes with TCP and the tunnel."""
    streams = []
    for at, camera in enumerate(cameras):
        tls = at % 4 == 3
        transport = "tcp" if tls and at % 8 == 3 else "http" if tls else TRANSPORTS[at % 3]
        url = (secret if tls else plain).url(camera.number)
        name = f"00000000-0000-7000-8000-{at:012d}"
        streams.append(
            StreamPlan(name, code(at), "main", url, audio=True, volume="volume", transport=transport)
        )
    return tuple(streams)


def sick(cameras: list[Camera]) -> list[Camera]:
    return cameras[1::3]


def soak(settings: Settings) -> tuple[list[Watched], list[str]]:
    """What was seen of each recorder process, and what is not right beside that."""
    made = clip.make(settings.folder, BPS, 4)
    cameras = of_clip(settings.cameras, made, audio="aac")
    node = settings.folder / "soak"
    shutil.rmtree(node, ignore_errors=True)
    create_volume(node / "volume")
    runners = Running()
    with ExitStack() as stack:
        plain = stack.enter_context(running(Simulator(cameras)))
        secret = stack.enter_context(running(Simulator(cameras, certificate=self_signed())))
        streams = plan(cameras, plain, secret)
        save(Plan(streams, (VolumePlan("volume"),), 60.0), node / "run" / "plan.json")
        try:
            for shard in range(SHARDS):
                spawn_recorder(runners, node, shard, SHARDS)
            watched = [Watched(process.pid) for process in runners.processes]
            _watch(settings, sick(cameras), watched)
            complaints = [f"{runners.dead()} recorders died"] if runners.dead() else []
        finally:
            runners.stop()
    complaints += _look_at_archive(node / "volume", cameras, streams)
    shutil.rmtree(node)
    return watched, complaints


def _watch(settings: Settings, patients: list[Camera], watched: list[Watched]) -> None:
    pause = threading.Event()
    began_s = SYSTEM.monotonic_s()
    turn = -1
    while (passed_s := SYSTEM.monotonic_s() - began_s) < settings.seconds:
        if passed_s >= (turn + 1) * settings.turn_s:
            turn += 1
            for place, camera in enumerate(patients):
                # Each has another trouble than its neighbour.
                TROUBLES[(turn + 5 * place) % len(TROUBLES)].begin(camera)
        if passed_s >= settings.warm_up_s:
            for one in watched:
                one.look(passed_s / 3600)
        pause.wait(settings.look_s)


def _look_at_archive(volume: Path, cameras: list[Camera], streams: tuple[StreamPlan, ...]) -> list[str]:
    complaints = [f"{found.path}: {found.message}" for found in check(volume)]
    archive, patients = Archive([volume]), sick(cameras)
    for camera, stream in zip(cameras, streams, strict=True):
        if camera in patients:
            continue
        coverage = archive.coverage(StreamKey(stream.camera, "main"), 0, SYSTEM.wall_us())
        causes = {gap.cause for gap in coverage.gaps} - _EXPECTED_GAPS
        if causes or not coverage.spans:
            told = ", ".join(sorted(causes)) or "nothing recorded"
            complaints.append(f"{stream.code}, which is well, over {stream.transport}: {told}")
    return complaints


def main() -> int:
    parser = argparse.ArgumentParser(description="Does a recorder grow, with cameras that misbehave?")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--cameras", type=int, default=32)
    parser.add_argument("--turn", type=float, default=10.0, help="seconds until each has another trouble")
    parser.add_argument("--short", action="store_true", help="12 cameras, 20 s: does it run?")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "bench", help="clips and recordings")
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(given.cameras, given.minutes * 60, given.turn, folder)
    if given.short:
        settings = Settings(12, 20.0, 2.0, folder)
    watched, complaints = soak(settings)
    if given.json:
        print(json.dumps({"recorders": [one.as_json() for one in watched], "complaints": complaints}))
    else:
        print(
            f"{settings.cameras} cameras, {len(TROUBLES)} troubles, {settings.seconds:g} s; {proc.describe()}"
        )
        for number, one in enumerate(watched):
            uss, pss, last = one.memory("uss"), one.memory("pss"), one.holdings[-1]
            thirds = ", ".join(f"{value:.2f}" for value in one.uss_thirds_mb)
            print(
                f"recorder {number}: USS {thirds} MB by thirds, {uss.slope:+.2f} ± {uss.error:.2f} MB/h; "
                f"PSS {pss.slope:+.2f} ± {pss.error:.2f} MB/h; {last.threads} threads, {last.files} files"
            )
        for complaint in [*(text for one in watched for text in one.complaints()), *complaints]:
            print(f"NOT RIGHT: {complaint}")
    return 1 if complaints or any(one.complaints() for one in watched) else 0


if __name__ == "__main__":
    sys.exit(main())
