"""Deletion interrupted at each of its steps: the next sweep completes it, and nothing goes uncertified."""

from __future__ import annotations

import errno
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from luytre.archive import holds
from luytre.archive.certificates import Rule, read, verify
from luytre.archive.deletion import Candidate, Deletion
from luytre.archive.disk import OsDisk
from luytre.archive.index import Index
from luytre.archive.keys import Span
from luytre.archive.promise import Policy
from luytre.base.errors import Error
from tests.archive.builder import START_US
from tests.archive.crowd import (
    CLASSES,
    Archive,
    Stream,
    Was,
    archive,
    chain_is_whole,
)
from tests.archive.faulty import FaultyDisk


class _Crash(BaseException):
    pass


class _CrashingDisk(OsDisk):
    """Dies at the nth call of one operation; `after`: once it is done."""

    def __init__(self, operation: str, left: int, after: bool) -> None:
        super().__init__()
        self._operation, self._left, self._after = operation, left, after

    def _do(self, operation: str, call: object) -> object:
        assert callable(call)
        due = operation == self._operation and self._left == 0
        self._left -= operation == self._operation
        if due and not self._after:
            raise _Crash
        result = call()
        if due:
            raise _Crash
        return result

    def write(self, fd: int, buffers: Sequence[bytes]) -> int:
        written = self._do("write", lambda: super(_CrashingDisk, self).write(fd, buffers))
        assert isinstance(written, int)
        return written

    def unlink(self, path: Path) -> None:
        self._do("unlink", lambda: super(_CrashingDisk, self).unlink(path))


def crowded(made: Archive) -> Policy:
    """All rules at once: a volume with room for the last of two cameras' three days."""
    for camera, retention in enumerate(("standard", "short")):
        for sub in (False, True):
            Stream(retention, sub, camera, 0, ((10, 2), (40, 1), (10, 3)), 1000, ((40, 5),)).enter(made)
    used = sum(one.bytes for one in made.segments())
    return Policy(CLASSES, used // 5, 0)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("operation", "at"),
    [("write", 0), ("write", 1), ("write", 2), ("unlink", 0), ("unlink", 7), ("unlink", 250)],
)
def test_a_crash_anywhere_is_completed(operation: str, at: int, after: bool) -> None:
    with archive() as made:
        policy = crowded(made)
        before = made.segments()
        with pytest.raises(_Crash):
            made.sweep(policy, _CrashingDisk(operation, at, after))
        made.sweep(policy)
        _completed(made, policy, before)


@pytest.mark.parametrize("method", ["remove_segment", "expire", "deleting"])
def test_a_crash_in_the_index_is_completed(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise _Crash

    with archive() as made:
        policy = crowded(made)
        before = made.segments()
        with monkeypatch.context() as broken:
            broken.setattr(Index, method, crash)
            with pytest.raises(_Crash):
                made.sweep(policy)
        made.sweep(policy)
        _completed(made, policy, before)


def _completed(made: Archive, policy: Policy, before: list[Was]) -> None:
    """As if nothing had happened, but for certificates written twice: they say the same."""
    after = made.segments()
    assert made.index.deleting() == []
    assert made.files() == {one.path for one in after}
    assert sum(one.bytes for one in after) <= (policy.max_bytes or 0)
    assert verify(made.volume) == []
    chain_is_whole(made)
    assert made.findings() == []
    said = defaultdict(set)
    for one in read(made.volume):
        for root in one.roots:
            said[root].add((one.rule, one.prev, one.link, one.roots, one.segments))
    assert said.keys() == {one.root.hex() for one in before if one not in after}
    assert {len(told) for told in said.values()} == {1}


@pytest.mark.parametrize("at", [0, 1, 2])
def test_without_a_certificate_nothing_goes(at: int) -> None:
    """A disk that turns read-only: what was chosen is there for all again."""
    with archive() as made:
        policy = crowded(made)
        disk = FaultyDisk()
        disk.fail("write", errno.EROFS, after=at)
        with pytest.raises(Error):
            made.sweep(policy, disk)
        assert made.index.deleting() == []
        assert made.files() == {one.path for one in made.segments()}
        assert sum(one.segments for one in read(made.volume)) + len(made.files()) == 480
        assert made.findings() == []
        made.sweep(policy)
        chain_is_whole(made)


def test_a_hold_placed_after_the_choice_and_before_the_mark() -> None:
    with archive() as made:
        Stream("standard", False, 0, 200, ((10, 1),), 1000, ()).enter(made)
        before = made.segments()

        def chosen() -> Iterator[Candidate]:
            rows = made.index.db.execute("SELECT id, start_us, end_us, bytes FROM segment ORDER BY start_us")
            yield from (Candidate(*row) for row in rows.fetchall())
            holds.place(
                made.index, before[0].key, Span(before[3].start_us, before[4].end_us), "vụ", "an", made.clock
            )

        deletion = Deletion(made.volume, made.index, OsDisk(), START_US)
        assert deletion.take(chosen(), Rule.EXPIRED) == 18 * 1000
        assert [one.path for one in made.segments()] == [before[3].path, before[4].path]
        chain_is_whole(made)
        assert [one.segments for one in read(made.volume)] == [3, 15]


def test_a_file_that_cannot_be_deleted_is_certified_once() -> None:
    with archive() as made:
        policy = crowded(made)
        disk = FaultyDisk()
        disk.fail("unlink", errno.EIO, after=100)
        for _ in range(3):
            with pytest.raises(OSError, match="Input/output"):
                made.sweep(policy, disk)
        stuck = len(made.index.deleting())
        assert stuck == sum(one.segments for one in read(made.volume)) - 100
        made.sweep(policy)
        assert made.index.deleting() == []
        assert sum(one.segments for one in read(made.volume)) == stuck + 100
        chain_is_whole(made)


def test_a_file_that_somebody_removed_is_told_apart() -> None:
    """Its chain can no longer be derived: the certificate says that it was lost, and where the chain goes on."""
    with archive() as made:
        Stream("standard", False, 0, 200, ((10, 1),), 1000, ()).enter(made)
        made.index.db.execute("DELETE FROM segment WHERE id <= 5")
        made.sweep(Policy(CLASSES, None, 0))
        (certificate,) = read(made.volume)
        assert certificate.rule == Rule.LOST
        assert "expired" in certificate.detail
        assert certificate.link == made.index.streams()[0].head.hex()
        assert verify(made.volume) == []
