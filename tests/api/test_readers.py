"""Readers' keys over the API, and stills taken with them."""

from __future__ import annotations

import base64
from typing import Any

import av
import pytest

from luytre.api import guards
from luytre.app.rtsp_port import write_state
from luytre.base.clock import US_PER_S
from luytre.people.actor import LOCAL
from luytre.people.readers import WRONG_S
from tests.api.ward import END_US, NOW_US, Ward


def basic(user: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}


def size(jpeg: bytes) -> tuple[int, int]:
    decoder = av.CodecContext.create("mjpeg", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    (frame,) = decoder.decode(av.Packet(jpeg)) + decoder.decode(None)
    return frame.width, frame.height


def test_keys_are_made_listed_and_ended(ward: Ward) -> None:
    assert ward.get("readers", "quan-tri").json() == {
        "rtsp": {"state": "not_running", "port": 8554, "address": "rtsp://ward.test:8554/CODE/main"},
        "readers": [],
    }
    ask = {"name": "Công an phường", "cameras": ["dk-01"], "days": 2}
    made = ward.ask("POST", "readers", "quan-tri", json=ask)
    assert made.status_code == 201
    new = made.json()
    assert new["url"] == "rtsp://ward.test:8554/DK-01/main"
    assert (new["user"], new["cameras"], new["created_by"]) == ("cong-an-phuong", ["DK-01"], "quan-tri")
    assert (
        ward.node.readers.prove(new["user"], "", lambda secret: secret == new["secret"]).name
        == "Công an phường"
    )
    write_state(ward.node.run_folder, 8600)
    listed = ward.get("readers", "quan-tri").json()
    assert listed["rtsp"]["state"] == "listening"
    assert listed["rtsp"]["port"] == 8600
    (reader,) = listed["readers"]
    assert reader == {key: value for key, value in new.items() if key not in ("secret", "url")} | {
        "used": reader["used"]
    }
    assert new["secret"] not in str(listed)
    again = ward.ask("POST", "readers", "quan-tri", json=ask)
    assert (again.status_code, again.json()["cause"]) == (409, "reader_exists")
    assert ward.ask("POST", "readers", "quan-tri", json={"name": "x", "cameras": ["K-9"]}).status_code == 404
    assert ward.ask("DELETE", f"readers/{reader['id']}", "quan-tri").status_code == 204
    gone = ward.ask("DELETE", f"readers/{reader['id']}", "quan-tri")
    assert (gone.status_code, gone.json()["cause"]) == (404, "reader_unknown")


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited after wrong keys: nobody does here."""
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(guards, "sleep", note)
    return waited


def test_a_wrong_key_is_answered_slowly(ward: Ward, waits: list[float]) -> None:
    new = ward.node.readers.add(LOCAL, "VMS")
    path = "cameras/DK-01/snapshot.jpg"
    assert (
        ward.get(path, headers=basic(new.reader.user, new.secret), params={"max_age_s": 999}).status_code
        == 200
    )
    assert ward.get(path).status_code == 401
    assert waits == []
    assert ward.get(path, headers=basic(new.reader.user, "guess")).status_code == 401
    assert waits == [WRONG_S]


class TestStill:
    PATH = "cameras/DK-01/snapshot.jpg"

    def login(self, ward: Ward, cameras: list[str] | None = None) -> dict[str, str]:
        new = ward.node.readers.add(LOCAL, "VMS", cameras)
        return basic(new.reader.user, new.secret)

    def test_a_program_takes_the_newest_picture(self, ward: Ward) -> None:
        login = self.login(ward)
        ward.clock.advance((END_US - NOW_US) / US_PER_S + 1)
        full = ward.get(self.PATH, headers=login)
        assert full.status_code == 200
        assert full.headers["cache-control"] == "private, no-store"
        small = ward.get(self.PATH, headers=login, params={"width": 100})
        width, height = size(full.content)
        assert size(small.content) == (100, round(height * 100 / width))
        assert size(ward.get(self.PATH, headers=login, params={"width": 8000}).content) == (width, height)
        assert [(look.user_name, look.action) for look in ward.node.looks.list()] == [("VMS", "snapshot")]

    def test_an_old_picture_is_none(self, ward: Ward) -> None:
        old = ward.get(self.PATH, headers=self.login(ward))
        assert (old.status_code, old.json()["cause"], old.headers["retry-after"]) == (
            503,
            "no_fresh_picture",
            "5",
        )
        assert ward.get(self.PATH, "truc").status_code == 200
        assert ward.get(self.PATH, "truc", params={"max_age_s": 5}).status_code == 503
        assert ward.get("cameras/DK-02/snapshot.jpg", headers=self.login_again(ward)).status_code == 404

    def login_again(self, ward: Ward) -> dict[str, str]:
        new = ward.node.readers.add(LOCAL, "khác")
        return basic(new.reader.user, new.secret)

    def test_a_key_opens_its_cameras_only_and_nothing_but_stills(self, ward: Ward) -> None:
        login = self.login(ward, [ward.node.registry.get("DK-02").id])
        other = ward.get(self.PATH, headers=login)
        assert (other.status_code, other.json()["cause"]) == (403, "other_camera")
        for path in ("cameras", "node", "session", "cameras/DK-02/days"):
            assert ward.get(path, headers=login).status_code == 401
        past: dict[str, Any] = {"at": "2026-11-22T07:00:05Z"}
        assert ward.get(self.PATH, headers=login, params=past).status_code == 403
        assert ward.node.looks.list() == []

    @pytest.mark.parametrize(
        ("agent", "challenge"),
        [("curl/7.88.1", "Basic"), ("Lavf/59.27.100", "Basic"), ("Mozilla/5.0 (X11)", "Bearer")],
    )
    def test_programs_are_asked_for_a_key_and_browsers_are_not(
        self, ward: Ward, agent: str, challenge: str
    ) -> None:
        refused = ward.get(self.PATH, headers={"User-Agent": agent})
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith(challenge)
        wrong = ward.get(self.PATH, headers={"User-Agent": agent, **basic("vms", "guess")})
        assert (wrong.status_code, wrong.json()["cause"]) == (401, "wrong_reader_key")
        assert wrong.headers["www-authenticate"].startswith("Basic")
