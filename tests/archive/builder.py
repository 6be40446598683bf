"""Makes real volumes for the tests: clips encoded by PyAV, cut into parts as the recorder does, written by the real
writer.

Promises   everything on the disk went through DiskWriter; the clock is a ManualClock, so nothing waits.
Does not   know sockets or cameras.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path

from luytre.archive.catalog import Archive
from luytre.archive.disk import Disk
from luytre.archive.health import RETRY_S
from luytre.archive.index import Index
from luytre.archive.keeper import Keeper
from luytre.archive.keys import StreamKey
from luytre.archive.open_segment import Part, RunHandle
from luytre.archive.promise import Promise
from luytre.archive.retention import Policy, Sweep
from luytre.archive.volume import Volume, create_volume, open_volume
from luytre.archive.writer import DiskWriter
from luytre.base.clock import ManualClock
from luytre.base.ids import uuid7
from luytre.media.fmp4.write import TrackPart, init_segment, part_header
from tests.archive.faulty import Killed
from tests.archive.power import PowerDisk
from tests.media import clips
from tests.media.clips import Coded, Placed

KEY = StreamKey("018f0000-0000-7000-8000-000000000001", "main")
OTHER = StreamKey("018f0000-0000-7000-8000-000000000002", "main")
SUB = StreamKey(KEY.camera, "sub")
CODES = {KEY: "cong-truoc", OTHER: "ngo-12", SUB: "cong-truoc"}
# 2026-11-22T07:04:40Z
START_US = 1_795_331_080_000_000


def keep(days: float, max_bytes: int | None = None, reserve_bytes: int = 0) -> Policy:
    """A policy of one class."""
    promise = Promise(days=days, keep_days=days, sub_days=days, sub_keep_days=days)
    return Policy((promise,), max_bytes, reserve_bytes)


KEEP_ALL = keep(days=3650, reserve_bytes=0)


@cache
def video(b_frames: int = 0, gop: int = 10, frames: int = 40, extra: str = "", codec: str = "h264") -> Coded:
    """25 pictures a second. `extra`: encoder parameters that make other parameter sets."""
    return clips.encode_video(codec, b_frames=b_frames, gop=gop, frames=frames, params=extra)


@cache
def audio(frames: int = 75, rate: int = 48000) -> Coded:
    return clips.encode_audio(frames=frames, rate=rate)


@dataclass(frozen=True)
class Wanted:
    """A sample that was written: what must come out again."""

    pts_us: int
    data: bytes
    key: bool


def move(part: TrackPart, ticks: int) -> TrackPart:
    return TrackPart(part.track_id, part.base_ticks + ticks, part.samples)


def split(placed: Placed, pieces: int) -> list[Placed]:
    """A GOP cut into parts of which only the first begins with a keyframe. Sound stays with the first."""
    track, *others = placed.parts
    count = len(track.samples)
    sound = placed.data[count:]
    found = []
    for number in range(pieces):
        first, last = count * number // pieces, count * (number + 1) // pieces
        base = track.base_ticks + sum(s.duration for s in track.samples[:first])
        parts = [TrackPart(track.track_id, base, track.samples[first:last])]
        data = placed.data[first:last]
        if not number:
            parts, data = parts + others, data + sound
        found.append(Placed(parts, data))
    return found


@dataclass
class Feed:
    """One run: loops its clip and gives one part after the other, touching in ticks and in wall time."""

    key: StreamKey
    coded: tuple[Coded, ...]
    at_us: int
    pieces: int = 1
    # Nodes' clocks and cameras' run apart: wall time of a tick, in parts per million.
    ppm: int = 0
    handle: RunHandle = field(init=False)
    sequence: int = 0
    ticks: int = 0
    parts: list[Part] = field(default_factory=list)
    samples: list[list[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        init = init_segment([one.track for one in self.coded])
        code = CODES[self.key]
        self.handle = RunHandle(self.key, code, uuid7(ManualClock(self.at_us)).hex, init)
        self.samples = [[] for _ in self.coded]
        self.start_us = self.at_us
        self._endless = self._loop()

    def take(self, count: int) -> Iterator[Part]:
        """The next parts, each made when its turn comes."""
        return islice(self._endless, count)

    def _loop(self) -> Iterator[Part]:
        while True:
            loop = self.ticks
            for whole in clips.placed(self.coded):
                for placed in split(whole, self.pieces):
                    yield self._part(placed, loop)

    def _part(self, placed: Placed, loop: int) -> Part:
        self.sequence += 1
        tracks = [
            move(part, loop * one.track.timescale // 90_000)
            for part, one in zip(placed.parts, self.coded, strict=False)
        ]
        start_us = self.at_us
        head = part_header(self.sequence, tracks, start_us)
        duration = sum(sample.duration for sample in tracks[0].samples)
        assert tracks[0].base_ticks == self.ticks
        self.ticks += duration
        media_us = self.ticks * 1_000_000 // 90_000
        self.at_us = self.start_us + media_us + media_us * self.ppm // 1_000_000
        buffers = [head, *placed.data]
        key = tracks[0].samples[0].key
        size = sum(map(len, buffers))
        part = Part(buffers, size, self.ticks - duration, duration, start_us, self.at_us, key)
        self.parts.append(part)
        data = iter(placed.data)
        for number, track in enumerate(tracks):
            self.samples[number] += [next(data) for _ in track.samples]
        return part

    @property
    def end_us(self) -> int:
        return self.at_us


class MortalWriter(DiskWriter):
    """A writer that can be killed."""

    def run(self) -> None:
        with suppress(Killed):
            super().run()

    def kill(self) -> None:
        """It dies before the next command."""
        self._commands.put(self._die)
        self.join(30)
        assert not self.is_alive()

    def _die(self) -> None:
        raise Killed

    @property
    def database(self) -> sqlite3.Connection:
        """Its own connection, for tests that hurt it."""
        return self._index.db

    def close_index(self) -> None:
        """What the kernel does for a process that died."""
        self._index.close()


class Ward:
    """A volume with a writer at work. Commands are carried out by the writer's thread; `settle` waits for it."""

    def __init__(self, path: Path, clock: ManualClock, segment_s: float, disk: Disk | None = None) -> None:
        create_volume(path, clock)
        self.volume: Volume = open_volume(path)
        self.clock = clock
        self.segment_s = segment_s
        self.disk = disk
        self.errors: list[str] = []
        self.full = 0
        self.writer = self._make()

    def _make(self) -> MortalWriter:
        writer = MortalWriter(
            self.volume,
            segment_s=self.segment_s,
            clock=self.clock,
            disk=self.disk,
            on_full=self._on_full,
            on_error=self.errors.append,
        )
        writer.start()
        writer.ready.result(30)
        return writer

    def _on_full(self) -> None:
        self.full += 1

    @property
    def path(self) -> Path:
        return self.volume.path

    def take_up(self, *keys: StreamKey) -> int:
        """Gives the floor of the last stream."""
        floor = 0
        for key in keys:
            floor = self.writer.take_up(key, CODES[key]).result(30)
        return floor

    def settle(self) -> None:
        """Everything handed over is done: take_up answers in its turn. A writer that was killed does not answer."""
        answer = self.writer.take_up(KEY, CODES[KEY])
        while self.writer.is_alive() and not wait([answer], 0.1).done:
            pass

    def write(self, feed: Feed, count: int) -> Feed:
        """The next parts; the clock follows the camera."""
        for part in feed.take(count):
            ahead = part.end_us - self.clock.wall_us()
            if ahead > 0:
                self.clock.advance(ahead / 1e6)
            self.writer.write(feed.handle, part)
        self.settle()
        return feed

    def end(self, feed: Feed, cause: str = "closed_by_camera") -> None:
        self.writer.end(feed.handle, cause)
        self.settle()

    def record(
        self,
        count: int,
        *,
        key: StreamKey = KEY,
        coded: tuple[Coded, ...] | None = None,
        pause_s: float = 0.0,
        cause: str = "closed_by_camera",
        pieces: int = 1,
    ) -> Feed:
        """A whole run of `count` parts that begins now, or `pause_s` later."""
        self.clock.advance(pause_s)
        feed = Feed(key, coded or (video(),), self.clock.wall_us(), pieces)
        self.write(feed, count)
        self.end(feed, cause)
        return feed

    def flush(self) -> None:
        """The writer's next flush, at once."""
        self.clock.advance(3.0)
        self.settle()
        self.settle()

    def forgive(self) -> None:
        """Time enough for the writer to try the disk again."""
        self.clock.advance(RETRY_S + 1)
        self.flush()

    def stop(self) -> None:
        self.writer.stop()
        self.writer.join(30)
        assert not self.writer.is_alive()

    def restart(self) -> None:
        self.stop()
        self.writer = self._make()

    def crash(self, power: random.Random | None = None) -> None:
        """kill -9 of a ward on a PowerDisk; with dice, the power is cut at the same moment. `begin_again` follows."""
        assert isinstance(self.disk, PowerDisk)
        self.writer.kill()
        if power is None:
            self.writer.close_index()
            self.disk.let_go()
        else:
            self.disk.cut(power, self.writer.close_index)

    def begin_again(self) -> None:
        """The process is started again after a crash."""
        self.writer = self._make()

    def sweep(self, policy: Policy = KEEP_ALL, disk: Disk | None = None) -> Sweep:
        """A turn of the keeper, here and now."""
        keeper = Keeper(self.volume, lambda: policy, clock=self.clock, disk=disk, synchronised=lambda: True)
        return keeper.turn()

    @property
    def archive(self) -> Archive:
        return Archive([self.path], self.clock)

    def files(self) -> list[Path]:
        return sorted(self.volume.video_path.glob("*/*/*/*.mp4"))

    @contextmanager
    def index(self) -> Iterator[Index]:
        index = Index(self.volume.index_path, self.volume.id)
        try:
            yield index
        finally:
            index.close()

    def causes(self, key: StreamKey = KEY) -> list[str]:
        """Causes of all gaps, in order of time."""
        with self.index() as index:
            row = index.stream(key)
            assert row is not None
            return [
                cause
                for (cause,) in index.db.execute(
                    "SELECT cause FROM gap WHERE stream_id = ? ORDER BY start_us", (row.id,)
                )
            ]


def concatenated(feeds: Sequence[Feed], track: int = 0) -> list[bytes]:
    return [data for feed in feeds for data in feed.samples[track]]
