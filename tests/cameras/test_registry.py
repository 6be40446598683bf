"""The registry: passwords sealed, plan up to date."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from luytre.base.clock import ManualClock
from luytre.base.config import NodeConfig, VolumeConfig
from luytre.base.db import Database
from luytre.base.errors import Error, Kind
from luytre.base.secrets import Secrets
from luytre.cameras.registry import CameraChange, NewCamera, Registry, place
from luytre.recorder.plan import Plan, StreamPlan, load

SECRET = "hunter2/@x"
TYPED = f"rtsp://admin:{SECRET}@10.0.0.5/main"
PLAIN = "rtsp://10.0.0.5/main"


@pytest.fixture
def config(tmp_path: Path) -> NodeConfig:
    return NodeConfig(
        name="x", volumes=(VolumeConfig(path=tmp_path / "v1"), VolumeConfig(path=tmp_path / "v2"))
    )


@pytest.fixture
def registry(database: Database, config: NodeConfig, tmp_path: Path) -> Registry:
    return Registry(database, Secrets(b"k" * 32), ManualClock(), directory=tmp_path, config=config)


def planned(folder: Path) -> Plan:
    return load(folder / "run" / "plan.json")


def stream_of(folder: Path, name: str = "main") -> StreamPlan:
    return next(stream for stream in planned(folder).streams if stream.stream == name)


def test_credentials_go_out_of_the_address_and_into_the_plan(
    registry: Registry, database: Database, tmp_path: Path
) -> None:
    camera = registry.add(NewCamera("DK-01", "Chợ", TYPED, "rtsp://10.0.0.5/sub", audio=True))
    assert [(one.name, one.url, one.audio) for one in camera.streams] == [
        ("main", PLAIN, True),
        ("sub", "rtsp://10.0.0.5/sub", False),
    ]
    assert camera.user == "admin"
    assert registry.list() == [registry.get("dk-01")] == [camera]
    for stream in planned(tmp_path).streams:
        assert (stream.camera, stream.code, stream.user, stream.password) == (
            camera.id,
            "DK-01",
            "admin",
            SECRET,
        )
    assert stream_of(tmp_path).audio
    assert not stream_of(tmp_path, "sub").audio
    assert (tmp_path / "run" / "plan.json").stat().st_mode & 0o777 == 0o600
    with database.reading() as session:
        rows = str([session.execute(text(f"SELECT * FROM {table}")).all() for table in ("camera", "stream")])
    assert SECRET not in rows + repr(camera) + repr(NewCamera("A", "a", TYPED)) + repr(planned(tmp_path))


def test_given_credentials_win_over_those_in_the_address(registry: Registry, tmp_path: Path) -> None:
    camera = registry.add(NewCamera("A", "", TYPED, user="root", password="other"))
    assert (camera.name, camera.user) == ("A", "root")
    assert stream_of(tmp_path).password == "other"


def test_a_password_in_the_path_is_a_secret_too(
    registry: Registry, database: Database, tmp_path: Path
) -> None:
    url = "rtsp://10.0.0.5/user=a_password=hunter2_channel=1"
    camera = registry.add(NewCamera("A", "a", url))
    assert "hunter2" not in camera.streams[0].url
    assert stream_of(tmp_path).url == url
    with database.reading() as session:
        assert "hunter2" not in str(session.execute(text("SELECT * FROM stream")).all())
    registry.change("A", CameraChange(url=PLAIN))
    assert stream_of(tmp_path).url == PLAIN


def test_changes(registry: Registry, tmp_path: Path) -> None:
    before = registry.add(NewCamera("A", "a", TYPED, "rtsp://10.0.0.5/sub"))
    changed = registry.change("a", CameraChange(name="Cổng", url="rtsp://10.0.0.6/x", audio=True))
    assert (changed.id, changed.name, changed.user) == (before.id, "Cổng", "admin")
    assert [one.url for one in changed.streams] == ["rtsp://10.0.0.6/x", "rtsp://10.0.0.5/sub"]
    assert changed.streams[0].audio
    assert stream_of(tmp_path).password == SECRET
    registry.change("A", CameraChange(user="u", password=""))
    assert (stream_of(tmp_path).user, stream_of(tmp_path).password) == ("u", "")
    user, password = "v", "w"
    registry.change("A", CameraChange(url=f"rtsp://{user}:{password}@10.0.0.6/x"))
    assert (stream_of(tmp_path).user, stream_of(tmp_path).password) == ("v", "w")
    assert [one.name for one in registry.change("A", CameraChange(sub_url="")).streams] == ["main"]
    assert [one.name for one in registry.change("A", CameraChange(sub_url=PLAIN)).streams] == ["main", "sub"]
    registry.change("A", CameraChange(enabled=False))
    assert planned(tmp_path).streams == ()
    registry.change("A", CameraChange(enabled=True))
    assert len(planned(tmp_path).streams) == 2


def test_removing_forgets_the_password_and_frees_the_code(
    registry: Registry, database: Database, tmp_path: Path
) -> None:
    first = registry.add(NewCamera("A", "a", TYPED))
    registry.remove("A")
    assert registry.list() == []
    assert registry.count() == 0
    assert planned(tmp_path).streams == ()
    with database.reading() as session:
        assert session.scalar(text("SELECT sealed_password FROM camera")) == ""
    assert registry.add(NewCamera("a", "a", TYPED)).id != first.id
    assert registry.count() == 1


def test_a_code_is_one_camera(registry: Registry) -> None:
    registry.add(NewCamera("dk-1", "a", PLAIN))
    with pytest.raises(Error) as caught:
        registry.add(NewCamera("DK-1", "a", PLAIN))
    assert (caught.value.kind, caught.value.cause) == (Kind.CONFLICT, "camera_exists")


@pytest.mark.parametrize("code", ["", "a b", "../x", "a/b", ".a", "ngã-tư", "a" * 33, "a\n"])
def test_codes_that_cannot_be_a_folder(registry: Registry, code: str) -> None:
    with pytest.raises(Error) as caught:
        registry.add(NewCamera(code, "a", PLAIN))
    assert caught.value.cause == "bad_code"


@pytest.mark.parametrize("url", ["", "http://x/", "10.0.0.5", "rtsp://", "rtsp://h:99999/x", "rtsp://a\nb/"])
def test_addresses_that_are_none(registry: Registry, url: str) -> None:
    with pytest.raises(Error) as caught:
        registry.add(NewCamera("A", "a", url))
    assert caught.value.kind is Kind.INVALID
    assert registry.list() == []


def test_an_unknown_camera(registry: Registry) -> None:
    for call in (registry.get, registry.remove):
        with pytest.raises(Error) as caught:
            call("nope")
        assert caught.value.cause == "no_camera"
    with pytest.raises(Error):
        registry.change("nope", CameraChange(name="x"))


def test_a_lost_key_costs_passwords_not_the_plan(
    registry: Registry, database: Database, config: NodeConfig
) -> None:
    registry.add(NewCamera("A", "a", TYPED))
    registry.add(NewCamera("B", "b", PLAIN))
    plan = Registry(database, Secrets(b"x" * 32)).plan(config)
    assert [(one.code, one.url, one.password) for one in plan.streams] == [("A", PLAIN, ""), ("B", PLAIN, "")]


def test_changes_at_the_same_time_all_reach_the_plan(registry: Registry, tmp_path: Path) -> None:
    threads = [
        threading.Thread(target=registry.add, args=(NewCamera(f"C{number}", "", PLAIN),))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [stream.code for stream in planned(tmp_path).streams] == [f"C{number}" for number in range(8)]


def test_cameras_are_spread_over_volumes_and_stay() -> None:
    cameras = [f"camera-{number}" for number in range(400)]
    two = {camera: place(camera, ["a", "b"]) for camera in cameras}
    three = {camera: place(camera, ["a", "b", "c"]) for camera in cameras}
    assert 150 < sum(volume == "a" for volume in two.values()) < 250
    moved = [camera for camera in cameras if two[camera] != three[camera]]
    assert {three[camera] for camera in moved} == {"c"}
