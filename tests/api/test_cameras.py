"""The list of cameras, its changes, days, and what the node says of itself."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import av
import pytest

from luytre.api import archive_shapes, shapes
from luytre.archive import holds
from luytre.archive.index import Index
from luytre.archive.keys import Span
from luytre.archive.volume import open_volume
from luytre.cameras.days import bounds
from luytre.converter import state
from luytre.converter.plan import state_file
from luytre.converter.state import Conversion
from luytre.recorder.state import StreamState
from luytre.simulator.camera import Camera
from luytre.simulator.server import Simulator
from tests.api.ward import START_US, Ward, at, clip
from tests.recorder.ward import reel


def say(ward: Ward, state: StreamState | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a recorder had told the hub."""
    known = {} if state is None else {(state.camera, state.stream): state}
    monkeypatch.setattr(ward.node.hub, "states", lambda: known)


def test_a_camera_as_the_contract_has_it(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    say(
        ward,
        StreamState(
            ward.main.camera, "main", "recording", None, "", START_US, None, "h264", "avc1.4D401F", 1280, 720,
            15.0, 1_800_000, None, -120,
        ),
        monkeypatch,
    )  # fmt: skip
    first, second = ward.get("cameras", "to-truong").json()
    assert (first["code"], second["code"]) == ("DK-01", "DK-02")
    assert set(first) == set(shapes.Camera.model_fields)
    main, sub = first["streams"]
    assert set(main) == set(shapes.Stream.model_fields)
    assert (first["state"], first["since"], first["recorded_from"]) == ("recording", at(0), at(0))
    assert (main["codec_string"], main["width"], main["clock_offset_ms"]) == ("avc1.4D401F", 1280, -120)
    assert (sub["state"], sub["cause"], second["state"], second["recorded_from"]) == (
        "unknown",
        None,
        "unknown",
        None,
    )
    assert ward.get("cameras/dk-01", "to-truong").json() == first


def test_a_retrying_stream_says_why_and_what_to_do(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    state = StreamState(
        ward.main.camera, "main", "retrying", "auth_failed", "401", START_US, START_US + 5_000_000
    )
    say(ward, state, monkeypatch)
    told = ward.get("cameras/DK-01", "truc").json()
    stream = told["streams"][0]
    assert (told["state"], told["cause"], told["reason"]) == (
        "retrying",
        "auth_failed",
        "Camera từ chối mật khẩu",
    )
    assert stream["hint"].startswith("Nhập lại tên và mật khẩu")
    assert stream["retry_at"] == at(5)
    english = ward.get("cameras/DK-01", "truc", headers={"Accept-Language": "en-GB,vi;q=0.5"}).json()
    assert english["reason"] == "The camera refuses the password"


def test_add_change_remove(ward: Ward) -> None:
    new = {"code": "DK-03", "name": "Bến xe", "url": "rtsp://{}:{}@10.0.0.9/a".format("admin", "bi-mat-9")}
    made = ward.ask("POST", "cameras", "quan-tri", json=new)
    assert made.status_code == 201
    assert made.headers["location"] == "/api/v1/cameras/DK-03"
    assert "bi-mat-9" not in made.text
    assert made.json()["streams"][0]["url"] == "rtsp://10.0.0.9/a"
    again = ward.ask("POST", "cameras", "quan-tri", json=new)
    assert (again.status_code, again.json()["cause"]) == (409, "camera_exists")
    changed = ward.ask(
        "PATCH", "cameras/DK-03", "quan-tri", json={"sub_url": "rtsp://10.0.0.9/b", "enabled": False}
    )
    told = changed.json()
    assert [stream["name"] for stream in told["streams"]] == ["main", "sub"]
    assert (told["name"], told["state"], told["cause"]) == ("Bến xe", "disabled", "camera_disabled")
    less = ward.ask("PATCH", "cameras/DK-03", "quan-tri", json={"sub_url": None, "name": "Bến cũ"})
    assert [stream["name"] for stream in less.json()["streams"]] == ["main"]
    assert ward.ask("DELETE", "cameras/DK-03", "quan-tri").status_code == 204
    assert ward.get("cameras/DK-03", "quan-tri").status_code == 404


def test_how_a_camera_is_recorded(ward: Ward) -> None:
    hours = "Mon-Fri 18:00-06:00; Sat,Sun 00:00-24:00"
    wanted = {"mode": "schedule", "hours": hours, "volume": "1", "preroll_s": 0, "postroll_s": 300}
    new = {"code": "DK-03", "name": "Bến xe", "url": "rtsp://10.0.0.9/a"}
    plain = ward.ask("POST", "cameras", "quan-tri", json=new).json()
    assert [plain[name] for name in ("retention", "volume", "mode", "hours", "preroll_s", "postroll_s")] == [
        "standard", None, "continuous", "", 5, 10,
    ]  # fmt: skip
    changed = ward.ask("PATCH", "cameras/DK-03", "quan-tri", json=wanted).json()
    volume = str(ward.node.directory / "volumes/1")
    assert {name: changed[name] for name in wanted} == {**wanted, "volume": volume}
    kept = ward.ask("PATCH", "cameras/DK-03", "quan-tri", json={"name": "Bến cũ"}).json()
    assert (kept["volume"], kept["mode"]) == (volume, "schedule")
    balanced = ward.ask("PATCH", "cameras/DK-03", "quan-tri", json={"volume": None}).json()
    assert (balanced["volume"], balanced["hours"]) == (None, hours)


def test_the_classes_there_are(ward: Ward) -> None:
    (one,) = ward.get("classes", "quan-tri").json()
    assert set(one) == set(archive_shapes.RetentionClass.model_fields)
    assert (one["name"], one["days"], one["sub_keep_days"], one["when_full"]) == (
        "standard",
        30,
        30,
        "overwrite",
    )


@pytest.mark.parametrize(
    ("body", "cause", "words"),
    [
        ({"retention": "x"}, "no_class", "lớp lưu trữ"),
        ({"volume": "x"}, "no_volume", "ổ lưu"),
        ({"hours": "ban đêm"}, "bad_hours", "Giờ ghi hình"),
        ({"mode": "never"}, "bad_field", "mode"),
        ({"preroll_s": 31}, "bad_field", "preroll_s"),
        ({"postroll_s": 0.5}, "bad_field", "postroll_s"),
    ],
)
def test_recording_that_cannot_be(ward: Ward, body: Any, cause: str, words: str) -> None:
    answer = ward.ask("PATCH", "cameras/DK-01", "quan-tri", json=body)
    assert (answer.status_code, answer.json()["cause"]) == (400, cause)
    assert words in answer.json()["message"]
    assert answer.json()["hint"]


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ({"code": "DK 03", "name": "x", "url": "rtsp://10.0.0.9/"}, "bad_code"),
        ({"code": "DK-03", "name": "x", "url": "10.0.0.9"}, "bad_url"),
        ({"code": "DK-03", "name": "x", "url": "file:///etc/passwd"}, "bad_url"),
        ({"code": "DK-03", "url": "rtsp://10.0.0.9/"}, "bad_field"),
        ({"code": "DK-03", "name": "x", "url": "rtsp://10.0.0.9/", "suburl": "y"}, "bad_field"),
        ({"code": "DK-03", "name": "x\u0000", "url": "rtsp://10.0.0.9/"}, "too_long"),
        ([], "bad_body"),
    ],
)
def test_a_wrong_camera_is_refused(ward: Ward, body: Any, cause: str) -> None:
    answer = ward.ask("POST", "cameras", "quan-tri", json=body)
    assert (answer.status_code, answer.json()["cause"]) == (400, cause)
    assert len(ward.node.registry.list()) == 2


def test_bodies_that_are_no_json_or_too_large(ward: Ward) -> None:
    how: dict[str, Any] = {"headers": {"Content-Type": "application/json"}}
    broken = ward.ask("POST", "session", content=b'{"user": ', **how)
    assert (broken.status_code, broken.json()["cause"]) == (400, "bad_body")
    large = ward.ask("POST", "session", content=b'"' + b"x" * 70_000 + b'"', **how)
    assert (large.status_code, large.json()["cause"]) == (400, "body_too_large")

    async def endless() -> Any:
        for _ in range(20):
            yield b" " * 10_000

    streamed = ward.ask("POST", "session", content=endless(), **how)
    assert (streamed.status_code, streamed.json()["cause"]) == (400, "body_too_large")


def test_a_probe_that_fails_says_it_in_the_words_for_streams(ward: Ward) -> None:
    async def silent() -> Any:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        return port

    port = asyncio.run(silent())
    answer = ward.ask("POST", "cameras/probe", "quan-tri", json={"url": f"rtsp://127.0.0.1:{port}/x"})
    assert answer.json()["cause"] == "refused"
    assert answer.json()["message"] == "Camera không nhận kết nối"
    wrong = ward.ask("POST", "cameras/probe", "quan-tri", json={"url": "nonsense"})
    assert (wrong.status_code, wrong.json()["cause"]) == (400, "bad_url")


def test_a_probe_shows_a_picture_and_leaves_a_line(ward: Ward) -> None:
    async def call() -> Any:
        async with Simulator([Camera(1, {"main": reel(clip())})]) as simulator:
            body = {"url": simulator.url(1)}
            answer = await asyncio.to_thread(ward.ask, "POST", "cameras/probe", "quan-tri", json=body)
            return answer.json(), simulator.url(1)

    told, url = asyncio.run(call())
    assert set(told) == set(shapes.Probe.model_fields)
    picture = b64decode(told["picture"])
    still: Any
    with av.open(BytesIO(picture)) as still:
        (frame,) = still.decode(video=0)
    assert (frame.width, frame.height) == (told["video"]["width"], told["video"]["height"])
    (look,) = ward.node.looks.list(limit=1)
    assert (look.action, look.user_name, look.camera, look.reason) == ("trial", "quan-tri", "", url)


def test_a_probe_refused_by_the_camera_does_not_log_anybody_out(ward: Ward) -> None:
    async def call() -> Any:
        async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while b"\r\n\r\n" in (request := await reader.read(4096)):
                sequence = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"cseq"))
                writer.write(
                    b"RTSP/1.0 401 Unauthorized\r\n"
                    + sequence
                    + b'\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n'
                )
            writer.close()

        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        body = {"url": f"rtsp://127.0.0.1:{port}/x", "user": "a", "password": "b"}
        try:
            return await asyncio.to_thread(ward.ask, "POST", "cameras/probe", "quan-tri", json=body)
        finally:
            server.close()

    answer = asyncio.run(call())
    assert answer.json()["cause"] == "auth_failed"
    assert answer.status_code not in (401, 403)
    assert answer.json()["message"] == "Camera từ chối mật khẩu"


class TestDays:
    def test_the_days_with_recordings(self, ward: Ward) -> None:
        assert ward.get("cameras/DK-01/days", "truc").json() == {"days": ["2026-11-22"]}
        assert ward.get("cameras/DK-02/days", "truc").json() == {"days": []}

    def test_a_day(self, ward: Ward) -> None:
        volume = open_volume(ward.node.config.volumes[0].path)
        index = Index(volume.index_path, volume.id)
        holds.place(index, ward.main, Span(START_US, START_US + 1_000_000), "Vụ 12", "truc", ward.clock)
        index.close()
        day = ward.get("cameras/DK-01/days/2026-11-22", "truc").json()
        assert set(day) == set(shapes.Day.model_fields)
        assert (day["start"], day["end"]) == ("2026-11-21T17:00:00Z", "2026-11-22T17:00:00Z")
        assert day["recorded_s"] == 50.0
        assert day["spans"] == [
            {"start": at(0), "end": at(30), "stream": "main"},
            {"start": at(40), "end": at(60), "stream": "main"},
        ]
        assert day["holds"] == [{"start": at(0), "end": at(1), "reason": "Vụ 12"}]
        (clocks,) = day["clocks"]
        assert clocks == {"start": at(0), "end": at(60), "error_s": 0.12, "camera_offset_s": 7.25}
        first, last = day["gaps"][0], day["gaps"][-1]
        assert (first["start"], first["end"], first["cause"]) == (at(30), at(40), "closed_by_camera")
        assert first["reason"] == "Camera ngắt kết nối"
        assert (last["start"], last["end"]) == (at(60), None)
        assert len(day["minutes"]) == 1440
        assert day["minutes"][14 * 60 - 1 : 14 * 60 + 1] == [0, 1 | 2 | 4]

    @pytest.mark.parametrize(
        "text", ["2026-13-01", "2026-02-30", "yesterday", "1700000000", "9999-12-31", "0001-01-01"]
    )
    def test_what_is_no_day(self, ward: Ward, text: str) -> None:
        answer = ward.get(f"cameras/DK-01/days/{text}", "truc")
        assert (answer.status_code, answer.json()["cause"]) == (400, "bad_date")

    def test_a_day_may_have_23_or_25_hours(self) -> None:
        zone = ZoneInfo("Europe/Berlin")
        hours = [(bounds(date(2026, *day), zone)) for day in ((3, 29), (10, 25), (11, 22))]
        assert [(end - start) // 3_600_000_000 for start, end in hours] == [23, 25, 24]

    def test_unknown(self, ward: Ward) -> None:
        assert ward.get("cameras/XX/days", "truc").json()["cause"] == "no_camera"
        assert ward.get("cameras/DK-02/days/2026-11-22?stream=sub", "truc").json()["cause"] == "no_stream"


class TestNode:
    def test_the_archive(self, ward: Ward) -> None:
        (volume,) = ward.get("archive", "quan-tri").json()["volumes"]
        assert set(volume) == set(archive_shapes.Volume.model_fields)
        assert (volume["state"], volume["oldest"], volume["promised_days"]) == ("ok", at(0), 30.0)
        assert volume["segments"] >= 5

    def test_health_is_open_and_names_nobody(self, ward: Ward) -> None:
        answer = ward.get("/healthz", far=True)
        assert answer.status_code == 200
        assert answer.json()["cameras"] == {"unknown": 2}
        assert answer.json()["streams"] == {"unknown": 3}
        assert "DK" not in answer.text

    def test_metrics_are_for_this_machine_or_a_session(self, ward: Ward) -> None:
        assert ward.get("/metrics", far=True).status_code == 401
        assert ward.get("/metrics", headers={"X-Forwarded-For": "10.1.1.1"}).status_code == 401
        assert ward.get("/metrics", "to-truong", far=True).status_code == 200
        ward.get("cameras/DK-01/video.mp4", "truc", params={"start": at(0), "end": at(5)})
        text = ward.get("/metrics").text
        assert 'luytre_streams{state="unknown",stream="main"} 2.0' in text
        assert 'luytre_gaps{cause="closed_by_camera"} 2.0' in text
        assert "luytre_viewers 0.0" in text
        assert "luytre_archive_free_bytes{" in text
        assert (
            'luytre_request_seconds_count{method="GET",route="/cameras/{code}/video.mp4",status="200"} 1.0'
            in text
        )
        assert 'luytre_sent_bytes_total{route="/cameras/{code}/video.mp4"}' in text
        assert ward.token("truc") not in text

    def test_texts_are_compressed_and_pictures_are_not(self, ward: Ward) -> None:
        how: dict[str, Any] = {"headers": {"Accept-Encoding": "gzip"}}
        day = ward.get("cameras/DK-01/days/2026-11-22", "truc", **how)
        assert day.headers["content-encoding"] == "gzip"
        assert int(day.headers["content-length"]) < 1000 < len(day.content)
        movie = ward.get("cameras/DK-01/video.mp4", "truc", params={"start": at(0), "end": at(5)}, **how)
        assert "content-encoding" not in movie.headers


class TestPages:
    @pytest.fixture(autouse=True)
    def built(self, ward: Ward, tmp_path: Path) -> Path:
        static = tmp_path / "static"
        (static / "assets").mkdir(parents=True)
        (static / "index.html").write_text("<!doctype html><title>page</title>", encoding="utf-8")
        (static / "assets" / "main-a1.js").write_text("let a = 1;" * 500, encoding="utf-8")
        (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
        ward.app.state.static = static
        return static

    @pytest.mark.parametrize("path", ["/", "/playback?camera=DK-01", "/cameras", "/login"])
    def test_every_page_is_the_one_page(self, ward: Ward, path: str) -> None:
        answer = ward.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
        assert "<title>page</title>" in answer.text
        assert ward.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304

    def test_assets_never_change(self, ward: Ward) -> None:
        answer = ward.get("/assets/main-a1.js", headers={"Accept-Encoding": "gzip"})
        assert answer.headers["cache-control"].endswith("immutable")
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["content-type"].startswith("text/javascript")
        assert len(answer.text) == 5000
        assert ward.ask("HEAD", "/assets/main-a1.js", headers={"Accept-Encoding": "identity"}).content == b""

    @pytest.mark.parametrize(
        "path", ["/assets/other.js", "/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt"]
    )
    def test_nothing_else_is_read(self, ward: Ward, path: str) -> None:
        answer = ward.get(path)
        assert answer.status_code == 404
        assert "secret" not in json.dumps(answer.json()).replace("secret.txt", "")

    def test_unknown_addresses_of_programs_are_no_page(self, ward: Ward) -> None:
        answer = ward.get("nothing")
        assert (answer.status_code, answer.json()["cause"]) == (404, "no_such_address")
        wrong = ward.ask("PUT", "cameras", "quan-tri", json={})
        assert (wrong.status_code, wrong.json()["cause"]) == (405, "wrong_method")

    def test_without_a_build_it_says_how_to_make_one(self, ward: Ward, built: Path) -> None:
        (built / "index.html").unlink()
        answer = ward.get("/")
        assert answer.status_code == 503
        assert "make setup" in answer.text


def test_what_the_converter_does_to_a_stream_is_told(ward: Ward) -> None:
    body = {"code": "DK-09", "name": "x", "url": "http://10.0.0.9/mjpg/video.mjpg"}
    made = ward.ask("POST", "cameras", "quan-tri", json=body).json()
    assert made["streams"][0]["converted"] is None
    path = ward.node.run_folder / state_file(made["id"], "main")
    state.write(path, Conversion("mjpeg", "h264", True, 0.125, 10.0), ward.clock.wall_us())
    told = ward.get("cameras/DK-09", "truc").json()["streams"][0]
    assert told["converted"] == {"from": "mjpeg", "to": "h264", "encoded": True, "cpu": 0.125}
    # What a worker said that is gone is not told for ever.
    ward.clock.advance(30)
    assert ward.get("cameras/DK-09", "quan-tri").json()["streams"][0]["converted"] is None
