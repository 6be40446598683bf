"""The bench runs and its table makes sense. No time is asserted: on a shared machine that would prove nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cameras import gstreamer_is_here

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.slow
@pytest.mark.parametrize("source", [pytest.param("gstreamer", marks=pytest.mark.gstreamer), "simulator"])
def test_a_short_bench_has_a_sane_row_for_each_contender(source: str, tmp_path: Path) -> None:
    if source == "gstreamer" and not gstreamer_is_here():
        pytest.skip("NO GSTREAMER RTSP SERVER: run scripts/system-packages")
    done = subprocess.run(
        [
            sys.executable,
            "bench/record.py",
            "--short",
            "--json",
            "--source",
            source,
            "--folder",
            str(tmp_path),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (part,) = json.loads(done.stdout)
    rows = {row["key"]: row for row in part["rows"]}
    assert set(rows) == {"luytre-2", "floor-2"}
    for row in rows.values():
        assert row["complaints"] == []
        assert 0 < row["cpu_percent"] < 100
        assert 1 < row["pss_mib"] < 100
        assert 0.3 < row["written_share"] < 1.8
    (goal,) = part["goals"]
    assert goal["found"] == pytest.approx(rows["luytre-2"]["cpu_percent"] / rows["floor-2"]["cpu_percent"])
    assert [path for path in tmp_path.iterdir() if path.name.startswith("run-")] == []
