"""Unix sockets: who does not accept is told apart at once."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from luytre.base import local_socket


def test_who_accepts_nobody_keeps_nobody_waiting(tmp_path: Path) -> None:
    path = tmp_path / "door.sock"
    with ExitStack() as dialled, local_socket.listen(path) as door:
        door.listen(2)
        with pytest.raises(BlockingIOError):
            fill(path, dialled)


def fill(path: Path, dialled: ExitStack) -> None:
    """More than the backlog holds."""
    for _ in range(100):
        dialled.enter_context(local_socket.dial(path))
