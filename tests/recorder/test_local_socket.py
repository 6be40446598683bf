"""The local socket: states to everybody, samples to who watches; a bad listener costs only itself."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.archive.keys import StreamKey
from luytre.base import local_socket
from luytre.base.errors import Error
from luytre.media.tracks import Sample, VideoTrack
from luytre.recorder import wire
from luytre.recorder.publish import LiveTimes
from luytre.recorder.subscribe import RecorderLink
from luytre.simulator.camera import Camera
from luytre.simulator.server import Simulator
from luytre.simulator.sounds import tone
from tests.media.clips import encode_video
from tests.recorder.ward import Ear, Ward, clip, reel

ONE, TWO = StreamKey("one", "main"), StreamKey("two", "main")
GOP = 100


@asynccontextmanager
async def two_cameras(folder: Path) -> AsyncIterator[tuple[Ward, Ear]]:
    """GOPs of four seconds, so that a listener mostly comes in the middle of one."""
    ward = Ward(folder)
    picture = reel(encode_video("h264", frames=GOP, gop=GOP), tone())
    async with Simulator([Camera(n, {"main": picture}) for n in (1, 2)]) as simulator:
        ward.add("one", simulator.url(1), audio=True)
        ward.add("two", simulator.url(2))
        ward.write()
        async with ward.recording() as ear:
            await ear.recording("one", "two")
            yield ward, ear


@asynccontextmanager
async def listener(ward: Ward, *keys: StreamKey) -> AsyncIterator[tuple[Ear, RecorderLink]]:
    ear = Ear()
    link = RecorderLink(ward.socket, ear)
    for key in keys:
        link.watch(key)
    task = asyncio.create_task(link.run())
    try:
        yield ear, link
    finally:
        task.cancel()
        await asyncio.wait([task])


def run(folder: Path, act: Callable[[Ward, Ear], Awaitable[None]]) -> Ward:
    async def main() -> Ward:
        async with two_cameras(folder) as (ward, ear):
            await act(ward, ear)
        return ward

    return asyncio.run(main())


def test_a_listener_hears_all_states_at_once_and_then_each_change(tmp_path: Path) -> None:
    async def act(ward: Ward, first: Ear) -> None:
        async with listener(ward) as (ear, _):
            await ear.until(lambda: len(ear.states) >= 2, "both states")
            assert {state.camera for state in ear.states[:2]} == {"one", "two"}
            heard = len(ear.states)
            await ear.until(lambda: len(ear.states) > heard + 2, "news")
            assert not ear.samples
            assert ear.states[-1].codec == "h264"
            assert (ear.states[-1].width, ear.states[-1].height) == (178, 100)

    run(tmp_path, act)


def test_who_comes_in_mid_gop_gets_pictures_from_the_last_keyframe_at_once(tmp_path: Path) -> None:
    async def act(ward: Ward, first: Ear) -> None:
        def gop() -> list[tuple[int, Sample]]:
            run = ward.process._run_of(ONE) if ward.process else None
            return run.gop if run else []

        await first.until(lambda: sum(t == 0 for t, _ in gop()) >= 40, "the middle of a GOP")
        wanted = [sample.data for track, sample in gop() if track == 0]
        async with listener(ward, ONE) as (ear, _):
            await ear.until(lambda: len(pictures(ear)) >= len(wanted) + 10, "pictures")
        key, _, tracks = ear.tracks[0]
        assert key == ONE
        assert isinstance(tracks[0], VideoTrack)
        assert [track.codec for track in tracks] == ["h264", "aac"]
        shown = pictures(ear)
        assert shown[0].key
        assert [s.data for s in shown[: len(wanted)]] == wanted
        assert all(before.dts < after.dts for before, after in pairwise(shown))
        assert {after.pts - before.pts for before, after in pairwise(shown)} == {3600}
        # A young run still finds out how late the first picture was.
        assert all(
            abs(after.wall_us - before.wall_us - 40_000) < 250_000 for before, after in pairwise(shown)
        )
        assert any(sample.track == 1 for _, sample in ear.samples)

    run(tmp_path, act)


def pictures(ear: Ear, key: StreamKey = ONE) -> list[wire.WireSample]:
    return [sample for k, sample in ear.samples if k == key and sample.track == 0]


def test_two_listeners_hear_the_same_and_the_last_to_go_makes_it_slow_again(tmp_path: Path) -> None:
    async def act(ward: Ward, first: Ear) -> None:
        assert ward.process is not None
        drain = ward.process._active[ONE].recorder.drain
        assert drain is not None
        assert not drain.watched
        async with listener(ward, ONE) as (a, link):
            await a.until(lambda: bool(pictures(a)), "the first hears")
            assert drain.watched
            async with listener(ward, ONE, TWO) as (b, _):
                await b.until(lambda: bool(pictures(b)) and bool(pictures(b, TWO)), "the second hears")
                newest = pictures(b)[-1]
                await a.until(lambda: newest.pts in [s.pts for s in pictures(a)], "both hear it")
                assert newest.data in [s.data for s in pictures(a)]
                assert not pictures(a, TWO)
            two = ward.process._active[TWO].recorder.drain
            assert two is not None
            await a.until(lambda: not two.watched, "nobody watches two")
            assert drain.watched
            link.unwatch(ONE)
            await a.until(lambda: not drain.watched, "slow again")

    run(tmp_path, act)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\xff\xff\xff\xff" + bytes(100),
        b"\0\0\0\0",
        b"\0\0\0\x05Wnull",
        b"\0\0\0\x03W{}",
        struct.pack(">I", 3001) + b"W" + b"[" * 3000,
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_who_talks_nonsense_is_disconnected(tmp_path: Path, nonsense: bytes) -> None:
    async def act(ward: Ward, first: Ear) -> None:
        reader, writer = await asyncio.open_unix_connection(ward.socket)
        writer.write(nonsense)
        async with asyncio.timeout(10):
            while await reader.read(1 << 16):
                pass
        writer.close()
        heard = len(first.states)
        await first.until(lambda: len(first.states) > heard, "the others hear on")

    assert run(tmp_path, act).check() == []


def test_unknown_commands_and_streams_are_passed_over(tmp_path: Path) -> None:
    async def act(ward: Ward, first: Ear) -> None:
        async with listener(ward, StreamKey("nobody", "main")) as (ear, link):
            link._send(b"?", ONE)
            link.unwatch(TWO)
            link.watch(ONE)
            await ear.until(lambda: bool(pictures(ear)), "pictures all the same")

    run(tmp_path, act)


def test_who_does_not_read_loses_samples_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("luytre.recorder.publish.SEND_BUFFER", 20_000)

    async def act(ward: Ward, first: Ear) -> None:
        assert ward.process is not None
        publisher = ward.process._publisher
        before = set(publisher._subscribers)
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(str(ward.socket))
            deaf.send(wire.json_frame(wire.WATCH, ONE._asdict()))
            await first.until(lambda: len(publisher._subscribers) > len(before), "it is let in")
            (subscriber,) = publisher._subscribers - before
            # Fill it up to the brim: then keyframes, too, must stay out.
            subscriber.send(bytes(1_500_000))
            size = subscriber._writer.transport.get_write_buffer_size
            full = size()
            assert full > 20_000
            run_now = ward.process._run_of(ONE)
            assert run_now is not None
            key = Sample(run_now.first_pts, bytes(10_000), True)
            for _ in range(200):
                publisher.sample(run_now, 0, key, 0)
            assert size() - full < 20_000 + len(run_now.gop) * 60_000
            heard = len(first.of("one"))
            await first.until(lambda: len(first.of("one")) >= heard + 3, "recording goes on")
            assert subscriber.missed_states
        await first.until(lambda: publisher._subscribers == before, "it is forgotten")

    ward = run(tmp_path, act)
    assert len(ward.coverage("one").spans) == 1


def test_a_recorder_without_its_socket_records(tmp_path: Path) -> None:
    async def main() -> Ward:
        ward = Ward(tmp_path)
        async with Simulator([Camera(1, {"main": reel(clip())})]) as simulator:
            ward.add("one", simulator.url(1))
            ward.write()
            ward.socket.mkdir()
            async with ward.recording() as ear:
                await ear.until(lambda: bool(ward.coverage("one").spans), "it records")
        return ward

    assert asyncio.run(main()).check() == []


def test_the_socket_is_for_the_nodes_own_user(tmp_path: Path) -> None:
    async def act(ward: Ward, first: Ear) -> None:
        assert ward.socket.stat().st_mode & 0o777 == 0o600

    run(tmp_path, act)


# -- framing and live decode times ------------------------------------------------------------------------------


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.booleans(), st.integers(-(1 << 62), 1 << 62), st.binary(max_size=50))
    ),
    st.lists(st.integers(1, 40), min_size=1),
)
def test_frames_come_out_however_they_are_cut(
    given_samples: list[tuple[int, bool, int, bytes]], cuts: list[int]
) -> None:
    samples = [
        wire.WireSample(c, c % 2, key, pts, pts - 1, pts + 1, data) for c, key, pts, data in given_samples
    ]
    stream = b"".join(map(wire.sample_frame, samples)) + wire.json_frame(wire.STATE, {"a": "ă"})
    splitter, found, position, turn = wire.Splitter(), [], 0, 0
    while position < len(stream):
        step = cuts[turn % len(cuts)]
        found += list(splitter.feed(stream[position : position + step]))
        position, turn = position + step, turn + 1
    assert [wire.parse_sample(payload) for kind, payload in found[:-1]] == samples
    assert json.loads(found[-1][1]) == {"a": "ă"}


def test_a_frame_that_is_too_long_is_refused() -> None:
    with pytest.raises(Error):
        list(wire.Splitter(max_frame=10).feed(b"\0\0\0\x0bxxxxxxxxxxx"))


def test_live_decode_times_without_b_frames_are_the_presentation_times() -> None:
    times = LiveTimes()
    shown = [0, 3600, 7300, 10_700, 14_400]
    assert [times.dts(pts, pts == 0) for pts in shown] == shown


def test_live_decode_times_with_b_frames_ascend_and_stay_near() -> None:
    times = LiveTimes()
    order = [0]
    for anchor in range(3, 240, 3):
        order += [anchor, anchor - 2, anchor - 1]
    shown = [n * 3600 for n in order]
    decoded = [times.dts(pts, n == 0) for n, pts in enumerate(shown)]
    assert all(before < after for before, after in pairwise(decoded))
    assert max(abs(d - p) for d, p in zip(decoded, shown, strict=True)) < 20 * 3600


def test_a_node_may_lie_deeper_than_a_socket_address_is_long(tmp_path: Path) -> None:
    folder = tmp_path / ("đường-dẫn-dài-" * 12)
    folder.mkdir()
    with local_socket.listen(folder / "recorder-0.sock") as server:
        server.listen()
        with local_socket.dial(folder / "recorder-0.sock") as client:
            taken, _ = server.accept()
            with taken:
                taken.sendall("nghe rõ".encode())
            client.setblocking(True)
            assert client.recv(64) == "nghe rõ".encode()


@pytest.mark.parametrize(
    "text",
    [
        '{"camera": "one"}',
        '{"camera": "one", "at_us": 1e999, "active_s": 1}',
        '{"camera": "one", "at_us": "x", "active_s": 1}',
        '{"camera": "one", "at_us": 1, "active_s": []}',
        "[]",
    ],
)
def test_a_trigger_that_makes_no_sense_costs_its_sender_the_connection(text: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with two_cameras(tmp_path) as (ward, ear):
            reader, writer = await asyncio.open_unix_connection(ward.socket)
            payload = text.encode()
            writer.write(struct.pack(">I", 1 + len(payload)) + wire.TRIGGER + payload)
            async with asyncio.timeout(10):
                while await reader.read(1 << 16):
                    pass
            writer.close()
            assert ear.is_state("one", "recording")

    asyncio.run(scenario())
