"""The journals of certificates and seals, and a chain made again: what was changed in them is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from luytre.archive import certificates, seals
from luytre.archive.certificates import Certificate, Rule
from luytre.archive.chain import GENESIS, link_of
from luytre.archive.check_seals import Trust
from luytre.archive.keys import Span
from luytre.archive.retention import clear_minutes
from luytre.base.signing import Signer, verify
from tests.archive.builder import KEY
from tests.archive.past import SIGNER, TRUST, Past

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
