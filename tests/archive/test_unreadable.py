"""Files that the disk cannot give back: each costs its own stream what is in it, and nobody else anything."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from luytre.archive import certificates, seals
from luytre.archive.certificates import Rule
from luytre.archive.check import check
from luytre.archive.faults import ReadFault
from luytre.archive.recover import DAMAGED
from tests.archive.builder import KEY, OTHER, Feed, Ward, video
from tests.archive.conftest import MakeWard
from tests.archive.faulty import FaultyDisk, unreadable
from tests.archive.past import SIGNER, TRUST
from tests.archive.power import PowerDisk


def crashed(make_ward: MakeWard, *, ended: bool) -> tuple[Ward, list[Path]]:
    """A ward killed while it recorded, or between two runs, and KEY's files."""
    ward = make_ward(disk=PowerDisk())
    ward.record(3, key=OTHER)
    feed = Feed(KEY, (video(),), ward.clock.wall_us())
    ward.write(feed, 18)
    if ended:
        ward.end(feed, "stalled")
    ward.flush()
    with ward.index() as index:
        assert seals.seal(ward.volume, index, SIGNER.sign, SIGNER.public_key, ward.clock.wall_us())
    ward.clock.advance(5)
    ward.crash()
    return ward, [path for path in ward.files() if "cong-truoc" in path.parts]


def all_is_well(ward: Ward) -> None:
    """Everybody records, and the check finds nothing but what is on record."""
    ward.take_up(KEY, OTHER)
    for key in (OTHER, KEY):
        assert ward.record(3, key=key).handle.failure == "closed_by_camera"
    ward.flush()
    findings = check(ward.path, trust=TRUST, clock=ward.clock)
    assert [found for found in findings if found.severity == "error"] == []


@pytest.mark.parametrize("number", [errno.EIO, errno.EUCLEAN])
@pytest.mark.parametrize(
    ("ended", "place", "certified"),
    [(False, -1, False), (False, -2, True), (True, -1, True), (True, -2, True)],
    ids=["open", "closed-before-the-open", "newest", "closed-before-the-newest"],
)
def test_a_sector_of_a_newest_file(
    make_ward: MakeWard,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    ended: bool,
    place: int,
    certified: bool,
) -> None:
    ward, files = crashed(make_ward, ended=ended)
    path = files[place]
    unreadable(monkeypatch, path, number, beyond=2000)
    ward.begin_again()
    ward.take_up(KEY, OTHER)
    assert ward.writer.accepts_runs()
    assert not path.exists()
    assert path.with_name(path.name + DAMAGED).exists()
    assert "file_lost" in ward.causes()
    lost = [one for one in certificates.read(ward.volume) if one.rule == Rule.LOST]
    assert bool(lost) == certified
    all_is_well(ward)


def test_a_disk_that_is_away_for_a_moment_costs_no_file(
    make_ward: MakeWard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It neither gives nor takes: the volume waits, and nothing is set aside."""
    ward, files = crashed(make_ward, ended=False)
    unreadable(monkeypatch, files[-1], errno.EIO)
    assert isinstance(ward.disk, PowerDisk)
    ward.begin_again()
    ward.disk.fail("flush", errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        ward.take_up(KEY)
    assert not ward.writer.accepts_runs()
    assert files[-1].exists()
    monkeypatch.undo()
    ward.disk.heal()
    ward.forgive()
    all_is_well(ward)
    assert "file_lost" not in ward.causes()


def test_a_file_that_has_no_row(make_ward: MakeWard, monkeypatch: pytest.MonkeyPatch) -> None:
    ward, files = crashed(make_ward, ended=True)
    with ward.index() as index:
        row = index.segment_at(files[-2].relative_to(ward.path).as_posix())
        assert row is not None
        index.remove_segment(row.id)
    unreadable(monkeypatch, files[-2], errno.EIO)
    ward.begin_again()
    ward.take_up(KEY, OTHER)
    assert ward.writer.accepts_runs()
    assert files[-2].with_name(files[-2].name + DAMAGED).exists()
    with ward.index() as index:
        index.db.execute("DELETE FROM day")
    check(ward.path, repair=True, clock=ward.clock)
    all_is_well(ward)


def test_a_file_without_rights_is_left_and_keeps_its_stream_alone(
    make_ward: MakeWard, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward, files = crashed(make_ward, ended=False)
    unreadable(monkeypatch, files[-1], errno.EACCES)
    ward.begin_again()
    with pytest.raises(ReadFault):
        ward.take_up(KEY)
    assert ward.writer.accepts_runs()
    assert files[-1].exists()
    ward.take_up(OTHER)
    feed = ward.write(Feed(OTHER, (video(),), ward.clock.wall_us()), 2)
    assert feed.handle.failure is None
    monkeypatch.undo()
    ward.end(feed)
    all_is_well(ward)


def test_one_of_many_that_wait_for_their_tails(make_ward: MakeWard, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FaultyDisk()
    ward = make_ward(disk=disk)
    feeds = [Feed(key, (video(),), ward.clock.wall_us()) for key in (KEY, OTHER)]
    for feed in feeds:
        ward.write(feed, 2)
    disk.fail("write", errno.ENOSPC)
    for feed in feeds:
        ward.end(feed)
    first, second = (ward.path / row for row in _paths(ward))
    disk.heal()
    unreadable(monkeypatch, first, errno.EIO)
    ward.forgive()
    assert ward.writer.accepts_runs()
    with ward.index() as index:
        tails = dict(index.db.execute("SELECT path, tail_offset IS NOT NULL FROM segment"))
    assert [tails[path.relative_to(ward.path).as_posix()] for path in (first, second)] == [0, 1]


def _paths(ward: Ward) -> list[str]:
    with ward.index() as index:
        return [path for (path,) in index.db.execute("SELECT path FROM segment ORDER BY stream_id")]


def test_what_cannot_be_read_can_be_told_from_what_passes() -> None:
    broken, passing = (ReadFault(OSError(n, os.strerror(n)), "read") for n in (errno.EIO, errno.EMFILE))
    assert broken.lasting
    assert not passing.lasting
