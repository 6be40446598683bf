"""A camera found by its ONVIF address becomes one that is recorded, and is steered, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.cameras.onvif.soap_camera import SoapCamera
from tests.e2e.conftest import Ward, log_in
from tests.e2e.dome import PASSWORD, USER, dome, simulated

pytestmark = pytest.mark.browser
ANSWER_MS = 30_000


@pytest.fixture(scope="module")
def camera() -> Iterator[SoapCamera]:
    with simulated() as streams, dome(streams) as running:
        yield running


def open_drawer(page: Page, ward: Ward) -> None:
    log_in(page, ward)
    page.goto(f"{ward.url}/cameras")
    page.get_by_test_id("add-camera").click()


def to_device(page: Page, camera: SoapCamera) -> None:
    """The way for cameras behind a router, where no search goes."""
    page.get_by_text("Nhập địa chỉ ONVIF").first.click()
    page.get_by_test_id("onvif-address").fill(camera.host)
    page.keyboard.press("Enter")


def test_a_wrong_password_is_said_and_can_be_mended(page: Page, ward: Ward, camera: SoapCamera) -> None:
    open_drawer(page, ward)
    to_device(page, camera)
    page.get_by_test_id("device-user").fill(USER)
    page.get_by_test_id("device-password").fill("sai")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("từ chối mật khẩu", timeout=ANSWER_MS)
    page.get_by_test_id("device-password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("device-review")).to_be_visible(timeout=ANSWER_MS)


def test_by_keyboard_alone_from_address_to_recording(page: Page, ward: Ward, camera: SoapCamera) -> None:
    open_drawer(page, ward)
    to_device(page, camera)
    # The field that comes next has the focus.
    expect(page.get_by_test_id("device-user")).to_be_focused()
    page.keyboard.type(USER)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    review = page.get_by_test_id("device-review")
    picture = page.get_by_test_id("probe-picture")
    expect(picture).to_be_visible(timeout=ANSWER_MS)
    assert picture.evaluate("i => i.naturalWidth") > 0
    expect(review).to_contain_text("mật khẩu mặc định")
    expect(page.get_by_test_id("device-facts")).to_contain_text("Bosch")
    expect(page.get_by_test_id("device-facts")).to_contain_text("quay quét")
    expect(page.get_by_test_id("device-set-clock")).to_be_checked()
    expect(page.get_by_test_id("device-code")).to_have_value("TX-07")
    expect(page.get_by_test_id("device-name")).to_be_focused()
    page.keyboard.type("Vòng xuyến")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("device-done")).to_contain_text("TX-07", timeout=ANSWER_MS)
    assert "SetSystemDateAndTime" in camera.operations()
    row = page.get_by_test_id("camera-row-TX-07")
    expect(row).to_have_attribute("data-state", "recording", timeout=ANSWER_MS)
    expect(row).to_contain_text("Mật khẩu mặc định")
    # The next one is asked with the same login.
    expect(page.get_by_test_id("device-next")).to_be_focused()
    page.keyboard.press("Enter")
    to_device(page, camera)
    expect(page.get_by_test_id("device-user")).to_have_value(USER)


def test_the_camera_turns_while_a_button_is_held(page: Page, ward: Ward, camera: SoapCamera) -> None:
    log_in(page, ward)
    page.goto(f"{ward.url}/cameras/TX-07")
    expect(page.locator("video[data-state='live']")).to_have_count(1, timeout=ANSWER_MS)
    left = page.get_by_test_id("ptz-left")
    expect(left).to_be_visible(timeout=ANSWER_MS)
    left.hover()
    page.mouse.down()
    page.wait_for_function("() => document.querySelector('[data-testid=ptz-left]').matches(':active')")
    with page.expect_response(re.compile("/ptz/stop")):
        page.mouse.up()
    tilt = camera.last("ContinuousMove").find("{*}Velocity/{*}PanTilt")
    assert (float(tilt.get("x")), float(tilt.get("y"))) == (-0.5, 0.0)
    assert camera.operations()[-1] == "Stop"
    with page.expect_response(re.compile("/ptz/move")):
        page.keyboard.down("ArrowUp")
    with page.expect_response(re.compile("/ptz/stop")):
        page.keyboard.up("ArrowUp")
    assert float(camera.last("ContinuousMove").find("{*}Velocity/{*}PanTilt").get("y")) == 0.5


def test_presets_are_gone_to_and_kept(page: Page, ward: Ward, camera: SoapCamera) -> None:
    log_in(page, ward)
    page.goto(f"{ward.url}/cameras/TX-07")
    presets = page.get_by_test_id("presets")
    expect(presets).to_contain_text("Cổng chợ", timeout=ANSWER_MS)
    with page.expect_response(re.compile("/ptz/preset$")):
        page.get_by_test_id("preset-2").click()
    assert camera.last("GotoPreset").findtext("{*}PresetToken") == "2"
    page.get_by_test_id("preset-name").fill("Trạm bơm")
    page.keyboard.press("Enter")
    expect(presets).to_contain_text("Trạm bơm", timeout=ANSWER_MS)


def test_what_the_camera_says_and_what_it_cannot_do(page: Page, ward: Ward, camera: SoapCamera) -> None:
    log_in(page, ward)
    page.goto(f"{ward.url}/cameras/TX-07")
    expect(page.get_by_test_id("device-identity")).to_contain_text("Bosch", timeout=ANSWER_MS)
    expect(page.get_by_test_id("device-clock")).to_contain_text("Đúng giờ", timeout=ANSWER_MS)
    page.get_by_test_id("tab-imaging").click()
    expect(page.get_by_test_id("imaging")).to_contain_text("Độ sáng", timeout=ANSWER_MS)
    page.get_by_test_id("tab-card").click()
    expect(page.get_by_test_id("device-card")).to_contain_text("không có chức năng đó", timeout=ANSWER_MS)
    page.get_by_test_id("tab-events").click()
    expect(page).to_have_url(re.compile("tab=events"))
    expect(page.get_by_test_id("device-events")).to_contain_text("24 giờ qua")


def test_another_program_is_given_a_key_once(page: Page, ward: Ward) -> None:
    log_in(page, ward)
    page.goto(f"{ward.url}/cameras")
    page.get_by_test_id("readers").click()
    page.get_by_test_id("add-reader").click()
    page.get_by_test_id("reader-name").fill("Công an phường")
    page.keyboard.press("Enter")
    secret = page.get_by_test_id("reader-secret").input_value(timeout=ANSWER_MS)
    assert len(secret) > 8
    assert page.get_by_test_id("reader-address").input_value().startswith("rtsp://")
    page.get_by_test_id("reader-done").click()
    listed = page.get_by_test_id("reader-cong-an-phuong")
    expect(listed).to_contain_text("Tất cả camera")
    assert secret not in page.content()
    page.get_by_test_id("reader-remove-cong-an-phuong").click()
    page.get_by_test_id("confirm-remove-reader").click()
    expect(listed).to_have_count(0)
