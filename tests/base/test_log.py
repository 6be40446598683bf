"""Logs are JSON lines without passwords."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.base import log


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root, ours = logging.getLogger(), logging.getLogger("luytre")
    before = root.handlers[:], root.level, ours.level
    stream = io.StringIO()
    log.configure("debug", stream)
    yield stream
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


def only(stream: io.StringIO) -> dict[str, Any]:
    found = stream.getvalue().splitlines()
    assert len(found) == 1
    line: dict[str, Any] = json.loads(found[0])
    return line


def test_a_line_has_time_level_source_and_fields(lines: io.StringIO) -> None:
    log.get("cameras").bind(camera="DK-01").warning("không\nthấy", tries=3, since=None)
    line = only(lines)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning",
        "from": "luytre.cameras",
        "event": "không\nthấy",
        "camera": "DK-01",
        "tries": 3,
        "since": None,
    }


@given(
    st.from_regex(r"[^\s\"'<>]{1,20}", fullmatch=True), st.from_regex(r"[^\s\"'<>@]{6,30}", fullmatch=True)
)
def test_credentials_of_an_address_are_taken_out(user: str, password: str) -> None:
    text = log.redact(f"cannot open rtsp://{user}:{password}@host.test/main now")
    assert text == "cannot open rtsp://***@host.test/main now"


@pytest.mark.parametrize(
    "text", ["/user=a_password=hunter2_channel=1", "?pwd=hunter2&x=1", "GET /v.mp4?ticket=hunter2"]
)
def test_password_fields_are_taken_out(text: str) -> None:
    assert "hunter2" not in log.redact(text)


def test_values_named_like_secrets_and_values_inside_values(lines: io.StringIO) -> None:
    inner = {"Authorization": "hunter2", "url": ["rtsp://a:{}@h/".format("hunter2")]}
    log.get("x").info("e", password="hunter2", session_token="hunter2", inside=inner)
    assert "hunter2" not in lines.getvalue()
    assert only(lines)["inside"]["url"] == ["rtsp://***@h/"]


def test_libraries_and_tracebacks_are_cleaned_too(lines: io.StringIO) -> None:
    secret = "hunter" + "2"
    try:
        raise ValueError(f"rtsp://a:{secret}@h/")
    except ValueError:
        logging.getLogger("somebody.else").exception("failed for %s", f"rtsp://a:{secret}@h/")
    assert "hunter2" not in lines.getvalue()
    assert "ValueError" in only(lines)["traceback"]
