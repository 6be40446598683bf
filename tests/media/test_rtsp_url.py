"""Addresses of cameras as people type them. Passwords here are put in by f-strings: none stands in an address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.base import log
from luytre.base.errors import Error
from luytre.media.rtsp.url import (
    Address,
    address,
    is_foreign,
    join_credentials,
    redact,
    require_source,
    split_credentials,
    without_marker,
)

WHO = "admin:secret"


@pytest.mark.parametrize(
    ("given_url", "expected"),
    [
        ("rtsp://10.0.0.5/main", ("rtsp://10.0.0.5/main", "", "")),
        (f"rtsp://{WHO}@10.0.0.5:8554/a?b=c", ("rtsp://10.0.0.5:8554/a?b=c", "admin", "secret")),
        (f" RTSP://{WHO}@cam ", ("rtsp://cam", "admin", "secret")),
        ("rtsp://admin@cam/x", ("rtsp://cam/x", "admin", "")),
        (f"rtsp://{'admin:p%40ss%2F1'}@cam/x", ("rtsp://cam/x", "admin", "p@ss/1")),
        (f"rtsp://{'admin:p@ss'}@cam/x", ("rtsp://cam/x", "admin", "p@ss")),
        (f"rtsp://{'admin:a/b?c#d'}@cam:554/x", ("rtsp://cam:554/x", "admin", "a/b?c#d")),
        (f"rtsp://{WHO}@[fe80::1]:554/x", ("rtsp://[fe80::1]:554/x", "admin", "secret")),
        ("rtsp://cam:554/user@home", ("rtsp://cam:554/user@home", "", "")),
    ],
)
def test_credentials_come_out_of_the_address(given_url: str, expected: tuple[str, str, str]) -> None:
    assert split_credentials(given_url) == expected


@pytest.mark.parametrize(
    "wrong", ["", "10.0.0.5/main", "rtsp://", "rtsp:///x", "rtsp://a b:99999999/x", "rtsp://[::1/x"]
)
def test_what_is_no_address(wrong: str) -> None:
    with pytest.raises(Error) as caught:
        address(wrong)
    assert caught.value.cause == "bad_url"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rtsp://cam", Address("rtsp", "cam", 554, "/")),
        ("rtsps://cam/x?y=1", Address("rtsps", "cam", 322, "/x?y=1")),
        ("rtsp://[::1]:8554/x", Address("rtsp", "::1", 8554, "/x")),
        (f"rtsp://{WHO}@192.0.2.1:1/x/", Address("rtsp", "192.0.2.1", 1, "/x/")),
    ],
)
def test_where_to_connect(url: str, expected: Address) -> None:
    assert address(url) == expected


@pytest.mark.parametrize("wrong", ["http://cam/x", "rtsp://cam:70000/x"])
def test_where_one_cannot_connect(wrong: str) -> None:
    with pytest.raises(Error):
        address(wrong)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"rtsp://{WHO}@cam/x", "rtsp://***@cam/x"),
        (f"rtsp://{'admin:se/cr@et'}@cam/x", "rtsp://***@cam/x"),
        ("rtsp://cam/x?user=a&password=secret&n=1", "rtsp://cam/x?user=a&password=***&n=1"),
        (
            "rtsp://cam/user=admin_password=secret_channel=1.sdp",
            "rtsp://cam/user=admin_password=***_channel=1.sdp",
        ),
        (f"rtp//{WHO}@cam", "rtp//***@cam"),
        ("rtsp://cam/x", "rtsp://cam/x"),
    ],
)
def test_no_password_is_shown(url: str, expected: str) -> None:
    assert redact(url) == expected


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_any_user_and_password_survive_the_round_trip(user: str, password: str) -> None:
    url = join_credentials("rtsp://cam:554/x?y=z", user, password)
    assert split_credentials(url) == ("rtsp://cam:554/x?y=z", user, password)
    assert redact(url) == "rtsp://***@cam:554/x?y=z"


@given(st.text(max_size=60))
def test_noise_is_redacted_or_refused_but_never_breaks(text: str) -> None:
    redact(text)
    redact(f"rtsp://{text}")
    causes = {""}
    for candidate in (text, f"rtsp://{text}"):
        try:
            address(candidate)
        except Error as error:
            causes.add(error.cause)
    assert causes <= {"", "bad_url"}


@pytest.mark.parametrize(
    ("url", "foreign"),
    [
        ("rtsp://cam/x", False),
        ("rtsps://cam/x", False),
        ("http://cam/snap.jpg#every=5", True),
        ("https://cam/live.m3u8", True),
        ("rtmp://cam/live/x", True),
        ("rtmps://cam/live/x", True),
        ("srt://cam:9000?mode=caller", True),
        ("udp://@239.1.2.3:5000", True),
        ("convert+rtsp://cam/x", True),
    ],
)
def test_addresses_a_camera_can_have(url: str, foreign: bool) -> None:
    require_source(url)
    assert is_foreign(url) is foreign


NO_CAMERAS = ("file:///etc/passwd", "pipe:0", "concat:a|b", "udp://h", "srt://h", "ftp://h/x")


@pytest.mark.parametrize("wrong", [*NO_CAMERAS, "convert+http://h/x", "convert+file:///x"])
def test_addresses_no_camera_can_have(wrong: str) -> None:
    with pytest.raises(Error) as caught:
        require_source(wrong)
    assert caught.value.cause == "bad_url"


@pytest.mark.parametrize("scheme", ["http", "rtmps", "srt", "convert+rtsp", "udp"])
def test_credentials_of_every_kind_are_taken_out_and_hidden(scheme: str) -> None:
    typed = f"{scheme}://{'ward:tre/lang@1'}@cam:9000/x?{'passphrase=abcdefghij'}&a=1"
    clean, user, password = split_credentials(typed)
    assert (user, password) == ("ward", "tre/lang@1")
    assert clean.startswith(f"{scheme}://cam:9000/x")
    for shown in (redact(typed), log.redact(f"cannot open {typed} now")):
        assert "tre" not in shown
        assert "abcdefghij" not in shown
        assert f"{scheme}://***@" in shown
    assert without_marker(clean).startswith(f"{scheme.removeprefix('convert+')}://cam")
