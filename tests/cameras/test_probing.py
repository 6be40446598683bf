"""Addresses of every kind tried out before a camera is added."""

from __future__ import annotations

import asyncio

import pytest

from luytre.base.errors import Error
from luytre.cameras.probing import probe
from tests.converter.sources import SIZE, SnapshotServer, serving


def test_a_foreign_address_is_probed_with_its_cost() -> None:
    server = SnapshotServer("basic", "ward", "tre@lang")
    with serving(server):
        found = asyncio.run(probe(f"{server.url()}#every=0.5", "ward", "tre@lang", seconds=3.0))
    video = found.result.video
    assert (video.codec, video.width, video.height) == ("h264", *SIZE)
    assert video.fps == pytest.approx(2.0, abs=0.5)
    assert video.gop_s == pytest.approx(2.0, abs=0.6)
    assert found.converted is not None
    assert (found.converted.source, found.converted.target, found.converted.encoded) == (
        "mjpeg",
        "h264",
        True,
    )
    assert found.converted.cpu > 0
    assert found.url is None


@pytest.mark.parametrize(
    ("path", "user", "cause"),
    [("/gone", "ward", "not_found"), ("/broken", "ward", "server_error"), ("/snap.jpg", "x", "auth_failed")],
)
def test_a_foreign_address_that_fails(path: str, user: str, cause: str) -> None:
    server = SnapshotServer("digest", "ward", "tre-lang")
    with serving(server), pytest.raises(Error) as caught:
        asyncio.run(probe(server.url(path), user, "tre-lang"))
    assert caught.value.cause == cause
    assert "tre-lang" not in str(caught.value)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "udp://239.0.0.1", "concat:http://x/y", "pipe:0"])
def test_what_is_never_opened(url: str) -> None:
    with pytest.raises(Error) as caught:
        asyncio.run(probe(url))
    assert caught.value.cause == "bad_url"
