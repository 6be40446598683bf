"""Cameras by ONVIF through the door: shapes, rights, words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from luytre.api import onvif_shapes, shapes
from luytre.base.clock import US_PER_S
from luytre.cameras.events import DeviceEvent
from luytre.cameras.onvif import discovery
from luytre.cameras.onvif.discovery import Found
from tests.api.ward import START_US, Ward, at
from tests.cameras.onvif.soap_camera import PASSWORD, USER, SoapCamera

LOGIN = {"user": USER, "password": PASSWORD}


@pytest.fixture
def dome() -> Iterator[SoapCamera]:
    with SoapCamera(
        "bosch_autodome_5000i",
        answers={name: f"<tptz:{name}Response/>" for name in ("ContinuousMove", "Stop", "GotoPreset")},
    ) as camera:
        yield camera


@pytest.fixture
def known(ward: Ward, dome: SoapCamera) -> SoapCamera:
    """DK-01 speaks ONVIF."""
    body = {"onvif": dome.host, **LOGIN}
    changed = ward.ask("PATCH", "cameras/DK-01", "quan-tri", json=body)
    assert changed.json()["onvif"] == dome.url
    assert PASSWORD not in changed.text
    return dome


def test_from_discovery_to_a_camera_that_is_recorded(
    ward: Ward, dome: SoapCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answered(seconds: float) -> list[Found]:
        known = Found("urn:uuid:2", ("http://10.0.0.5/onvif/device_service",), ())
        return [known, Found("urn:uuid:1", (dome.url,), ("onvif://www.onvif.org/x/y",), "Bosch")]

    monkeypatch.setattr(discovery, "discover", answered)
    registered, new = ward.ask("POST", "onvif/discover", "quan-tri", json={"seconds": 1}).json()
    assert set(new) == set(onvif_shapes.FoundDevice.model_fields)
    assert (registered["codes"], new["codes"], new["address"]) == (["DK-01"], [], dome.url)
    told = ward.ask("POST", "onvif/describe", "quan-tri", json={"address": new["address"], **LOGIN}).json()
    assert set(told) == set(onvif_shapes.DeviceDescription.model_fields)
    assert (told["manufacturer"], told["weak_password"], told["password_hint"]) == ("Bosch", False, None)
    assert "ptz" in told["abilities"]
    view = told["views"][0]
    added = ward.ask(
        "POST",
        "cameras",
        "quan-tri",
        json={
            "code": "DK-09",
            "name": "Cổng",
            "url": view["main"]["url"],
            "onvif": told["address"],
            "onvif_events": True,
            "transport": "udp",
            **LOGIN,
        },
    ).json()
    assert set(added) == set(shapes.Camera.model_fields)
    assert (added["onvif"], added["onvif_events"], added["transport"]) == (dome.url, True, "udp")
    assert (added["manufacturer"], added["identified"]) == (None, None)
    assert ward.get("cameras/DK-09/onvif", "quan-tri").json()["model"] == told["model"]
    after = ward.get("cameras/DK-09", "truc").json()
    assert (after["manufacturer"], after["firmware"]) == ("Bosch", "7.80.0128")
    assert after["identified"] is not None


def test_behind_one_address_only_the_port_that_is_known_is_added(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answered(seconds: float) -> list[Found]:
        ports = ("", ":80", ":8001", ":8002")
        return [Found(f"urn:{port}", (f"http://10.0.0.5{port}/onvif/device_service",), ()) for port in ports]

    monkeypatch.setattr(discovery, "discover", answered)

    def found() -> list[list[str]]:
        return [one["codes"] for one in ward.ask("POST", "onvif/discover", "quan-tri", json={}).json()]

    # Where it speaks ONVIF nobody said: its host is all there is to go by.
    assert found() == [["DK-01"]] * 4
    ward.ask("PATCH", "cameras/DK-01", "quan-tri", json={"onvif": "10.0.0.5:8001"})
    assert found() == [[], [], ["DK-01"], []]
    ward.ask("PATCH", "cameras/DK-01", "quan-tri", json={"onvif": "10.0.0.5"})
    assert found() == [["DK-01"], ["DK-01"], [], []]


def test_a_weak_password_is_said_with_what_to_do(ward: Ward) -> None:
    new = {"code": "DK-03", "name": "x", "url": "rtsp://10.0.0.9/", "user": "admin", "password": "888888"}
    made = ward.ask("POST", "cameras", "quan-tri", json=new).json()
    assert made["weak_password"]
    assert "Đổi mật khẩu mặc định của camera" in made["password_hint"]
    better = ward.ask("PATCH", "cameras/DK-03", "quan-tri", json={"password": PASSWORD}).json()
    assert (better["weak_password"], better["password_hint"]) == (False, None)


@pytest.mark.parametrize(
    ("inside", "beside", "weak"),
    [
        ("truc:888888", {}, True),
        ("truc:tre-Lang-8", {}, False),
        ("truc:888888", {"password": "tre-Lang-8"}, False),
        ("admin:tre-Lang-8", {"user": "tre-Lang-8"}, True),
    ],
)
def test_a_password_inside_the_address_is_judged_too(
    ward: Ward, dome: SoapCamera, inside: str, beside: dict[str, str], weak: bool
) -> None:
    user, password = inside.split(":")
    dome.user, dome.password = beside.get("user", user), beside.get("password", password)
    asked = {"address": f"http://{inside}@{dome.host}", **beside}
    told = ward.ask("POST", "onvif/describe", "quan-tri", json=asked).json()
    assert (told["manufacturer"], told["weak_password"]) == ("Bosch", weak)


def test_trust(ward: Ward) -> None:
    kept = ward.node.directory / "trust" / f"{ward.main.camera}.json"
    kept.parent.mkdir()
    kept.write_text("{}", encoding="utf-8")
    assert ward.ask("POST", "cameras/DK-01/trust", "truc").status_code == 403
    assert ward.ask("POST", "cameras/DK-01/trust", "quan-tri").status_code == 204
    assert not kept.exists()
    assert ward.ask("POST", "cameras/XX/trust", "quan-tri").status_code == 404


def test_turning_is_a_right_of_its_own(ward: Ward, known: SoapCamera) -> None:
    for path, body in (("move", {"pan": 0.5}), ("stop", None), ("preset", {"preset": "2"})):
        assert ward.ask("POST", f"cameras/DK-01/ptz/{path}", "truc", json=body).status_code == 204
    refused = ward.ask("POST", "cameras/DK-01/ptz/move", "to-truong", json={"pan": 0.5})
    assert (refused.status_code, refused.json()["message"]) == (403, "Bạn chưa được cấp quyền xoay camera")
    assert ward.get("cameras/DK-01/ptz/presets", "truc").json()[0] == {"token": "1", "name": "tabletop"}
    place = ward.get("cameras/DK-01/ptz", "truc").json()
    assert place == {"pan": 1.0, "tilt": -0.844, "zoom": 0.006, "moving": False}


@pytest.mark.parametrize(
    ("body", "cause"),
    [({"pan": 2}, "bad_field"), ({"seconds": 60, "pan": 1}, "bad_field"), ({}, "bad_move"), ([], "bad_body")],
)
def test_moves_that_make_no_sense(ward: Ward, known: SoapCamera, body: Any, cause: str) -> None:
    answer = ward.ask("POST", "cameras/DK-01/ptz/move", "quan-tri", json=body)
    assert (answer.status_code, answer.json()["cause"]) == (400, cause)
    assert "ContinuousMove" not in known.operations()


def test_what_only_who_configures_may_do(ward: Ward, known: SoapCamera) -> None:
    asks: list[tuple[str, str, Any]] = [
        ("POST", "onvif/discover", {}),
        ("POST", "onvif/describe", {"address": "10.0.0.5"}),
        ("GET", "cameras/DK-01/onvif", None),
        ("GET", "cameras/DK-01/clock", None),
        ("POST", "cameras/DK-01/clock", {}),
        ("PUT", "cameras/DK-01/imaging", {}),
        ("PUT", "cameras/DK-01/osd", []),
        ("PUT", "cameras/DK-01/masks", []),
        ("GET", "cameras/DK-01/recordings", None),
    ]
    for method, path, body in asks:
        assert ward.ask(method, path, "truc", json=body).status_code == 403, path
    assert known.asked == []
    assert abs(ward.get("cameras/DK-01/clock", "quan-tri").json()["offset_s"]) > 0
    levels = ward.get("cameras/DK-01/imaging", "quan-tri").json()["levels"]
    assert {"name": "brightness", "value": 128.0, "low": None, "high": None} in levels


def test_refusals_of_a_camera_are_said_in_words(ward: Ward, known: SoapCamera) -> None:
    none = ward.get("cameras/DK-02/ptz/presets", "quan-tri")
    assert (none.status_code, none.json()["cause"]) == (409, "no_onvif")
    cannot = ward.get("cameras/DK-01/masks", "quan-tri")
    assert (cannot.json()["cause"], cannot.json()["message"]) == (
        "not_supported",
        "Camera này không làm được việc đó",
    )
    known.password = "another"
    locked = ward.get("cameras/DK-01/onvif", "quan-tri")
    # 401 would say that the person is logged out.
    assert (locked.status_code, locked.json()["cause"]) == (400, "auth_failed")
    assert locked.json()["message"] == "Camera từ chối mật khẩu"
    wrong = ward.ask("POST", "onvif/describe", "quan-tri", json={"address": "rtsp://x/"})
    assert (wrong.status_code, wrong.json()["cause"]) == (400, "bad_onvif")


def test_what_a_camera_reported(ward: Ward) -> None:
    told = [
        DeviceEvent(ward.main.camera, "motion", number == 0, START_US + number * US_PER_S, "a")
        for number in range(3)
    ]
    ward.node.events.append(told)
    asked = {"start": at(0), "end": at(2)}
    answer = ward.get("cameras/DK-01/events", "truc", params=asked).json()
    assert answer == [
        {"at": at(0), "kind": "motion", "active": True, "source": "a"},
        {"at": at(1), "kind": "motion", "active": False, "source": "a"},
    ]
    assert ward.get("cameras/DK-02/events", "truc", params=asked).json() == []
    assert ward.get("cameras/DK-01/events", "to-truong", params=asked).status_code == 403
    assert (
        ward.get("cameras/DK-01/events", "truc", params={"start": "x", "end": at(1)}).json()["cause"]
        == "bad_time"
    )
