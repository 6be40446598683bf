"""How much of a hard disk's time recording takes: write requests that reach a disk, counted, and what they would cost.

    sudo python bench/disk_time.py [--files 254] [--interval 30] [--mb 0.5] [--journal]

Appends to many open files through the seam to the disk, onto an ext4 in a file, and reads the kernel's counters.
A disk of 50 seeks/s pays 20 ms for each request (none is taken to be next to the one before), and 150 MB/s for the bytes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from luytre.archive.disk import Disk, OsDisk, flush
from luytre.archive.journal import create_journal
from luytre.archive.journaled import JournaledDisk
from luytre.base.clock import ManualClock

SEEK_S = 0.020
BYTES_PER_S = 150e6
CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Trace:
    """Write requests and bytes that reached the disk before its flush was due, and in all, in one interval."""

    early: int
    requests: int
    bytes: int

    def share(self, interval_s: float) -> float:
        """Of the time of a disk of 50 seeks/s."""
        return (self.requests * SEEK_S + self.bytes / BYTES_PER_S) / interval_s


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """An ext4 of its own, mounted as the design advises for a disk with a journal. Needs root."""
    image, root = folder / "disk.img", folder / "disk"
    with image.open("wb") as file:
        file.truncate(size)
    subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=0", str(image)], check=True, timeout=120)
    root.mkdir()
    subprocess.run(["mount", "-o", "loop,noatime,commit=60", str(image), str(root)], check=True, timeout=60)
    try:
        yield root
    finally:
        subprocess.run(["umount", str(root)], check=True, timeout=120)


def counters(root: Path) -> tuple[int, int]:
    """(write requests, bytes written) of the device below `root`. Linux, Documentation/block/stat.rst."""
    number = os.stat(root).st_dev
    fields = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}/stat").read_text().split()
    return int(fields[4]), int(fields[6]) * 512


def trace(
    root: Path, quick: Path | None, files: int, chunks: int, intervals: int = 3, ticks: int = 3
) -> list[Trace]:
    """Each interval: `chunks` chunks to each of `files` open files, in turns, with `ticks` flushes of the journal in
    between, then the flush of the disk. `quick`: the journal's folder, None without one.
    """
    clock = ManualClock()
    disk: Disk = OsDisk()
    if quick is not None:
        create_journal(quick)
        disk = JournaledDisk(OsDisk(), quick, 30.0, clock=clock)
    disk.begin(root, "018f0000-0000-7000-8000-000000000001")
    fds = [disk.create(root / "video" / f"{number:03}" / "segment.mp4") for number in range(files)]
    flush(OsDisk(), root)
    found = []
    for _ in range(intervals):
        before = counters(root)
        for chunk in range(chunks):
            for fd in fds:
                disk.write(fd, [os.urandom(CHUNK)])
            if quick is not None and chunk % -(-chunks // ticks) == 0:
                clock.advance(2.0)
                flush(disk, root)
        early = counters(root)
        # With a journal this is what its thread does in the background.
        flush(OsDisk(), root)
        after = counters(root)
        found.append(Trace(early[0] - before[0], after[0] - before[0], after[1] - before[1]))
    for fd in fds:
        disk.close(fd)
    disk.end()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=254)
    parser.add_argument(
        "--interval", type=float, default=30.0, help="seconds between two flushes of the disk"
    )
    parser.add_argument("--mb", type=float, default=0.5, help="MB per file and interval")
    parser.add_argument("--journal", action="store_true")
    asked = parser.parse_args()
    chunks = max(round(asked.mb * 1e6 / CHUNK), 1)
    with tempfile.TemporaryDirectory() as folder:
        size = asked.files * chunks * CHUNK * 4 + (256 << 20)
        with small_disk(Path(folder), size) as root:
            quick = Path(folder) / "quick" if asked.journal else None
            for one in trace(root, quick, asked.files, chunks):
                print(
                    f"{one.early:6} requests before the flush, {one.requests:6} in all,"
                    f" {one.bytes / 1e6:8.1f} MB: {one.share(asked.interval):6.1%} of a disk of 50 seeks/s"
                )


if __name__ == "__main__":
    main()
