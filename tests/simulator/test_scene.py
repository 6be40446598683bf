"""The drawn street: what moves, what the clocks say, and what one camera does not share with the next."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from av.video.frame import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from luytre.base.clock import SYSTEM, ManualClock
from luytre.simulator import strip
from luytre.simulator.assembly import drawn, running
from luytre.simulator.encoders import VideoEncoder
from luytre.simulator.scene import Scene, clock_text
from luytre.simulator.server import Simulator
from luytre.simulator.sources import VideoName
from luytre.simulator.studio import Studio, View
from tests.simulator.watching import Watcher, opened

NOON_US = 1_795_330_000_300_000


@given(
    st.integers(0, 1 << 50), st.sampled_from([(320, 180), (640, 360), (1280, 720), (1920, 1080), (704, 576)])
)
def test_the_strip_says_what_was_written(millis: int, size: tuple[int, int]) -> None:
    luma = np.full(size[::-1], 99, dtype=np.uint8)
    assert strip.read(luma) is None
    strip.write(luma, millis)
    assert strip.read(luma) == millis % strip.PERIOD_MS


@given(st.integers(0, strip.BITS + 1))
def test_one_wrong_block_is_noticed(block: int) -> None:
    luma = np.zeros((360, 640), dtype=np.uint8)
    strip.write(luma, NOON_US // 1000)
    left, top, _, bottom = strip.place(640, 360)
    size = strip.block_size(640)
    area = luma[top:bottom, left + block * size : left + (block + 1) * size]
    area[:] = strip.WHITE + strip.BLACK - area
    assert strip.read(luma) is None


def test_the_clock_for_people_is_that_of_viet_nam() -> None:
    assert clock_text(NOON_US) == "22/11/2026 13:46:40.3"


def test_traffic_moves_and_the_houses_stay() -> None:
    scene = Scene(1, 320, 180, "CAM 1")
    first = scene.draw(NOON_US).copy()
    later = scene.draw(NOON_US + 700_000).copy()
    assert first.shape == (270, 320)
    changed = (first != later)[:180]
    assert changed[95:].any()
    # Below the clock and above the heads of the people nothing moves.
    assert not changed[16:80].any()
    assert (scene.draw(NOON_US) == first).all()


def test_each_camera_has_its_own_street() -> None:
    one, two = Scene(1, 320, 180, "CAM 1").draw(NOON_US), Scene(2, 320, 180, "CAM 1").draw(NOON_US)
    assert (one != two).mean() > 0.3


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_the_encoder_is_a_cameras(codec: VideoName) -> None:
    encoder = VideoEncoder(codec, 320, 180, 10, gop_s=1.0)
    scene = Scene(1, 320, 180, "CAM 1")
    units = []
    for number in range(25):
        picture = VideoFrame.from_ndarray(scene.draw(NOON_US + 100_000 * number), format="yuv420p")
        made = encoder.encode(picture, 9000 * number, key=number == 14)
        assert len(made) == 1
        units += made
    assert [unit.pts for unit in units] == [9000 * number for number in range(25)]
    assert [number for number, unit in enumerate(units) if unit.key] == [0, 10, 14, 24]


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_a_foreign_client_can_read_the_strip(codec: VideoName) -> None:
    camera = drawn(1, codec=codec, main=(640, 360))
    with running(Simulator([camera])) as simulator, opened(simulator.url(1)) as container:
        times: list[int] = []
        said: list[int] = []
        for frame in container.decode(video=0):
            millis = strip.read(np.asarray(frame.to_ndarray()[: frame.height], dtype=np.uint8))
            assert millis is not None
            said.append(millis)
            times.append(frame.pts or 0)
            if len(said) == 12:
                break
    assert abs(said[-1] - SYSTEM.wall_us() // 1000 % strip.PERIOD_MS) < 10_000
    for (before, after), (shown, shown_after) in zip(pairwise(times[1:]), pairwise(said[1:]), strict=True):
        assert abs((shown_after - shown) - (after - before) / 90) < 60


def test_only_while_somebody_looks() -> None:
    camera = drawn(1, main=(320, 180), sub=(320, 180), fps=20)
    studio = camera.streams["main"].source
    assert isinstance(studio, Studio)
    with running(Simulator([camera])) as simulator:
        assert studio._thread is None
        with Watcher(simulator.url(1)) as watcher:
            packets = watcher.until(lambda seen: len(seen) > 5)
            assert packets[0][1].payload[0] & 0x1F in (7, 24, 6, 9)
            thread = studio._thread
            assert thread is not None
        thread.join(10)
        assert not thread.is_alive()
        assert studio._thread is None
        with Watcher(simulator.url(1)) as again:
            next(again.frames())


def test_a_second_client_gets_a_keyframe_at_once() -> None:
    studio = Studio(View(1, "CAM 1", 320, 180, fps=50, gop_s=1000))
    one = studio.open(0.0)
    thread = studio._thread
    assert thread is not None
    while len(one.queue) < 5:
        thread.join(0.01)
    two = studio.open(0.0)
    while not two.queue:
        thread.join(0.01)
    assert two.queue[0].key
    assert one.queue[0].key
    one.close()
    two.close()
    thread.join(10)
    assert not thread.is_alive()


def test_the_picture_shows_the_cameras_own_clock() -> None:
    clock = ManualClock(NOON_US)
    studio = Studio(View(1, "CAM 1", 640, 360), clock=clock)
    studio.wall_offset_us = -90_000_000
    studio.prepare()
    assert studio._scene is not None
    assert strip.read(studio._scene._canvas.planes[0]) == (NOON_US // 1000 - 90_000) % strip.PERIOD_MS
