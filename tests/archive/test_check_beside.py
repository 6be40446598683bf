"""The check raises no alarm while a recorder, retention and the notary work on the same volume."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from luytre.archive import certificates, seals
from luytre.archive.certificates import Certificate, Rule
from luytre.archive.chain import GENESIS
from luytre.archive.check import Finding, check
from luytre.archive.index import Index, StreamRow
from luytre.archive.keys import Span
from luytre.archive.retention import clear_minutes
from tests.archive.builder import KEY, OTHER, Feed, Ward, video
from tests.archive.conftest import MakeWard
from tests.archive.past import SIGNER, TRUST, Past


@pytest.mark.parametrize("quick", [True, False])
def test_files_that_are_still_to_be_read_in_are_one_note(past: Past, quick: bool) -> None:
    ward = past.ward
    files = len(ward.files())
    for name in ward.path.glob("index.db*"):
        name.unlink()
    ward.restart()
    ward.take_up(KEY)
    (found,) = past.check(quick=quick)
    assert (found.invariant, found.severity) == (2, "note")
    assert f" {files - 1} files to go" in found.message
    certificates_before = list(certificates.read(ward.volume))
    past.check(repair=True)
    assert [f for f in past.check(quick=quick) if f.severity == "error"] == []
    assert list(certificates.read(ward.volume)) == certificates_before


def test_what_does_not_hang_on_the_index_is_checked_meanwhile(past: Past) -> None:
    seal = next((past.ward.path / "seals").iterdir())
    for name in past.ward.path.glob("index.db*"):
        name.unlink()
    past.ward.restart()
    seal.write_bytes(seal.read_bytes().replace(b'"at_us":1', b'"at_us":2'))
    assert 12 in {found.invariant for found in past.check() if found.severity == "error"}


class Retention:
    """Its steps without its rules: mark, certify, unlink, forget; the oldest two of a stream that has more than six."""

    def __init__(self, ward: Ward) -> None:
        self._ward = ward
        self._links: dict[int, bytes] = {}
        self.deleted = 0

    def turn(self) -> None:
        with self._ward.index() as index:
            for stream in index.streams():
                self._delete(index, stream)

    def _delete(self, index: Index, stream: StreamRow) -> None:
        rows = [row for row in index.segments(stream.id, Span(0, 1 << 61)) if row.state == "closed"]
        batch = rows[:2] if len(rows) > 6 else []
        if not batch:
            return
        first, last = batch[0], batch[-1]
        assert last.end_us is not None
        assert last.link is not None
        with index.transaction():
            for row in batch:
                index.db.execute("UPDATE segment SET state = 'deleting' WHERE id = ?", (row.id,))
        certificate = Certificate(
            1, Rule.EXPIRED, *stream.key, stream.code, first.start_us, last.end_us, len(batch), 0,
            self._links.get(stream.id, GENESIS).hex(), tuple((row.root or b"").hex() for row in batch), last.link.hex(),
        )  # fmt: skip
        certificates.append(self._ward.volume, None, [certificate])
        self._links[stream.id] = last.link
        for row in batch:
            (self._ward.path / row.path).unlink()
        with index.transaction():
            for row in batch:
                index.remove_segment(row.id)
            clear_minutes(index, stream.id, Span(first.start_us, last.end_us))
            index.expire(stream.id, last.end_us)
            index.remove_gaps(stream.id, last.end_us)
        self.deleted += len(batch)


def test_no_false_alarm(make_ward: MakeWard) -> None:
    ward = make_ward(segment_s=0.8)
    retention = Retention(ward)
    stop = threading.Event()
    findings: list[Finding] = []
    rounds = {"quick": 0, "full": 0, "seals": 0}

    def look(quick: bool) -> None:
        findings.extend(check(ward.path, quick=quick, trust=TRUST, clock=ward.clock))
        rounds["quick" if quick else "full"] += 1

    def notary() -> None:
        with ward.index() as index:
            made = seals.seal(ward.volume, index, SIGNER.sign, SIGNER.public_key, ward.clock.wall_us())
        rounds["seals"] += made is not None

    def again(work: Callable[[], None]) -> None:
        while not stop.is_set():
            work()

    works = [lambda: look(True), lambda: look(False), notary, retention.turn]
    threads = [threading.Thread(target=again, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        feeds = [Feed(key, (video(),), ward.clock.wall_us()) for key in (KEY, OTHER)]
        for _ in range(200):
            for number, feed in enumerate(feeds):
                ward.write(feed, 1)
                if len(feed.parts) == 20:
                    ward.end(feed)
                    feeds[number] = Feed(feed.key, (video(),), ward.clock.wall_us())
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert findings == []
    assert min(*rounds.values(), retention.deleted) > 1
