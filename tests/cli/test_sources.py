"""`luytre sim` and `luytre probe`, one against the other."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from luytre.app.launch import listen
from tests.cli.test_commands import PATHS, fails, luytre


@contextmanager
def simulator(*options: str) -> Iterator[dict[str, Any]]:
    """`luytre sim` on a free port. -> what it printed when it was ready"""
    process = subprocess.Popen(
        [sys.executable, "-m", "luytre.cli", "sim", "--port", "0", "--json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=PATHS,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield json.loads(line)
    finally:
        process.terminate()
        process.communicate()


def test_a_probe_tells_what_a_camera_sends() -> None:
    with simulator("--cameras", "2", "--audio", "aac") as ready:
        assert len(ready["cameras"]) == 2
        done = luytre("probe", ready["cameras"][1]["main"], "--json")
        assert (done.returncode, done.stderr) == (0, "")
        found = json.loads(done.stdout)
        assert (found["video"]["codec"], found["video"]["width"], found["video"]["height"]) == (
            "h264",
            1280,
            720,
        )
        assert found["video"]["fps"] == pytest.approx(10, abs=3)
        assert found["audio"]["codec"] == "aac"
        shown = luytre("probe", ready["cameras"][0]["sub"], LUYTRE_LANG="vi")
        assert shown.returncode == 0
        assert "Cỡ hình" in shown.stdout
        assert "640x360" in shown.stdout


def test_a_probe_says_what_is_wrong_with_a_login() -> None:
    with simulator("--auth", "digest", "--user", "xem") as ready:
        url, password = ready["cameras"][0]["main"], ready["password"]
        assert (ready["user"], password in url) == ("xem", False)
        assert "password" in fails("probe", url)
        wrong = url.replace("//", "//xem:{}@".format("not-it-at-all"))
        said = fails("probe", wrong, LUYTRE_LANG="vi")
        assert "từ chối mật khẩu" in said
        assert "not-it-at-all" not in said
        done = luytre("probe", url, "--user", "xem", "--password-stdin", "--json", typed=password + "\n")
        assert (done.returncode, done.stderr) == (0, "")
        missing = luytre(
            "probe", url.replace("cam1", "cam9"), "--user", "xem", "--password-stdin", typed=password
        )
        assert missing.returncode == 1
        assert "Traceback" not in missing.stderr


def test_a_probe_of_nobody() -> None:
    with listen("127.0.0.1", 0) as silent:
        port = silent.getsockname()[1]
    assert "hint:" in fails("probe", f"rtsp://127.0.0.1:{port}/x")


def test_a_simulator_that_cannot_start() -> None:
    with listen("127.0.0.1", 0) as taken:
        assert "port" in fails("sim", "--port", str(taken.getsockname()[1]))
    fails("sim", "--port", "0", "--clip", "no such file.mp4")
