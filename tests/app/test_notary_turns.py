"""Turns of the notary: what is away, hangs, is half read in or cannot be written, and clocks that are wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from luytre.app import daybook, notary
from luytre.archive import seals
from tests.app.noted import DAY_S, Maker, Node
from tests.archive.builder import KEEP_ALL


def test_a_volume_that_is_away_is_noted_and_costs_nothing_else(make: Maker) -> None:
    node = make("2026-11-22T12:00:00+07:00", volumes=2)
    node.ward.record(10, key=node.key)
    shutil.rmtree(node.directory / "volumes/2")
    assert not node.turn("2026-11-22")
    here, away = node.read("2026-11-22")["volumes"]
    assert (here["problem"], away["id"]) == ("", None)
    assert "volume.json" in away["problem"]
    assert node.stream("2026-11-22")["recorded_s"] == 4.0
    assert not (node.directory / "volumes/2").exists()


def test_the_only_volume_away_leaves_the_day_unexplained(make: Maker) -> None:
    node = make("2026-11-22T12:00:00+07:00")
    node.ward.stop()
    (node.directory / "volumes/1").rename(node.directory / "elsewhere")
    assert not node.turn("2026-11-22")
    stream = node.stream("2026-11-22")
    assert (stream["expected_s"], stream["unexplained_s"], stream["oldest"]) == (DAY_S / 2, DAY_S / 2, None)


def test_a_certificate_that_cannot_be_written_costs_no_seal_and_is_tried_again(make: Maker) -> None:
    node = make("2026-11-22T12:00:00+07:00")
    node.ward.record(20, key=node.key)
    folder = node.directory / daybook.FOLDER
    folder.write_text("in the way")
    assert not node.turn("2026-11-22")
    assert list((node.directory / "seals").iterdir())
    folder.unlink()
    assert node.turn()
    assert node.dates() == ["2026-11-22"]


def test_volumes_are_sealed_and_the_seal_is_remembered(make: Maker) -> None:
    node = make("2026-11-22T12:00:00+07:00")
    node.ward.record(20, key=node.key)
    assert node.turn()
    remembered = node.directory / "seals" / f"{node.ward.volume.id}.json"
    first = json.loads(remembered.read_text())
    assert node.turn()
    assert json.loads(remembered.read_text()) == first
    node.ward.record(20, key=node.key)
    # The next one in its time.
    assert node.turn()
    assert json.loads(remembered.read_text()) == first
    node.clock.advance(seals.EVERY_US / 1e6)
    assert node.turn()
    assert json.loads(remembered.read_text())["seq"] == first["seq"] + 1
    assert [line.seal is not None for line in seals.lines(node.ward.volume)] == [True, True]


def run(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "luytre.app.notary", str(directory)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_as_a_process(make: Maker, tmp_path: Path) -> None:
    node = make("2026-11-22T12:00:00+07:00")
    node.ward.record(20, key=node.key)
    # Where nobody synchronises the machine, its keeper tells the time.
    node.ward.sweep(KEEP_ALL)
    lock = notary.alone(node.directory)
    assert lock is not None
    assert notary.alone(node.directory) is None
    busy = run(node.directory)
    assert (busy.returncode, "another notary" in busy.stderr) == (0, True)
    os.close(lock)
    done = run(node.directory)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert "volume sealed" in events
    nowhere = run(tmp_path / "nowhere")
    assert nowhere.returncode == 1
    assert "Traceback" not in nowhere.stderr
    assert not (tmp_path / "nowhere").exists()


def test_days_wait_for_an_index_that_is_being_read_in(make: Maker) -> None:
    node = make("2026-11-22T12:00:00+07:00", volumes=2)
    node.ward.record(50, key=node.key)
    node.until("2026-11-22")
    node.ward.stop()
    node.ward.volume.index_path.unlink()
    node.ward.restart()
    assert not node.turn()
    assert node.dates() == []
    node.ward.sweep(KEEP_ALL)
    node.clock.advance(DAY_S)
    assert not node.turn(), "the other volume has no index yet"
    assert node.dates() == ["2026-11-22", "2026-11-23"]
    assert node.stream("2026-11-22")["recorded_s"] == 20.0


def test_a_clock_that_is_ahead_ends_no_book(make: Maker) -> None:
    """Nobody synchronises the node: the keeper of its volume knows what time has surely passed."""
    node = make("2026-11-22T12:00:00+07:00")
    node.synchronised = False
    node.ward.record(50, key=node.key)
    assert not node.turn("2026-11-22"), "nobody tells the time"
    node.ward.sweep(KEEP_ALL)
    assert node.turn()
    assert node.dates() == ["2026-11-22"]
    node.clock.step_wall(1000 * DAY_S)
    assert node.turn()
    assert node.dates() == ["2026-11-22"]
    node.clock.step_wall(-1000 * DAY_S)
    node.until("2026-11-23")
    node.ward.sweep(KEEP_ALL)
    assert node.turn()
    assert node.dates() == ["2026-11-22", "2026-11-23"]


def test_a_book_with_pages_of_days_to_come_goes_on(make: Maker) -> None:
    node = make("2026-11-22T12:00:00+07:00")
    node.ward.record(50, key=node.key)
    assert node.turn("2026-11-22")
    node.clock.step_wall(100 * DAY_S)
    assert node.turn()
    ahead = node.dates()[1:]
    assert len(ahead) == 7
    node.clock.step_wall(-100 * DAY_S)
    assert node.turn("2026-11-24")
    assert node.dates() == ["2026-11-22", "2026-11-23", "2026-11-24", *ahead]
    (problem,) = daybook.verify_days(node.directory)
    assert (problem.date, problem.is_note) == (ahead[0], True)


class TestHangingDisk:
    @pytest.fixture
    def node(self, make: Maker) -> Node:
        node = make("2026-11-22T12:00:00+07:00", volumes=2)
        node.ward.record(50, key=node.key)
        node.until("2026-11-22")
        return node

    @pytest.fixture
    def hung(self, node: Node) -> Iterator[Path]:
        """Whoever reads the marker of the second volume waits until somebody writes it."""
        marker = node.directory / "volumes/2/volume.json"
        marker.unlink()
        os.mkfifo(marker)
        yield marker
        marker.unlink()

    def test_it_costs_no_other_volume_anything(self, node: Node, hung: Path) -> None:
        def turn() -> bool:
            return notary.take_turn(node.directory, node.clock, synchronised=lambda: True, visit_s=1.0)

        assert not turn()
        assert len(list(seals.lines(node.ward.volume))) == 1
        assert [volume["problem"] for volume in node.read("2026-11-22")["volumes"]] == [
            "",
            "its disk does not answer",
        ]
        assert node.stream("2026-11-22")["recorded_s"] == 20.0
        # The visit that hangs is the only one, until the disk answers.
        before = threading.active_count()
        assert not turn()
        assert threading.active_count() == before
        handle = os.open(hung, os.O_WRONLY)
        os.close(handle)

    def test_the_process_ends_and_lets_the_next_one_begin(
        self, node: Node, hung: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        node.ward.sweep(KEEP_ALL)
        code = (
            "import sys; from functools import partial; from luytre.app import notary;"
            "notary.take_turn = partial(notary.take_turn, visit_s=1.0);"
            f"sys.argv = ['notary', {str(node.directory)!r}]; notary.main()"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 1, done.stderr
        assert "volume does not answer" in done.stderr
        assert "volume sealed" in done.stderr
        assert notary.alone(node.directory) is not None
