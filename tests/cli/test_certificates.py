"""`luytre archive certificate` and `luytre archive status` over a ward with footage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from luytre.app import daybook, notary
from luytre.archive.forecast import AlarmKind, ClassForecast, Forecast
from luytre.base.clock import ManualClock
from luytre.base.errors import Error
from luytre.cli import certificates, recordings
from tests.api.ward import NOW_US, make_folder
from tests.cli.test_commands import answers, fails, luytre


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node after two nights; DK-01's main stream has footage of the first day."""
    folder = tmp_path_factory.mktemp("certified") / "ward"
    make_folder(folder)
    clock = ManualClock(NOW_US)
    for _ in range(2):
        clock.advance(86_400)
        notary.take_turn(folder, clock, synchronised=lambda: True)
    assert len(daybook.dates(folder)) == 2
    return folder


def test_the_newest_and_a_day(ward: Path) -> None:
    newest = answers("archive", "certificate", "--dir", ward)
    assert newest["date"] == "2026-11-23"
    for text in ("2026-11-22", "22/11/2026"):
        found = answers("archive", "certificate", text, "--dir", ward)
        assert found["date"] == "2026-11-22"
        assert found["cameras"][0]["streams"][0]["recorded_s"] == 50.0


def test_a_table_for_people(ward: Path) -> None:
    done = luytre("archive", "certificate", "22/11/2026", "--dir", ward, COLUMNS="200")
    assert done.returncode == 0
    assert "Phường Thử, 22/11/2026: 2 cameras" in done.stdout
    (main,) = [line for line in done.stdout.splitlines() if line.startswith("DK-01  main")]
    # 50 s, then 10 s without, 20 s, and nothing until midnight.
    for text in (
        "0.138 %",
        "  2  ",
        "10.0 h",
        "The camera closed the connection",
        "22/11/2026 14:00:00",
        "30",
    ):
        assert text in main
    assert "DK-02 main: 35,910.0 seconds are unexplained" in done.stderr
    vietnamese = luytre(
        "archive", "certificate", "22/11/2026", "--dir", ward, COLUMNS="200", LUYTRE_LANG="vi"
    )
    assert "Camera ngắt kết nối" in vietnamese.stdout
    assert "0,138 %" in vietnamese.stdout


def test_days_without_one(ward: Path, tmp_path: Path) -> None:
    assert "no certificate of 2026-11-25" in fails("archive", "certificate", "2026-11-25", "--dir", ward)
    assert "is not a date" in fails("archive", "certificate", "yesterday", "--dir", ward)
    assert "is not a node" in fails("archive", "certificate", "--dir", tmp_path)
    assert luytre("init", tmp_path / "new", "--port", "0").returncode == 0
    assert "no certificate yet" in fails("archive", "certificate", "--dir", tmp_path / "new")


@pytest.mark.parametrize("text", ["31/02/2026", "2026-02-31", "2026", "1/1/1", ""])
def test_what_is_no_date(ward: Path, text: str) -> None:
    with pytest.raises(Error) as caught:
        certificates.show(text, ward, True)
    assert caught.value.cause == "bad_date"


def test_notes_tell_what_a_table_hides(
    ward: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = daybook.read(ward, daybook.dates(ward)[0])
    found["volumes"].append({"path": "/disk/2", "id": None, "problem": "not mounted"})
    stream = found["cameras"][0]["streams"][0]
    stream["oldest"] = {**stream["oldest"], "ok": False, "problem": "x.mp4 was changed", "plays_from": None}
    stream["percent"] = None
    monkeypatch.setattr(daybook, "read", lambda directory, day: found)
    monkeypatch.setenv("LUYTRE_LANG", "en")
    monkeypatch.setenv("COLUMNS", "200")
    certificates.show(None, ward, False)
    said = capsys.readouterr()
    assert "Volume /disk/2 could not be read (not mounted)" in said.err
    assert "the oldest picture cannot be opened (x.mp4 was changed)" in said.err
    assert "cannot be opened" in said.out
    assert "nothing due" in said.out


def forecast(alarm: AlarmKind | None) -> Forecast:
    one = ClassForecast("standard", 4, 10, 7.0, 30.0, 300)
    return Forecast(NOW_US, 86_400.0, 10, 200, 300, 2_300_000_000_000, 20.5, NOW_US, alarm, (one,))


@pytest.mark.parametrize(
    ("language", "alarm", "words"),
    [
        ("vi", "cannot_hold", "thiếu 2,3 TB để giữ đủ số ngày cam kết"),
        ("en", "cannot_hold", "2.3 TB short of the days promised"),
        ("vi", "breaks_soon", "từ 22/11/2026 14:01:30 sẽ phải xóa"),
        ("en", "breaks_soon", "from 22/11/2026 14:01:30 on"),
        ("en", None, ""),
    ],
)
def test_status_says_whether_the_promise_holds(
    ward: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    language: str,
    alarm: AlarmKind | None,
    words: str,
) -> None:
    place = str(ward / "volumes/1")
    monkeypatch.setattr(recordings, "forecasts", lambda store: {place: forecast(alarm)})
    monkeypatch.setenv("LUYTRE_LANG", language)
    monkeypatch.setenv("COLUMNS", "250")
    recordings.status(ward, as_json=False)
    said = capsys.readouterr()
    assert words in said.err
    assert (said.err == "") == (alarm is None)
    for text in (
        "7 - 30",
        "20,5" if language == "vi" else "20.5",
        "2,3 TB" if language == "vi" else "2.3 TB",
    ):
        assert text in said.out
    recordings.status(ward, as_json=True)
    (volume,) = json.loads(capsys.readouterr().out)["volumes"]
    assert volume["forecast"]["breaks_at"] == "2026-11-22T07:01:30Z"
    assert volume["forecast"]["classes"][0]["sub_days"] == 30.0
    assert "at_us" not in volume["forecast"]
