"""The node's signature under the heads of all chains."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from luytre.archive import certificates, seals
from luytre.archive.certificates import Certificate, Rule
from luytre.archive.check import check
from luytre.archive.check_seals import Trust
from luytre.archive.disk import OsDisk
from luytre.archive.index import US_PER_DAY
from luytre.archive.seals import Seal
from luytre.base.errors import Error
from luytre.base.signing import Signer, verify
from tests.archive.builder import KEY, OTHER, Ward

SIGNER = Signer(bytes(range(32)))
TRUST = Trust(verify, SIGNER.public_key)


def seal(ward: Ward) -> Seal | None:
    with ward.index() as index:
        return seals.seal(ward.volume, index, SIGNER.sign, SIGNER.public_key, ward.clock.wall_us())


def sealed(ward: Ward) -> Seal:
    made = seal(ward)
    assert made is not None
    return made


def files(ward: Ward) -> list[Path]:
    return sorted((ward.path / seals.FOLDER).iterdir())


def cameras(made: Seal) -> list[str]:
    return [head.camera for head in made.heads]


def test_what_moved_is_sealed(ward: Ward) -> None:
    assert seal(ward) is None
    feed = ward.record(4)
    first = sealed(ward)
    assert cameras(first) == [KEY.camera]
    assert first.heads[0].end_us == feed.end_us
    assert seal(ward) is None
    ward.record(4, key=OTHER)
    second = sealed(ward)
    assert cameras(second) == [OTHER.camera]
    assert (second.seq, second.before) == (2, first.newest.hash)
    assert verify(SIGNER.public_key, bytes.fromhex(second.signature), second.signed)
    assert [line.seal for line in seals.lines(ward.volume)] == [first, second]
    assert seals.newest(ward.volume) == second.newest
    with ward.index() as index:
        row = index.stream(OTHER)
    assert row is not None
    assert second.heads[0].link == row.head.hex()


def test_a_line_is_json_that_others_can_verify(ward: Ward) -> None:
    """Sorted names, no blanks, without the signature: what design/archive.md tells an auditor to sign-check."""
    ward.record(2)
    sealed(ward)
    (path,) = files(ward)
    assert path.name == "2026-11-22.jsonl"
    fields = json.loads(path.read_text())
    signature = bytes.fromhex(fields.pop("signature"))
    data = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert verify(bytes.fromhex(fields["public_key"]), signature, data)
    assert set(fields) == {"seq", "before", "at_us", "volume", "public_key", "certificates", "heads"}


def test_each_day_begins_with_all_heads(ward: Ward) -> None:
    ward.record(2)
    ward.record(2, key=OTHER)
    sealed(ward)
    ward.clock.advance(86_400)
    assert seal(ward) is None
    ward.record(2)
    assert cameras(sealed(ward)) == [KEY.camera, OTHER.camera]
    ward.record(2, key=OTHER)
    assert cameras(sealed(ward)) == [OTHER.camera]
    assert [path.name for path in files(ward)] == ["2026-11-22.jsonl", "2026-11-23.jsonl"]


def test_a_clock_that_was_set_back_does_not_break_the_order(ward: Ward) -> None:
    ward.clock.advance(86_400)
    ward.record(2)
    first = sealed(ward)
    with ward.index() as index:
        row = index.stream(KEY)
        assert row is not None
        index.set_head(row.id, bytes(range(32)))
        second = seals.seal(ward.volume, index, SIGNER.sign, SIGNER.public_key, first.at_us - 86_400_000_000)
    assert second is not None
    assert [line.seal for line in seals.lines(ward.volume)] == [first, second]


def test_certificates_are_sealed_though_nothing_was_recorded(ward: Ward) -> None:
    ward.record(2)
    first = sealed(ward)
    assert first.certificates.seq == 0
    certificates.append(ward.volume, None, [Certificate(ward.clock.wall_us(), Rule.ALARM)])
    second = sealed(ward)
    assert second.heads == ()
    assert second.certificates == certificates.newest(ward.volume)
    assert seal(ward) is None


@pytest.mark.parametrize(
    "left", [b'{"seq":9', bytes(40), bytes(40) + b"\n"], ids=["cut", "zeros", "zero-line"]
)
def test_what_a_crash_left_at_the_end_goes(ward: Ward, left: bytes) -> None:
    ward.record(2)
    first = sealed(ward)
    (path,) = files(ward)
    with path.open("ab") as file:
        file.write(left)
    assert [line.seal for line in seals.lines(ward.volume)] == [first]
    ward.record(2)
    second = sealed(ward)
    assert second.before == first.newest.hash
    assert path.read_bytes() == first.line + b"\n" + second.line + b"\n"


def test_a_head_is_sealed_after_all_it_proves_is_on_the_disk(ward: Ward) -> None:
    ward.record(2)
    steps: list[str] = []

    class Watched(OsDisk):
        def flush(self, directory_fd: int) -> None:
            assert not files(ward)
            steps.append("flushed")
            super().flush(directory_fd)

    with ward.index() as index:
        made = seals.seal(
            ward.volume, index, SIGNER.sign, SIGNER.public_key, ward.clock.wall_us(), disk=Watched()
        )
    assert made is not None
    assert steps == ["flushed"]


def test_a_volume_that_is_not_there_is_not_sealed(ward: Ward) -> None:
    ward.record(2)
    ward.stop()
    (ward.path / "volume.json").rename(ward.path / "elsewhere.json")
    with pytest.raises(Error):
        seal(ward)
    assert not (ward.path / seals.FOLDER).exists()
    (ward.path / "elsewhere.json").rename(ward.path / "volume.json")
    ward.restart()


def test_what_the_node_remembers(ward: Ward, tmp_path: Path) -> None:
    assert seals.expected(tmp_path, ward.volume) is None
    ward.record(2)
    seals.remember(tmp_path, ward.volume, sealed(ward))
    ward.record(2)
    second = sealed(ward)
    # The node crashed before it wrote the second one down: no harm.
    trust = Trust(verify, SIGNER.public_key, seals.expected(tmp_path, ward.volume))
    assert check(ward.path, quick=True, trust=trust, clock=ward.clock) == []
    seals.remember(tmp_path, ward.volume, second)
    assert seals.expected(tmp_path, ward.volume) == second.newest
    (tmp_path / "seals" / f"{ward.volume.id}.json").write_text("{")
    assert seals.expected(tmp_path, ward.volume) is None


def test_a_notary_that_stopped_is_noted(ward: Ward) -> None:
    ward.record(2)
    sealed(ward)
    ward.record(2, pause_s=3 * 3600)
    (told,) = check(ward.path, quick=True, trust=TRUST, clock=ward.clock)
    assert (told.invariant, told.severity) == (12, "note")
    assert "2026-11-22 07:04" in told.message


def test_seals_of_another_volume(ward: Ward) -> None:
    ward.record(2)
    sealed(ward)
    (path,) = files(ward)
    path.write_bytes(path.read_bytes().replace(ward.volume.id.encode(), b"0" * len(ward.volume.id)))
    found = check(ward.path, quick=True, trust=TRUST, clock=ward.clock)
    assert {(one.invariant, one.severity) for one in found} == {(12, "error")}
    assert any("is of volume" in one.message for one in found)


def test_when_the_next_seal_is_due(ward: Ward) -> None:
    """After a while, on a new day, and when the last one is of the future."""
    assert seals.is_due(ward.volume, ward.clock.wall_us())
    ward.record(2)
    at_us = sealed(ward).at_us
    for after_us, due in [(0, False), (seals.EVERY_US - 1, False), (seals.EVERY_US, True), (-1, True)]:
        assert seals.is_due(ward.volume, at_us + after_us) is due
    ward.clock.advance(((at_us // US_PER_DAY + 1) * US_PER_DAY - ward.clock.wall_us()) / 1e6 - 60)
    with ward.index() as index:
        row = index.stream(KEY)
        assert row is not None
        index.set_head(row.id, bytes(range(32)))
    late_us = sealed(ward).at_us
    assert not seals.is_due(ward.volume, late_us + 30_000_000)
    assert seals.is_due(ward.volume, late_us + 90_000_000), "a new day"
