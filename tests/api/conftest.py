"""A ward for the tests of the door and of viewing: a real node directory, real footage, a clock that stands.

Promises   the footage is written by the recorder's own run and writer: 30 s, a gap of 10 s (the camera closed), 20 s.
Does not   start processes; a recorder's socket is played by tests/api/recorder_socket.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.ward import Ward, make_folder, open_ward


@pytest.fixture(scope="session")
def ward_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "ward"
    make_folder(folder)
    return folder


@pytest.fixture
def ward(ward_folder: Path, tmp_path: Path) -> Iterator[Ward]:
    folder = tmp_path / "ward"
    shutil.copytree(ward_folder, folder)
    opened = open_ward(folder)
    yield opened
    opened.node.close()
