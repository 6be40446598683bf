"""The HTTP around a tunnel."""

from __future__ import annotations

import base64
import re

import pytest

from luytre.base.errors import Error
from luytre.media.rtsp.tunnel import POST_BYTES, TunnelSession

OPEN = b"HTTP/1.0 200 OK\r\nContent-Type: application/x-rtsp-tunnelled\r\n\r\n"


def session() -> TunnelSession:
    return TunnelSession("camera:80", "/live?x=1", "admin", "s3cret")


def test_both_requests_name_the_same_cookie() -> None:
    tunnel = session()
    get, post = tunnel.get().decode(), tunnel.post().decode()
    assert get.startswith("GET /live?x=1 HTTP/1.0\r\n")
    assert "Accept: application/x-rtsp-tunnelled\r\n" in get
    assert "Content-Length: 32767\r\n" in post
    cookies = [re.findall(r"x-sessioncookie: (\S+)", text) for text in (get, post)]
    assert cookies[0] == cookies[1]
    assert len(cookies[0]) == 1
    assert get.endswith("\r\n\r\n")
    assert "uthorization" not in get + post


@pytest.mark.parametrize("cut", [1, 5, 20, len(OPEN) - 1])
def test_what_follows_the_head_is_rtsp(cut: int) -> None:
    tunnel = session()
    tunnel.get()
    assert tunnel.answered(OPEN[:cut]) is None
    assert tunnel.answered(OPEN[cut:] + b"RTSP/1.0 200") is True
    assert tunnel.rest == b"RTSP/1.0 200"


def test_logging_in_on_the_http_layer() -> None:
    tunnel = session()
    tunnel.get()
    refused = b'HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n\r\n'
    assert tunnel.answered(refused) is False
    again = tunnel.get()
    assert b'uri="/live?x=1"' in again
    assert b"nc=00000001" in again
    assert tunnel.answered(OPEN) is True
    assert b"nc=00000002" in tunnel.post()
    assert b"s3cret" not in again


def test_a_wrong_password_is_told() -> None:
    tunnel = session()
    tunnel.get()
    refused = b'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="r"\r\n\r\n'
    assert tunnel.answered(refused) is False
    assert b"Basic " in tunnel.get()
    with pytest.raises(Error) as caught:
        tunnel.answered(refused)
    assert caught.value.cause == "auth_failed"


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "server_error"),
        (b"HTTP/1.1 302 Found\r\nLocation: /login.html\r\n\r\n", "server_error"),
        (b"RTSP/1.0 400 Bad Request\r\n\r\n", "not_rtsp"),
        (b"SSH-2.0-x\r\n", "not_rtsp"),
        (b"HTTP/1.1\r\n\r\n", "not_rtsp"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000, "not_rtsp"),
    ],
)
def test_what_is_no_tunnel(answer: bytes, cause: str) -> None:
    tunnel = session()
    tunnel.get()
    with pytest.raises(Error) as caught:
        tunnel.answered(answer)
    assert caught.value.cause == cause
    assert caught.value.hint


def test_a_post_holds_what_it_announced() -> None:
    tunnel = session()
    said, sent = b"OPTIONS * RTSP/1.0\r\n\r\n" * 20, 0
    assert not tunnel.holds(said)
    tunnel.post()
    while tunnel.holds(said):
        wrapped = tunnel.wrap(said)
        assert base64.b64decode(wrapped) == said
        sent += len(wrapped)
    assert POST_BYTES - len(wrapped) < sent <= POST_BYTES
    tunnel.post()
    assert tunnel.holds(said)
    tunnel.full()
    assert not tunnel.holds(b"")
