"""Rounds: each contender records the same cameras for the same number of seconds, one after the other, again and again.

Promises   what drifts (the machine, its neighbours) hits all contenders alike: rounds are interleaved, the order turns.
"""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median

from bench import proc
from bench.cameras import Source
from bench.contenders import Contender, Running
from luytre.base.clock import SYSTEM

READY_S = 60.0
# After the first bytes of the last camera: start-up work is over.
SETTLE_S = 5.0
_LOOK_S = 0.25
# Recorders write a picture group at a time, so a short look may miss or see one too many (2 s of them).
_GROUP_S = 2.0


@dataclass(frozen=True, slots=True)
class Measure:
    """One contender in one round, over `seconds` of `cameras` cameras."""

    seconds: float
    cameras: int
    cost: proc.Cost
    pss_bytes: int
    written_bytes: int
    expected_bytes: float
    source_cpu_s: float
    idle_share: float

    @property
    def written_share(self) -> float:
        return self.written_bytes / self.expected_bytes

    @property
    def cpu_percent(self) -> float:
        """Of one core, per camera."""
        return self.cost.cpu_s / self.seconds / self.cameras * 100


@dataclass(slots=True)
class Row:
    """All rounds of one contender; `key` is the contender's."""

    key: str
    name: str
    measures: list[Measure] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def mean(self, value: Callable[[Measure], float]) -> float:
        return fmean(value(measure) for measure in self.measures)

    @property
    def is_own(self) -> bool:
        """Ours or the floor: a peer's trouble is told, but is not a failure of the bench."""
        return self.key.startswith(("luytre", "floor"))

    @property
    def cpu_percent(self) -> float:
        """Median of the rounds: one round that a neighbour disturbed does not count."""
        return median(measure.cpu_percent for measure in self.measures)

    @property
    def system_share(self) -> float:
        return self.mean(lambda m: m.cost.system_s) / max(self.mean(lambda m: m.cost.cpu_s), 1e-9)

    @property
    def pss_mb(self) -> float:
        """Per camera, MiB."""
        return self.mean(lambda m: m.pss_bytes / m.cameras / 2**20)


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def _until_all_record(contender: Contender, running: Running, folder: Path, codes: list[str]) -> list[str]:
    """The cameras that are not recorded when the time is over: none, normally."""
    deadline = SYSTEM.monotonic_s() + READY_S
    while True:
        missing = [code for code, size in contender.sizes(folder, codes).items() if not size]
        if not missing:
            return []
        if running.dead() == len(running.processes):
            log = (folder / "log.txt").read_text(errors="replace")[-2000:]
            raise SystemExit(f"{contender.name}: ended by itself\n{log}")
        if SYSTEM.monotonic_s() > deadline:
            if missing == codes:
                raise SystemExit(f"{contender.name}: records nothing")
            return missing
        _pause(_LOOK_S)


def measure(
    contender: Contender, source: Source, folder: Path, seconds: float, camera_bytes_per_s: float
) -> tuple[Measure, list[str]]:
    """One round of one contender, and what is wrong with what it wrote."""
    codes = list(source.urls)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    running = contender.start(folder, source.urls)
    try:
        missing = _until_all_record(contender, running, folder, codes)
        # A peer that does not get a camera started is measured on those it did, and that is told.
        codes = [code for code in codes if code not in missing]
        _pause(SETTLE_S)
        machine, began_s = proc.machine(), SYSTEM.monotonic_s()
        cost, source_cost = proc.cpu(running.groups), proc.cpu({source.group})
        sizes = contender.sizes(folder, codes)
        _pause(seconds)
        cost, source_cost = proc.cpu(running.groups).since(cost), proc.cpu({source.group}).since(source_cost)
        took_s = SYSTEM.monotonic_s() - began_s
        idle = proc.machine().idle_share_since(machine)
        grown = {code: size - sizes[code] for code, size in contender.sizes(folder, codes).items()}
        pss = proc.pss_bytes(running.groups)
        dead = running.dead()
    finally:
        running.stop(contender.stop_signal)
    wanted = took_s * camera_bytes_per_s
    complaints = [f"{code}: not recorded within {READY_S:.0f} s" for code in missing]
    complaints += [f"{dead} of its processes died"] if dead else []
    complaints += [
        f"{code}: wrote {size / wanted:.0%} of what was sent"
        for code, size in grown.items()
        if abs(size - wanted) > camera_bytes_per_s * _GROUP_S + 0.05 * wanted
    ]
    complaints += contender.verify(folder)
    shutil.rmtree(folder)
    found = Measure(
        took_s,
        len(codes),
        cost,
        pss,
        sum(grown.values()),
        wanted * len(codes),
        source_cost.cpu_s,
        idle,
    )
    return found, complaints


def run(
    contenders: list[Contender],
    sources: list[Source],
    folder: Path,
    *,
    rounds: int,
    seconds: float,
    camera_bytes_per_s: float,
) -> list[Row]:
    """A row per source and contender, in that order. `seconds` in all, over the rounds."""
    pairs = [(source, contender) for source in sources for contender in contenders]
    rows = [Row(contender.key, contender.name) for _, contender in pairs]
    for number in range(rounds):
        for turn in range(len(pairs)):
            at = (turn + number) % len(pairs)
            source, contender = pairs[at]
            found, complaints = measure(contender, source, folder, seconds / rounds, camera_bytes_per_s)
            rows[at].measures.append(found)
            rows[at].complaints += complaints
            print(
                f"  round {number + 1}: {len(source.urls)} cameras, {contender.name}: "
                f"{found.cpu_percent:.3f} % of a core and {found.pss_bytes / found.cameras / 2**20:.2f} MiB a camera, "
                f"written {found.written_share:.3f}, idle {found.idle_share:.0%}",
                file=sys.stderr,
            )
    return rows
