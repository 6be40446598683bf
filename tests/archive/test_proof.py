"""A segment file read whole, in blocks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from luytre.archive import recover
from luytre.archive.proof import Window, prove
from luytre.base.errors import Error, Kind
from tests.archive.builder import Ward, audio, video
from tests.archive.conftest import MakeWard


@pytest.mark.parametrize("block", [1, 50, 700, 4096, 1 << 16, 1 << 22])
def test_blocks_of_any_size_prove_the_same(ward: Ward, block: int) -> None:
    ward.record(5, coded=(video(b_frames=2), audio()))
    for path in ward.files():
        proof = prove(path, block)
        assert proof is not None
        assert proof.found == recover.contents(path)
        assert (proof.altered, proof.leaves) == ((), proof.found.tail.leaves)
        assert proof.root() == proof.found.tail.root(proof.found.opened)


@pytest.mark.parametrize("block", [50, 1 << 22])
@pytest.mark.parametrize("number", [0, 2, 4])
def test_the_part_that_was_altered_is_named(make_ward: MakeWard, block: int, number: int) -> None:
    ward = make_ward(segment_s=100)
    ward.record(5)
    (path,) = ward.files()
    found = recover.contents(path)
    assert found is not None
    part = found.parts[number]
    with path.open("r+b") as file:
        file.seek(part.offset + part.size - 2)
        file.write(b"xy")
    proof = prove(path, block)
    assert proof is not None
    assert proof.altered == (number,)
    assert proof.found == found
    assert proof.root() != found.tail.root(found.opened)


def test_a_file_cut_anywhere_gives_fewer_parts(ward: Ward) -> None:
    ward.record(4)
    path = ward.files()[0]
    whole = path.read_bytes()
    for size in range(0, len(whole), 211):
        path.write_bytes(whole[:size])
        proof = prove(path, 700)
        assert (None if proof is None else proof.found) == recover.contents(path)
    path.write_bytes(whole)


def test_a_window_is_the_file(tmp_path: Path) -> None:
    """Forwards, and back as far as its floor; beyond the end there is nothing."""
    data = os.urandom(10_000)
    path = tmp_path / "file"
    path.write_bytes(data)
    with Window(path, 256) as window:
        for offset, size in (
            (0, 10),
            (5, 300),
            (4000, 16),
            (3990, 2000),
            (9990, 100),
            (10_000, 5),
            (0, 10_000),
        ):
            assert window.read(offset, size) == data[offset : offset + size]


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(Error) as caught:
        prove(tmp_path / "missing.mp4")
    assert caught.value.kind is Kind.NOT_FOUND
