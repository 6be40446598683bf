"""A demo ward as a user starts it, and a real browser before it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
READY_S = 60


@dataclass(frozen=True)
class Ward:
    """A running demo: where it is, and who may log in."""

    directory: Path
    url: str
    user: str
    password: str
    process: subprocess.Popen[str]


def start_demo(directory: Path) -> Ward:
    """Returns when the demo has printed its one JSON line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "luytre.cli", "demo", str(directory), "--json", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "LUYTRE_LANG": "en"},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"the demo ended with {process.wait(10)}"
    told = json.loads(line)
    return Ward(directory, told["url"], told["user"], told["password"], process)


def stop_demo(ward: Ward) -> int:
    ward.process.send_signal(signal.SIGINT)
    code = ward.process.wait(30)
    assert ward.process.stdout is not None
    ward.process.stdout.close()
    return code


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    ward = start_demo(tmp_path_factory.mktemp("demo") / "ward")
    yield ward
    assert stop_demo(ward) == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the whole session: while Playwright's synchronous API is up, its event loop counts as running in this
    thread, and no other test could run one.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("NO BROWSER: Debian's chromium is not installed, the pages are NOT tested")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An office PC's window; fails the test on an error in the page's console."""
    context = browser.new_context(
        viewport={"width": 1366, "height": 768}, locale="vi-VN", accept_downloads=True
    )
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert problems == []


def log_in(page: Page, ward: Ward) -> None:
    page.goto(ward.url)
    page.get_by_test_id("login-user").fill(ward.user)
    page.get_by_test_id("login-password").fill(ward.password)
    page.get_by_test_id("login-submit").click()
    expect(page.get_by_test_id("login-submit")).to_have_count(0)
