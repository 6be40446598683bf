"""The benches of the archive run, and what they tell makes sense. No time is asserted: on a shared machine that would prove
nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.promises import Number, Report, quantile

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (
            "seek",
            {"a day's minutes, p99", "a day of retention over all cameras", "a write meanwhile, the longest"},
        ),
        ("check", {"the same per 1,000,000 segments", "full check"}),
        ("crash", {"lost per camera and crash, the most", "findings of all checks"}),
        ("scale", {"the one / the other", "gaps, and other faults, of 12 cameras"}),
    ],
)
def test_a_short_bench_tells_its_numbers(name: str, wanted: set[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, f"bench/{name}.py", "--short", "--json", "--folder", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["title"] == name
    assert report["complaints"] == []
    found = {number["what"]: number["found"] for number in report["numbers"]}
    assert wanted <= found.keys()
    assert all(value >= 0 for value in found.values())


def test_a_goal_is_met_or_missed() -> None:
    report = Report(
        "seek", "Nothing.", [Number("a", 3.0, "ms", 5.0), Number("b", 6.0, "ms", 5.0), Number("c", 1, "s")]
    )
    text = report.markdown()
    assert "| a | 3 ms | at most 5 ms | met |" in text
    assert "| b | 6 ms | at most 5 ms | **missed** |" in text
    assert "| c | 1 s |  |  |" in text


def test_a_section_takes_the_place_of_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.md"
    monkeypatch.setattr("bench.promises.RESULTS", path)
    Report("one", "First.", [Number("a", 1.0, "s")]).write()
    Report("two", "Other.", [Number("b", 2.0, "s")]).write()
    Report("one", "Second.", [Number("a", 3.0, "s")]).write()
    text = path.read_text()
    assert text.count("## one\n") == 1
    assert "First." not in text
    assert text.index("## two") < text.index("## one")
    assert text.count("\n\n\n") == 0


@pytest.mark.parametrize(("share", "wanted"), [(0.0, 1), (0.5, 51), (0.99, 100), (1.0, 100)])
def test_quantiles(share: float, wanted: int) -> None:
    assert quantile([float(n) for n in range(100, 0, -1)], share) == wanted
