"""Making, opening and locking a node directory; what `run` refuses before it starts anything."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from luytre.app import launch, lock
from luytre.app.foundation import add_disks, init
from luytre.app.store import Store
from luytre.archive.journal import is_there
from luytre.base.config import NodeConfig, VolumeConfig, load
from luytre.base.errors import Error, Kind
from luytre.cameras.registry import NewCamera
from luytre.recorder.plan import load as load_plan

CONFIG = NodeConfig(name="Phường thử", port=0, volumes=(VolumeConfig(path=Path("volumes/1")),))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return init(tmp_path / "node", CONFIG).directory


def cause(caught: pytest.ExceptionInfo[Error]) -> str:
    return caught.value.cause


def test_a_directory_becomes_a_node(tmp_path: Path) -> None:
    result = init(tmp_path / "a" / "node", CONFIG)
    assert result.volumes == (result.directory / "volumes/1",)
    assert (result.directory / "volumes/1/volume.json").exists()
    modes = {
        name: (result.directory / name).stat().st_mode & 0o777
        for name in ("node.key", "luytre.db", "luytre.toml")
    }
    assert set(modes.values()) == {0o600}
    assert result.directory.stat().st_mode & 0o777 == 0o700
    node = Store.open(result.directory)
    assert node.registry.list() == []
    assert str(node.zone) == "Asia/Ho_Chi_Minh"
    node.close()
    with pytest.raises(Error) as caught:
        init(result.directory, CONFIG)
    assert cause(caught) == "node_exists"


def test_what_was_cut_short_is_finished(tmp_path: Path) -> None:
    directory = init(tmp_path / "node", CONFIG).directory
    key = (directory / "node.key").read_bytes()
    (directory / "luytre.toml").unlink()
    init(directory, CONFIG)
    assert (directory / "node.key").read_bytes() == key
    Store.open(directory).close()


def test_the_folder_of_a_journal_is_made_once_and_only_when_asked(directory: Path) -> None:
    """Where the quick disk is not mounted, an empty folder must not be written to."""
    path = directory / "luytre.toml"
    path.write_text(path.read_text() + 'journal = "ssd/journal"\n')
    assert not is_there(directory / "ssd/journal")
    add_disks(directory)
    assert is_there(directory / "ssd/journal")


def test_a_new_disk(directory: Path) -> None:
    settings = directory / "luytre.toml"
    settings.write_text(settings.read_text() + '\n[[volumes]]\npath = "volumes/2"\n')
    assert add_disks(directory).volumes == (directory / "volumes/2",)
    assert add_disks(directory).volumes == ()


def test_a_database_of_another_version_is_not_opened(directory: Path) -> None:
    (directory / "luytre.db").unlink()
    with pytest.raises(Error) as caught:
        Store.open(directory)
    assert cause(caught) == "old_database"
    ready = launch.prepare(directory)
    os.close(ready.lock_fd)
    os.close(ready.listen_fd)
    Store.open(directory).close()


def test_what_is_ready_before_anything_starts(directory: Path) -> None:
    (directory / "run" / "recorder-7.sock").touch()
    node = Store.open(directory)
    node.registry.add(NewCamera("A", "a", "rtsp://10.0.0.5/x"))
    (directory / "run" / "plan.json").unlink()
    ready = launch.prepare(directory, "127.0.0.1", 0)
    assert node.sockets() == []
    assert [stream.code for stream in load_plan(directory / "run" / "plan.json").streams] == ["A"]
    assert ready.shards == 1
    assert ready.url == f"http://127.0.0.1:{ready.port}"
    with socket.create_connection(("127.0.0.1", ready.port), timeout=5):
        pass
    with pytest.raises(Error) as caught:
        launch.prepare(directory)
    assert cause(caught) == "already_running"
    assert str(os.getpid()) in caught.value.message
    os.close(ready.lock_fd)
    os.close(ready.listen_fd)
    node.close()


def test_a_lock_ends_with_its_process(directory: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from luytre.app import lock;"
        "lock.take(Path(sys.argv[1])); print('taken', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(directory / "run")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "taken\n"
    with pytest.raises(Error) as caught:
        lock.take(directory / "run")
    assert str(holder.pid) in caught.value.message
    holder.kill()
    holder.communicate()
    os.close(lock.take(directory / "run"))


def test_a_port_that_is_taken_is_said_and_the_lock_given_back(directory: Path) -> None:
    with launch.listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Error) as caught:
            launch.prepare(directory, "127.0.0.1", port)
        assert (caught.value.kind, cause(caught)) == (Kind.CONFLICT, "port_taken")
        assert "--port" in caught.value.hint
    os.close(lock.take(directory / "run"))


@pytest.mark.parametrize("host", ["192.0.2.77", "no.such.host.invalid"])
def test_an_address_that_is_not_ours(host: str) -> None:
    with pytest.raises(Error) as caught:
        launch.listen(host, 0)
    assert cause(caught) == "bad_host"


@pytest.mark.parametrize(
    ("cameras", "cores", "shards"), [(0, 4, 1), (6, 4, 1), (64, 4, 1), (65, 4, 2), (635, 4, 4), (127, 1, 1)]
)
def test_recorders_for_cameras(cameras: int, cores: int, shards: int) -> None:
    assert launch.shards_for(cameras, cores) == shards


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:80"), ("::", "http://[::1]:80"), ("fe80::1", "http://[fe80::1]:80")],
)
def test_the_address_for_a_browser(tmp_path: Path, host: str, url: str) -> None:
    assert launch.Launch(tmp_path, 1, 0, 0, host, 80).url == url


def test_settings_survive_init(directory: Path) -> None:
    found = load(directory)
    assert found.model_copy(update={"volumes": CONFIG.volumes}) == CONFIG


def test_one_disk_under_two_paths_makes_no_node(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    volumes = tuple(VolumeConfig(path=tmp_path / name) for name in ("disk", "link"))
    with pytest.raises(Error) as caught:
        init(tmp_path / "node", CONFIG.model_copy(update={"volumes": volumes}))
    assert caught.value.kind is Kind.CONFLICT
    assert str(tmp_path / "link") in caught.value.message
    assert not (tmp_path / "node" / "luytre.toml").exists()
