"""luytre.toml: what is written is read again, what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.base import config
from luytre.base.config import NodeConfig, VolumeConfig
from luytre.base.errors import Error, Kind

GOOD = 'name = "Phường 1"\n[[volumes]]\npath = "volumes/1"\n'


def write(folder: Path, text: str) -> Path:
    (folder / config.FILE).write_text(text, encoding="utf-8")
    return folder


def test_defaults_and_relative_volume(tmp_path: Path) -> None:
    found = config.load(write(tmp_path, GOOD))
    assert (found.name, found.zone, found.port, found.shards) == ("Phường 1", "Asia/Ho_Chi_Minh", 8080, 0)
    assert found.volumes[0].path == tmp_path / "volumes/1"
    assert config.database_url(tmp_path, found) == f"sqlite:///{tmp_path / 'luytre.db'}"


@pytest.mark.parametrize(
    ("text", "size"), [("500 GiB", 500 * 2**30), ("1.5 TB", 1_500_000_000_000), ("7", 7), ("4MiB", 4 * 2**20)]
)
def test_sizes_as_people_write_them(tmp_path: Path, text: str, size: int) -> None:
    assert config.load(write(tmp_path, GOOD + f'max_bytes = "{text}"\n')).volumes[0].max_bytes == size


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (GOOD.replace("name", "nmae"), "nmae"),
        ('zone = "Asia/Hanoi_"\n' + GOOD, "zone"),
        ("port = 70000\n" + GOOD, "port"),
        (GOOD + 'reserve_bytes = "much"\n', "volumes.0.reserve_bytes"),
        ('name = "x"\n', "volumes"),
        ('name = "x', config.FILE),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(Error) as caught:
        config.load(write(tmp_path, text))
    assert caught.value.kind is Kind.INVALID
    assert caught.value.cause == "bad_config"
    assert place in caught.value.message
    assert caught.value.hint


def test_the_database_password_is_not_shown(tmp_path: Path) -> None:
    secret = "hunter2hunter2"
    text = f'database = "postgresql://u:{secret}@db/x"\nport = "x"\n' + GOOD
    with pytest.raises(Error) as caught:
        config.load(write(tmp_path, text))
    assert secret not in caught.value.message
    assert secret not in repr(config.load(write(tmp_path, text.replace('port = "x"\n', ""))))


def test_no_node(tmp_path: Path) -> None:
    with pytest.raises(Error) as caught:
        config.load(tmp_path / "nowhere")
    assert caught.value.cause == "no_node"


# Newlines and quotes in a name must not become settings.
@given(
    name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=120),
    days=st.floats(0.5, 3000),
)
def test_what_is_rendered_is_read_again(
    name: str, days: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("node")
    days = float(f"{days:g}")
    wanted = NodeConfig(name=name, volumes=(VolumeConfig(path=Path("/d"), days=days, max_bytes=5),))
    assert config.load(write(folder, config.render(wanted))) == wanted
