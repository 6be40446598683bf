"""How much of a hard disk's time recording takes: write requests that reach a disk, counted, and what they would cost.

    sudo python bench/disk_time.py [--files 254] [--interval 30] [--mb 0.5] [--journal]

Appends to many open files through the seam to the disk, onto an ext4 in a file, and reads the kernel's counters and its
trace of requests. A disk of 50 seeks/s pays 20 ms for each request that does not begin where the one before ended (for each
request at all where there is no trace to read), and 150 MB/s for the bytes.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from luytre.archive.disk import Disk, OsDisk, flush
from luytre.archive.journal import create_journal
from luytre.archive.journaled import JournaledDisk
from luytre.base.clock import ManualClock

SEEK_S = 0.020
BYTES_PER_S = 150e6
CHUNK = 1 << 16
TRACEFS = Path("/sys/kernel/tracing")
# `... block_rq_issue: 7,0 W 1310720 () 264192 + 2560 none,0,0 [kworker]`: a write, its first sector, its sectors.
_REQUEST = re.compile(r"block_rq_issue: \d+,\d+ \w*W\w* \d+ \(.*?\) (\d+) \+ (\d+) ")


@dataclass(frozen=True, slots=True)
class Trace:
    """Write requests that reached the disk in one interval: before its flush was due, in all, those that needed a seek; and
    their bytes.
    """

    early: int
    requests: int
    seeks: int
    bytes: int

    def share(self, interval_s: float) -> float:
        """Of the time of a disk of 50 seeks/s."""
        return (self.seeks * SEEK_S + self.bytes / BYTES_PER_S) / interval_s


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


class Requests:
    """The kernel's trace of the write requests to one device, in a buffer of its own (tracefs, block_rq_issue). Nothing
    where tracefs is not mounted or not ours to use.
    """

    def __init__(self, root: Path) -> None:
        number = os.stat(root).st_dev
        self._folder = TRACEFS / "instances" / f"luytre-{os.getpid()}"
        self._is_on = False
        try:
            self._folder.mkdir()
            event = self._folder / "events" / "block" / "block_rq_issue"
            (self._folder / "buffer_size_kb").write_text("8192")
            (event / "filter").write_text(f"dev == {os.major(number) << 20 | os.minor(number)}")
            (event / "enable").write_text("1")
            self._is_on = True
        except OSError:
            self.close()

    def seeks(self) -> int | None:
        """Of the requests since the last look, how many did not begin where the one before ended."""
        if not self._is_on:
            return None
        found, end = 0, -1
        for line in (self._folder / "trace").read_text().splitlines():
            match = _REQUEST.search(line)
            if match is not None:
                found += int(match[1]) != end
                end = int(match[1]) + int(match[2])
        (self._folder / "trace").write_text("")
        return found

    def close(self) -> None:
        with suppress(OSError):
            self._folder.rmdir()


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
    traced = Requests(root)
    traced.seeks()
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
        requests, seeks = after[0] - before[0], traced.seeks()
        found.append(
            Trace(early[0] - before[0], requests, requests if seeks is None else seeks, after[1] - before[1])
        )
    traced.close()
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
                    f"{one.early:6} requests before the flush, {one.requests:6} in all, {one.seeks:6} seeks,"
                    f" {one.bytes / 1e6:8.1f} MB: {one.share(asked.interval):6.1%} of a disk of 50 seeks/s"
                )


if __name__ == "__main__":
    main()
