"""Somebody who owns the disk changes the past as well as it can be done without the node's key: the check tells."""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Callable
from dataclasses import replace

import pytest

from luytre.archive import recover
from luytre.archive import segment as fmt
from luytre.archive.chain import MARK_SIZE, leaf_of, mark
from luytre.archive.check_files import disagreement
from luytre.archive.disk import OsDisk
from luytre.archive.proof import prove
from tests.archive.builder import KEY
from tests.archive.past import Past

Tamper = Callable[[Past], None]


def remade(past: Past, number: int, change: Callable[[list[bytearray]], None], move_us: int = 0) -> None:
    """The file made again from changed parts, with marks, leaves, tail and row that fit it."""
    path = past.path(number)
    found = recover.contents(path)
    assert found is not None
    data = path.read_bytes()
    parts = [bytearray(data[p.offset + MARK_SIZE : p.offset + p.size]) for p in found.parts]
    change(parts)
    entries, leaves, body, at = [], b"", b"", found.opening.parts_offset
    for entry, part in zip(found.parts, parts, strict=True):
        leaf = leaf_of([bytes(part)])
        body += mark(leaf) + part
        leaves += leaf
        entries.append(entry._replace(offset=at, size=len(part) + MARK_SIZE, wall_us=entry.wall_us + move_us))
        at += len(part) + MARK_SIZE
    tail = replace(found.tail, parts=tuple(entries), leaves=leaves, end_us=found.tail.end_us + move_us)
    path.write_bytes(found.opened + body + fmt.tail_box(tail))
    past.enter(path, past.row(number).id)


def flip(parts: list[bytearray]) -> None:
    parts[0][-1] ^= 1


def other_content(parts: list[bytearray]) -> None:
    """Other pictures of the same length."""
    parts[0][-50:] = os.urandom(50)


def remove_file(past: Past) -> None:
    past.path(2).unlink()


def remove_file_and_row(past: Past) -> None:
    past.take_out(2)


def remove_and_leave_the_hole(past: Past) -> None:
    past.take_out(2, gap=False)


def other_segments_bytes(past: Past) -> None:
    past.path(2).write_bytes(past.path(3).read_bytes())


def flip_a_bit(past: Past) -> None:
    path = past.path(2)
    found = recover.contents(path)
    assert found is not None
    with path.open("r+b") as file:
        file.seek(found.parts[0].offset + found.parts[0].size - 1)
        last = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([last ^ 1]))


def flip_a_bit_and_its_mark(past: Past) -> None:
    path = past.path(2)
    found = recover.contents(path)
    assert found is not None
    data = bytearray(path.read_bytes())
    part = found.parts[0]
    data[part.offset + part.size - 1] ^= 1
    leaf = leaf_of([bytes(data[part.offset + MARK_SIZE : part.offset + part.size])])
    data[part.offset : part.offset + MARK_SIZE] = mark(leaf)
    path.write_bytes(data)


def make_again(past: Past) -> None:
    remade(past, 2, other_content)


def make_the_newest_again(past: Past) -> None:
    """Nothing comes after it in the chain: the seal tells."""
    remade(past, -1, other_content)


def swap_rows(past: Past) -> None:
    """Two files of one length of time change places, names and times with them."""
    one, two = past.row(1), past.row(3)
    a, b = past.ward.path / one.path, past.ward.path / two.path
    first, second = a.read_bytes(), b.read_bytes()
    a.write_bytes(second)
    b.write_bytes(first)
    past.sql("UPDATE segment SET run_id = ?, seq = ? WHERE id = ?", one.run_id, 900, one.id)
    for row, content in ((two, one), (one, two)):
        past.sql(
            "UPDATE segment SET run_id = ?, seq = ?, bytes = ?, tail_offset = ?, root = ?, link = ? WHERE id = ?",
            content.run_id, content.seq, content.bytes, content.tail_offset, content.root, content.link, row.id,
        )  # fmt: skip


def move_in_time(past: Past) -> None:
    """The whole newest run an hour earlier would overlap; half a second later does not."""

    def change(parts: list[bytearray]) -> None:
        for part in parts:
            (ntp,) = struct.unpack_from(">Q", part, 16)
            struct.pack_into(">Q", part, 16, ntp + (1 << 31))

    first, last = past.row(-1), past.row(-1)
    remade(past, -1, change, 500_000)
    past.sql("UPDATE segment SET start_us = start_us + 500000 WHERE id = ?", first.id)
    assert last.end_us is not None
    past.sql("UPDATE gap SET start_us = start_us + 500000 WHERE start_us = ?", last.end_us)


def move_the_row_in_time(past: Past) -> None:
    past.sql("UPDATE segment SET start_us = start_us + 400000 WHERE id = ?", past.row(-1).id)


def put_in(past: Past) -> None:
    """A forged segment in the gap between the runs, chained to the one before it."""
    before, like = past.row(4), past.path(0)
    assert before.end_us is not None
    assert before.link is not None
    data = like.read_bytes()
    found = recover.contents(like)
    assert found is not None
    move_us = before.end_us + 5_000_000 - found.parts[0].wall_us
    header = replace(
        found.opening.header, run="f" * 32, start_us=found.parts[0].wall_us + move_us, prev=before.link.hex(),
        gaps=(),
    )  # fmt: skip
    opening = found.opening.init + fmt.header_box(header)
    entries, leaves, body, at = [], b"", b"", len(opening)
    for entry in found.parts:
        part = bytearray(data[entry.offset + MARK_SIZE : entry.offset + entry.size])
        (ntp,) = struct.unpack_from(">Q", part, 16)
        struct.pack_into(">Q", part, 16, ntp + (move_us << 32) // 1_000_000)
        leaf = leaf_of([bytes(part)])
        body += mark(leaf) + part
        leaves += leaf
        entries.append(entry._replace(offset=at, wall_us=entry.wall_us + move_us))
        at += entry.size
    tail = replace(found.tail, parts=tuple(entries), leaves=leaves, end_us=found.tail.end_us + move_us)
    path = past.ward.volume.video_path / "cong-truoc/main" / fmt.file_name(header.run, 0, header.start_us)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(opening + body + fmt.tail_box(tail))
    with past.ward.index() as index:
        recover.adopt(past.ward.volume, index, OsDisk(), path)


def cut_the_chain(past: Past) -> None:
    """The newest three segments with rows, gap and head set back."""
    for _ in range(3):
        row = past.take_out(-1)
    with past.ward.index() as index:
        newest = past.rows(index)[-1]
        assert newest.link is not None
        index.set_head(row.stream_id, newest.link)


def forget_the_camera(past: Past) -> None:
    with past.ward.index() as index:
        row = index.stream(KEY)
        assert row is not None
        for path in (past.ward.path / one.path for one in past.rows(index)):
            path.unlink()
        for table in ("segment", "run", "gap", "day"):
            index.db.execute(f"DELETE FROM {table} WHERE stream_id = ?", (row.id,))
        index.db.execute("DELETE FROM stream WHERE id = ?", (row.id,))


TAMPERINGS = [
    pytest.param(remove_file, 2, True, id="file-removed"),
    pytest.param(remove_file_and_row, 10, True, id="file-and-row-removed"),
    pytest.param(remove_and_leave_the_hole, 10, True, id="file-and-row-removed-neighbours-untouched"),
    pytest.param(other_segments_bytes, 2, False, id="another-segments-bytes"),
    pytest.param(flip_a_bit, 10, False, id="bit-flipped"),
    pytest.param(flip_a_bit_and_its_mark, 3, False, id="part-and-mark"),
    pytest.param(make_again, 10, True, id="made-again"),
    pytest.param(make_the_newest_again, 12, True, id="newest-made-again"),
    pytest.param(swap_rows, 10, True, id="reordered"),
    pytest.param(move_in_time, 12, True, id="re-timed"),
    pytest.param(move_the_row_in_time, 2, False, id="row-re-timed"),
    pytest.param(put_in, 10, True, id="put-in"),
    pytest.param(cut_the_chain, 12, True, id="chain-cut"),
    pytest.param(forget_the_camera, 12, True, id="camera-forgotten"),
]


# What files themselves contradict: no repair may choose which one to lose.
LEFT = ("another-segments-bytes", "reordered", "put-in", "re-timed")


@pytest.mark.parametrize(("tamper", "invariant", "quick_too"), TAMPERINGS)
def test_tampering_is_found(past: Past, tamper: Tamper, invariant: int, quick_too: bool) -> None:
    tamper(past)
    found = [finding for finding in past.check() if finding.severity == "error"]
    assert invariant in {finding.invariant for finding in found}
    told = next(finding for finding in found if finding.invariant == invariant)
    # With its rows the camera's code is gone too.
    name = f"{KEY.camera}/main" if tamper is forget_the_camera else "cong-truoc/main"
    assert name in f"{told.path} {told.message}"
    assert "2026-11-22" in f"{told.path} {told.message}"
    if quick_too:
        assert invariant in {one.invariant for one in past.check(quick=True) if one.severity == "error"}


@pytest.mark.parametrize(
    "tamper", [p.values[0] for p in TAMPERINGS if p.id not in LEFT]
)  # fmt: skip
def test_what_a_repair_puts_right_stays_on_record(past: Past, tamper: Tamper) -> None:
    tamper(past)
    past.check(repair=True)
    past.check(repair=True)
    left = past.check()
    assert [finding for finding in left if finding.severity == "error"] == []
    assert tamper is move_the_row_in_time or "losses are on record" in " ".join(f.message for f in left)


def test_a_bit_that_flips_after_the_loss_was_put_on_record_is_told_again(past: Past) -> None:
    flip_a_bit(past)
    past.check(repair=True)
    flip_a_bit(past)
    assert past.check(quick=True)[-1].severity == "note"
    with past.path(2).open("r+b") as file:
        found = recover.contents(past.path(2))
        assert found is not None
        file.seek(found.parts[0].offset + found.parts[0].size - 3)
        file.write(b"xyz")
    assert 10 in {finding.invariant for finding in past.check() if finding.severity == "error"}


@pytest.mark.parametrize("number", [0, 4, -1], ids=["first", "last-of-its-run", "newest"])
def test_no_bit_of_a_file_can_be_changed(past: Past, number: int) -> None:
    """Any of the opening, the parts, the tail; a few hundred of each."""
    path = past.path(number)
    whole = path.read_bytes()
    found = recover.contents(path)
    assert found is not None
    dice = random.Random(number)
    opening, end, size = found.opening.parts_offset, found.parts_end, len(whole)
    row = past.row(number)
    for begin, until in ((0, opening), (opening, end), (end, size)):
        for at in dice.sample(range(begin, until), min(until - begin, 250)):
            data = bytearray(whole)
            data[at] ^= 1 << dice.randrange(8)
            path.write_bytes(data)
            proof = prove(path)
            assert proof is None or proof.altered or disagreement(row, proof.found), at
    path.write_bytes(whole)
    proof = prove(path)
    assert proof is not None
    assert not proof.altered
    assert disagreement(row, proof.found) is None
