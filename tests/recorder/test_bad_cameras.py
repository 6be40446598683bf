"""A ward where every camera but one is sick: each says why, in state and ledger, and the healthy one never stops.

One recorder records them all at once; the tests then look at what it said and wrote.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from luytre.archive.check import Finding
from luytre.archive.keys import Coverage
from luytre.media.rtsp.auth import Credentials
from luytre.media.rtsp.server import Guard, ServerTrack
from luytre.media.tracks import Sample
from luytre.recorder.state import StreamState
from luytre.simulator.camera import Camera
from luytre.simulator.server import Simulator
from tests.media.clips import Coded, encode_video
from tests.recorder.ward import (
    Speak,
    Ward,
    at_25_fps,
    camera_that,
    clip,
    description,
    port_that,
    reel,
    sender_for,
)

# Camera → what its state and its ledger must say. None: it is recorded all the same.
EXPECTED: dict[str, str | None] = {
    "healthy": None,
    "password": "auth_failed",
    "unnamed": "host_down",
    "refused": "refused",
    "http": "not_rtsp",
    "ssh": "not_rtsp",
    "silent": "timeout",
    "drip": "timeout",
    "slammed": "closed_by_camera",
    "path": "not_found",
    "soundonly": "no_video",
    "mjpeg": "unsupported_codec",
    "busy": "server_error",
    "hangup": "closed_by_camera",
    "noise": "bad_media",
    "noisyrtp": "bad_media",
    "nosets": "no_parameters",
    "nokey": "bad_media",
    "nothing": "stalled",
    "mediadrip": "stalled",
    "inband": None,
    "talker": None,
    "huge": None,
    "frozen": "stalled",
    "closer": "closed_by_camera",
    "changer": None,
}
DRAWN = [
    "healthy",
    "path",
    "soundonly",
    "mjpeg",
    "busy",
    "hangup",
    "noise",
    "noisyrtp",
    "inband",
    "frozen",
    "closer",
    "changer",
]


@dataclass
class Record:
    """What is left when it is over."""

    states: dict[str, list[StreamState]]
    coverage: dict[str, Coverage]
    findings: list[Finding]
    logins: int
    heard: list[bytes]
    fds_before: int
    fds_after: int


async def speaks_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    await writer.drain()


async def speaks_ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    while await reader.read(1000):
        pass


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(1000):
        pass


async def slams_the_door(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for byte in b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: DESCRIBE, SETUP, PLAY\r\n" * 20:
        writer.write(bytes((byte,)))
        await writer.drain()
        await asyncio.sleep(0.1)


def scripted(coded: Coded, heard: list[bytes]) -> dict[str, Speak]:
    """Cameras that talk RTSP well, and then send something odd."""
    media = description(coded)

    async def nothing(writer: asyncio.StreamWriter, track: ServerTrack) -> None:
        await asyncio.Event().wait()

    async def bare(writer: asyncio.StreamWriter, track: ServerTrack) -> None:
        await stream(coded.samples, writer, track)

    async def no_key(writer: asyncio.StreamWriter, track: ServerTrack) -> None:
        await stream([s for s in coded.samples if not s.key], writer, track)

    async def media_drip(writer: asyncio.StreamWriter, track: ServerTrack) -> None:
        for byte in sender_for(track).picture(coded.samples[0]):
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0.1)

    async def talker(writer: asyncio.StreamWriter, track: ServerTrack) -> None:
        question = b"OPTIONS rtsp://camera/ RTSP/1.0\r\nCSeq: %d\r\n\r\n\r\n"
        await at_25_fps(coded, writer, track, lambda n: question % n if n % 10 == 3 else b"")

    async def huge(writer: asyncio.StreamWriter, track: ServerTrack) -> None:
        # Two megabytes a picture, five a second: filler data (NAL unit type 12) does no decoder any harm.
        filler = (1 << 21).to_bytes(4, "big") + b"\x0c" + b"\xff" * ((1 << 21) - 1)
        big = [Sample(s.pts * 5, s.data + filler, True) for s in coded.samples[::25]]
        await stream(big, writer, track, every_s=0.2)

    return {
        "nothing": camera_that(nothing, media),
        "nosets": camera_that(bare, description(coded, sprop=False)),
        "nokey": camera_that(no_key, media),
        "mediadrip": camera_that(media_drip, media),
        "talker": camera_that(talker, media, heard),
        "huge": camera_that(huge, media),
    }


async def stream(
    samples: list[Sample], writer: asyncio.StreamWriter, track: ServerTrack, every_s: float = 0.04
) -> None:
    sender, number = sender_for(track), 0
    while True:
        sample = samples[number % len(samples)]
        writer.write(sender.picture(Sample(round(number * every_s * 90_000), sample.data, sample.key)))
        await writer.drain()
        number += 1
        await asyncio.sleep(every_s)


@asynccontextmanager
async def sick_ward(ward: Ward, coded: Coded, heard: list[bytes]) -> AsyncIterator[dict[str, Camera]]:
    """All cameras of EXPECTED, up and in the plan."""
    picture = reel(coded)
    cameras = {name: Camera(number, {"main": picture}) for number, name in enumerate(DRAWN, 1)}
    cameras["inband"] = Camera(cameras["inband"].number, {"main": picture}, omit_sprop=True)
    cameras["path"].refuse = "not_found"
    cameras["soundonly"].refuse = "no_video"
    cameras["mjpeg"].refuse = "unsupported"
    cameras["busy"].refuse = "unavailable"
    cameras["hangup"].refuse = "hang_up"
    cameras["noise"].garbage = "stream"
    cameras["noisyrtp"].garbage = "packets"
    cameras["closer"].close_every_s = 1.2
    foreign: dict[str, Speak] = {
        "http": speaks_http,
        "ssh": speaks_ssh,
        "silent": says_nothing,
        "drip": drips,
        "slammed": slams_the_door,
    }
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(Simulator(list(cameras.values())))
        locked = Simulator([Camera(1, {"main": picture})], guard=Guard("digest", Credentials("u", "right")))
        await stack.enter_async_context(locked)
        for name, camera in cameras.items():
            ward.add(name, simulator.url(camera.number))
        ward.add("password", locked.url(1), "u", "wrong")
        ward.add("unnamed", "rtsp://no-such-camera.invalid/main")
        ports: list[int] = []
        for name, speaks in {**foreign, **scripted(coded, heard)}.items():
            ports.append(await stack.enter_async_context(port_that(speaks)))
            ward.add(name, f"rtsp://127.0.0.1:{ports[-1]}/cam")
        async with port_that(says_nothing) as closed:
            pass
        ward.add("refused", f"rtsp://127.0.0.1:{closed}/")
        ward.write()
        yield cameras


async def a_bad_day(folder: Path) -> Record:
    ward, heard = Ward(folder), list[bytes]()
    coded, other = clip(), encode_video("h264", frames=50, gop=25, params=":ref=3:level=40")
    fds_before = len(os.listdir("/proc/self/fd"))
    async with sick_ward(ward, coded, heard) as cameras:
        assert set(ward.streams) == set(EXPECTED)
        async with ward.recording() as ear:
            await ear.recording("healthy", "inband", "talker", "huge", "changer", "frozen")
            cameras["frozen"].freeze()
            await asyncio.to_thread(cameras["changer"].change_parameters, reel(other))
            for name, cause in EXPECTED.items():
                if cause is not None:
                    await ear.until(
                        lambda n=name, c=cause: any(s.cause == c for s in ear.of(n)),  # type: ignore[misc]
                        f"{name} says {cause}",
                    )
            await ear.until(
                lambda: len({part.start_us for part in ward.coverage("closer").spans}) >= 3,
                "closer comes back",
            )
            await ear.until(lambda: ear.is_state("frozen", "retrying"), "frozen is tried again")
            cameras["frozen"].freeze(False)
            await ear.recording("frozen", "healthy")
    return Record(
        {name: ear.of(name) for name in EXPECTED},
        {name: ward.coverage(name) for name in EXPECTED},
        ward.check(),
        sum(s.cause == "auth_failed" and s.retry_at_us is not None for s in ear.of("password")),
        heard,
        fds_before,
        len(os.listdir("/proc/self/fd")),
    )


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return asyncio.run(a_bad_day(tmp_path_factory.mktemp("sick")))


@pytest.mark.parametrize(("camera", "cause"), [(n, c) for n, c in EXPECTED.items() if c is not None])
def test_a_sick_camera_says_what_is_wrong_in_its_state_and_in_the_ledger(
    record: Record, camera: str, cause: str
) -> None:
    said = [state for state in record.states[camera] if state.cause == cause]
    assert said
    assert all(state.state == "retrying" and state.detail for state in said)
    assert cause in [gap.cause for gap in record.coverage[camera].gaps]


@pytest.mark.parametrize(
    "camera", [n for n, c in EXPECTED.items() if c not in (None, "stalled", "closed_by_camera")]
)
def test_the_reason_stays_visible_while_it_is_tried_again(record: Record, camera: str) -> None:
    states = record.states[camera]
    first = next(n for n, state in enumerate(states) if state.cause == EXPECTED[camera])
    assert all(state.state == "retrying" and state.cause for state in states[first:])
    assert not record.coverage[camera].spans


def test_the_healthy_camera_never_stops(record: Record) -> None:
    coverage = record.coverage["healthy"]
    assert len(coverage.spans) == 1
    assert [gap.cause for gap in coverage.gaps] == ["connecting", "node_stopped"]
    states = record.states["healthy"]
    begun = next(n for n, state in enumerate(states) if state.state == "recording")
    assert all(state.state == "recording" and state.cause is None for state in states[begun:])


@pytest.mark.parametrize("camera", ["inband", "talker", "huge"])
def test_odd_cameras_are_recorded_without_a_gap(record: Record, camera: str) -> None:
    assert len(record.coverage[camera].spans) == 1
    assert not [state for state in record.states[camera] if state.cause]


def test_the_archive_keeps_its_invariants(record: Record) -> None:
    assert record.findings == []


def test_a_wrong_password_is_not_hammered(record: Record) -> None:
    assert record.logins == 1
    (told,) = {s.retry_at_us for s in record.states["password"] if s.retry_at_us is not None}
    assert told is not None
    assert told - record.states["password"][-1].since_us > 40e6


def test_a_change_of_parameters_makes_runs_that_touch(record: Record) -> None:
    coverage = record.coverage["changer"]
    assert len(coverage.spans) == 1
    assert "parameters_changed" not in [gap.cause for gap in coverage.gaps]


def test_a_camera_that_closes_comes_back_soon(record: Record) -> None:
    gaps = [gap for gap in record.coverage["closer"].gaps if gap.cause == "closed_by_camera"]
    assert len(gaps) >= 2
    assert all(gap.end_us is None or gap.end_us - gap.start_us < 3e6 for gap in gaps)


def test_questions_of_a_camera_are_answered(record: Record) -> None:
    assert any(data.startswith(b"RTSP/1.0 200 OK") for data in record.heard)


def test_no_socket_and_no_file_is_left_open(record: Record) -> None:
    assert record.fds_after <= record.fds_before + 3
