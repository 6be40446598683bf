"""Nodes for the notary."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from luytre.app.foundation import init
from luytre.app.store import Store
from luytre.archive.keys import StreamKey
from luytre.base.clock import ManualClock
from luytre.base.config import NodeConfig, VolumeConfig
from luytre.cameras.registry import NewCamera
from tests.app.noted import Maker, Node, us
from tests.archive import builder
from tests.archive.builder import Ward


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Maker]:
    nodes = []

    def node(start: str, zone: str = "Asia/Ho_Chi_Minh", volumes: int = 1) -> Node:
        clock = ManualClock(us(start))
        places = tuple(VolumeConfig(path=Path(f"volumes/{n}")) for n in range(1, volumes + 1))
        directory = init(
            tmp_path / "node", NodeConfig(name="Phường thử", zone=zone, volumes=places)
        ).directory
        with closing(Store.open(directory, clock)) as store:
            camera = store.registry.add(NewCamera("DK-01", "Ngã tư chợ", "rtsp://10.0.0.5/main"))
        key = StreamKey(camera.id, "main")
        # The ward's own camera, which it takes up whenever it waits.
        monkeypatch.setitem(builder.CODES, key, "DK-01")
        monkeypatch.setattr(builder, "KEY", key)
        ward = Ward(directory / "volumes/1", clock, segment_s=5.0)
        ward.take_up(key)
        nodes.append(Node(directory, clock, key, ward))
        return nodes[-1]

    yield node
    for one in nodes:
        one.ward.stop()
