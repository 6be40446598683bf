"""What a check costs: names and sizes of a month, and every byte of what a disk holds.

    python bench/check.py [--short] [--json] [--write] [--folder F]

Promises   quick: all files of the month are there, sparse, with the sizes that the index tells. Full: real segments of
           noise, written by the real writer; read once plainly and once with SHA-256, cold each time, for comparison.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import synthetic
from bench.promises import Number, Report, arguments, tell
from bench.seek import END_US
from luytre.archive.check import check
from luytre.archive.open_segment import RunHandle
from luytre.archive.volume import Volume, create_volume, open_volume
from luytre.archive.writer import DiskWriter
from luytre.base.clock import SYSTEM, ManualClock
from luytre.base.ids import uuid7

QUICK_S = 60.0
# Boxes are walked and marks compared beside the hashing.
DEARER_THAN_HASHING = 1.3
PART_BYTES = 1_000_000
_READ = 1 << 20


@dataclass(frozen=True, slots=True)
class Size:
    cameras: int
    days: int
    full_bytes: int


LONG, SHORT = Size(127, 30, 4 << 30), Size(4, 2, 64 << 20)


def quick(folder: Path, size: Size) -> tuple[list[Number], list[str]]:
    month = synthetic.Month(size.cameras, size.days, END_US)
    kept = folder / f"files-{size.cameras}-{size.days}"
    synthetic.build(kept, month, files=True)
    clock = ManualClock(END_US)
    began_s = SYSTEM.monotonic_s()
    found = check(kept, clock=clock, quick=True)
    took_s = SYSTEM.monotonic_s() - began_s
    scaled_s = took_s * 1e6 / month.segments
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    numbers = [
        Number(f"quick check of {month.segments} segments", took_s, "s"),
        Number("the same per 1,000,000 segments", scaled_s, "s", QUICK_S),
        Number("most memory of the process", memory, "MiB"),
    ]
    return numbers, [f"{f.path}: {f.message}" for f in found if f.severity == "error"]


def fill(path: Path, size: int) -> Volume:
    """Four cameras in segments of five minutes, of `size` bytes together."""
    clock = ManualClock(END_US)
    create_volume(path, clock)
    volume = open_volume(path)
    writer = DiskWriter(volume, clock=clock)
    writer.start()
    writer.ready.result(30)
    dice = random.Random(3)
    handles = []
    for number in range(4):
        writer.take_up(synthetic.key(number), synthetic.code(number)).result(30)
        handles.append(
            RunHandle(synthetic.key(number), synthetic.code(number), uuid7(clock).hex, synthetic.INIT)
        )
    for turn in range(size // PART_BYTES // len(handles)):
        at_us = END_US + turn * synthetic.PART_S * 1_000_000
        for handle in handles:
            writer.write(handle, synthetic.part(turn, at_us, PART_BYTES, dice))
        clock.advance(synthetic.PART_S)
        # In its turn: no more than one part of each waits.
        writer.take_up(handles[0].key, handles[0].code).result(60)
    for handle in handles:
        writer.end(handle, "stalled")
    writer.stop()
    writer.join(60)
    return volume


def forget(volume: Volume) -> None:
    for path in volume.video_path.rglob("*.mp4"):
        with path.open("rb") as file:
            os.fdatasync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_all(volume: Volume, use: Callable[[memoryview], object]) -> int:
    buffer = bytearray(_READ)
    view, total = memoryview(buffer), 0
    for path in sorted(volume.video_path.rglob("*.mp4")):
        with path.open("rb", buffering=0) as file:
            while count := file.readinto(buffer):
                use(view[:count])
                total += count
    return total


def timed(what: Callable[[], object]) -> float:
    began_s = SYSTEM.monotonic_s()
    what()
    return SYSTEM.monotonic_s() - began_s


def full(folder: Path, size: Size) -> tuple[list[Number], list[str]]:
    path = folder / "full"
    shutil.rmtree(path, ignore_errors=True)
    complaints: list[str] = []
    try:
        volume = fill(path, size.full_bytes)
        total = sum(file.stat().st_size for file in volume.video_path.rglob("*.mp4")) / 1e6
        digest = sha256()
        took_s = []
        clock = ManualClock(END_US + 30 * 86_400_000_000)
        for what in (
            lambda: read_all(volume, lambda _: None),
            lambda: read_all(volume, digest.update),
            lambda: complaints.extend(f"{f.path}: {f.message}" for f in check(path, clock=clock)),
        ):
            forget(volume)
            took_s.append(timed(what))
    finally:
        shutil.rmtree(path, ignore_errors=True)
    read_s, hash_s, check_s = took_s
    numbers = [
        Number("reading the files, cold", total / read_s, "MB/s"),
        Number("reading and SHA-256", total / hash_s, "MB/s"),
        Number("full check", total / check_s, "MB/s"),
        Number("full check / reading and SHA-256, time", check_s / hash_s, "", DEARER_THAN_HASHING),
    ]
    return numbers, complaints


def measure(folder: Path, size: Size) -> Report:
    numbers, complaints = quick(folder, size)
    more, others = full(folder, size)
    how = (
        f"Names and sizes of {size.cameras} cameras over {size.days} days; every byte of"
        f" {size.full_bytes / 2**30:.2g} GiB of segments of noise."
    )
    return Report("check", how, [*numbers, *more], [*complaints, *others])


def main() -> int:
    given = arguments("What a check costs.", "/tmp/luytre-bench-check").parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return tell(measure(folder, SHORT if given.short else LONG), given)


if __name__ == "__main__":
    sys.exit(main())
