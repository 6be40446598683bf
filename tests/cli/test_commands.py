"""The command line as a user runs it: exit codes, one line and a hint, JSON, never a traceback."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from luytre.app.store import Store
from luytre.cli import camera_commands, commands, reader_commands

PATHS = {name: value for name, value in os.environ.items() if not name.startswith(("LUYTRE_", "LC_", "LANG"))}


def luytre(*arguments: str | Path, typed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, in English unless told otherwise."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "luytre.cli", *map(str, arguments)],
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
        env={**PATHS, "LANG": "C.UTF-8", **environment},
        check=False,
    )


def fails(*arguments: str | Path, typed: str = "", **environment: str) -> str:
    """A command that must fail as it should. -> what it said"""
    done = luytre(*arguments, typed=typed, **environment)
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert len(lines) == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def answers(*arguments: str | Path, typed: str = "") -> Any:
    done = luytre(*arguments, "--json", typed=typed)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


@pytest.fixture
def node(tmp_path: Path) -> Path:
    done = luytre("init", tmp_path / "node", "--name", "Phường thử", "--port", "0")
    assert done.returncode == 0, done.stderr
    assert "luytre run" in done.stdout
    return tmp_path / "node"


def test_help_is_quick_because_it_imports_little() -> None:
    code = (
        "import sys, luytre.cli; luytre.cli.main(['--help']);"
        "heavy = {'sqlalchemy','alembic','av','numpy','cv2','fastapi','uvicorn','pydantic','rich','argon2','asyncio'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in (
        "init",
        "run",
        "demo",
        "sim",
        "probe",
        "camera",
        "archive",
        "check",
        "export",
        "user",
        "reader",
    ):
        assert f"  {name} " in done.stdout


def test_help_in_vietnamese() -> None:
    assert "Ghi cả âm thanh" in luytre("camera", "add", "--help", LUYTRE_LANG="vi").stdout


def test_every_command_agrees_with_the_function_that_does_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def check(target: str, **arguments: Any) -> None:
        module, _, name = target.partition(":")
        function = getattr(importlib.import_module(f"luytre.cli.{module}"), name)
        assert set(inspect.signature(function).parameters) == set(arguments), target
        asked.append(target)

    for module in (commands, camera_commands, reader_commands):
        monkeypatch.setattr(module, "perform", check)
    declared = [
        command.callback
        for group in (
            *(commands.app, commands.archive, commands.user, reader_commands.reader),
            *(camera_commands.camera, camera_commands.ptz, camera_commands.onvif),
        )
        for command in group.registered_commands
    ]
    for function in declared:
        assert function is not None
        required = [
            name
            for name, one in inspect.signature(function).parameters.items()
            if one.default is inspect.Parameter.empty
        ]
        function(**dict.fromkeys(required, Path("x")))
    assert len(asked) == len(declared) == len(set(asked))


def test_version_and_nothing() -> None:
    assert luytre("--version").stdout.startswith("luytre ")
    done = luytre()
    assert done.returncode == 1
    assert "Usage" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "nonsense"),
        (["init", "x", "--nonsense"], "--nonsense"),
        (["camera", "add"], "CODE is missing"),
        (["run", "x", "--port", "99999"], "65535"),
        (["sim", "--codec", "mpeg2"], "mpeg2"),
        (["probe", "file:///x"], "rtsp://"),
        (["export", "x", "A", "1", "2"], "--output"),
    ],
)
def test_commands_written_wrongly(arguments: list[str], words: str) -> None:
    assert words in fails(*arguments)


@pytest.mark.parametrize(
    "arguments", [["run"], ["check"], ["export", "CODE", "10:00", "11:00", "-o", "x.mp4"]]
)
def test_a_directory_that_is_no_node(tmp_path: Path, arguments: list[str]) -> None:
    command, *rest = arguments
    assert "is not a node" in fails(command, tmp_path, *rest)


@pytest.mark.parametrize("arguments", [["camera", "list"], ["user", "list"], ["archive", "status"]])
def test_the_directory_of_the_environment(tmp_path: Path, arguments: list[str]) -> None:
    assert "là một nút" in fails(*arguments, LUYTRE_DIR=str(tmp_path), LUYTRE_LANG="vi")


def test_init_twice_and_init_wrongly(node: Path, tmp_path: Path) -> None:
    assert "already" in fails("init", node)
    assert "zone" in fails("init", tmp_path / "b", "--zone", "Mars/Phobos")
    assert not (tmp_path / "b").exists()
    (tmp_path / "file").touch()
    fails("init", tmp_path / "file")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    assert "not empty" in fails("init", tmp_path / "c", "--volume", tmp_path / "full")


def test_init_as_a_program(tmp_path: Path) -> None:
    found = answers("init", tmp_path / "n", "--volume", tmp_path / "d1", "--volume", tmp_path / "d2")
    assert found["volumes"] == [str(tmp_path / "d1"), str(tmp_path / "d2")]
    assert answers("init", tmp_path / "n", "--new-disks")["volumes"] == []


def test_cameras(node: Path) -> None:
    address = "rtsp://admin:{}@192.0.2.5/main".format("hunter2")
    added = answers(
        "camera", "add", "DK-01", address, "--sub", "rtsp://192.0.2.5/sub", "--audio", "--dir", node
    )
    assert added["streams"][0] == {"name": "main", "url": "rtsp://192.0.2.5/main", "audio": True}
    typed = answers(
        "camera",
        "add",
        "DK-02",
        "rtsp://192.0.2.6/",
        "--user",
        "u",
        "--password-stdin",
        "--dir",
        node,
        typed="p w\n",
    )
    assert typed["user"] == "u"
    assert [one["code"] for one in answers("camera", "list", "--dir", node)] == ["DK-01", "DK-02"]
    shown = luytre("camera", "list", "--dir", node).stdout
    assert "DK-01" in shown
    assert "hunter2" not in shown
    assert "hunter2" in (node / "run" / "plan.json").read_text()
    assert "already" in fails("camera", "add", "dk-01", address, "--dir", node)
    assert "hunter2" not in fails("camera", "add", "bad code", address, "--dir", node)
    fails("camera", "add", "DK-03", "rtsp://192.0.2.6/", "--password-stdin", "--dir", node)
    assert answers("camera", "remove", "DK-01", "--dir", node)["code"] == "DK-01"
    assert "no camera" in fails("camera", "remove", "DK-01", "--dir", node)


def test_how_a_camera_is_recorded(node: Path) -> None:
    settings = node / "luytre.toml"
    settings.write_text(settings.read_text() + '\n[[classes]]\nname = "gates"\ndays = 7\n')
    volume = str(node / "volumes" / "1")
    answers("camera", "add", "A", "rtsp://192.0.2.5/", "--class", "gates", "--volume", "1", "--dir", node)
    hours = "Mon-Fri 18:00-06:00"
    changed = answers("camera", "change", "a", "--mode", "schedule", "--hours", hours, "--dir", node)
    (listed,) = answers("camera", "list", "--dir", node)
    assert listed == changed
    assert (listed["retention"], listed["volume"], listed["mode"]) == ("gates", volume, "schedule")
    assert (listed["hours"], listed["preroll_s"], listed["postroll_s"]) == (hours, 5, 10)
    shown = luytre("camera", "list", "--dir", node, COLUMNS="200").stdout
    assert "in its hours" in shown
    assert hours in shown
    unheard = answers("camera", "change", "A", "--mode", "motion", "--dir", node)
    assert (unheard["mode"], unheard["recorded_mode"]) == ("motion", "continuous")
    assert "nothing reports motion" in luytre("camera", "list", "--dir", node, COLUMNS="200").stdout
    assert "--onvif-events" in luytre("camera", "change", "A", "--mode", "motion", "--dir", node).stderr
    assert answers("camera", "change", "A", "--volume", "auto", "--dir", node)["volume"] is None
    assert "standard, gates" in fails("camera", "change", "A", "--class", "x", "--dir", node)
    assert volume in fails("camera", "change", "A", "--volume", "2", "--dir", node)
    assert "Mon-Fri 18:00" in fails("camera", "change", "A", "--hours", "at night", "--dir", node)
    assert "motion" in fails("camera", "change", "A", "--mode", "never", "--dir", node)
    assert "lớp lưu trữ" in fails("camera", "change", "A", "--class", "x", "--dir", node, LUYTRE_LANG="vi")


def test_days_are_those_of_the_standard_class(tmp_path: Path) -> None:
    answers("init", tmp_path / "node", "--days", "12")
    assert answers("archive", "status", "--dir", tmp_path / "node")["volumes"][0]["promised_days"] == 12
    for days in ("9999", "nan"):
        assert "--days" in fails("init", tmp_path / "other", "--days", days)
    twice = answers("init", tmp_path / "other", "--volume", tmp_path / "v", "--volume", tmp_path / "v")
    assert twice["volumes"] == [str(tmp_path / "v")]


def test_users(node: Path) -> None:
    first = answers("user", "add", "truc", "--dir", node)
    assert first["role"] == "admin"
    store = Store.open(node)
    assert store.sessions.log_in("truc", first["password"]).actor.may("configure")
    second = answers("user", "add", "Lan", "--password-stdin", "--dir", node, typed="mat-khau-dai\n")
    assert (second["role"], second["password"]) == ("officer", None)
    assert store.sessions.log_in("lan", "mat-khau-dai").actor.role == "officer"
    assert "user truc" in fails("user", "add", "TRUC", "--dir", node).replace("user TRUC", "user truc")
    assert "role" in fails("user", "add", "x", "--role", "king", "--dir", node)
    assert "password" in fails("user", "add", "x", "--password-stdin", "--dir", node, typed="short\n")
    changed = answers("user", "password", "lan", "--dir", node)
    assert store.sessions.log_in("lan", changed["password"])
    assert luytre("user", "disable", "lan", "--dir", node).returncode == 0
    listed = answers("user", "list", "--dir", node)
    assert [(one["name"], one["enabled"]) for one in listed] == [("Lan", False), ("truc", True)]
    store.close()


def test_readers(node: Path) -> None:
    answers("camera", "add", "DK-01", "rtsp://192.0.2.5/", "--dir", node)
    one = answers("reader", "add", "Công an phường", "--camera", "dk-01", "--days", "30", "--dir", node)
    assert (one["user"], one["cameras"], one["url"]) == (
        "cong-an-phuong",
        ["DK-01"],
        "rtsp://127.0.0.1:8554/DK-01/main",
    )
    shown = luytre("reader", "add", "VMS", "--dir", node).stdout
    assert "User vms, key " in shown
    assert "rtsp://127.0.0.1:8554/CODE/main" in shown
    store = Store.open(node)
    assert store.readers.prove("cong-an-phuong", "", lambda secret: secret == one["secret"]).cameras
    store.close()
    listed = answers("reader", "list", "--dir", node)
    assert [(reader["name"], reader["cameras"]) for reader in listed] == [
        ("Công an phường", ["DK-01"]),
        ("VMS", None),
    ]
    assert one["secret"] not in json.dumps(listed)
    assert "all" in luytre("reader", "list", "--dir", node).stdout
    assert "no camera" in fails("reader", "add", "x", "--camera", "A", "--dir", node)
    assert "days" in fails("reader", "add", "x", "--days", "0", "--dir", node)
    assert "already" in fails("reader", "add", "vms", "--dir", node)
    assert luytre("reader", "remove", "vms", "--dir", node).returncode == 0
    assert "no reader" in fails("reader", "remove", "vms", "--dir", node)
    assert "phần mềm" in fails("reader", "remove", "vms", "--dir", node, LUYTRE_LANG="vi")


def test_archive_of_a_new_node(node: Path) -> None:
    (volume,) = answers("archive", "status", "--dir", node)["volumes"]
    assert volume["promised_days"] == 30
    assert volume["oldest"] is None
    assert str(node / "volumes/1") in luytre("archive", "status", "--dir", node, COLUMNS="200").stdout


def test_an_export_of_nothing(node: Path, tmp_path: Path) -> None:
    answers("camera", "add", "A", "rtsp://192.0.2.5/", "--dir", node)
    output = tmp_path / "x.mp4"
    assert "nothing" in fails("export", node, "A", "22/11 14:00", "22/11 14:05", "-o", output)
    assert "is not a time" in fails("export", node, "A", "noon", "22/11 14:05", "-o", output)
    assert "no camera" in fails("export", node, "B", "22/11 14:00", "22/11 14:05", "-o", output)
    output.write_text("mine")
    assert "exists" in fails("export", node, "A", "22/11 14:00", "22/11 14:05", "-o", output)
    assert output.read_text() == "mine"


def test_a_bug_of_ours_is_one_line_and_the_details_are_kept(node: Path, tmp_path: Path) -> None:
    (node / "luytre.db").write_bytes(b"this is not a database" * 100)
    said = fails("camera", "list", "--dir", node, XDG_STATE_HOME=str(tmp_path))
    assert said
    code = (
        "import sys; from luytre.cli import camera_commands, main;"
        "camera_commands.perform = lambda *a, **k: 1 / 0;"
        "sys.exit(main(['camera', 'list']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**PATHS, "LANG": "C.UTF-8", "XDG_STATE_HOME": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "internal error: ZeroDivisionError: division by zero"
    assert "Traceback" not in done.stderr
    assert "Traceback" in (tmp_path / "luytre" / "cli.log").read_text()
