"""Live renditions: the hub is real and fed as a recorder's link does, the workers are real processes."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import av
import pytest

from luytre.archive.keys import StreamKey
from luytre.cameras.channel import LiveFragment, LiveInit, LiveMessage, LiveShown
from luytre.cameras.live import LiveHub
from luytre.cameras.renditions import live as renditions
from luytre.cameras.renditions.choice import Choice, choose
from luytre.cameras.renditions.form import Form
from luytre.cameras.renditions.live import LiveRenditions
from luytre.cameras.renditions.places import Places
from luytre.cameras.renditions.workers import COMMAND
from luytre.recorder.state import StreamState
from luytre.recorder.subscribe import RecorderLink
from luytre.recorder.wire import WireSample
from tests.media import sounds
from tests.media.clips import Coded, encode_video

KEY = StreamKey("018f0000-0000-7000-8000-000000000001", "main")
H264 = Form("h264", "none")
FPS = 25


class Feed:
    """A recorder's link and its camera."""

    def __init__(self, *coded: Coded) -> None:
        self.hub = LiveHub(lambda: [])
        self._link = RecorderLink(Path("nowhere"), self.hub)
        self._coded = coded
        self._at = [0] * len(coded)

    def begin(self) -> None:
        self.hub.on_state(self._link, StreamState(*KEY, "recording", None, "", 1))
        self.hub.on_tracks(KEY, "run", [one.track for one in self._coded])

    def send(self, count: int) -> None:
        """So many pictures, and the sound until then."""
        video = self._coded[0]
        for _ in range(count):
            self._one(0, video)
        for number, sound in enumerate(self._coded[1:], 1):
            ticks = sound.track.timescale
            while self._at[number] * sound.frame_ticks / ticks < self._at[0] / FPS:
                self._one(number, sound)

    def _one(self, number: int, coded: Coded) -> None:
        at = self._at[number]
        self._at[number] += 1
        loops, place = divmod(at, len(coded.samples))
        sample = coded.samples[place]
        pts = sample.pts + loops * len(coded.samples) * coded.frame_ticks
        wall_us = 1_795_330_000_000_000 + pts * 1_000_000 // coded.track.timescale
        self.hub.on_sample(KEY, WireSample(1, number, sample.key, pts, pts, wall_us, sample.data))


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def within() -> None:
        await asyncio.wait_for(scenario(), 20)

    asyncio.run(within())


async def until(messages: AsyncGenerator[LiveMessage, None], kind: type, wanted: Any = lambda _: True) -> Any:
    async for message in messages:
        if isinstance(message, kind) and wanted(message):
            return message
    raise AssertionError("it ended")


def h265(frames: int = 50, gop: int = 50) -> Coded:
    return encode_video("h265", frames=frames, gop=gop, fps=FPS)


def test_two_viewers_share_one_and_see_every_picture() -> None:
    async def scenario() -> None:
        feed, places = Feed(h265()), Places(1)
        made = LiveRenditions(feed.hub, places)
        first, second = made.watch(KEY, H264), made.watch(KEY, H264)
        async with aclosing(first), aclosing(second):
            await anext(first)
            feed.begin()
            # These came before the worker was there, and are not lost: a keyframe comes every 2 s only.
            feed.send(10)
            init = await until(first, LiveInit)
            assert init.codecs == ("h264",)
            assert init.mime.startswith('video/mp4; codecs="avc1.')
            await anext(second)
            feed.send(30)
            # libav holds the newest picture of H.265 back until the next one comes.
            got = [await until(first, LiveFragment) for _ in range(39)]
            assert got[0].key
            same = await until(second, LiveInit)
            assert same is init
            assert await until(second, LiveFragment) is got[0]
            assert len(made.running()) == 1
            assert places.busy == 1
        container: Any = av.open(io.BytesIO(init.data + b"".join(fragment.data for fragment in got)))
        with container:
            assert sum(1 for _ in container.decode(video=0)) == 39
        await made.close()
        assert places.busy == 0

    run(scenario)


def test_it_ends_after_its_last_viewer_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renditions, "LINGER_S", 0.01)

    async def scenario() -> None:
        feed, places = Feed(h265()), Places(1)
        made = LiveRenditions(feed.hub, places)
        viewer = made.watch(KEY, H264)
        await anext(viewer)
        feed.begin()
        feed.send(10)
        await until(viewer, LiveFragment)
        (rendition,) = made.running()
        await viewer.aclose()
        while made.running() or places.busy:
            await asyncio.sleep(0.01)
        assert rendition not in made.running()
        await made.close()

    run(scenario)


def test_a_full_pool_is_said_and_a_free_place_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renditions, "ASK_S", 0.01)

    async def scenario() -> None:
        feed, places = Feed(h265()), Places(1)
        assert places.take()
        made = LiveRenditions(feed.hub, places)
        async with aclosing(made.watch(KEY, H264)) as viewer:
            said = await until(viewer, LiveShown, lambda shown: shown.cause is not None)
            assert (said.cause, said.busy, said.places) == ("renditions_full", 1, 1)
            feed.begin()
            feed.send(10)
            places.give()
            shown = await until(viewer, LiveShown, lambda shown: shown.cause is None)
            assert (shown.codec, shown.video_as, shown.width, shown.height) == ("h265", "h264", 178, 100)
            await until(viewer, LiveFragment)
        await made.close()

    run(scenario)


def test_a_worker_that_falls_is_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(renditions, "_BACK_OFF_S", (0.01,))
    fell = tmp_path / "fell"
    # The first one dies at the first bytes it is given.
    code = (
        "import os, sys, pathlib, socket\n"
        f"fell = pathlib.Path({str(fell)!r})\n"
        "if not fell.exists():\n"
        "    fell.touch(); socket.socket(fileno=int(sys.argv[1])).recv(10); os.kill(os.getpid(), 11)\n"
        "from luytre.cameras.renditions.worker import main\n"
        "main()\n"
    )

    async def scenario() -> None:
        feed = Feed(h265(gop=10))
        made = LiveRenditions(feed.hub, Places(1), (sys.executable, "-c", code))
        async with aclosing(made.watch(KEY, H264)) as viewer:
            await anext(viewer)
            feed.begin()
            feed.send(5)
            await until(viewer, LiveInit)
            assert fell.exists()
            # After a fall it goes on with the next keyframe: what was before may have been its doing.
            feed.send(10)
            assert (await until(viewer, LiveFragment)).key
        await made.close()

    run(scenario)


def test_sound_alone_takes_no_place_and_the_pictures_are_the_same_bytes() -> None:
    async def scenario() -> None:
        coded = encode_video("h264", frames=50, gop=25, fps=FPS)
        feed, places = Feed(coded, sounds.encode("ulaw", frames=400)), Places(1)
        assert places.take()
        made = LiveRenditions(feed.hub, places)
        async with aclosing(made.watch(KEY, Form("keep", "aac"))) as viewer:
            await anext(viewer)
            feed.begin()
            feed.send(50)
            init = await until(viewer, LiveInit)
            assert init.codecs == ("h264", "aac")
            data, samples, heard = init.data, 0, 0
            while samples < 50 or heard < 12:
                fragment = await until(viewer, LiveFragment)
                data += fragment.data
                if any(fragment.data.endswith(sample.data) for sample in coded.samples):
                    samples += 1
                else:
                    heard += 1
        container: Any = av.open(io.BytesIO(data))
        with container:
            sound = list(container.decode(audio=0))
        assert sum(abs(frame.to_ndarray()).mean() for frame in sound) / len(sound) > 0.05
        await made.close()

    run(scenario)


def test_a_worker_stands_behind_the_recorders() -> None:
    assert COMMAND[0] == sys.executable

    async def scenario() -> None:
        feed = Feed(h265())
        made = LiveRenditions(feed.hub, Places(1))
        before = set(_children())
        async with aclosing(made.watch(KEY, H264)) as viewer:
            await anext(viewer)
            feed.begin()
            feed.send(10)
            await until(viewer, LiveFragment)
            (worker,) = set(_children()) - before
            own = os.getpriority(os.PRIO_PROCESS, 0)
            assert os.getpriority(os.PRIO_PROCESS, worker) == min(19, own + 10)
        await made.close()
        assert not set(_children()) - before

    run(scenario)


def _children() -> list[int]:
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return [int(word) for task in tasks for word in task.read_text().split()]


CHROMIUM = frozenset({"h264", "aac"})


@pytest.mark.parametrize(
    ("wanted", "known", "choice"),
    [
        ("main", {"main": ("h264",)}, Choice("main")),
        ("main", {"main": ("h265",), "sub": ("h264",)}, Choice("sub", instead=True)),
        ("main", {"main": ("h265",), "sub": ("h265",)}, Choice("main", Form("h264"))),
        ("main", {"main": ("h265", "alaw")}, Choice("main", Form("h264", "aac"))),
        ("main", {"main": ("h264", "alaw"), "sub": ("h264",)}, Choice("main", Form("keep", "aac"))),
        ("sub", {"main": ("h264",), "sub": ("h265",)}, Choice("main", instead=True)),
        ("main", {"sub": ("h264",)}, Choice("main")),
    ],
)
def test_what_can_be_decoded_comes_first(wanted: str, known: dict[str, Any], choice: Choice) -> None:
    assert choose(wanted, ["main", "sub"], known, CHROMIUM) == choice
    assert choose(wanted, ["main", "sub"], known, None) == Choice(wanted)
