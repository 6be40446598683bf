"""A browser without H.265 (Debian's Chromium) before a node whose cameras send H.265 and G.711."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import av
import pytest
from playwright.sync_api import Page, expect

from luytre.app.node import init
from luytre.app.store import Store
from luytre.base.config import NodeConfig, RenditionsConfig, VolumeConfig
from luytre.cameras.registry import NewCamera
from tests.e2e.conftest import Ward, log_in

pytestmark = pytest.mark.browser
SOON_MS = 45_000
PASSWORD = "tre-xanh-2026"


def start(command: list[str], stack: ExitStack) -> subprocess.Popen[str]:
    """A process that is ended with the stack."""
    environment = {**os.environ, "LUYTRE_LANG": "en"}
    process = subprocess.Popen(
        [sys.executable, "-m", "luytre.cli", *command], stdout=subprocess.PIPE, text=True, env=environment
    )

    def end() -> None:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()

    stack.callback(end)
    return process


def simulator(stack: ExitStack, *options: str) -> list[tuple[str, str]]:
    """(main, sub) addresses of cameras of one kind."""
    process = start(["sim", "--port", "0", "--json", *options], stack)
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    return [(str(camera["main"]), str(camera["sub"])) for camera in told["cameras"]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """HA-01 and HA-04: H.265 only. HA-02: with a sub stream in H.264. HA-03: H.264 with G.711. One place to convert."""
    folder = tmp_path_factory.mktemp("renditions") / "ward"
    with ExitStack() as stack:
        new = simulator(stack, "--codec", "h265", "--cameras", "3", "--audio", "alaw")
        old = simulator(stack, "--codec", "h264", "--cameras", "2", "--audio", "alaw")
        port = free_port()
        init(
            folder,
            NodeConfig(
                name="Phường Thử",
                port=port,
                renditions=RenditionsConfig(max=1),
                volumes=(VolumeConfig(path=Path("volumes/1"), reserve_bytes=0),),
            ),
        )
        store = Store.open(folder)
        store.accounts.add_user("quan-tri", PASSWORD, "admin")
        store.registry.add(NewCamera("HA-01", "Cổng chợ", new[0][0], audio=True))
        store.registry.add(NewCamera("HA-02", "Bến xe", new[1][0], old[1][1]))
        store.registry.add(NewCamera("HA-03", "Trường học", old[0][0], audio=True))
        store.registry.add(NewCamera("HA-04", "Đình làng", new[2][0], None))
        store.close()
        process = start(["run", str(folder)], stack)
        yield Ward(folder, f"http://127.0.0.1:{port}", "quan-tri", PASSWORD, process)


@pytest.fixture
def seen(page: Page, ward: Ward) -> Page:
    """Logged in, with the node up."""
    for _ in range(100):
        try:
            page.goto(ward.url)
            break
        except Exception:
            page.wait_for_timeout(200)
    log_in(page, ward)
    if page.evaluate("MediaSource.isTypeSupported('video/mp4; codecs=\"hvc1.1.6.L120.90\"')"):
        pytest.skip("this browser decodes H.265: nothing is converted for it")
    return page


def live(page: Page, code: str) -> Any:
    expect(page.locator(f"video[data-testid='tile-video-{code}'][data-state='live']")).to_have_count(
        1, timeout=SOON_MS
    )
    return page.get_by_test_id(f"tile-video-{code}")


# A grey copy of the picture, small enough to compare.
LOOK = """v => {
  const c = document.createElement('canvas'); c.width = 64; c.height = 36;
  const g = c.getContext('2d'); g.drawImage(v, 0, 0, 64, 36);
  return [...g.getImageData(0, 0, 64, 36).data].filter((_, i) => i % 4 === 1);
}"""


def moves(page: Page, video: Any) -> None:
    """The picture is one, and it changes."""
    first = video.evaluate(LOOK)
    assert max(first) - min(first) > 40
    testid = video.get_attribute("data-testid")
    page.wait_for_function(
        f"first => {{ const now = ({LOOK})(document.querySelector('[data-testid={testid}]'));"
        " return now.some((value, i) => Math.abs(value - first[i]) > 8) }",
        arg=first,
        timeout=SOON_MS,
    )


def test_a_camera_of_h265_only_is_converted_and_says_so(seen: Page, ward: Ward) -> None:
    seen.goto(f"{ward.url}/?cameras=HA-01&tiles=1")
    video = live(seen, "HA-01")
    moves(seen, video)
    expect(seen.get_by_test_id("shown-HA-01")).to_have_text("H.265 → H.264")
    assert video.get_attribute("data-converted") == "h264"
    assert video.evaluate("v => [v.videoWidth, v.videoHeight]") == [1280, 720]
    # Its sound is G.711, and is made into AAC.
    seen.wait_for_function(
        "() => document.querySelector('[data-testid=tile-video-HA-01]').webkitAudioDecodedByteCount > 2000",
        timeout=SOON_MS,
    )
    metrics = seen.evaluate("async () => (await fetch('/metrics')).text()")
    assert re.search(r"^luytre_renditions 1\.0$", metrics, re.M)


def test_the_sub_stream_is_shown_where_it_is_h264(seen: Page, ward: Ward) -> None:
    seen.goto(f"{ward.url}/?cameras=HA-02&tiles=1&focus=HA-02")
    video = live(seen, "HA-02")
    expect(seen.get_by_test_id("shown-HA-02")).to_contain_text("luồng kia", timeout=SOON_MS)
    assert video.get_attribute("data-stream") == "sub"
    moves(seen, video)


def test_g711_is_heard_and_the_pictures_are_untouched(seen: Page, ward: Ward) -> None:
    seen.goto(f"{ward.url}/?cameras=HA-03&tiles=1&focus=HA-03")
    video = live(seen, "HA-03")
    assert video.get_attribute("data-converted") is None
    seen.get_by_test_id("sound-HA-03").click()
    energy = video.evaluate("""async v => {
      const context = new AudioContext();
      await context.resume();
      const analyser = context.createAnalyser();
      context.createMediaElementSource(v).connect(analyser);
      const data = new Float32Array(analyser.fftSize);
      for (let i = 0; i < 100; i++) {
        await new Promise(done => setTimeout(done, 100));
        analyser.getFloatTimeDomainData(data);
        const energy = data.reduce((sum, x) => sum + x * x, 0) / data.length;
        if (energy > 1e-6) return energy;
      }
      return 0;
    }""")
    assert energy > 1e-6


def test_a_full_pool_says_what_can_be_done(seen: Page, ward: Ward) -> None:
    seen.goto(f"{ward.url}/?cameras=HA-01,HA-04&tiles=4")
    refused = seen.get_by_text("chưa chuyển thêm được hình này")
    expect(refused).to_have_count(1, timeout=SOON_MS)
    expect(seen.get_by_text("luồng phụ của camera thành H.264")).to_have_count(1)


def test_recorded_h265_plays_at_any_moment_and_can_be_taken_away(
    seen: Page, ward: Ward, tmp_path: Path
) -> None:
    recorded = """async () => {
      const days = await (await fetch('/api/v1/cameras/HA-01/days')).json();
      const day = await (await fetch(`/api/v1/cameras/HA-01/days/${days.days.at(-1)}`)).json();
      return day.recorded_s;
    }"""
    seen.wait_for_function(f"async () => (await ({recorded})()) > 14", timeout=SOON_MS)
    seen.goto(f"{ward.url}/playback?camera=HA-01")
    plays = "t => { const v = document.querySelector('video'); return v && v.videoWidth === 1280 && v.currentTime > t }"
    seen.wait_for_function(plays, arg=0.3, timeout=SOON_MS)
    expect(seen.get_by_test_id("converted")).to_contain_text("H.264")
    at = seen.evaluate("document.querySelector('video').currentTime")
    seen.wait_for_function(plays, arg=at + 1, timeout=SOON_MS)
    for where in (9.3, 2.1, 6.7):
        seen.evaluate("t => { document.querySelector('video').currentTime = t }", where)
        seen.wait_for_function(
            "t => { const v = document.querySelector('video');"
            " return !v.seeking && v.readyState >= 2 && v.currentTime >= t }",
            arg=where,
            timeout=SOON_MS,
        )
    seen.keyboard.press("m")
    at = seen.evaluate("document.querySelector('video').currentTime")
    seen.wait_for_function(plays, arg=at + 2, timeout=SOON_MS)
    seen.keyboard.press("m")
    codecs, counts = {}, {}
    for way in ("original", "converted"):
        seen.get_by_test_id("download").click()
        with seen.expect_download(timeout=SOON_MS) as download:
            seen.get_by_test_id(f"download-{way}").click()
        path = tmp_path / f"{way}.mp4"
        download.value.save_as(path)
        with av.open(str(path)) as container:
            codecs[way] = [stream.codec_context.name for stream in container.streams]
            counts[way] = sum(1 for _ in container.decode(video=0))
    assert counts["converted"] == counts["original"] > 1
    assert codecs == {"original": ["hevc", "pcm_alaw"], "converted": ["h264", "aac"]}
