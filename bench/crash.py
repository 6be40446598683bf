"""kill -9 at random moments, with a month of index beside: what is lost, and how soon everything records again.

    python bench/crash.py [--kills 20] [--cameras 32] [--short] [--json] [--write] [--folder F]

Promises   the real recorder processes on real sockets; all of them die at once. What was lost is read from the archive
           afterwards: from the end of the last recorded picture to the kill. After each restart names, sizes and chains of
           the whole volume are checked while it records, and the files of this run.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import clip, synthetic
from bench.cameras import Source, running
from bench.contenders import Running, spawn_recorder
from bench.promises import Number, Report, arguments, tell
from luytre.archive.catalog import Archive
from luytre.archive.check import check
from luytre.archive.index import US_PER_DAY
from luytre.archive.keys import Span
from luytre.archive.promise import Promise
from luytre.archive.recover import contents
from luytre.base.clock import SYSTEM
from luytre.recorder.plan import Plan, StreamPlan, VolumePlan, save

BPS = 1_000_000
SHARDS = 2
DAYS = 30
LOST_S, RESTART_S = 2.0, 5.0
_READY_S = 60.0
_LOOK_S = 0.05


@dataclass(slots=True)
class Crash:
    """When the processes died and were started again, and when each camera's next file began to grow (seconds after)."""

    killed_us: int
    started_us: int = 0
    growing_s: dict[str, float] = field(default_factory=dict)


class Node:
    """A node's directory with its recorder processes."""

    def __init__(self, folder: Path, source: Source) -> None:
        self.folder = folder
        self.volume = folder / "volume"
        self.source = source
        self.processes = Running()
        streams = tuple(
            StreamPlan(synthetic.key(number).camera, code, "main", url, volume="volume")
            for number, (code, url) in enumerate(source.urls.items())
        )
        # Nothing expires while it is measured.
        kept = Promise(days=DAYS, keep_days=4 * DAYS, sub_keep_days=4 * DAYS)
        plan = Plan(streams, (VolumePlan("volume"),), promises=(kept,))
        save(plan, folder / "run" / "plan.json")

    def start(self) -> None:
        self.processes = Running()
        for shard in range(SHARDS):
            spawn_recorder(self.processes, self.folder, shard, SHARDS)

    def kill(self) -> int:
        """All processes at once; the moment, µs."""
        for process in self.processes.processes:
            process.send_signal(signal.SIGKILL)
        at_us = SYSTEM.wall_us()
        for process in self.processes.processes:
            process.wait()
        return at_us

    def newest(self, code: str) -> str:
        """Name of the camera's newest file, "" without one."""
        folder = self.volume / "video" / code / "main"
        days = sorted(os.listdir(folder)) if folder.is_dir() else []
        names = (
            sorted(name for name in os.listdir(folder / days[-1]) if name.endswith(".mp4")) if days else []
        )
        return f"{days[-1]}/{names[-1]}" if names else ""

    def size(self, code: str, name: str) -> int:
        try:
            return (self.volume / "video" / code / "main" / name).stat().st_size
        except OSError:
            return 0

    def until_all_record(self, before: dict[str, str]) -> dict[str, float]:
        """Waits until each camera has a file that is not the one before with a part in it; seconds it took, by camera."""
        began_s = SYSTEM.monotonic_s()
        found: dict[str, float] = {}
        while len(found) < len(self.source.urls):
            now_s = SYSTEM.monotonic_s() - began_s
            if now_s > _READY_S:
                missing = sorted(self.source.urls.keys() - found.keys())
                raise SystemExit(f"not recording after {_READY_S:.0f} s: {missing[:5]}")
            for code in self.source.urls.keys() - found.keys():
                name = self.newest(code)
                # Opening and header are smaller; a picture group of the clip is larger.
                if name != before[code] and self.size(code, name) > 1 << 16:
                    found[code] = now_s
            threading.Event().wait(_LOOK_S)
        return found

    def complaints(self, since_us: int) -> list[str]:
        """What is not right on the volume, while it is being recorded."""
        found = [f"{f.path}: {f.message}" for f in check(self.volume, quick=True) if f.severity == "error"]
        archive = Archive([self.volume])
        for number in range(len(self.source.urls)):
            for one in archive.segments(synthetic.key(number), Span(since_us, 1 << 62)):
                inside = contents(self.volume / one.row.path) if one.row.state == "closed" else None
                if inside is not None and not inside.whole:
                    found.append(f"{one.row.path}: closed, but not whole")
        return found


def lost_and_restarted(node: Node, crashes: list[Crash]) -> tuple[list[float], list[float]]:
    """For each crash and camera: seconds lost before it, and seconds from the restart to the first picture."""
    archive = Archive([node.volume])
    lost, restarted = [], []
    for number in range(len(node.source.urls)):
        spans = archive.coverage(
            synthetic.key(number), crashes[0].killed_us - US_PER_DAY, SYSTEM.wall_us()
        ).spans
        for crash in crashes:
            ends = [span.end_us for span in spans if span.start_us < crash.killed_us]
            begins = [span.start_us for span in spans if span.start_us >= crash.killed_us]
            lost.append(max(crash.killed_us - max(ends), 0) / 1e6)
            restarted.append((min(begins) - crash.started_us) / 1e6)
    return lost, restarted


def measure(folder: Path, cameras: int, days: int, kills: int) -> Report:
    made = clip.make(folder, BPS)
    node_folder = folder / "node"
    shutil.rmtree(node_folder, ignore_errors=True)
    end_us = SYSTEM.wall_us() // US_PER_DAY * US_PER_DAY
    month = synthetic.Month(cameras, days, end_us)
    synthetic.build(node_folder / "volume", month, files=True)
    try:
        with running("light", made, cameras, folder / "source.txt") as source:
            node = Node(node_folder, source)
            return _crashes(node, month, kills)
    finally:
        shutil.rmtree(node_folder, ignore_errors=True)


def _crashes(node: Node, month: synthetic.Month, kills: int) -> Report:
    dice = random.Random()
    crashes: list[Crash] = []
    complaints: list[str] = []
    since_us = SYSTEM.wall_us()
    before = {code: node.newest(code) for code in node.source.urls}
    node.start()
    try:
        node.until_all_record(before)
        for number in range(kills):
            # Until a random place in a picture group of 2 s.
            threading.Event().wait(dice.uniform(2.0, 6.0))
            before = {code: node.newest(code) for code in node.source.urls}
            crash = Crash(node.kill(), SYSTEM.wall_us())
            node.start()
            crash.growing_s = node.until_all_record(before)
            crashes.append(crash)
            complaints += [f"after kill {number + 1}: {one}" for one in node.complaints(since_us)]
            print(
                f"  kill {number + 1}: all write after {max(crash.growing_s.values()):.1f} s", file=sys.stderr
            )
    finally:
        node.processes.stop()
    lost, restarted = lost_and_restarted(node, crashes)
    growing = [max(crash.growing_s.values()) for crash in crashes]
    numbers = [
        Number("lost per camera and crash, median", median(lost), "s"),
        Number("lost per camera and crash, the most", max(lost), "s", LOST_S),
        Number("restart to the first picture recorded, median", median(restarted), "s"),
        Number("restart to the first picture recorded, the last camera", max(restarted), "s", RESTART_S),
        Number("restart to a whole part of every camera on the disk", max(growing), "s"),
        Number("findings of all checks", len(complaints), "", 0),
    ]
    how = (
        f"{kills} kills, {len(node.source.urls)} cameras of 1 Mb/s with a keyframe each 2 s, {SHARDS} recorder processes,"
        f" {month.segments} segments of {month.days} days in the same index."
    )
    return Report("crash", how, numbers, complaints)


def main() -> int:
    parser = arguments("kill -9 at random moments.", "/tmp/luytre-bench-crash")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--cameras", type=int, default=32)
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    cameras, days, kills = given.cameras, DAYS, given.kills
    if given.short:
        cameras, days, kills = 4, 2, 2
    return tell(measure(folder, cameras, days, kills), given)


if __name__ == "__main__":
    sys.exit(main())
