"""Atheris really runs on every target: a short turn of bench/fuzz.py, with a fixed number of runs."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from luytre.base.errors import Error, Kind
from tests.fuzz.nets import refusing
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parent.parent.parent
RUNS = 500


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_a_short_turn_finds_nothing(name: str, tmp_path: Path) -> None:
    if find_spec("atheris") is None:
        pytest.skip("ATHERIS ABSENT: nothing is fuzzed (requirements/dev.txt has it)")
    command = [
        sys.executable,
        "bench/fuzz.py",
        "--seconds",
        "60",
        "--runs",
        str(RUNS),
        "--corpus",
        str(tmp_path),
        name,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split()[:2] == [name, str(RUNS)]


def test_what_is_wrong_is_found() -> None:
    """The nets that all targets are held with have no holes."""
    with pytest.raises(AssertionError, match="refused with bad_media"), refusing("not_rtsp"):
        raise Error(Kind.INVALID, "x", hint="y", cause="bad_media")
    with pytest.raises(KeyError), refusing():
        raise KeyError
    with refusing("bad_media"):
        raise Error(Kind.INVALID, "x", hint="y", cause="bad_media")
