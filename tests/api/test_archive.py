"""The archive at the door: volumes with their forecast, daily certificates as they were signed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from luytre.app import daybook, forecasts, notary
from luytre.app.node import Node
from luytre.archive.forecast import ClassForecast, Forecast
from luytre.archive.index import Index
from luytre.archive.retention import Policy
from luytre.archive.volume import Volume
from luytre.base.clock import rfc3339
from tests.api.ward import NOW_US, Ward

# From the ward's 14:01:30 to 00:05:01.
TO_SETTLED_S = (9 * 60 + 58) * 60 + 30 + 301
FORECAST = {
    "at", "measured_s", "bytes_per_day", "capacity_bytes", "needed_bytes", "missing_bytes", "days_left", "breaks_at",
    "alarm", "classes",
}  # fmt: skip


@pytest.fixture
def certified(ward: Ward) -> Ward:
    """The ward after the notary's first night."""
    ward.clock.advance(TO_SETTLED_S)
    notary.take_turn(ward.node.directory, ward.clock, synchronised=lambda: True)
    ward.clock.advance(-TO_SETTLED_S)
    return ward


def volume(ward: Ward) -> dict[str, Any]:
    answer = ward.get("archive", "quan-tri")
    assert answer.status_code == 200
    (found,) = answer.json()["volumes"]
    assert isinstance(found, dict)
    return found


def test_a_volume_comes_with_its_forecast(ward: Ward) -> None:
    found = volume(ward)
    assert found["state"] == "ok"
    assert set(found["forecast"]) == FORECAST
    assert found["forecast"]["at"] == rfc3339(NOW_US)
    assert found["forecast"]["capacity_bytes"] > 0


def test_a_forecast_in_full(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(volume: Volume, index: Index, policy: Policy, now_us: int) -> Forecast:
        assert (policy.alarm_days, policy.reserve_bytes) == (7.0, 2 * 2**30)
        one = ClassForecast("standard", 4, 10, 30.0, 30.0, 300)
        return Forecast(now_us, 86_400.0, 10, 200, 300, 100, 20.0, NOW_US, "cannot_hold", (one,))

    monkeypatch.setattr(forecasts, "forecast", told)
    found = volume(ward)["forecast"]
    assert (found["missing_bytes"], found["alarm"], found["breaks_at"]) == (
        100,
        "cannot_hold",
        rfc3339(NOW_US),
    )
    assert found["classes"] == [
        {"name": "standard", "streams": 4, "bytes_per_day": 10, "promised_days": 30.0, "sub_days": 30.0, "needed_bytes": 300}
    ]  # fmt: skip


def test_a_volume_that_is_away_has_none(ward: Ward) -> None:
    place = ward.node.config.volumes[0].path
    place.rename(place.with_name("away"))
    found = volume(ward)
    assert (found["state"], found["forecast"]) == ("missing", None)


def test_no_certificate_yet(ward: Ward) -> None:
    assert ward.get("archive/certificates", "quan-tri").json() == {"dates": []}
    answer = ward.get("archive/certificates/2026-11-22", "quan-tri")
    assert (answer.status_code, answer.json()["cause"]) == (404, "no_certificate")
    assert answer.json()["message"] == "Ngày này không có giấy chứng nhận"
    english = ward.get("archive/certificates/2026-11-22", "quan-tri", headers={"Accept-Language": "en"})
    assert english.json()["message"] == "This day has no certificate"
    assert ward.get("archive/certificates/..%2Fluytre", "quan-tri").status_code in (400, 404)
    assert ward.get("archive/certificates/22-11-2026", "quan-tri").json()["cause"] == "bad_date"


@pytest.mark.parametrize("path", ["archive/certificates", "archive/certificates/2026-11-22"])
def test_certificates_are_for_who_may_configure(ward: Ward, path: str) -> None:
    assert ward.get(path).status_code == 401
    answer = ward.get(path, "truc")
    assert (answer.status_code, answer.json()["cause"]) == (403, "missing_right")


def test_a_certificate_as_it_was_signed(certified: Ward) -> None:
    node: Node = certified.node
    assert certified.get("archive/certificates", "quan-tri").json() == {"dates": ["2026-11-22"]}
    answer = certified.get("archive/certificates/2026-11-22", "quan-tri")
    (day,) = daybook.dates(node.directory)
    assert answer.content == daybook.page(node.directory, day)
    assert answer.headers["content-type"] == "application/json"
    camera = answer.json()["cameras"][0]
    main = camera["streams"][0]
    assert (camera["code"], main["stream"], main["recorded_s"]) == ("DK-01", "main", 50.0)
    assert main["gaps"][0]["cause"] == "closed_by_camera"


def test_a_certificate_has_the_fields_that_the_reference_names(certified: Ward) -> None:
    found = certified.get("archive/certificates/2026-11-22", "quan-tri").json()
    shapes = certified.app.openapi()["components"]["schemas"]
    parts = {
        "DayCertificate": found,
        "CertifiedVolume": found["volumes"][0],
        "CertifiedCamera": found["cameras"][0],
        "CertifiedStream": found["cameras"][0]["streams"][0],
        "CertifiedGap": found["cameras"][0]["streams"][0]["gaps"][0],
        "OldestPicture": found["cameras"][0]["streams"][0]["oldest"],
    }
    for name, part in parts.items():
        assert set(part) == set(shapes[name]["properties"]) == set(shapes[name]["required"]), name


def test_a_damaged_certificate_is_answered_as_it_is(certified: Ward) -> None:
    """Who checks it must see what is there."""
    path = certified.node.directory / "certificates/2026-11-22.json"
    path.write_text(json.dumps({"date": "2026-11-22"}))
    answer = certified.get("archive/certificates/2026-11-22", "quan-tri")
    assert answer.json() == {"date": "2026-11-22"}
