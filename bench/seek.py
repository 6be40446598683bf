"""How quickly a moment of three weeks ago is there, in a month of 127 cameras.

    python bench/seek.py [--short] [--json] [--write] [--folder F]

Promises   each look begins with a new Archive, as the web's does: connection, index lookup, the segment's tail, then the
           whole first part. "cold": neither the file's nor the index's pages are in memory before it.
Does not   fill a disk: the files are sparse, one real part in each that is looked at. Deleting a sparse file is cheaper than
           deleting a full one.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import synthetic
from bench.promises import Number, Report, arguments, quantile, tell
from luytre.archive.catalog import Archive
from luytre.archive.index import US_PER_DAY, Index
from luytre.archive.keeper import Keeper
from luytre.archive.keys import Span
from luytre.archive.open_segment import Part, RunHandle
from luytre.archive.playback import init_bytes, parts_in
from luytre.archive.promise import Promise
from luytre.archive.retention import Policy
from luytre.archive.segment import FileReader
from luytre.archive.volume import Volume, open_volume
from luytre.archive.writer import DiskWriter
from luytre.base.clock import SYSTEM, ManualClock
from luytre.base.ids import uuid7

# 2026-11-22T00:00:00Z: the month ends here, whatever day it is.
END_US = 1_795_305_600_000_000
PART_BYTES = 250_000
FIRST_BYTE_MS, BITMAP_MS, RETENTION_S, STALL_MS = 50.0, 20.0, 30.0, 100.0


@dataclass(frozen=True, slots=True)
class Size:
    cameras: int
    days: int
    looks: int


LONG, SHORT = Size(127, 30, 300), Size(6, 3, 20)


@dataclass(frozen=True, slots=True)
class Look:
    camera: int
    at_us: int
    path: Path


def choose(volume: Volume, size: Size) -> list[Look]:
    """Random moments, with the files they lie in."""
    dice = random.Random(size.looks)
    index = Index(volume.index_path, volume.id)
    found = []
    try:
        with index.transaction():
            for _ in range(size.looks):
                camera = dice.randrange(size.cameras)
                # The oldest day is what retention deletes.
                at_us = END_US - dice.randrange((size.days - 1) * US_PER_DAY)
                row = index.db.execute(
                    "SELECT s.id, s.start_us, s.end_us FROM segment s JOIN stream t ON t.id = s.stream_id"
                    " WHERE t.camera = ? AND s.start_us <= ? ORDER BY s.start_us DESC LIMIT 1",
                    (synthetic.key(camera).camera, at_us),
                ).fetchone()
                row_id, start_us, end_us = row
                wanted = (min(at_us, end_us - 2_000_000) - start_us) // (synthetic.PART_S * 1_000_000)
                path = synthetic.materialise(volume, index, row_id, wanted, PART_BYTES)
                found.append(Look(camera, start_us + wanted * synthetic.PART_S * 1_000_000 + 1, path))
    finally:
        index.close()
    return found


def forget(*paths: Path) -> None:
    """The kernel drops the pages it keeps of these files (which must be clean)."""
    for path in paths:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fdatasync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(fd)


def first_bytes_ms(volume: Volume, look: Look) -> float:
    """From the question to the last byte of the first part."""
    began_s = SYSTEM.monotonic_s()
    archive = Archive([volume.path], ManualClock(END_US))
    key = synthetic.key(look.camera)
    first = parts_in(archive, key, Span(look.at_us, look.at_us + 10_000_000))[0]
    init = init_bytes(archive, key, first.found.row.run_id)
    with FileReader(first.path) as reader:
        data = reader.read(first.entry.offset, first.entry.size)
    took_ms = (SYSTEM.monotonic_s() - began_s) * 1000
    assert init == synthetic.INIT
    assert first.path == look.path
    assert len(data) == first.entry.size
    assert data[4:8] == b"free"
    return took_ms


def bitmap_ms(volume: Volume, camera: int, day: int) -> float:
    began_s = SYSTEM.monotonic_s()
    archive = Archive([volume.path], ManualClock(END_US))
    start_us = END_US - (day + 1) * US_PER_DAY
    flags = archive.minutes(synthetic.key(camera), start_us, start_us + US_PER_DAY)
    took_ms = (SYSTEM.monotonic_s() - began_s) * 1000
    assert len(flags) == 1440
    assert all(flag & 1 for flag in flags)
    return took_ms


class TimedWriter(DiskWriter):
    """Knows how long each write took; only the writer's thread touches `took_ms`."""

    def __init__(self, volume: Volume, clock: ManualClock) -> None:
        super().__init__(volume, clock=clock)
        self.took_ms: list[float] = []

    def _write(self, run: RunHandle, part: Part) -> None:
        began_s = SYSTEM.monotonic_s()
        super()._write(run, part)
        self.took_ms.append((SYSTEM.monotonic_s() - began_s) * 1000)


class Recording(threading.Thread):
    """All cameras at once while retention is at work: a part every 2 s each, in new runs often, since it is the beginning of
    a segment that needs the index.
    """

    def __init__(self, volume: Volume, cameras: int) -> None:
        super().__init__(daemon=True)
        self._clock = ManualClock(END_US)
        self._cameras = cameras
        self.writer = TimedWriter(volume, self._clock)
        self._enough = threading.Event()
        # Each camera has been written once.
        self.going = threading.Event()
        self.segments = 0

    def run(self) -> None:
        writer = self.writer
        writer.start()
        writer.ready.result(60)
        for number in range(self._cameras):
            writer.take_up(synthetic.key(number), synthetic.code(number)).result(60)
        dice = random.Random(1)
        turn = 0
        while not self._enough.wait(synthetic.PART_S / self._cameras):
            number, turn = turn % self._cameras, turn + 1
            if number == 0:
                self._clock.advance(synthetic.PART_S)
            # Each part is a run of its own: two transactions where a ward has one in five minutes.
            key, run = synthetic.key(number), uuid7(SYSTEM).hex
            handle = RunHandle(key, synthetic.code(number), run, synthetic.INIT)
            writer.write(handle, synthetic.part(0, self._clock.wall_us(), PART_BYTES, dice))
            writer.end(handle, "stalled")
            self.segments += 1
            if turn == self._cameras:
                self.going.set()
        writer.stop()
        writer.join(60)

    def finish(self) -> None:
        self._enough.set()
        self.join(90)


def retention(volume: Volume, size: Size) -> tuple[float, int, list[float], int]:
    """(seconds, segments deleted, what each write took in ms, segments begun) of sweeping the oldest day."""
    oldest = [path for number in range(size.cameras) for path in _oldest_files(volume, number)]
    for path in oldest:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(37_500_000)
    os.sync()
    recording = Recording(volume, size.cameras)
    recording.start()
    assert recording.going.wait(120)
    promise = Promise(days=1, keep_days=size.days - 1, sub_days=1, sub_keep_days=size.days - 1)
    keeper = Keeper(volume, lambda: Policy((promise,), None, 0), clock=ManualClock(END_US))
    began_s = SYSTEM.monotonic_s()
    done = keeper.turn()
    took_s = SYSTEM.monotonic_s() - began_s
    recording.finish()
    assert done.segments >= len(oldest), f"{done.segments} of {len(oldest)} went"
    assert not any(path.exists() for path in oldest)
    return took_s, done.segments, recording.writer.took_ms, recording.segments


def _oldest_files(volume: Volume, number: int) -> list[Path]:
    index = Index(volume.index_path, volume.id)
    try:
        rows = index.db.execute(
            "SELECT path FROM segment WHERE stream_id = (SELECT id FROM stream WHERE camera = ?)"
            " ORDER BY start_us LIMIT ?",
            (synthetic.key(number).camera, synthetic.PER_DAY),
        ).fetchall()
    finally:
        index.close()
    return [volume.path / path for (path,) in rows]


def measure(folder: Path, size: Size) -> Report:
    kept = folder / f"month-{size.cameras}-{size.days}"
    began_s = SYSTEM.monotonic_s()
    month = synthetic.Month(size.cameras, size.days, END_US)
    synthetic.build(kept, month, files=False)
    print(f"index of {month.segments} segments: {SYSTEM.monotonic_s() - began_s:.0f} s", file=sys.stderr)
    # What is measured on is a copy: retention changes it.
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(kept, work)
    volume = open_volume(work)
    try:
        return _measure(volume, size, month)
    finally:
        shutil.rmtree(work)


def _measure(volume: Volume, size: Size, month: synthetic.Month) -> Report:
    looks = choose(volume, size)
    index_files = [volume.index_path]
    cold: list[float] = []
    warm_index: list[float] = []
    for number, look in enumerate(looks):
        # Half of them find the index in memory, as on a node that is looked at every day.
        forget(look.path, *(index_files if number % 2 else ()))
        (cold if number % 2 else warm_index).append(first_bytes_ms(volume, look))
    again = [first_bytes_ms(volume, look) for look in looks]
    dice = random.Random(2)
    bitmaps = []
    for number in range(size.looks):
        if number % 2:
            forget(*index_files)
        bitmaps.append(bitmap_ms(volume, dice.randrange(size.cameras), dice.randrange(size.days - 1)))
    took_s, deleted, writes, begun = retention(volume, size)
    how = (
        f"{size.cameras} cameras, {size.days} days, {month.segments} segments in an index of"
        f" {volume.index_path.stat().st_size / 2**20:.0f} MiB; {size.looks} random moments. While a day of all cameras was"
        f" deleted ({deleted} sparse files), {begun} segments were begun and written."
    )
    return Report(
        "seek",
        how,
        [
            Number("first part, index and file cold, p50", quantile(cold, 0.5), "ms"),
            Number("first part, index and file cold, p99", quantile(cold, 0.99), "ms", FIRST_BYTE_MS),
            Number("first part, file cold, p99", quantile(warm_index, 0.99), "ms", FIRST_BYTE_MS),
            Number("first part, looked at before, p99", quantile(again, 0.99), "ms", FIRST_BYTE_MS),
            Number("a day's minutes, p50", quantile(bitmaps, 0.5), "ms"),
            Number("a day's minutes, p99", quantile(bitmaps, 0.99), "ms", BITMAP_MS),
            Number("a day of retention over all cameras", took_s, "s", RETENTION_S),
            Number("a write meanwhile, p99", quantile(writes, 0.99), "ms"),
            Number("a write meanwhile, the longest", max(writes), "ms", STALL_MS),
        ],
    )


def main() -> int:
    given = arguments("How quickly a moment of weeks ago is there.", "/tmp/luytre-bench-seek").parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return tell(measure(folder, SHORT if given.short else LONG), given)


if __name__ == "__main__":
    sys.exit(main())
