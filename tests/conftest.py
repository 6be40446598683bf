"""Fixtures that any test may ask for.

Promises   real material where it is, a loud skip where it is not; ports that the operating system gave out.
Does not   start anything: peers, nodes and browsers belong to the folders that use them.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def material() -> Path | None:
    """Folder of real clips and camera answers: $LUYTRE_TEST_DATA, else ../shared/data; None when absent."""
    named = os.environ.get("LUYTRE_TEST_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    return folder if (folder / "README.md").is_file() else None


def pytest_report_header() -> str:
    """One line at the top of each run, so that a run without real material cannot pass for a whole one."""
    folder = material()
    if folder is None:
        return "real material: ABSENT, the tests that need it are SKIPPED (set LUYTRE_TEST_DATA)"
    return f"real material: {folder}"


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real material, for reading only. Skips the test where it is absent."""
    folder = material()
    if folder is None:
        pytest.skip("REAL MATERIAL ABSENT: set LUYTRE_TEST_DATA to its folder, or put it at ../shared/data")
    return folder


@pytest.fixture
def free_port() -> int:
    """A TCP port of the loopback interface that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
