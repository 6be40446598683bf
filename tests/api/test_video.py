"""Playback over HTTP: playlists, pieces, one MP4, stills, tickets, wrong input."""

from __future__ import annotations

import io
import re
from typing import Any
from urllib.parse import urljoin, urlsplit

import av
import pytest

from tests.api.ward import FPS, START_US, Ward, at

SPAN = {"start": at(0), "end": at(60)}


def frames_in(data: bytes) -> int:
    container: Any = av.open(io.BytesIO(data))
    with container:
        return sum(1 for _ in container.decode(video=0))


def playlist_of(ward: Ward, **query: str) -> str:
    answer = ward.get("cameras/DK-01/video.m3u8", "truc", params={**SPAN, **query})
    assert answer.status_code == 200, answer.text
    return answer.text


def pieces_of(text: str) -> list[tuple[str, int, int]]:
    """(address, first byte, last byte) of each entry."""
    found = re.findall(r"#EXT-X-BYTERANGE:(\d+)@(\d+)\n(?:#[^\n]*\n)*([^#\n]+)", text)
    return [(address, int(first), int(first) + int(size) - 1) for size, first, address in found]


def test_a_playlist_has_relative_addresses_and_marks_the_gap(ward: Ward) -> None:
    answer = ward.get("cameras/DK-01/video.m3u8", "truc", params=SPAN)
    assert answer.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert answer.headers["cache-control"] == "private, no-store"
    text = answer.text
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1
    assert "#EXT-X-PROGRAM-DATE-TIME:2026-11-22T07:00:00" in text
    pieces = pieces_of(text)
    assert len(pieces) >= 5
    assert all(address.startswith("pieces/main/") for address, _, _ in pieces)


def test_init_and_pieces_are_a_playable_film(ward: Ward) -> None:
    text = playlist_of(ward, end=at(29.9))
    base = "/api/v1/cameras/DK-01/video.m3u8"
    init = re.search(r'#EXT-X-MAP:URI="([^"]+)"', text)
    assert init is not None
    film = ward.get(urljoin(base, init[1]), "truc").content
    for address, first, last in pieces_of(text):
        part = ward.get(urljoin(base, address), "truc", headers={"Range": f"bytes={first}-{last}"})
        assert part.status_code == 206
        assert part.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert len(part.content) == last - first + 1
        film += part.content
    assert frames_in(film) == 30 * FPS


def test_a_movie_is_whole_and_any_part_of_it_is_the_same_bytes(ward: Ward) -> None:
    path, query = "cameras/DK-01/video.mp4", {"start": at(5), "end": at(15)}
    whole = ward.get(path, "truc", params=query)
    assert whole.status_code == 200
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["accept-ranges"] == "bytes"
    assert "content-disposition" not in whole.headers
    assert frames_in(whole.content) == 10 * FPS
    size = len(whole.content)
    for asked, part in [
        ("100-199", slice(100, 200)),
        ("-50", slice(size - 50, size)),
        (f"{size - 7}-", slice(size - 7, size)),
    ]:
        answer = ward.get(path, "truc", params=query, headers={"Range": f"bytes={asked}"})
        assert answer.status_code == 206
        assert answer.content == whole.content[part]
        assert answer.headers["content-range"] == f"bytes {part.start}-{part.stop - 1}/{size}"


def test_range_corner_cases(ward: Ward) -> None:
    path, query = "cameras/DK-01/video.mp4", {"start": at(5), "end": at(8)}
    whole = ward.get(path, "truc", params=query)
    size, etag = len(whole.content), whole.headers["etag"]
    beyond = ward.get(path, "truc", params=query, headers={"Range": f"bytes={size}-"})
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{size}"
    assert beyond.json()["cause"] == "bad_range"
    nonsense = ward.get(path, "truc", params=query, headers={"Range": "bytes=9-3"})
    assert (nonsense.status_code, len(nonsense.content)) == (200, size)
    several = ward.get(path, "truc", params=query, headers={"Range": "bytes=0-1,5-6"})
    assert (several.status_code, len(several.content)) == (200, size)
    same = ward.get(path, "truc", params=query, headers={"Range": "bytes=0-9", "If-Range": etag})
    assert (same.status_code, len(same.content)) == (206, 10)
    other = ward.get(path, "truc", params=query, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (other.status_code, len(other.content)) == (200, size)
    known = ward.get(path, "truc", params=query, headers={"If-None-Match": etag})
    assert (known.status_code, known.content) == (304, b"")


def test_head_has_the_headers_and_no_body(ward: Ward) -> None:
    path, query = "cameras/DK-01/video.mp4", {"start": at(5), "end": at(8)}
    whole = ward.get(path, "truc", params=query)
    head = ward.ask("HEAD", path, "truc", params=query)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    assert head.headers["etag"] == whole.headers["etag"]


def test_a_download_is_named_and_needs_the_right_to_export(ward: Ward) -> None:
    query = {"start": at(5), "end": at(8), "download": "1"}
    answer = ward.get("cameras/DK-01/video.mp4", "truc", params=query)
    assert (
        answer.headers["content-disposition"] == 'attachment; filename="DK-01_main_20261122T070005Z_3s.mp4"'
    )
    assert [look.action for look in ward.node.looks.list()] == ["export"]
    refused = ward.get("cameras/DK-01/video.mp4", "to-truong", params=query)
    assert refused.status_code == 403
    assert "trích xuất" in refused.json()["message"]


def test_a_snapshot_says_when_it_was_taken(ward: Ward) -> None:
    answer = ward.get("cameras/DK-01/snapshot.jpg", "truc", params={"at": at(12.5)})
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content.startswith(b"\xff\xd8\xff")
    assert answer.headers["x-picture-time"] == at(12)
    newest = ward.get("cameras/DK-01/snapshot.jpg", "to-truong")
    assert newest.status_code == 200
    assert newest.headers["x-picture-time"] == at(59)


def test_a_snapshot_of_the_past_needs_the_right_to_play_back(ward: Ward) -> None:
    answer = ward.get("cameras/DK-01/snapshot.jpg", "to-truong", params={"at": at(1)})
    assert (answer.status_code, answer.json()["cause"]) == (403, "missing_right")


@pytest.mark.parametrize(
    ("query", "status", "cause"),
    [
        ({"start": "gestern", "end": at(9)}, 400, "bad_time"),
        ({"start": "2026-11-22T07:00:00", "end": at(9)}, 400, "bad_time"),
        ({"start": at(0), "end": "2026-02-30T07:00:00Z"}, 400, "bad_time"),
        ({"start": "0001-01-01T00:00:00+14:00", "end": at(9)}, 400, "bad_time"),
        ({"start": at(0)}, 400, "bad_field"),
        ({"start": at(9), "end": at(9)}, 400, "end_before_start"),
        ({"start": at(9), "end": at(3)}, 400, "end_before_start"),
        ({"start": at(0), "end": at(25 * 3600 + 1)}, 400, "span_too_long"),
        ({"start": at(-100), "end": at(-50)}, 404, "nothing_recorded"),
        ({**SPAN, "stream": "third"}, 400, "bad_field"),
    ],
)
@pytest.mark.parametrize("name", ["video.m3u8", "video.mp4"])
def test_wrong_input_is_named(ward: Ward, name: str, query: dict[str, str], status: int, cause: str) -> None:
    answer = ward.get(f"cameras/DK-01/{name}", "truc", params=query)
    assert (answer.status_code, answer.json()["cause"]) == (status, cause)
    body = answer.json()
    assert body["message"]
    assert body["hint"]
    assert "{" not in body["message"] + body["hint"]


def test_the_hint_of_an_empty_span_has_the_nearest_picture_in_the_wards_time(ward: Ward) -> None:
    query = {"start": at(-100), "end": at(-50)}
    answer = ward.get("cameras/DK-01/video.m3u8", "truc", params=query)
    assert answer.json()["hint"] == "Hình gần nhất là lúc 22/11/2026 14:00:00."
    english = ward.get("cameras/DK-01/video.m3u8?lang=en", "truc", params={**query, "lang": "en"})
    assert "22/11/2026 14:00:00" in english.json()["hint"]


def test_unknown_cameras_and_streams(ward: Ward) -> None:
    missing = ward.get("cameras/XX-99/video.m3u8", "truc", params=SPAN)
    assert (missing.status_code, missing.json()["cause"]) == (404, "no_camera")
    no_sub = ward.get("cameras/DK-02/video.m3u8", "truc", params={**SPAN, "stream": "sub"})
    assert (no_sub.status_code, no_sub.json()["cause"]) == (404, "no_stream")
    empty = ward.get("cameras/DK-02/snapshot.jpg", "truc")
    assert (empty.status_code, empty.json()["kind"]) == (404, "not_found")
    piece = ward.get("cameras/DK-01/pieces/main/nothing-1.mp4", "truc")
    assert piece.status_code == 404
    odd = ward.get("cameras/DK-01/pieces/main/..%2f..%2fnode.key.mp4", "truc")
    assert odd.status_code in (400, 404)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T14:00:05+07:00",
        "2026-11-22T14:00:05 07:00",
        "2026-11-22T07:00:05Z",
        "2026-11-22t07:00:05.000z",
    ],
)
def test_times_come_in_any_offset_and_with_a_lost_plus(ward: Ward, text: str) -> None:
    answer = ward.get("cameras/DK-01/snapshot.jpg", "truc", params={"at": text})
    assert answer.headers["x-picture-time"] == at(5)


class TestTickets:
    def make(self, ward: Ward, start: float, end: float) -> dict[str, str]:
        answer = ward.ask(
            "POST",
            "cameras/DK-01/tickets",
            "truc",
            json={"start": at(start), "end": at(end), "stream": "main"},
        )
        assert answer.status_code == 201, answer.text
        body: dict[str, str] = answer.json()
        return body

    def local(self, address: str) -> str:
        parts = urlsplit(address)
        assert (parts.scheme, parts.netloc) == ("http", "ward.test")
        return f"{parts.path}?{parts.query}"

    def test_they_open_their_span_without_a_login(self, ward: Ward) -> None:
        ticket = self.make(ward, 5, 12)
        playlist = ward.get(self.local(ticket["m3u8"]))
        assert playlist.status_code == 200
        pieces = pieces_of(playlist.text)
        for address, first, last in pieces:
            assert "?ticket=" in address
            path = urljoin("/api/v1/cameras/DK-01/video.m3u8", address)
            part = ward.get(path, headers={"Range": f"bytes={first}-{last}"})
            assert (part.status_code, len(part.content)) == (206, last - first + 1)
        assert frames_in(ward.get(self.local(ticket["mp4"])).content) == 7 * FPS
        assert all(look.by_ticket for look in ward.node.looks.list())

    def test_they_open_nothing_else(self, ward: Ward) -> None:
        ticket = self.make(ward, 12, 14)
        query = {"ticket": urlsplit(ticket["mp4"]).query.rpartition("ticket=")[2]}
        wider = ward.get("cameras/DK-01/video.mp4", params={**query, "start": at(11), "end": at(14)})
        assert (wider.status_code, wider.json()["cause"]) == (403, "outside_ticket")
        other = ward.get("cameras/DK-02/video.mp4", params={**query, "start": at(12), "end": at(14)})
        assert other.status_code == 403
        download = ward.get(self.local(ticket["mp4"]) + "&download=1")
        assert download.status_code == 403
        assert ward.get("cameras", params=query).status_code == 401
        assert ward.get("cameras/DK-01/days", params=query).status_code == 401
        assert ward.get("cameras/DK-01/snapshot.jpg", params=query).status_code == 403
        assert ward.get("cameras/DK-01/snapshot.jpg", params={**query, "at": at(13)}).status_code == 200

    def test_they_open_only_their_bytes_of_a_segment(self, ward: Ward) -> None:
        ticket = self.make(ward, 12, 14)
        (address, first, last), *_ = pieces_of(ward.get(self.local(ticket["m3u8"])).text)
        path = urljoin("/api/v1/cameras/DK-01/video.m3u8", address)
        assert ward.get(path).status_code == 403
        before = ward.get(path, headers={"Range": f"bytes={first - 1}-{last}"})
        assert (before.status_code, before.json()["cause"]) == (403, "outside_ticket")

    def test_they_end_with_their_session(self, ward: Ward) -> None:
        ticket = self.make(ward, 5, 12)
        assert ward.ask("DELETE", "session", "truc").status_code == 204
        assert ward.get(self.local(ticket["mp4"])).status_code == 401

    def test_they_cannot_be_made_for_nothing(self, ward: Ward) -> None:
        body = {"start": at(-90), "end": at(-60), "stream": "main"}
        answer = ward.ask("POST", "cameras/DK-01/tickets", "truc", json=body)
        assert (answer.status_code, answer.json()["cause"]) == (404, "nothing_recorded")


def test_the_footage_begins_when_this_file_thinks(ward: Ward) -> None:
    assert ward.node.archive.recorded_range(ward.main) == (START_US, START_US + 60_000_000)
