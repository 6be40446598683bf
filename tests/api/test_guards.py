"""Every route says who may use it, and means it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute

from luytre.api.application import ROUTERS, shell
from luytre.api.guards import FromHereOrSession, Guard, Needs, OpenToAll
from tests.api.ward import API, PASSWORD, Ward, at

OPEN = {"/session", "/healthz", "/{path:path}"}
# What has a ticket parameter of its own: pictures, by GET.
BY_TICKET = {
    "/cameras/{code}/renditions/{stream}/{form}/{run}/init.mp4",
    "/cameras/{code}/renditions/{stream}/{form}/{segment}/{start}-{end}.mp4",
    "/cameras/{code}/video.m3u8",
    "/cameras/{code}/video.mp4",
    "/cameras/{code}/snapshot.jpg",
    "/cameras/{code}/pieces/{stream}/{segment}.mp4",
    "/cameras/{code}/inits/{stream}/{run}.mp4",
    "/cameras/{code}/live",
}


def routes() -> Iterator[APIRoute | APIWebSocketRoute]:
    for _, router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute | APIWebSocketRoute), f"{route} is no route of ours"
            yield route


def guards_of(route: APIRoute | APIWebSocketRoute) -> list[Guard]:
    calls: list[object] = [dependency.call for dependency in route.dependant.dependencies]
    return [call for call in calls if isinstance(call, Guard)]


def test_every_route_declares_one_guard() -> None:
    for route in routes():
        assert len(guards_of(route)) == 1, f"{route.path} declares {len(guards_of(route))} guards"


def test_nothing_but_login_health_and_pages_is_open() -> None:
    found = {route.path for route in routes() if isinstance(guards_of(route)[0], OpenToAll)}
    assert found == OPEN
    logins = [r for r in routes() if r.path == "/session" and isinstance(guards_of(r)[0], OpenToAll)]
    assert [route.methods for route in logins if isinstance(route, APIRoute)] == [{"POST"}]
    assert [r.path for r in routes() if isinstance(guards_of(r)[0], FromHereOrSession)] == ["/metrics"]


def test_tickets_open_pictures_only() -> None:
    taking = {r.path for r in routes() if isinstance(g := guards_of(r)[0], Needs) and g.ticket}
    assert taking == BY_TICKET


def test_all_routes_are_in_these_routers() -> None:
    assert len(shell().routes) == len(ROUTERS)


@pytest.mark.parametrize(
    "path", ["node", "cameras", "cameras/DK-01", "cameras/DK-01/days", "archive", "session"]
)
def test_without_a_session_there_is_nothing_to_see(ward: Ward, path: str) -> None:
    answer = ward.get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    body = answer.json()
    assert set(body) == {"kind", "cause", "message", "hint"}
    assert (body["kind"], body["hint"]) == ("unauthenticated", "Đăng nhập lại.")


CONFIGURE: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "cameras", {"code": "A-1", "name": "A", "url": "rtsp://10.0.0.7/"}),
    ("PATCH", "cameras/DK-01", {"name": "B"}),
    ("DELETE", "cameras/DK-01", None),
    ("POST", "cameras/probe", {"url": "rtsp://127.0.0.1:1/"}),
    ("GET", "archive", None),
    ("GET", "classes", None),
    ("GET", "readers", None),
    ("POST", "readers", {"name": "VMS"}),
    ("DELETE", "readers/x", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CONFIGURE)
def test_an_officer_cannot_change_the_node(
    ward: Ward, method: str, path: str, body: dict[str, Any] | None
) -> None:
    answer = ward.ask(method, path, "truc", json=body)
    assert answer.status_code == 403
    assert answer.json()["cause"] == "missing_right"
    assert "thay đổi cấu hình" in answer.json()["message"]
    assert ward.node.registry.get("DK-01").name == "Ngã tư chợ"


@pytest.mark.parametrize("path", ["days", "days/2026-11-22", "video.m3u8", "video.mp4"])
def test_a_viewer_cannot_look_back(ward: Ward, path: str) -> None:
    answer = ward.get(f"cameras/DK-01/{path}", "to-truong", params={"start": at(0), "end": at(9)})
    assert (answer.status_code, answer.json()["kind"]) == (403, "forbidden")
    assert ward.node.looks.list() == []


class TestCookie:
    def log_in(self, ward: Ward) -> tuple[dict[str, str], str]:
        answer = ward.ask("POST", "session", json={"user": "quan-tri", "password": PASSWORD})
        cookie = answer.headers["set-cookie"].partition(";")[0]
        return {"Cookie": cookie}, answer.json()["csrf"]

    def test_it_is_out_of_reach_of_scripts_and_other_sites(self, ward: Ward) -> None:
        how: dict[str, Any] = {"json": {"user": "truc", "password": PASSWORD}}
        cookie = ward.ask("POST", "session", **how).headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "path=/" in cookie
        assert "secure" not in cookie

    def test_unsafe_methods_need_its_csrf_value(self, ward: Ward) -> None:
        cookie, csrf = self.log_in(ward)
        assert ward.get("cameras", headers=cookie).status_code == 200
        for wrong in ({}, {"X-CSRF-Token": "x"}, {"X-CSRF-Token": csrf[:-1]}):
            answer = ward.ask("PATCH", "cameras/DK-01", headers=cookie | wrong, json={"name": "B"})
            assert (answer.status_code, answer.json()["cause"]) == (403, "csrf")
        right = cookie | {"X-CSRF-Token": csrf}
        assert ward.ask("PATCH", "cameras/DK-01", headers=right, json={"name": "B"}).status_code == 200

    def test_pages_of_other_sites_are_refused(self, ward: Ward) -> None:
        cookie, csrf = self.log_in(ward)
        for origin, status in [
            ("http://ward.test", 200),
            ("http://ward.test:80", 200),
            ("https://ward.test", 200),
            ("http://evil.test", 403),
            ("http://ward.test.evil.test", 403),
            ("http://ward.test:8081", 403),
            ("null", 403),
        ]:
            headers = cookie | {"X-CSRF-Token": csrf, "Origin": origin}
            answer = ward.ask("PATCH", "cameras/DK-01", headers=headers, json={"name": "B"})
            assert answer.status_code == status, origin
        how: dict[str, Any] = {
            "json": {"user": "truc", "password": PASSWORD},
            "headers": {"Origin": "http://evil.test"},
        }
        assert ward.ask("POST", "session", **how).json()["cause"] == "other_origin"


def test_sessions(ward: Ward) -> None:
    new = ward.ask("POST", "session", json={"user": "truc", "password": PASSWORD})
    assert new.status_code == 200
    body = new.json()
    assert body["user"] == "truc"
    assert body["role"] == "officer"
    assert body["permissions"] == ["live", "ptz", "playback", "export"]
    bearer = {"Authorization": f"Bearer {body['token']}"}
    again = ward.get("session", headers=bearer)
    assert again.json() == {name: value for name, value in body.items() if name != "token"}
    assert ward.get("node", headers=bearer).json() == {
        "name": "Phường Thử", "version": ward.app.version, "zone": "Asia/Ho_Chi_Minh", "now": at(90),
    }  # fmt: skip
    assert ward.ask("DELETE", "session", headers=bearer).status_code == 204
    assert ward.get("session", headers=bearer).status_code == 401


def test_a_name_is_locked_after_five_failures(ward: Ward) -> None:
    for _ in range(5):
        wrong = ward.ask("POST", "session", json={"user": "truc", "password": "nham"})
        assert (wrong.status_code, wrong.json()["cause"]) == (401, "wrong_password")
    locked = ward.ask("POST", "session", json={"user": "truc", "password": PASSWORD})
    assert locked.status_code == 429
    assert locked.headers["retry-after"] == "300"
    assert locked.json()["hint"].startswith("Thử lại sau 5 phút")
    ward.clock.advance(300)
    assert ward.ask("POST", "session", json={"user": "truc", "password": PASSWORD}).status_code == 200


def test_answers_carry_the_security_headers(ward: Ward) -> None:
    for path in ("/healthz", f"{API}/cameras", f"{API}/nothing", "/"):
        headers = ward.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe-eval" not in headers["content-security-policy"]


def test_a_crash_is_told_without_its_inside(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr(ward.node.viewing, "cameras", fail)
    answer = ward.get("cameras", "truc")
    assert answer.status_code == 500
    assert "inside" not in answer.text
    assert answer.json()["kind"] == "internal"
    assert answer.headers["x-content-type-options"] == "nosniff"
