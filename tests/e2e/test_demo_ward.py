"""The main job in a real browser: log in, see six cameras live, find a moment, take it away."""

from __future__ import annotations

import re
from pathlib import Path

import av
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Ward, log_in

pytestmark = pytest.mark.browser
LIVE_MS = 30_000


def test_six_live_pictures(page: Page, ward: Ward) -> None:
    log_in(page, ward)
    videos = page.locator("video[data-testid^='tile-video-']")
    expect(page.locator("video[data-state='live']")).to_have_count(6, timeout=LIVE_MS)
    expect(videos).to_have_count(6)
    first = [videos.nth(i).evaluate("v => v.currentTime") for i in range(6)]
    page.wait_for_function(
        "first => [...document.querySelectorAll('video[data-testid^=tile-video-]')]"
        ".every((v, i) => v.currentTime > first[i] && v.videoWidth > 0)",
        arg=first,
        timeout=LIVE_MS,
    )


def test_wrong_password_says_what_to_do(page: Page, ward: Ward) -> None:
    page.goto(ward.url)
    page.get_by_test_id("login-user").fill(ward.user)
    page.get_by_test_id("login-password").fill("không phải mật khẩu")
    page.get_by_test_id("login-submit").click()
    expect(page.get_by_role("alert")).to_contain_text("mật khẩu")


def test_playback_plays_what_was_recorded(page: Page, ward: Ward) -> None:
    log_in(page, ward)
    expect(page.locator("video[data-state='live']")).to_have_count(6, timeout=LIVE_MS)
    page.goto(f"{ward.url}/playback?camera=TX-01")
    video = page.locator("video").first
    page.wait_for_function(
        "() => { const v = document.querySelector('video'); return v && v.currentTime > 0 && v.videoWidth > 0 }",
        timeout=LIVE_MS,
    )
    before = video.evaluate("v => v.currentTime")
    page.wait_for_function(
        "t => document.querySelector('video').currentTime > t + 1", arg=before, timeout=LIVE_MS
    )
    expect(page.get_by_test_id("playhead-time")).to_have_text(re.compile(r"\d{2}:\d{2}:\d{2}"))


def test_how_a_camera_is_recorded_and_where_it_is_kept(page: Page, ward: Ward) -> None:
    log_in(page, ward)
    page.goto(f"{ward.url}/storage")
    card = page.get_by_test_id(f"volume-{ward.directory / 'volumes/1'}")
    expect(card).to_contain_text("Tốt")
    expect(page.get_by_test_id("classes")).to_contain_text("standard")
    page.goto(f"{ward.url}/cameras")
    page.get_by_test_id("camera-menu-TX-06").click()
    page.get_by_test_id("camera-edit-TX-06").click()
    page.get_by_test_id("camera-mode").click()
    page.get_by_role("option", name="Theo lịch").click()
    hours = page.get_by_test_id("camera-hours")
    hours.fill("ban đêm")
    page.get_by_test_id("save-camera").click()
    expect(page.get_by_role("alert")).to_contain_text("Mon-Fri 18:00-06:00")
    # All week: the other tests look at its picture.
    hours.fill("mon-sun 00:00-24:00")
    page.get_by_test_id("save-camera").click()
    expect(hours).to_have_count(0)
    told = page.evaluate("async () => (await fetch('/api/v1/cameras/TX-06')).json()")
    assert (told["mode"], told["hours"]) == ("schedule", "Mon-Sun 00:00-24:00")


def test_the_timeline_fills(page: Page, ward: Ward) -> None:
    log_in(page, ward)
    page.goto(f"{ward.url}/playback?camera=TX-03")
    expect(page.get_by_test_id("timeline")).to_be_visible(timeout=LIVE_MS)
    seconds = """async () => {
      const days = await (await fetch('/api/v1/cameras/TX-03/days')).json();
      const day = await (await fetch(`/api/v1/cameras/TX-03/days/${days.days.at(-1)}`)).json();
      return day.recorded_s;
    }"""
    before = page.evaluate(seconds)
    page.wait_for_function(f"async before => (await ({seconds})()) > before + 3", arg=before, timeout=LIVE_MS)
    # What is recorded is drawn in the colour of recordings, not left empty.
    green = """() => {
      const canvas = document.querySelector('[data-testid=timeline] canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let i = 0; i < data.length; i += 4) if (data[i + 1] > data[i] + 40 && data[i + 1] > data[i + 2] + 20) count++;
      return count;
    }"""
    drawn = page.evaluate(green)
    page.wait_for_function(f"drawn => ({green})() > drawn + 5", arg=drawn, timeout=LIVE_MS)


def test_a_marked_span_is_downloaded_and_plays(page: Page, ward: Ward, tmp_path: Path) -> None:
    log_in(page, ward)
    expect(page.locator("video[data-state='live']")).to_have_count(6, timeout=LIVE_MS)
    page.goto(f"{ward.url}/playback?camera=TX-02")
    page.wait_for_function(
        "() => { const v = document.querySelector('video'); return v && v.currentTime > 0.5 }",
        timeout=LIVE_MS,
    )
    page.keyboard.press("m")
    at = page.locator("video").first.evaluate("v => v.currentTime")
    page.wait_for_function(
        "t => document.querySelector('video').currentTime > t + 4", arg=at, timeout=LIVE_MS
    )
    page.keyboard.press("m")
    with page.expect_download(timeout=LIVE_MS) as download:
        page.get_by_test_id("download").click()
    path = tmp_path / "clip.mp4"
    download.value.save_as(path)
    with av.open(str(path)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    # How many were drawn in that time is the machine's affair, and so is how late the page hears of the player's time.
    assert times[-1] - times[0] > 1.0


def test_cameras_page_lists_states_and_explains_a_wrong_address(page: Page, ward: Ward) -> None:
    log_in(page, ward)
    page.goto(f"{ward.url}/cameras")
    for number in range(1, 7):
        expect(page.get_by_test_id(f"camera-row-TX-0{number}")).to_be_visible()
    page.get_by_test_id("add-camera").click()
    page.get_by_text("Nhập địa chỉ luồng").click()
    page.get_by_label(re.compile("Mã")).first.fill("XX-01")
    page.get_by_label(re.compile("luồng chính", re.I)).fill("rtsp://127.0.0.1:1/khong-co")
    page.get_by_test_id("probe").click()
    expect(page.get_by_role("alert").first).to_contain_text(re.compile("từ chối|cổng", re.I), timeout=LIVE_MS)
