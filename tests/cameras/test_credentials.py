"""Logins, ONVIF addresses, transports and weak passwords of cameras."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from sqlalchemy import text

from luytre.base.clock import ManualClock
from luytre.base.config import NodeConfig, VolumeConfig
from luytre.base.db import Database
from luytre.base.errors import Error
from luytre.base.secrets import Secrets
from luytre.cameras.camera import Access, CameraChange, Identity, NewCamera
from luytre.cameras.credentials import device_service
from luytre.cameras.registry import Registry
from luytre.cameras.weak_passwords import is_weak
from luytre.recorder.plan import load

PLAIN = "rtsp://10.0.0.5/main"
SERVICE = "http://10.0.0.5/onvif/device_service"
SECRET = "tre-Lang-7"


@pytest.fixture
def registry(database: Database, tmp_path: Path) -> Registry:
    config = NodeConfig(name="x", volumes=(VolumeConfig(path=tmp_path / "v1"),))
    return Registry(database, Secrets(b"k" * 32), ManualClock(), directory=tmp_path, config=config)


@pytest.mark.parametrize(
    ("user", "password", "weak"),
    [
        ("admin", "admin", True),
        ("admin", "12345", True),
        ("ADMIN", "Admin", True),
        ("truc", "888888", True),
        ("root", "pass", True),
        ("admin", "", True),
        ("cong-cho", "cong-cho", True),
        ("admin", "dk-01", True),
        ("default", "tluafed", True),
        ("admin", SECRET, False),
        ("", SECRET, False),
        # Whether it wants a login at all, only the camera knows.
        ("", "", False),
    ],
)
def test_weak_passwords(user: str, password: str, weak: bool) -> None:
    assert is_weak(user, password, "DK-01") is weak


def test_a_weak_password_is_told_and_only_the_judgement_kept(registry: Registry, database: Database) -> None:
    assert registry.add(NewCamera("A", "", PLAIN, user="admin", password="hik12345")).weak_password
    assert not registry.change("A", CameraChange(password=SECRET)).weak_password
    # The password stays, the user becomes the same word.
    assert registry.change("A", CameraChange(user=SECRET)).weak_password
    assert not registry.change("A", CameraChange(user="admin", name="b")).weak_password
    assert registry.change("A", CameraChange(password="")).weak_password
    with database.reading() as session:
        assert "hik12345" not in str(session.execute(text("SELECT * FROM camera")).all())
    registry.remove("A")
    with database.reading() as session:
        assert not session.scalar(text("SELECT weak_password FROM camera"))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", ("", "", "")),
        ("10.0.0.5", (SERVICE, "", "")),
        (" 10.0.0.5:8000 ", ("http://10.0.0.5:8000/onvif/device_service", "", "")),
        ("https://cam.ward/", ("https://cam.ward/onvif/device_service", "", "")),
        ("http://10.0.0.5/onvif/device", ("http://10.0.0.5/onvif/device", "", "")),
        ("[fd00::5]", ("http://[fd00::5]/onvif/device_service", "", "")),
        ("u:{}@10.0.0.5", (SERVICE, "u", SECRET)),
    ],
)
def test_what_people_type_for_an_onvif_address(typed: str, expected: tuple[str, str, str]) -> None:
    assert device_service(typed.format(SECRET)) == expected


@pytest.mark.parametrize(
    "typed",
    ["rtsp://10.0.0.5/", "http://", "ftp://x/", "http://h:99999/", "a b", "http://h:0/", "http://[::1"],
)
def test_what_is_no_onvif_address(registry: Registry, typed: str) -> None:
    with pytest.raises(Error) as caught:
        registry.add(NewCamera("A", "", PLAIN, onvif=typed))
    assert caught.value.cause == "bad_onvif"
    assert registry.list() == []


def test_transport_and_onvif(registry: Registry, tmp_path: Path) -> None:
    typed = f"http://truc:{SECRET}@10.0.0.5"
    added = registry.add(NewCamera("A", "", PLAIN, PLAIN, transport="udp", onvif=typed, onvif_events=True))
    assert (added.transport, added.onvif, added.onvif_events, added.user) == ("udp", SERVICE, True, "truc")
    assert {stream.transport for stream in load(tmp_path / "run/plan.json").streams} == {"udp"}
    access = registry.access("a")
    assert access == Access(added.id, "A", SERVICE, "truc", SECRET)
    assert SECRET not in repr(access) + repr(added) + repr(NewCamera("A", "", PLAIN, onvif=typed))
    changed = registry.change("A", CameraChange(transport="http", onvif="", onvif_events=False))
    assert (changed.transport, changed.onvif, changed.onvif_events) == ("http", "", False)
    assert load(tmp_path / "run/plan.json").streams[0].transport == "http"
    with pytest.raises(Error) as caught:
        registry.access("A")
    assert caught.value.cause == "no_onvif"


def login(registry: Registry, tmp_path: Path) -> tuple[str, str]:
    """What the recorder logs in with."""
    assert registry.list()
    (stream,) = load(tmp_path / "run/plan.json").streams
    return stream.user, stream.password


@pytest.mark.parametrize("typed", ["admin@10.0.0.5", "http://other:pw@10.0.0.5", ":pw@10.0.0.5"])
@pytest.mark.parametrize("first", [("truc", SECRET), ("truc", ""), ("", SECRET)])
def test_an_onvif_address_leaves_the_streams_login(
    registry: Registry, tmp_path: Path, typed: str, first: tuple[str, str]
) -> None:
    user, password = first
    registry.add(NewCamera("A", "", PLAIN, user=user, password=password))
    assert registry.change("A", CameraChange(onvif=typed)).onvif == SERVICE
    assert login(registry, tmp_path) == first
    registry.remove("A")
    registry.add(NewCamera("A", "", f"rtsp://{user}:{password}@10.0.0.5/main", onvif=typed))
    assert login(registry, tmp_path) == first


def test_an_onvif_address_gives_a_login_where_there_is_none(registry: Registry, tmp_path: Path) -> None:
    registry.add(NewCamera("A", "", PLAIN))
    registry.change("A", CameraChange(onvif=f"truc:{SECRET}@10.0.0.5"))
    assert login(registry, tmp_path) == ("truc", SECRET)


def test_an_address_without_a_password_leaves_the_one_there_is(registry: Registry, tmp_path: Path) -> None:
    registry.add(NewCamera("A", "", PLAIN, user="truc", password=SECRET))
    registry.change("A", CameraChange(url="rtsp://admin@10.0.0.5/main"))
    assert login(registry, tmp_path) == ("admin", SECRET)
    # Said beside it, it is meant.
    registry.change("A", CameraChange(url="rtsp://admin@10.0.0.5/main", password=""))
    assert login(registry, tmp_path) == ("admin", "")


def test_who_made_it(registry: Registry) -> None:
    told = Identity("AXIS", "P3818", "11.9", None, "7DB")
    assert registry.add(NewCamera("A", "", PLAIN)).identity == Identity()
    registry.identify("A", told)
    seen = registry.get("A")
    assert (seen.identity, seen.identified_us) == (told, ManualClock().wall_us())


def test_trusting_anew_forgets_the_certificate(registry: Registry, tmp_path: Path) -> None:
    camera = registry.add(NewCamera("A", "", PLAIN))
    registry.trust("A")
    (tmp_path / "trust").mkdir(exist_ok=True)
    kept = [tmp_path / "trust" / f"{name}.json" for name in (camera.id, "other")]
    for path in kept:
        path.write_text("{}", encoding="utf-8")
    registry.trust("a")
    assert [path.exists() for path in kept] == [False, True]


def test_a_key_that_is_lost_leaves_the_camera_changeable(
    registry: Registry, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    registry.add(NewCamera("A", "", PLAIN, user="u", password=SECRET, onvif="10.0.0.5"))
    stranger = Registry(database, Secrets(b"x" * 32))
    with caplog.at_level(logging.DEBUG):
        assert stranger.access("A").password == ""
        assert stranger.change("A", CameraChange(user="v")).user == "v"
    assert SECRET not in caplog.text


def test_a_password_that_cannot_be_opened_is_said_once(
    registry: Registry, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    for code in "AB":
        registry.add(NewCamera(code, "", PLAIN, password=SECRET, onvif="10.0.0.5"))
    other_key = Registry(database, Secrets(b"x" * 32))
    for _ in range(3):
        assert [other_key.access(code).password for code in "AB"] == ["", ""]
    said = [one for one in caplog.records if one.getMessage() == "password cannot be read"]
    assert len(said) == 2
    # Another one that cannot be opened is news.
    registry.change("A", CameraChange(password="tre-Lang-8"))
    other_key.access("A")
    assert len([one for one in caplog.records if one.getMessage() == "password cannot be read"]) == 3
