from __future__ import annotations

import errno
import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from luytre.archive.certificates import FOLDER, Certificate, Rule, append, newest, read, verify
from luytre.archive.chain import GENESIS, link_of
from luytre.archive.volume import Volume, create_volume, open_volume
from luytre.base.clock import ManualClock
from luytre.base.errors import Error
from tests.archive.builder import KEY, START_US
from tests.archive.faulty import FaultyDisk

MONTH_US = 31 * 86_400 * 1_000_000


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    create_volume(tmp_path / "volume", ManualClock(START_US))
    return open_volume(tmp_path / "volume")


def one(number: int = 0, segments: int = 2, at_us: int = START_US) -> Certificate:
    """A deletion with a chain that fits."""
    link = GENESIS
    roots = [bytes([number, n % 256]) * 16 for n in range(segments)]
    for root in roots:
        link = link_of(link, root)
    return Certificate(
        at_us,
        Rule.EXPIRED,
        *KEY,
        code="ngõ 12",
        start_us=START_US + number,
        end_us=START_US + number + 1,
        segments=segments,
        bytes=1000,
        prev=GENESIS.hex(),
        roots=tuple(root.hex() for root in roots),
        link=link.hex(),
    )


def journal(volume: Volume) -> Path:
    (path,) = (volume.path / FOLDER).iterdir()
    return path


def test_what_was_appended_is_read(volume: Volume) -> None:
    first = append(volume, None, [one(1), one(2)])
    second = append(volume, None, [one(3, segments=400)])
    assert list(read(volume)) == first + second
    assert [found.seq for found in read(volume)] == [1, 2, 3]
    assert [replace(found, seq=0, before="") for found in read(volume)] == [one(1), one(2), one(3, 400)]
    assert verify(volume) == []
    assert newest(volume) == (
        3,
        sha256(journal(volume).read_bytes().splitlines()[-1]).hexdigest(),
    )
    assert set(json.loads(journal(volume).read_bytes().splitlines()[0])) == {
        *("seq", "before", "at_us", "rule", "camera", "stream", "code", "start_us", "end_us", "segments"),
        *("bytes", "prev", "roots", "link", "detail"),
    }


def test_an_empty_journal(volume: Volume) -> None:
    assert append(volume, None, []) == []
    assert (list(read(volume)), verify(volume), newest(volume)) == ([], [], None)


def test_the_chain_goes_on_over_months_and_a_clock_set_back(volume: Volume) -> None:
    for months in (0, 1, 0, 2):
        append(volume, None, [one(months, at_us=START_US + months * MONTH_US)])
    assert sorted(path.name for path in (volume.path / FOLDER).iterdir()) == [
        "2026-11.jsonl",
        "2026-12.jsonl",
        "2027-01.jsonl",
    ]
    assert [found.seq for found in read(volume)] == [1, 2, 3, 4]
    assert verify(volume) == []


@pytest.mark.parametrize("torn", [b'{"seq":3', b"\0" * 5000, b"\0" * 300 + b'x"}\n', b"x" * 200_000])
@pytest.mark.parametrize("months", [0, 1])
def test_a_torn_end_is_none(volume: Volume, torn: bytes, months: int) -> None:
    kept = append(volume, None, [one(1), one(2)])
    with journal(volume).open("ab") as file:
        file.write(torn)
    assert list(read(volume)) == kept
    assert newest(volume) == (
        2,
        sha256(journal(volume).read_bytes().split(b"\n")[1]).hexdigest(),
    )
    kept += append(volume, None, [one(3, at_us=START_US + months * MONTH_US)])
    assert list(read(volume)) == kept
    assert verify(volume) == []


def test_a_first_line_that_was_torn(volume: Volume) -> None:
    append(volume, None, [one(1)])
    journal(volume).write_bytes(b'{"seq":1')
    assert newest(volume) is None
    append(volume, None, [one(2)])
    assert verify(volume) == []
    assert [found.seq for found in read(volume)] == [1]


def _edit(lines: list[bytes]) -> None:
    lines[1] = lines[1].replace(b'"bytes":1000', b'"bytes":1001')


def _remove(lines: list[bytes]) -> None:
    del lines[1]


def _swap(lines: list[bytes]) -> None:
    lines[1], lines[2] = lines[2], lines[1]


def _double(lines: list[bytes]) -> None:
    lines.insert(1, lines[1])


def _spoil(lines: list[bytes]) -> None:
    lines[1] = lines[1][:-10]


def _forge_root(lines: list[bytes]) -> None:
    """The last line, so that no hash after it tells."""
    found = json.loads(lines[3])
    found["roots"][0] = "ab" * 32
    lines[3] = json.dumps(found, separators=(",", ":")).encode()


@pytest.mark.parametrize("tamper", [_edit, _remove, _swap, _double, _spoil, _forge_root])
def test_what_was_tampered_with_is_found(volume: Volume, tamper: object) -> None:
    append(volume, None, [one(number) for number in range(4)])
    lines = journal(volume).read_bytes().splitlines()
    assert callable(tamper)
    tamper(lines)
    journal(volume).write_bytes(b"".join(line + b"\n" for line in lines))
    assert verify(volume) != []


def test_a_damaged_line_stops_nobody(volume: Volume) -> None:
    append(volume, None, [one(1), one(2)])
    whole = journal(volume).read_bytes()
    journal(volume).write_bytes(whole[:-20] + b"\n")
    append(volume, None, [one(3)])
    assert [found.seq for found in read(volume)] == [1, 3]
    assert verify(volume) == ["certificates/2026-11.jsonl line 2: cannot be read"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("short", [None, 10, 800])
def test_a_disk_that_refuses(volume: Volume, number: int, short: int | None) -> None:
    kept = append(volume, None, [one(1)])
    disk = FaultyDisk()
    disk.fail("write", number, short=short)
    with pytest.raises(Error) as failure:
        append(volume, disk, [one(2), one(3)])
    full = number == errno.ENOSPC or short is not None
    assert (failure.value.cause == "disk_full") == full
    assert list(read(volume)) == kept
    disk.heal()
    kept += append(volume, disk, [one(2), one(3)])
    assert list(read(volume)) == kept
    assert verify(volume) == []
