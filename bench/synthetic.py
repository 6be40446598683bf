"""A month of archive out of nothing: an index as a ward would have it, and files for as much of it as a bench touches.

Promises   rows, runs, gaps, minutes and chains are those of continuous recording with a short gap per camera and day; the
           chains and sums are right, so that `luytre check --quick` finds nothing where all files were laid down.
Does not   hold pictures: files are sparse, and a filled one has noise where its parts are.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from luytre.archive import segment as fmt
from luytre.archive.chain import GENESIS, MARK_SIZE, leaf_of, link_of, mark
from luytre.archive.index import US_PER_DAY, Index
from luytre.archive.keys import Cause, Gap, StreamKey
from luytre.archive.open_segment import Part
from luytre.archive.promise import STANDARD
from luytre.archive.volume import Volume, create_volume, open_volume
from luytre.media.fmp4.boxes import box
from luytre.media.fmp4.write import PartSample, TrackPart, init_segment, part_header
from luytre.media.tracks import VIDEO_TIMESCALE, VideoTrack

SEGMENT_S, PART_S, FPS = 300, 2, 25
PARTS = SEGMENT_S // PART_S
# Of the last segment of a day, the camera misses so much.
MISSED_US = 2_000_000
US_PER_SEGMENT = SEGMENT_S * 1_000_000
PER_DAY = 86_400 // SEGMENT_S
_ENTRY = box(b"avc1", bytes(78))
INIT = init_segment([VideoTrack("h264", 1920, 1080, (), "avc1.4D401F", _ENTRY)])


def key(number: int) -> StreamKey:
    """The same cameras as those of contenders.py."""
    return StreamKey(f"00000000-0000-7000-8000-{number:012d}", "main")


def code(number: int) -> str:
    return f"CAM{number:03d}"


@dataclass(frozen=True, slots=True)
class Month:
    """What to make: `days` UTC days that end at `end_us`, of segments of `segment_bytes`."""

    cameras: int
    days: int
    end_us: int
    segment_bytes: int = 37_500_000

    @property
    def begin_us(self) -> int:
        return self.end_us - self.days * US_PER_DAY

    @property
    def segments(self) -> int:
        return self.cameras * self.days * PER_DAY


def build(folder: Path, month: Month, *, files: bool) -> Volume:
    """The volume; one that is there already is taken as it is. `files`: lay down all files, sparse, of the right size."""
    done = folder / ".built"
    if not done.exists():
        create_volume(folder)
        volume = open_volume(folder)
        index = Index(volume.index_path, volume.id, create=True)
        try:
            index.db.execute("PRAGMA synchronous = OFF")
            for number in range(month.cameras):
                _fill(index, volume, month, number, files)
            index.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            index.close()
        done.touch()
    return open_volume(folder)


def _fill(index: Index, volume: Volume, month: Month, number: int, files: bool) -> None:
    with index.transaction():
        stream = index.add_stream(key(number), code(number), month.begin_us, STANDARD)
        rows = list(_rows(month, number, stream.id))
        for day in range(month.days):
            start_us = month.begin_us + day * US_PER_DAY
            index.add_run(_run(number, day), stream.id, start_us, INIT)
            end_us = start_us + US_PER_DAY
            index.db.execute(
                "INSERT INTO gap (stream_id, start_us, end_us, cause) VALUES (?, ?, ?, 'stalled')",
                (stream.id, end_us - MISSED_US, end_us),
            )
        index.db.executemany(
            "INSERT INTO segment (stream_id, run_id, seq, path, state, start_us, start_ticks, end_us, end_ticks, bytes,"
            " tail_offset, root, link, error_us, camera_us) VALUES (?, ?, ?, ?, 'closed', ?, ?, ?, ?, ?, ?, ?, ?, 2000, 0)",
            rows,
        )
        first, last = month.begin_us // US_PER_DAY, (month.end_us - 1) // US_PER_DAY
        for utc_day in range(first, last + 1):
            index.write_minutes(stream.id, utc_day, _minutes(month, utc_day))
        index.set_head(stream.id, rows[-1][-1])
        index.add_gap(stream.id, Gap(month.end_us, None, Cause.NODE_STOPPED))
    for row in rows if files else ():
        path = volume.path / row[3]
        if row[2] % PER_DAY == 0 or not path.parent.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
        os.ftruncate(fd, month.segment_bytes)
        os.close(fd)


def _run(number: int, day: int) -> str:
    return sha256(f"{number}/{day}".encode()).hexdigest()[:32]


def _rows(month: Month, number: int, stream_id: int) -> Iterator[tuple[Any, ...]]:
    link = GENESIS
    for day in range(month.days):
        run = _run(number, day)
        for seq in range(PER_DAY):
            start_us = month.begin_us + day * US_PER_DAY + seq * US_PER_SEGMENT
            end_us = start_us + US_PER_SEGMENT - (MISSED_US if seq == PER_DAY - 1 else 0)
            ticks = seq * SEGMENT_S * VIDEO_TIMESCALE
            end_ticks = ticks + (end_us - start_us) * 9 // 100
            path = f"video/{code(number)}/main/{fmt.file_name(run, seq, start_us)}"
            root = sha256(path.encode()).digest()
            link = link_of(link, root)
            size = month.segment_bytes
            yield stream_id, run, seq, path, start_us, ticks, end_us, end_ticks, size, size - 9000, root, link


def _minutes(month: Month, utc_day: int) -> bytes:
    """Recorded from begin to end: the gaps are shorter than a minute."""
    bits = 0
    for minute in range(1440):
        at_us = utc_day * US_PER_DAY + minute * 60_000_000
        if month.begin_us < at_us + 60_000_000 and at_us < month.end_us:
            bits |= 1 << minute
    return bits.to_bytes(180, "little")


def part(number: int, start_us: int, size: int, dice: random.Random) -> Part:
    """Part `number` of a run whose first one begins at tick 0: a picture group of 2 s in about `size` bytes."""
    pictures, ticks = PART_S * FPS, PART_S * VIDEO_TIMESCALE
    samples = [PartSample(ticks // pictures, size // pictures, 0, n == 0) for n in range(pictures)]
    track = TrackPart(1, number * ticks, samples)
    head = part_header(number + 1, [track], start_us)
    data = [dice.randbytes(sample.size) for sample in samples]
    total = len(head) + sum(map(len, data))
    return Part([head, *data], total, number * ticks, ticks, start_us, start_us + PART_S * 1_000_000, True)


def materialise(volume: Volume, index: Index, row_id: int, wanted: int, part_bytes: int) -> Path:
    """Make the file of a row, with its opening, its tail and part `wanted` as they would be; the other parts are holes. The
    row's offsets are brought in line.
    """
    row = index.db.execute(
        "SELECT s.path, s.run_id, s.seq, s.start_us, s.start_ticks, s.end_us, t.camera, t.code, t.name"
        " FROM segment s JOIN stream t ON t.id = s.stream_id WHERE s.id = ?",
        (row_id,),
    ).fetchone()
    name, run, seq, start_us, start_ticks, end_us, camera, told, stream = row
    header = fmt.Header(camera, told, stream, run, seq, start_us, start_ticks, GENESIS.hex(), STANDARD)
    opening = INIT + fmt.header_box(header)
    first = start_ticks // (PART_S * VIDEO_TIMESCALE)
    at_us = start_us + wanted * PART_S * 1_000_000
    real = part(first + wanted, at_us, part_bytes, random.Random(row_id))
    leaf = leaf_of(real.buffers)
    size = real.size + MARK_SIZE
    entries = [
        fmt.PartEntry(
            len(opening) + n * size,
            size,
            (first + n) * PART_S * VIDEO_TIMESCALE,
            PART_S * VIDEO_TIMESCALE,
            start_us + n * PART_S * 1_000_000,
            True,
        )
        for n in range(PARTS)
    ]
    tail = fmt.Tail(end_us, tuple(entries), leaf * PARTS)
    box_of_tail, tail_offset = fmt.tail_box(tail), entries[-1].offset + size
    path: Path = volume.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(opening)
        file.seek(entries[wanted].offset)
        file.write(b"".join([mark(leaf), *real.buffers]))
        file.seek(tail_offset)
        file.write(box_of_tail)
        file.flush()
        os.fsync(file.fileno())
    index.db.execute(
        "UPDATE segment SET bytes = ?, tail_offset = ? WHERE id = ?",
        (tail_offset + len(box_of_tail), tail_offset, row_id),
    )
    return path
