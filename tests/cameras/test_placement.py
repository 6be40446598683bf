"""Placement: even by weight, one more volume moves only its share, a disk that is away moves nothing."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luytre.archive.volume import create_volume
from luytre.base.config import VolumeConfig
from luytre.cameras.placement import order, weigh

CAMERAS = [f"camera-{number}" for number in range(600)]
weights = st.dictionaries(st.text("abcdefgh/", min_size=1), st.floats(0.25, 16), min_size=1, max_size=6)


def homes(volumes: dict[str, float]) -> dict[str, str]:
    return {camera: order(camera, volumes)[0] for camera in CAMERAS}


def test_cameras_are_spread_by_weight() -> None:
    found = list(homes({"small": 1.0, "large": 3.0}).values())
    # 150 expected; the standard deviation is 10.6.
    assert 100 < found.count("small") < 200


# The same examples each time: with new ones, one run in some thousands would be beyond any bound.
@settings(max_examples=25, derandomize=True)
@given(weights, st.floats(0.25, 16))
def test_one_more_volume_moves_only_its_share(volumes: dict[str, float], weight: float) -> None:
    before, after = homes(volumes), homes({**volumes, "new": weight})
    moved = {camera for camera in CAMERAS if before[camera] != after[camera]}
    assert {after[camera] for camera in moved} <= {"new"}
    # Its share, give or take five standard deviations.
    share = weight / (weight + sum(volumes.values()))
    spread = 5 * (len(CAMERAS) * share * (1 - share)) ** 0.5
    assert abs(len(moved) - share * len(CAMERAS)) <= spread + 1


@settings(max_examples=25)
@given(weights, st.data())
def test_who_loses_a_volume_goes_to_the_first_spare(volumes: dict[str, float], data: st.DataObject) -> None:
    lost = data.draw(st.sampled_from(sorted(volumes)))
    left = {volume: weight for volume, weight in volumes.items() if volume != lost}
    for camera in CAMERAS[:50]:
        assert order(camera, left) == tuple(volume for volume in order(camera, volumes) if volume != lost)


@given(weights)
def test_the_order_does_not_depend_on_how_the_volumes_are_listed(volumes: dict[str, float]) -> None:
    turned = dict(reversed(volumes.items()))
    assert all(order(camera, turned) == order(camera, volumes) for camera in CAMERAS[:20])


def test_a_disk_that_is_away_keeps_its_weight(tmp_path: Path) -> None:
    volumes = [VolumeConfig(path=tmp_path / "a"), VolumeConfig(path=tmp_path / "b", max_bytes=2**40 // 1024)]
    for volume in volumes:
        create_volume(volume.path)
    memory = tmp_path / "weights.json"
    here = weigh(volumes, memory)
    assert here[str(tmp_path / "b")] == 1 / 1024
    (tmp_path / "b" / "volume.json").unlink()
    assert weigh(volumes, memory) == here
    assert weigh(list(reversed(volumes)), memory) == here


def test_a_little_more_or_less_room_is_the_same_disk(tmp_path: Path) -> None:
    create_volume(tmp_path / "a")
    memory = tmp_path / "weights.json"

    def weight(max_bytes: int) -> float:
        return weigh([VolumeConfig(path=tmp_path / "a", max_bytes=max_bytes)], memory)[str(tmp_path / "a")]

    first = weight(1_000_000)
    # Across the borders of rounding too.
    assert {weight(round(1_000_000 * factor)) for factor in (0.8, 0.9, 1.1, 1.25)} == {first}
    assert weight(4_000_000) == first * 4


def test_a_weight_that_is_set_counts(tmp_path: Path) -> None:
    create_volume(tmp_path / "a")
    memory = tmp_path / "weights.json"
    set_to = [VolumeConfig(path=tmp_path / "a", weight=7)]
    assert weigh(set_to, memory) == {str(tmp_path / "a"): 7}
    left_out = [VolumeConfig(path=tmp_path / "a", max_bytes=2**40 // 1024)]
    assert weigh(left_out, tmp_path / "other.json") == {str(tmp_path / "a"): 1 / 1024}


def test_a_disk_never_seen_is_the_last_spare(tmp_path: Path) -> None:
    create_volume(tmp_path / "b")
    volumes = [VolumeConfig(path=tmp_path / "a"), VolumeConfig(path=tmp_path / "b")]
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    found = weigh(volumes, None)
    assert {order(camera, found) for camera in CAMERAS} == {(b, a)}
    assert weigh([VolumeConfig(path=tmp_path / "a"), VolumeConfig(path=tmp_path / "c")], None) == {
        a: 1.0,
        str(tmp_path / "c"): 1.0,
    }


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"/a": "x"}', '{"/a": -1}', '{"/a": NaN}', "\udcff"])
def test_a_memory_that_cannot_be_read_is_made_again(tmp_path: Path, kept: str) -> None:
    create_volume(tmp_path / "a")
    memory = tmp_path / "weights.json"
    memory.write_text(kept, encoding="utf-8", errors="surrogateescape")
    found = weigh([VolumeConfig(path=tmp_path / "a")], memory)
    assert json.loads(memory.read_text()) == found


def test_a_memory_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    create_volume(tmp_path / "a")
    volumes = [VolumeConfig(path=tmp_path / "a")]
    assert weigh(volumes, tmp_path / "nowhere" / "weights.json") == weigh(volumes, None)


def test_a_disk_that_hangs_keeps_its_weight_and_nobody_waiting(tmp_path: Path) -> None:
    volumes = [VolumeConfig(path=tmp_path / "a"), VolumeConfig(path=tmp_path / "b", max_bytes=2**40 // 1024)]
    for volume in volumes:
        create_volume(volume.path)
    memory = tmp_path / "weights.json"
    here = weigh(volumes, memory)
    marker = tmp_path / "b" / "volume.json"
    marker.unlink()
    # Who opens it for reading waits for a writer.
    os.mkfifo(marker)
    try:
        assert weigh(volumes, memory, patience_s=0.1) == here
        asked = sum(thread.name == "opening" for thread in threading.enumerate())
        assert weigh(volumes, memory, patience_s=0.1) == here
        # Who waits is not joined by another.
        assert sum(thread.name == "opening" for thread in threading.enumerate()) == asked
    finally:
        os.close(os.open(marker, os.O_WRONLY))
