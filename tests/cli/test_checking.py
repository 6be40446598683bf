"""`luytre check`: a node, a volume without its node, and whose seals are believed."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import typer

from luytre.app import daybook
from luytre.archive import seals
from luytre.base.clock import ManualClock
from luytre.base.errors import Error
from luytre.base.secrets import create_key
from luytre.base.signing import Signer, load_signer
from luytre.cli.checking import check
from tests.archive.builder import KEY, START_US, Ward


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A node's directory with one volume, recorded and sealed by the node, which remembers it."""
    directory = tmp_path / "node"
    directory.mkdir()
    volume = tmp_path / "volume"
    (directory / "luytre.toml").write_text(f'name = "Nút"\n\n[[volumes]]\npath = "{volume}"\n')
    create_key(directory / "node.key")
    ward = Ward(volume, ManualClock(START_US), 2.0)
    ward.take_up(KEY)
    ward.record(4)
    signer = load_signer(directory / "node.key")
    with ward.index() as index:
        made = seals.seal(ward.volume, index, signer.sign, signer.public_key, ward.clock.wall_us())
    ward.stop()
    assert made is not None
    seals.remember(directory, ward.volume, made)
    return directory


def answer(
    capsys: pytest.CaptureFixture[str], directory: Path, *, quick: bool = True, key: Path | None = None
) -> list[dict[str, object]]:
    """The findings, as programs read them."""
    capsys.readouterr()
    exit_code = 0
    try:
        check(directory, quick, False, key, True)
    except typer.Exit as ended:
        exit_code = ended.exit_code
    found = json.loads(capsys.readouterr().out)
    findings = [finding for volume in found["volumes"] for finding in volume["findings"]]
    wrong = any(finding["severity"] == "error" for finding in findings)
    assert (found["clean"], exit_code) == (not wrong, int(wrong))
    return findings


@pytest.mark.parametrize("quick", [True, False])
def test_a_node_trusts_its_own_key(node: Path, capsys: pytest.CaptureFixture[str], quick: bool) -> None:
    assert answer(capsys, node, quick=quick) == []


def test_a_node_misses_a_seal_it_remembers(node: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = (node.parent / "volume" / "seals").iterdir()
    path.write_bytes(b"")
    (finding,) = answer(capsys, node)
    assert finding["invariant"] == 12
    assert "the node remembers seal 1" in str(finding["message"])


def test_a_volume_alone(node: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    volume = node.parent / "volume"
    (finding,) = answer(capsys, volume)
    assert finding["severity"] == "note"
    key = tmp_path / "key"
    key.write_text(load_signer(node / "node.key").public_key.hex())
    assert answer(capsys, volume, key=key) == []
    key.write_text(Signer(bytes(32)).public_key.hex())
    (finding,) = answer(capsys, volume, key=key)
    assert (finding["invariant"], finding["severity"]) == (12, "error")


def test_a_key_that_is_none(node: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("nothing")
    with pytest.raises(Error) as caught:
        check(node, True, False, tmp_path / "key", True)
    assert caught.value.cause == "no_public_key"


def test_a_volume_that_is_away_is_told_and_the_others_are_checked(
    node: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = node / "luytre.toml"
    settings.write_text(settings.read_text() + f'\n[[volumes]]\npath = "{node.parent / "away"}"\n')
    (node.parent / "volume" / "index.db").unlink()
    findings = answer(capsys, node)
    assert [finding["path"] for finding in findings] == ["index.db", "away"]
    assert "Mount the disk" in str(findings[1]["message"])


def test_the_daily_certificates_are_checked_too(node: Path, capsys: pytest.CaptureFixture[str]) -> None:
    signer = load_signer(node / "node.key")
    for day in ("2026-11-20", "2026-11-21"):
        daybook.add(node, {"date": day, "cameras": []}, signer.sign, signer.public_key)
    assert answer(capsys, node) == []
    page = node / daybook.FOLDER / "2026-11-20.json"
    page.write_text(page.read_text().replace('"cameras": []', '"cameras": [1]'))
    findings = answer(capsys, node)
    assert {finding["invariant"] for finding in findings} == {13}
    assert {finding["path"] for finding in findings} >= {"2026-11-20"}


def broken_in_the_middle(path: Path) -> None:
    """The index opens, and a page of its segments is no page."""
    with closing(sqlite3.connect(path)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'segment'").fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(bytes(range(256)) * (size // 256))


def test_an_index_that_breaks_while_it_is_read(node: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It costs no other volume its check, and a repair makes it again."""
    settings = node / "luytre.toml"
    settings.write_text(settings.read_text() + f'\n[[volumes]]\npath = "{node.parent / "away"}"\n')
    broken_in_the_middle(node.parent / "volume" / "index.db")
    findings = answer(capsys, node)
    assert [(finding["path"], finding["invariant"]) for finding in findings] == [("index.db", 1), ("away", 1)]
    assert "malformed" in str(findings[0]["message"])
    with pytest.raises(typer.Exit):
        check(node, True, True, None, True)
    repaired = json.loads(capsys.readouterr().out)["volumes"][0]["findings"]
    assert repaired[0]["invariant"] == 1
    assert all(finding["repaired"] for finding in repaired)
    assert list((node.parent / "volume").glob("index.db.broken-*"))
    assert [finding["path"] for finding in answer(capsys, node)] == ["away"]


def test_a_disk_that_fails_costs_no_other_volume_its_check(
    node: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was a folder of recordings cannot be listed any more."""
    settings = node / "luytre.toml"
    settings.write_text(settings.read_text() + f'\n[[volumes]]\npath = "{node.parent / "away"}"\n')
    (folder,) = (node.parent / "volume").glob("video/*/*/*")
    folder.rename(node.parent / "elsewhere")
    folder.write_text("")
    findings = answer(capsys, node)
    assert [(finding["path"], finding["invariant"]) for finding in findings] == [("volume", 3), ("away", 1)]
