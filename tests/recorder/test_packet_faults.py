"""Cameras whose packets and answers are wrong, each in its own way, through the real recorder into a real volume.

All are recorded at once, over each transport; the tests then look at what is kept: never worse than what the camera left
out, every second accounted for, and an archive without a flaw.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pytest

from luytre.archive.check import Finding
from luytre.archive.keys import Coverage, Span
from luytre.base.clock import SYSTEM
from luytre.media.tracks import Sample
from luytre.recorder.plan import Transport
from luytre.recorder.state import StreamState
from luytre.simulator.camera import Camera
from luytre.simulator.clips import read
from luytre.simulator.faults import CATALOGUE, HEALTHY, HOPELESS, Tally
from luytre.simulator.reels import Reel
from luytre.simulator.server import Simulator
from luytre.simulator.sources import TICKS, Unit
from tests.media.clips import Coded, encode_video
from tests.peers.clips import make_clip
from tests.recorder.kept import kept, length_s, nals_of, numbers, slices, spoiled
from tests.recorder.ward import Ear, Ward, reel

pytestmark = pytest.mark.slow
RECORD_S, DEADLINE_S = 8.0, 30.0
FPS = 20
TRANSPORTS: tuple[Transport, ...] = ("tcp", "udp")
# After a jump in time a new run waits for the next keyframe: of a GOP of ten pictures so many are not kept.
GOP = FPS // 2


@dataclass(frozen=True)
class Shown:
    """What a camera loops: its reel, and the coded pictures of each access unit, which all differ."""

    reel: Reel
    pictures: list[bytes]


def noise(path: Path) -> Shown:
    """80 pictures of five packets and more."""
    footage = read(make_clip(path, seconds=4.0, fps=FPS))
    shown = Reel(footage.units, footage.picture, footage.length)
    return Shown(shown, [slices(unit.nals, "h264") for unit in footage.units])


def coded_at(coded: Coded, fps: float) -> Shown:
    """The pictures at another rate than their parameter sets may say."""
    step, sent = round(TICKS / fps), coded.frame_ticks
    samples = [Sample(s.pts * step // sent, s.data, s.key) for s in coded.samples]
    codec = getattr(coded.track, "codec", "h264")
    found = [slices(nals_of(sample), codec) for sample in samples]
    return Shown(reel(replace(coded, samples=samples, frame_ticks=step)), found)


def bursts() -> Shown:
    """Every two seconds 1.25 MB at once, which are 50 Mb/s for the fifth of a second that the picture lasts. Filler (NAL
    unit type 12) does no decoder any harm.
    """
    coded, step = encode_video("h264", frames=50, gop=1), TICKS // 5
    filler = b"\x0c" + b"\xff" * 1_250_000
    sets = getattr(coded.track, "parameter_sets", ())
    nals = [nals_of(sample) for sample in coded.samples]
    units = [
        Unit(n * step, n * step, True, (*sets, *some, *[filler] * (n % 10 == 5)))
        for n, some in enumerate(nals)
    ]
    return Shown(
        Reel(units, reel(coded).picture(), len(units) * step), [slices(some, "h264") for some in nals]
    )


SOURCES: dict[str, Callable[[], Shown]] = {
    "long gop": lambda: coded_at(encode_video("h264", frames=100, gop=100, fps=10), 10),
    "open gop": lambda: coded_at(
        encode_video("h265", frames=50, gop=25, b_frames=2, params=":open-gop=1"), 25
    ),
    "bursts": bursts,
    "untrue rate": lambda: coded_at(encode_video("h264", frames=84, gop=21, fps=25), 21),
}
NAMES = ["healthy", *CATALOGUE, *(name for name in SOURCES if name not in CATALOGUE)]
KEPT = [name for name in NAMES if name not in HOPELESS]


@dataclass
class Record:
    """Of one camera. `pictures`: which of its loop each recorded one is, None where it is damaged; `ticks` their times."""

    states: list[StreamState]
    coverage: Coverage
    pictures: list[int | None]
    ticks: list[int]
    loop: int
    tally: Tally


@dataclass
class Day:
    cameras: dict[str, Record]
    findings: list[Finding]
    until_us: int
    transport: Transport


def look_at(ward: Ward, ear: Ear, name: str, camera: Camera, shown: Shown) -> Record:
    samples = kept(ward, name)
    found = numbers(samples, shown.pictures, shown.reel.picture().codec)
    ticks = [sample.pts for sample in samples]
    return Record(ear.of(name), ward.coverage(name), found, ticks, len(shown.pictures), camera.tally)


async def a_day(folder: Path, transport: Transport) -> Day:
    plain = noise(folder / "clip.mp4")
    shown = {name: SOURCES[name]() if name in SOURCES else plain for name in NAMES}
    cameras = {name: Camera(number, {"main": shown[name].reel}) for number, name in enumerate(NAMES, 1)}
    for name, camera in cameras.items():
        camera.faults = CATALOGUE.get(name, HEALTHY)
    ward = Ward(folder / "node")
    async with Simulator(list(cameras.values())) as simulator:
        for name, camera in cameras.items():
            word = name.replace(" ", "-")
            ward.add(word, simulator.url(camera.number))
            ward.streams[word] = replace(ward.streams[word], transport=transport)
        ward.write()
        async with ward.recording() as ear:
            # Who does not come to it fails its own test, not those of the others.
            with suppress(AssertionError):
                await ear.until(
                    lambda: all(length_s(ward.coverage(name.replace(" ", "-"))) >= RECORD_S for name in KEPT),
                    "all are recorded",
                    DEADLINE_S,
                )
    until_us = SYSTEM.wall_us()
    records = {
        name: look_at(ward, ear, name.replace(" ", "-"), camera, shown[name])
        for name, camera in cameras.items()
    }
    return Day(records, ward.check(), until_us, transport)


@pytest.fixture(
    scope="module",
    params=TRANSPORTS,
)
def day(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Day:
    return asyncio.run(a_day(tmp_path_factory.mktemp("faults"), request.param))


def test_the_archive_is_without_a_flaw(day: Day) -> None:
    assert day.findings == []


@pytest.mark.parametrize("name", NAMES)
def test_every_second_is_recorded_or_has_a_cause(day: Day, name: str) -> None:
    coverage = day.cameras[name].coverage
    told = [Span(gap.start_us, gap.end_us or day.until_us) for gap in coverage.gaps]
    known = sorted([*coverage.spans, *told], key=lambda span: span.start_us)
    assert all(before.end_us == after.start_us for before, after in pairwise(known))
    assert known[-1].end_us >= day.until_us


@pytest.mark.parametrize("name", KEPT)
def test_no_picture_is_spoiled_that_came_whole(day: Day, name: str) -> None:
    record, faults = day.cameras[name], CATALOGUE.get(name, HEALTHY).packets
    tally = record.tally
    allowed = tally.hurt + (tally.breaks * GOP if faults.time_jump else 0)
    if day.transport == "tcp":
        # Inside a stream nothing is ever late or doubled, and so nothing is put in order: at most these pictures suffer.
        allowed += tally.doubled + 2 * tally.late
    assert spoiled(record.pictures, record.loop) <= allowed
    assert len(record.pictures) >= RECORD_S * 5 - 1


@pytest.mark.parametrize("name", sorted(HOPELESS))
def test_what_cannot_be_recorded_says_why(day: Day, name: str) -> None:
    record = day.cameras[name]
    assert not record.coverage.spans
    assert {gap.cause for gap in record.coverage.gaps} & {"stalled", "timeout"}


def test_the_healthy_camera_never_stops(day: Day) -> None:
    record = day.cameras["healthy"]
    assert (len(record.coverage.spans), spoiled(record.pictures, record.loop)) == (1, 0)


@pytest.mark.parametrize("name", KEPT)
def test_media_came_the_way_that_was_asked_for(day: Day, name: str) -> None:
    assert {s.transport for s in day.cameras[name].states if s.state == "recording"} == {day.transport}


def test_times_are_those_of_the_camera(day: Day) -> None:
    steps = {after - before for before, after in pairwise(day.cameras["untrue rate"].ticks)}
    assert steps == {round(TICKS / 21)}
