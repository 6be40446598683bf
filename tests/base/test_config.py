"""luytre.toml: what is written is read again, what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.base import config
from luytre.base.config import ClassConfig, NodeConfig, VolumeConfig
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
    assert found.alarm_days == 7
    assert found.classes == (ClassConfig(name="standard", days=30),)
    assert (found.volumes[0].weight, found.volumes[0].journal) == (None, None)


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ("", (30, 30, 30, 30)),
        ("days = 10", (10, 10, 10, 10)),
        ("days = 10\nkeep_days = 20", (10, 20, 10, 20)),
        ("days = 10\nsub_days = 60", (10, 10, 60, 60)),
        ("days = 10\nkeep_days = 20\nsub_keep_days = 15", (10, 20, 10, 15)),
    ],
)
def test_days_of_a_class_follow_one_another(
    tmp_path: Path, written: str, days: tuple[float, float, float, float]
) -> None:
    text = f'{GOOD}[[classes]]\nname = "standard"\n{written}\n'
    (one,) = config.load(write(tmp_path, text)).classes
    assert (one.days, one.keep_days, one.sub_days, one.sub_keep_days) == days


def test_a_journal_may_be_relative(tmp_path: Path) -> None:
    found = config.load(write(tmp_path, GOOD + 'journal = "ssd/1"\nweight = 2.5\n'))
    assert (found.volumes[0].journal, found.volumes[0].weight) == (tmp_path / "ssd/1", 2.5)


def test_with_a_journal_the_disk_may_be_flushed_rarely(tmp_path: Path) -> None:
    loaded = config.load(write(tmp_path, GOOD + 'flush_s = 60\njournal = "ssd"\n'))
    assert loaded.volumes[0].flush_s == 60


def test_the_longest_promise() -> None:
    classes = (ClassConfig(name="standard", days=30), ClassConfig(name="gates", days=7, sub_days=90))
    assert NodeConfig(name="x", classes=classes, volumes=(VolumeConfig(path=Path("v")),)).promised_days == 90


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
        (GOOD + "weight = 0\n", "volumes.0.weight"),
        (GOOD + '[[volumes]]\npath = "volumes/1/"\n', "two volumes have the path volumes/1"),
        (GOOD + "days = 30\n", "under [[classes]]"),
        (GOOD + "flush_s = 30\n", "flush_s can be 10 at most without a journal"),
        (GOOD + '[[classes]]\nname = "gates"\n', 'must have name = "standard"'),
        (GOOD + '[[classes]]\nname = "standard"\n' * 2, "two classes are named standard"),
        (GOOD + '[[classes]]\nname = "standard"\nkeep_days = 3\n', "keep_days cannot be less than days"),
        (GOOD + '[[classes]]\nname = "standard"\nsub_days = 9\nsub_keep_days = 3\n', "than sub_days"),
        (GOOD + '[[classes]]\nname = "standard"\nwhen_full = "ask"\n', "classes.0.when_full"),
        (GOOD + '[[classes]]\nname = " standard"\n', "classes.0.name"),
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


def test_what_follows_from_a_wrong_setting_is_not_named(tmp_path: Path) -> None:
    with pytest.raises(Error) as caught:
        config.load(write(tmp_path, GOOD + '[[classes]]\nname = "standard"\ndays = -1\n'))
    assert caught.value.message.count("classes.0") == 1


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
    days=st.floats(0.5, 300),
    longer=st.sampled_from([1, 2, 7.5]),
    stop=st.booleans(),
)
def test_what_is_rendered_is_read_again(
    name: str, days: float, longer: float, stop: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("node")
    days, sub = float(f"{days:g}"), float(f"{days * longer:g}")
    standard = ClassConfig(
        name="standard", days=days, sub_days=sub, when_full="stop" if stop else "overwrite"
    )
    gates = ClassConfig(name="Cổng 1", days=days, keep_days=sub, max_bytes=9)
    wanted = NodeConfig(
        name=name,
        alarm_days=days,
        classes=(standard, gates),
        volumes=(VolumeConfig(path=Path("/d"), max_bytes=5, weight=days, journal=Path("/j")),),
    )
    assert config.load(write(folder, config.render(wanted))) == wanted
