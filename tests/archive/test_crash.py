"""kill -9 in mid segment: a real process, killed at random moments."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from luytre.archive import recover
from luytre.archive.check import check
from luytre.archive.volume import create_volume
from luytre.base.clock import SYSTEM, ManualClock
from tests.archive.builder import KEY, OTHER, Ward
from tests.conftest import ROOT


def record_and_kill(folder: Path, lines: int, late_s: float) -> dict[str, tuple[str, int]]:
    """Kill it after some lines and a moment more; the last part of each stream that was said to be written."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.archive.crasher", str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    told: dict[str, tuple[str, int]] = {}
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for _ in range(lines):
            camera, run_id, end_us = process.stdout.readline().split()
            told[camera] = run_id, int(end_us)
        try:
            process.wait(late_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
        for line in rest.splitlines(keepends=True):
            if line.endswith("\n"):
                camera, run_id, end_text = line.split()
                told[camera] = run_id, int(end_text)
    assert process.returncode == -signal.SIGKILL
    return told


@pytest.mark.parametrize("seed", range(4))
def test_kill_9(seed: int, tmp_path: Path) -> None:
    """Three crashes in a row on one volume: each part that was written is there, and the ledger knows why it ends."""
    folder = tmp_path / "volume"
    create_volume(folder)
    dice = random.Random(seed)
    told: dict[str, int] = {}
    for _ in range(3):
        said = record_and_kill(folder, dice.randrange(2, 30), dice.random() / 20)
        told |= {camera: end for camera, (_, end) in said.items()}
        ward = Ward(folder, ManualClock(SYSTEM.wall_us()), 1.0)
        try:
            floors = {key: ward.take_up(key) for key in (KEY, OTHER)}
            findings = check(folder)
        finally:
            ward.stop()
        assert findings == []
        for key in (KEY, OTHER):
            assert floors[key] >= told[key.camera]
            # Whether the very first gap has a length depends on the day's clock against the clip's.
            first, *others = ward.causes(key)
            assert first in ("connecting", "node_crashed")
            assert others in ([], ["node_crashed"] * len(others))
            assert (first, *others)[-1] == "node_crashed"
        assert not list(folder.rglob("*.unborn"))
        for path in ward.files():
            found = recover.contents(path)
            assert found is not None
            assert found.whole
