"""Cameras by ONVIF on the command line, and changes of a camera."""

from __future__ import annotations

from pathlib import Path

import pytest

from luytre.app.foundation import init
from luytre.base.config import NodeConfig, VolumeConfig
from tests.cameras.onvif.soap_camera import PASSWORD, USER, SoapCamera
from tests.cli.test_commands import answers, fails, luytre


@pytest.fixture
def node(tmp_path: Path) -> Path:
    return init(tmp_path / "node", NodeConfig(name="x", volumes=(VolumeConfig(path=Path("v1")),))).directory


def test_a_camera_is_described_and_steered(node: Path) -> None:
    empty = {name: f"<tptz:{name}Response/>" for name in ("GotoPreset", "Stop")}
    with SoapCamera("bosch_autodome_5000i", answers=dict(empty)) as camera:
        asked = ("onvif", "describe", camera.host, "--user", USER, "--password-stdin")
        told = answers(*asked, typed=PASSWORD)
        assert (told["identity"]["manufacturer"], told["weak_password"]) == ("Bosch", False)
        shown = luytre(*asked, typed=PASSWORD).stdout
        assert "rtsp://127.0.0.1/rtsp_tunnel" in shown
        assert PASSWORD not in shown
        assert "password" in fails(*asked, typed="wrong")
        answers("camera", "add", "A", told["views"][0]["main"]["url"], "--dir", node)
        assert "ONVIF" in fails("camera", "clock", "A", "--dir", node)
        change = (
            "camera",
            "change",
            "A",
            "--onvif",
            camera.host,
            "--user",
            USER,
            "--password-stdin",
            "--dir",
            node,
        )
        assert answers(*change, typed=PASSWORD)["onvif"] == camera.url
        assert abs(answers("camera", "clock", "A", "--dir", node)["offset_s"]) < 5
        assert answers("camera", "ptz", "presets", "A", "--dir", node)[0]["name"] == "tabletop"
        assert luytre("camera", "ptz", "preset", "A", "2", "--dir", node).returncode == 0
        assert answers("camera", "ptz", "stop", "A", "--dir", node) == {"code": "A"}
        assert camera.last("GotoPreset").findtext("{*}PresetToken") == "2"


def test_changing_a_camera(node: Path) -> None:
    answers("camera", "add", "A", "rtsp://192.0.2.5/", "--transport", "udp", "--dir", node)
    change = ("camera", "change", "A", "--dir", node)
    changed = answers(
        *change, "--url", "rtsp://192.0.2.6/x", "--sub-url", "rtsp://192.0.2.6/y", "--transport", "http"
    )
    assert [one["url"] for one in changed["streams"]] == ["rtsp://192.0.2.6/x", "rtsp://192.0.2.6/y"]
    assert (changed["transport"], changed["onvif_events"], changed["weak_password"]) == ("http", False, False)
    assert answers(*change, "--sub-url", "", "--onvif-events")["onvif_events"]
    weak = luytre(*change, "--user", "admin", "--password-stdin", typed="888888")
    assert weak.returncode == 0
    assert "own pages" in weak.stderr
    assert "weak" in luytre("camera", "list", "--dir", node, COLUMNS="200").stdout
    (listed,) = answers("camera", "list", "--dir", node)
    assert (listed["weak_password"], listed["user"]) == (True, "admin")
    assert answers("camera", "trust", "A", "--dir", node)["code"] == "A"
    assert "auto" in fails(*change, "--transport", "pigeon")
