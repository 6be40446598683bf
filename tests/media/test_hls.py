from __future__ import annotations

import pytest

from luytre.base.errors import Error
from luytre.media.hls import HlsPart, media_playlist

PARTS = [
    HlsPart("a.mp4", 1200, 500_000, 2.0, 1_795_330_000_000_000, "init-1.mp4"),
    HlsPart("a.mp4", 501_200, 480_000, 1.96, 1_795_330_002_000_000, "init-1.mp4"),
    HlsPart("b.mp4", 900, 100, 2.4, 1_795_330_100_123_999, "init-2.mp4", discontinuity=True),
]


def test_a_recorded_span() -> None:
    assert media_playlist(PARTS) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        "#EXT-X-TARGETDURATION:3\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        '#EXT-X-MAP:URI="init-1.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-22T06:46:40.000Z\n"
        "#EXTINF:2.000000,\n"
        "#EXT-X-BYTERANGE:500000@1200\n"
        "a.mp4\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-22T06:46:42.000Z\n"
        "#EXTINF:1.960000,\n"
        "#EXT-X-BYTERANGE:480000@501200\n"
        "a.mp4\n"
        "#EXT-X-DISCONTINUITY\n"
        '#EXT-X-MAP:URI="init-2.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-22T06:48:20.123Z\n"
        "#EXTINF:2.400000,\n"
        "#EXT-X-BYTERANGE:100@900\n"
        "b.mp4\n"
        "#EXT-X-ENDLIST\n"
    )


def test_a_growing_list_stays_open() -> None:
    text = media_playlist(PARTS[:1], kind="EVENT", independent=True)
    assert "#EXT-X-PLAYLIST-TYPE:EVENT" in text
    assert "#EXT-X-INDEPENDENT-SEGMENTS" in text
    assert "ENDLIST" not in text
    assert media_playlist(PARTS[:1], kind="EVENT", ended=True).endswith("#EXT-X-ENDLIST\n")


def test_the_first_part_of_a_list_is_no_discontinuity() -> None:
    assert "DISCONTINUITY" not in media_playlist(PARTS[2:])


def test_an_empty_list_is_a_list() -> None:
    assert media_playlist([]).splitlines()[-1] == "#EXT-X-ENDLIST"


@pytest.mark.parametrize("uri", ["", "a\nb", 'a"b', "#a", "a\rb"])
def test_addresses_cannot_break_out(uri: str) -> None:
    for part in (
        HlsPart(uri, 0, 1, 1.0, 0, "init.mp4"),
        HlsPart("a.mp4", 0, 1, 1.0, 0, uri),
    ):
        with pytest.raises(Error):
            media_playlist([part])
