"""Volumes under tmp_path, written by the real writer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from luytre.archive.disk import Disk
from luytre.base.clock import ManualClock
from tests.archive.builder import KEY, OTHER, START_US, Ward
from tests.archive.past import Past, seal_a_past

MakeWard = Callable[..., Ward]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_US)


@pytest.fixture
def make_ward(tmp_path: Path, clock: ManualClock) -> Iterator[MakeWard]:
    """Volumes with writers that are stopped in the end: a test that leaves one hanging fails."""
    with ExitStack() as made:

        def make(segment_s: float = 2.0, disk: Disk | None = None, name: str = "volume") -> Ward:
            ward = Ward(tmp_path / name, clock, segment_s, disk)
            ward.take_up(KEY, OTHER)
            made.callback(ward.stop)
            return ward

        yield make


@pytest.fixture
def ward(make_ward: MakeWard) -> Ward:
    """Segments of about 2 s."""
    return make_ward()


@pytest.fixture
def past(make_ward: MakeWard) -> Past:
    """Nine segments in two runs and four of another camera, sealed twice."""
    return seal_a_past(make_ward(segment_s=0.8))
