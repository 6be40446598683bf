"""A disk that does not keep up: the run ends at its budget with cause `disk_slow`, and recording goes on by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from luytre.archive.keys import Cause
from luytre.media.tracks import Sample
from luytre.recorder import run as run_module
from tests.archive.faulty import FaultyDisk
from tests.media.clips import encode_video
from tests.recorder.camera import CODE, KEY, Bench, Sender, client_track, in_band

# Ten seconds of the pictures below.
BUDGET = 1_000_000
CLIP_S = 6


@pytest.fixture
def disk() -> FaultyDisk:
    return FaultyDisk()


@pytest.fixture
def bench(tmp_path: Path, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(run_module, "BUDGET_BYTES", BUDGET)
    monkeypatch.setattr("luytre.recorder.outlet.BUDGET_BYTES", BUDGET)
    made = Bench(tmp_path, disk=disk)
    yield made
    made.writer.stop()
    made.writer.join(30)


def loops() -> Iterator[list[Sample]]:
    """Six seconds of pictures of 4 kB, again and again."""
    clip = in_band(encode_video("h264", frames=25 * CLIP_S, gop=25))
    ticks = 0
    while True:
        yield [Sample(s.pts + ticks, s.data + b"\0\0\x0f\xa0\x0c" + bytes(3999), s.key) for s in clip]
        ticks += CLIP_S * 90_000


def test_a_write_that_hangs_for_half_a_minute(bench: Bench, disk: FaultyDisk) -> None:
    material, sender = loops(), Sender()
    ingest = bench.ingest(client_track("h264"))
    bench.play(ingest, sender, next(material))
    assert ingest.is_recording
    bench.writer.take_up(KEY, CODE).result(30)
    disk.hang("write")
    for _ in range(5):
        bench.play(ingest, sender, next(material))
    assert disk.waiting.wait(30)
    assert ingest.blocked == Cause.DISK_SLOW
    assert not ingest.is_recording
    disk.let_through()
    # Everything that waited is written when the writer answers.
    bench.floor_us = bench.writer.take_up(KEY, CODE).result(30)
    for _ in range(2):
        bench.play(ingest, sender, next(material))
        bench.floor_us = bench.writer.take_up(KEY, CODE).result(30)
