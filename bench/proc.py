"""What processes cost, read from /proc: CPU time (reaped children included), proportional memory, the idle share.

Does not   work anywhere but on Linux.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Machine:
    """Seconds of all cores since the start, in total and idle (waiting for the disk is idle)."""

    total_s: float
    idle_s: float

    def idle_share_since(self, before: Machine) -> float:
        return (self.idle_s - before.idle_s) / max(self.total_s - before.total_s, 1e-9)


def machine() -> Machine:
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    ticks = [int(field) for field in fields]
    return Machine(sum(ticks) / _TICKS_PER_S, (ticks[3] + ticks[4]) / _TICKS_PER_S)


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat after the name, which may hold anything: [0] is the state, proc(5) field 3."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def members(groups: set[int]) -> list[int]:
    """Processes of these process groups that are alive."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = _stat(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[2]) in groups and fields[0] != "Z":
                found.append(int(entry.name))
    return found


@dataclass(frozen=True, slots=True)
class Cost:
    """user and system seconds so far."""

    user_s: float
    system_s: float

    @property
    def cpu_s(self) -> float:
        return self.user_s + self.system_s

    def since(self, before: Cost) -> Cost:
        return Cost(self.user_s - before.user_s, self.system_s - before.system_s)


def cpu(groups: set[int]) -> Cost:
    """user + system of all threads, and of children that ended (proc(5) fields 14 to 17)."""
    user = system = 0
    for pid in members(groups):
        fields = _stat(pid)
        user += int(fields[11]) + int(fields[13])
        system += int(fields[12]) + int(fields[14])
    return Cost(user / _TICKS_PER_S, system / _TICKS_PER_S)


def pss_bytes(groups: set[int]) -> int:
    """Proportional set size: pages that several processes share are counted once, in parts."""
    total = 0
    for pid in members(groups):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


@dataclass(frozen=True, slots=True)
class Holdings:
    """What one process holds: memory of its own (USS) and its share of what is shared (PSS), in bytes; threads; files."""

    uss_bytes: int
    pss_bytes: int
    threads: int
    files: int


def holdings(pid: int) -> Holdings:
    """Raises OSError when the process is gone."""
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        sizes[name] = int(rest.split()[0]) * 1024
    return Holdings(
        sizes["Private_Clean"] + sizes["Private_Dirty"],
        sizes["Pss"],
        # Field 20 of proc(5).
        int(_stat(pid)[17]),
        len(os.listdir(f"/proc/{pid}/fd")),
    )


def describe() -> str:
    """One line about this machine: processor, cores, memory, kernel. No name, no path."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory_kb = int(Path("/proc/meminfo").read_text().split()[1])
    kernel = ".".join(os.uname().release.split(".")[:2])
    return f"{os.cpu_count()} cores ({model}), {memory_kb / 2**20:.0f} GiB, Linux {kernel}"
