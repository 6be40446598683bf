"""Somebody who owns the disk changes the past as well as it can be done without the node's key: the check tells."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from luytre.archive import certificates, recover, seals
from luytre.archive import segment as fmt
from luytre.archive.certificates import Certificate, Rule
from luytre.archive.chain import GENESIS, MARK_SIZE, leaf_of, link_of, mark
from luytre.archive.check import Finding, check
from luytre.archive.check_seals import Trust
from luytre.archive.disk import OsDisk
from luytre.archive.index import Index, SegmentRow
from luytre.archive.keys import Span
from luytre.archive.retention import clear_minutes
from luytre.base.signing import Signer, verify
from tests.archive.builder import KEY, OTHER, Ward
from tests.archive.conftest import MakeWard

SIGNER = Signer(bytes(range(32)))
TRUST = Trust(verify, SIGNER.public_key)
ALL = Span(0, 1 << 61)
Tamper = Callable[["Past"], None]


@dataclass
class Past:
    """A stopped ward: KEY has nine segments in two runs, OTHER four; sealed after the first run and at the end."""

    ward: Ward

    def rows(self, index: Index) -> list[SegmentRow]:
        row = index.stream(KEY)
        assert row is not None
        return index.segments(row.id, ALL)

    def row(self, number: int) -> SegmentRow:
        with self.ward.index() as index:
            return self.rows(index)[number]

    def path(self, number: int) -> Path:
        return self.ward.path / self.row(number).path

    def sql(self, statement: str, *values: object) -> None:
        with self.ward.index() as index:
            assert index.db.execute(statement, values).rowcount

    def seal(self) -> seals.Seal | None:
        with self.ward.index() as index:
            return seals.seal(
                self.ward.volume, index, SIGNER.sign, SIGNER.public_key, self.ward.clock.wall_us()
            )

    def check(self, *, quick: bool = False, repair: bool = False, trust: Trust = TRUST) -> list[Finding]:
        return check(self.ward.path, quick=quick, repair=repair, trust=trust, clock=self.ward.clock)

    def take_out(self, number: int, gap: bool = True) -> SegmentRow:
        """File, row and bitmap go, and a gap tells a story."""
        row = self.row(number)
        assert row.end_us is not None
        (self.ward.path / row.path).unlink()
        with self.ward.index() as index, index.transaction():
            index.remove_segment(row.id)
            clear_minutes(index, row.stream_id, Span(row.start_us, row.end_us))
            if gap:
                index.db.execute(
                    "INSERT INTO gap (stream_id, start_us, end_us, cause) VALUES (?, ?, ?, 'stalled')",
                    (row.stream_id, row.start_us, row.end_us),
                )
        return row

    def enter(self, path: Path, row_id: int) -> None:
        """The row says of the file what is in it."""
        found = recover.contents(path)
        assert found is not None
        assert found.whole
        closing = found.closing(found.tail, found.size, found.parts_end)
        with self.ward.index() as index:
            index.close_segment(row_id, closing)


@pytest.fixture
def past(make_ward: MakeWard) -> Past:
    ward = make_ward(segment_s=0.8)
    past = Past(ward)
    ward.clock.advance(1)
    ward.record(10, cause="stalled")
    assert past.seal() is not None
    ward.record(8, pause_s=20)
    ward.record(8, key=OTHER)
    ward.clock.advance(10)
    ward.stop()
    assert past.seal() is not None
    assert past.check() == []
    assert past.check(quick=True) == []
    return past


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


# -- certificates -------------------------------------------------------------------------------------------------


def delete_legally(past: Past, *numbers: int) -> list[Certificate]:
    """As retention does: certified, then gone."""
    made = []
    with past.ward.index() as index:
        rows = past.rows(index)
        links = [GENESIS, *(row.link for row in rows)]
        for number in numbers:
            row, prev = rows[number], links[number]
            assert prev is not None
            assert row.root is not None
            assert row.link is not None
            assert row.end_us is not None
            assert link_of(prev, row.root) == row.link
            made.append(
                Certificate(
                    past.ward.clock.wall_us(), Rule.EXPIRED, *KEY, "cong-truoc", row.start_us, row.end_us, 1,
                    row.bytes or 0, prev.hex(), (row.root.hex(),), row.link.hex(),
                )
            )  # fmt: skip
        made = certificates.append(past.ward.volume, None, made)
        for number in numbers:
            row = rows[number]
            assert row.end_us is not None
            (past.ward.path / row.path).unlink()
            index.remove_segment(row.id)
            clear_minutes(index, row.stream_id, Span(row.start_us, row.end_us))
            index.expire(row.stream_id, row.end_us)
    return made


@pytest.mark.parametrize(
    "numbers", [(0,), (0, 1, 2), (0, 1, 3), tuple(range(9))], ids=["one", "some", "around-a-hold", "all"]
)
def test_legal_deletion_is_clean(past: Past, numbers: tuple[int, ...]) -> None:
    delete_legally(past, *numbers)
    # Time before what was deleted last is promised to nobody.
    assert [finding for finding in past.check() if finding.invariant >= 10] == []
    assert [finding for finding in past.check(quick=True) if finding.invariant >= 10] == []
    past.seal()
    assert [finding for finding in past.check() if finding.invariant >= 10] == []


def journal(past: Past, folder: str) -> Path:
    return sorted((past.ward.path / folder).iterdir())[0]


def lines_of(path: Path, change: Callable[[list[bytes]], object]) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    change(lines)
    path.write_bytes(b"".join(lines))


def edit(lines: list[bytes]) -> None:
    lines[0] = lines[0].replace(b"expired", b"exbired").replace(b'"at_us":1', b'"at_us":2')


def drop_first(lines: list[bytes]) -> None:
    del lines[0]


def drop_middle(lines: list[bytes]) -> None:
    del lines[1]


def drop_last(lines: list[bytes]) -> None:
    del lines[-1]


def garble(lines: list[bytes]) -> None:
    lines[1] = b"nothing of ours\n"


@pytest.mark.parametrize("change", [edit, drop_first, drop_middle, drop_last, garble])
def test_a_changed_journal_of_certificates(past: Past, change: Callable[[list[bytes]], object]) -> None:
    delete_legally(past, 0, 1, 2)
    past.seal()
    lines_of(journal(past, certificates.FOLDER), change)
    found = [finding for finding in past.check(quick=True) if finding.severity == "error"]
    assert {finding.invariant for finding in found} & {11, 12}
    assert any(finding.path.startswith("certificates") for finding in found)


# -- seals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [edit, drop_first, garble])
def test_changed_seals(past: Past, change: Callable[[list[bytes]], object]) -> None:
    lines_of(journal(past, seals.FOLDER), change)
    found = [finding for finding in past.check(quick=True) if finding.severity == "error"]
    assert {finding.invariant for finding in found} == {12}
    assert all(finding.path.startswith("seals/") for finding in found)


def test_seals_cut_at_the_end_are_missed_by_the_node(past: Past, tmp_path: Path) -> None:
    newest = list(seals.lines(past.ward.volume))[-1].seal
    assert newest is not None
    seals.remember(tmp_path, past.ward.volume, newest)
    trust = replace(TRUST, expected=seals.expected(tmp_path, past.ward.volume))
    assert past.check(quick=True, trust=trust) == []
    lines_of(journal(past, seals.FOLDER), drop_last)
    assert past.check(quick=True) == []
    (told,) = past.check(quick=True, trust=trust)
    assert (told.invariant, told.severity) == (12, "error")


def test_a_chain_made_again_to_its_end_has_another_key(past: Past) -> None:
    """Whoever makes all again, seals too, has no signature of the node."""
    for path in sorted((past.ward.path / seals.FOLDER).iterdir()):
        path.unlink()
    forger = Signer(bytes(32))
    with past.ward.index() as index:
        seals.seal(past.ward.volume, index, forger.sign, forger.public_key, past.ward.clock.wall_us())
    (told,) = past.check(quick=True)
    assert (told.invariant, told.severity) == (12, "error")
    assert "signed with key" in told.message


def test_a_volume_without_its_node_tells_whose_key_signed(past: Past) -> None:
    (told,) = past.check(quick=True, trust=Trust(verify))
    assert told.severity == "note"
    assert repr(SIGNER)[7:-1] in told.message


def test_a_power_cut_in_the_middle_of_a_repair_is_repaired_again(past: Past) -> None:
    """The certificate of a loss is there, the row is still the old one."""
    row = past.take_out(2)
    prev = past.row(1).link
    assert prev is not None
    assert row.link is not None
    lost = Certificate(
        1, Rule.LOST, *KEY, "cong-truoc", row.start_us, 0, 1, 0, prev.hex(), (), row.link.hex()
    )
    certificates.append(past.ward.volume, None, [lost, lost])
    assert {finding.severity for finding in past.check(quick=True)} == {"note"}
