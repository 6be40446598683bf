"""The benches of ingest and of endurance run and say something sane. No cost is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.trend import steps_up, trend

ROOT = Path(__file__).resolve().parent.parent.parent


def run(bench: str, folder: Path) -> tuple[int, Any]:
    done = subprocess.run(
        [sys.executable, f"bench/{bench}.py", "--short", "--json", "--folder", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
def test_ingest_measures_each_way(tmp_path: Path) -> None:
    code, found = run("ingest", tmp_path)
    assert [way["way"] for way in found] == ["RTSPS, H.264", "UDP, H.264, AAC"]
    for way in found:
        assert way["complaints"] == []
        assert 0 < way["cpu_percent"] < 100
        assert 0.3 < way["written_share"] < 1.8
        if way["ffmpeg_cpu_percent"] is not None:
            assert way["ratio"] == pytest.approx(way["cpu_percent"] / way["ffmpeg_cpu_percent"])
    assert code == 0


@pytest.mark.slow
def test_a_short_soak_keeps_the_healthy_cameras(tmp_path: Path) -> None:
    code, found = run("soak", tmp_path)
    assert found["complaints"] == []
    assert len(found["recorders"]) == 2
    for recorder in found["recorders"]:
        assert recorder["samples"] > 10
        assert 5 < recorder["uss_mb"] < 200
        # Twenty seconds prove nothing of memory: only that the exit code says what the numbers say.
        assert recorder["threads"] < 20
    assert code == int(any(recorder["complaints"] for recorder in found["recorders"]))


def test_a_line_is_found_and_its_error_tells_noise_from_growth() -> None:
    xs = [n / 600 for n in range(600)]
    flat = [20.0 + 0.3 * ((n * 7919) % 13) for n in range(600)]
    growing = [y + 5.0 * x for x, y in zip(xs, flat, strict=True)]
    assert not trend(xs, flat).exceeds(1.0)
    found = trend(xs, growing)
    assert found.slope == pytest.approx(5.0, abs=0.5)
    assert found.exceeds(1.0)
    assert trend([1.0, 2.0], [1.0, 2.0]).exceeds(0.0) is False


def test_samples_that_resemble_each_other_count_for_less() -> None:
    xs = [float(n) for n in range(300)]
    quick = [float(n % 2) for n in range(300)]
    slow = [float(n // 50 % 2) for n in range(300)]
    assert trend(xs, slow).error > 3 * trend(xs, quick).error


def test_a_count_that_ends_higher() -> None:
    assert steps_up([5, 9, 5, 5, 6, 5, 12, 11, 12]) == 3
    assert steps_up([5, 9, 5] * 20) == 0
    assert steps_up([5, 9, 5, 5, 6, 5, 5, 40, 40]) == 0
