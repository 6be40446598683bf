"""Processes that go first when memory runs out."""

from __future__ import annotations

import subprocess
import sys

LIMIT = 1 << 30


def test_it_is_marked_and_limited() -> None:
    script = (
        "import resource; from pathlib import Path; from luytre.base.standing_back import go_first;"
        f"go_first({LIMIT});"
        "print(Path('/proc/self/oom_score_adj').read_text().strip(), resource.getrlimit(resource.RLIMIT_AS)[0])"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["800", str(LIMIT)]
