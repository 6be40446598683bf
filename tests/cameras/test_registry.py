"""The registry: passwords sealed, plan up to date."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from luytre.archive.promise import Promise
from luytre.archive.volume import create_volume
from luytre.base.clock import ManualClock
from luytre.base.config import ClassConfig, NodeConfig, VolumeConfig
from luytre.base.db import Database
from luytre.base.errors import Error, Kind
from luytre.base.secrets import Secrets
from luytre.cameras.recording import Recording, RecordingChange
from luytre.cameras.registry import CameraChange, NewCamera, Registry
from luytre.converter.plan import load as load_foreign
from luytre.recorder.plan import Plan, StreamPlan, load

SECRET = "hunter2/@x"
TYPED = f"rtsp://admin:{SECRET}@10.0.0.5/main"
PLAIN = "rtsp://10.0.0.5/main"


@pytest.fixture
def config(tmp_path: Path) -> NodeConfig:
    return NodeConfig(
        name="x",
        zone="Asia/Ho_Chi_Minh",
        alarm_days=3,
        classes=(
            ClassConfig(name="standard", days=30),
            ClassConfig(name="gates", days=7, sub_days=60, max_bytes=9, when_full="stop"),
        ),
        volumes=(
            VolumeConfig(path=tmp_path / "v1", journal=tmp_path / "ssd"),
            VolumeConfig(path=tmp_path / "v2", flush_s=10, weight=2),
        ),
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


NO_ADDRESSES = ("", "gopher://x/", "10.0.0.5", "rtsp://", "rtsp://h:99999/x", "rtsp://a\nb/")
# Nothing on this machine can be read as if it were a camera.
LOCAL = ("file:///etc/passwd", "concat:rtsp://h/x", "pipe:0", "udp://h/", "srt://h")


@pytest.mark.parametrize("url", [*NO_ADDRESSES, *LOCAL])
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


def test_the_plan_says_what_the_settings_say(registry: Registry, tmp_path: Path) -> None:
    registry.add(NewCamera("A", "a", PLAIN))
    plan = planned(tmp_path)
    assert plan.promises == (
        Promise("standard", 30, 30, 30, 30),
        Promise("gates", 7, 7, 60, 60, max_bytes=9, overwrite=False),
    )
    assert (plan.alarm_days, plan.zone) == (3, "Asia/Ho_Chi_Minh")
    assert [(one.path, one.flush_s, one.journal) for one in plan.volumes] == [
        (str(tmp_path / "v1"), 2, str(tmp_path / "ssd")),
        (str(tmp_path / "v2"), 10, ""),
    ]
    (stream,) = plan.streams
    assert {stream.volume, *stream.spares} == {str(tmp_path / "v1"), str(tmp_path / "v2")}
    assert (stream.retention, stream.mode, stream.hours, stream.preroll_s, stream.postroll_s) == (
        "standard",
        "continuous",
        "",
        5,
        10,
    )


def test_how_a_camera_is_recorded(registry: Registry, tmp_path: Path) -> None:
    wanted = RecordingChange("gates", str(tmp_path / "v2"), "schedule", "mon-fri  18:00 - 06:00", 2, 60)
    camera = registry.add(NewCamera("A", "a", PLAIN, PLAIN, recording=wanted))
    v1, v2 = str(tmp_path / "v1"), str(tmp_path / "v2")
    assert camera.recording == Recording("gates", v2, "schedule", "Mon-Fri 18:00-06:00", 2, 60)
    for stream in planned(tmp_path).streams:
        assert (stream.volume, stream.spares, stream.retention) == (v2, (v1,), "gates")
        assert (stream.mode, stream.hours) == ("schedule", "Mon-Fri 18:00-06:00")
        assert (stream.preroll_s, stream.postroll_s) == (2, 60)
    registry.change("A", CameraChange(name="b"))
    assert registry.get("A").recording == camera.recording
    less = registry.change("A", CameraChange(recording=RecordingChange(volume="", mode="motion", hours="")))
    assert less.recording == Recording("gates", None, "motion", "", 2, 60)
    assert less.recorded_mode == "continuous"
    assert stream_of(tmp_path).mode == "continuous"


@pytest.mark.parametrize(
    ("onvif", "events", "planned_as"),
    [
        ("10.0.0.5", True, "motion"),
        ("10.0.0.5", False, "continuous"),
        ("", True, "continuous"),
    ],
)
def test_mode_motion_is_continuous_while_nobody_reports_motion(
    registry: Registry, tmp_path: Path, onvif: str, events: bool, planned_as: str
) -> None:
    how = RecordingChange(mode="motion")
    camera = registry.add(NewCamera("A", "a", PLAIN, PLAIN, recording=how, onvif=onvif, onvif_events=events))
    assert (camera.recording.mode, camera.recorded_mode) == ("motion", planned_as)
    assert [stream.mode for stream in planned(tmp_path).streams] == [planned_as] * 2
    registry.change("A", CameraChange(onvif="", onvif_events=False))
    assert {stream.mode for stream in planned(tmp_path).streams} == {"continuous"}


def test_a_volume_goes_by_many_names(registry: Registry, tmp_path: Path) -> None:
    volume = create_volume(tmp_path / "v1")
    registry.add(NewCamera("A", "a", PLAIN))
    for name in ("v1", str(tmp_path / "v1"), volume):
        camera = registry.change("A", CameraChange(recording=RecordingChange(volume=name)))
        assert camera.recording.volume == str(tmp_path / "v1")
        registry.change("A", CameraChange(recording=RecordingChange(volume="")))


def test_a_volume_that_left_the_settings_costs_its_cameras_nothing_but_their_place(
    registry: Registry, database: Database, config: NodeConfig, tmp_path: Path
) -> None:
    registry.add(NewCamera("A", "a", PLAIN, recording=RecordingChange("gates", "v2")))
    fewer = config.model_copy(update={"volumes": config.volumes[:1], "classes": config.classes[:1]})
    plan = Registry(database, Secrets(b"k" * 32)).plan(fewer)
    assert [(one.volume, one.spares) for one in plan.streams] == [(str(tmp_path / "v1"), ())]


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (RecordingChange(retention="nope"), "no_class"),
        (RecordingChange(retention=""), "no_class"),
        (RecordingChange(volume="v3"), "no_volume"),
        (RecordingChange(volume="/"), "no_volume"),
        (RecordingChange(hours="Mon 25:00-26:00"), "bad_hours"),
        (RecordingChange(preroll_s=31), "bad_roll"),
        (RecordingChange(postroll_s=0), "bad_roll"),
        (RecordingChange(postroll_s=float("nan")), "bad_roll"),
    ],
)
def test_recording_that_cannot_be(registry: Registry, change: RecordingChange, cause: str) -> None:
    registry.add(NewCamera("A", "a", PLAIN))
    with pytest.raises(Error) as adding:
        registry.add(NewCamera("B", "b", PLAIN, recording=change))
    with pytest.raises(Error) as changing:
        registry.change("A", CameraChange(name="z", recording=change))
    for caught in (adding, changing):
        assert (caught.value.kind, caught.value.cause) == (Kind.INVALID, cause)
        assert caught.value.hint
    assert [(one.code, one.name, one.recording) for one in registry.list()] == [("A", "a", Recording())]


def test_two_volumes_of_one_name_are_told_apart_by_their_paths(database: Database, tmp_path: Path) -> None:
    volumes = (VolumeConfig(path=tmp_path / "a/video"), VolumeConfig(path=tmp_path / "b/video"))
    registry = Registry(database, Secrets(b"k" * 32), config=NodeConfig(name="x", volumes=volumes))
    with pytest.raises(Error) as caught:
        registry.add(NewCamera("A", "a", PLAIN, recording=RecordingChange(volume="video")))
    assert caught.value.cause == "no_volume"
    assert str(tmp_path / "b/video") in caught.value.hint


def test_a_foreign_address_goes_to_the_converter(registry: Registry, tmp_path: Path) -> None:
    camera = registry.add(
        NewCamera("DK-01", "Chợ", f"http://ward:{SECRET}@10.0.0.5/mjpg/video.mjpg#every=2", PLAIN, audio=True)
    )
    main, sub = stream_of(tmp_path), stream_of(tmp_path, "sub")
    foreign = load_foreign(tmp_path / "run" / "foreign.json")
    (stream,) = foreign.streams
    assert (stream.url, stream.user, stream.password) == (
        "http://10.0.0.5/mjpg/video.mjpg#every=2",
        "ward",
        SECRET,
    )
    assert (stream.camera, stream.stream, stream.audio) == (camera.id, "main", True)
    assert (main.url, main.user, main.password) == (f"rtsp://converter/{camera.id}/main", "", "")
    assert main.socket == f"run/{stream.socket}"
    assert (sub.url, sub.socket, sub.password) == (PLAIN, "", SECRET)
    assert foreign.max_encodes == len(os.sched_getaffinity(0))
    # What is shown is the address that was given.
    assert registry.get("DK-01").streams[0].url == stream.url
    registry.change("DK-01", CameraChange(url=PLAIN))
    assert load_foreign(tmp_path / "run" / "foreign.json").streams == ()
    assert stream_of(tmp_path).socket == ""
