"""The order of sacrifice over random archives: what goes, by which rule, and that the chain stays provable."""

from __future__ import annotations

import errno
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luytre.archive import holds
from luytre.archive.certificates import Certificate, Rule, read, verify
from luytre.archive.chain import GENESIS, link_of
from luytre.archive.check_stream import StreamCheck
from luytre.archive.deletion import Candidate, Deletion
from luytre.archive.disk import OsDisk
from luytre.archive.findings import Finding
from luytre.archive.index import US_PER_DAY, Index
from luytre.archive.keys import Span, StreamKey
from luytre.archive.promise import Policy, Promise, promise_of
from luytre.archive.retention import Sweep, sweep
from luytre.archive.volume import Volume, create_volume, open_volume
from luytre.base.clock import ManualClock
from luytre.base.errors import Error
from tests.archive.builder import START_US
from tests.archive.faulty import FaultyDisk
from tests.archive.synthetic import HOUR_US, add_segments

CLASSES = (
    Promise(days=3, keep_days=5, sub_days=6, sub_keep_days=8),
    Promise("short", days=1, keep_days=2, sub_days=1, sub_keep_days=2),
    Promise("never", days=4, keep_days=4, sub_days=4, sub_keep_days=4, overwrite=False),
    Promise("small", days=1, keep_days=9, sub_days=2, sub_keep_days=9, max_bytes=20_000),
)
NAMES = [promise.name for promise in CLASSES]


@dataclass(frozen=True)
class Was:
    """A segment as it was before the sweep."""

    key: StreamKey
    promise: Promise
    path: str
    root: bytes
    start_us: int
    end_us: int
    bytes: int
    held: bool

    @property
    def promised_us(self) -> int:
        return round(self.promise.promised(self.key) * US_PER_DAY)

    @property
    def is_promised(self) -> bool:
        return self.end_us > START_US - self.promised_us

    @property
    def is_expired(self) -> bool:
        return self.end_us <= START_US - round(self.promise.kept(self.key) * US_PER_DAY)

    @property
    def relative_age(self) -> float:
        return (START_US - self.start_us // HOUR_US * HOUR_US) / self.promised_us


@dataclass
class Archive:
    volume: Volume
    index: Index
    clock: ManualClock = field(default_factory=lambda: ManualClock(START_US))

    def segments(self) -> list[Was]:
        found = []
        for stream in self.index.streams():
            for row in self.index.segments(stream.id, Span(0, 1 << 61)):
                assert row.root
                assert row.end_us
                assert row.bytes is not None
                span = Span(row.start_us, row.end_us)
                held = bool(self.index.holds(stream.id, span))
                promise = promise_of(CLASSES, stream.retention)
                found.append(Was(stream.key, promise, row.path, row.root, *span, row.bytes, held))
        return found

    def sweep(self, policy: Policy, disk: OsDisk | None = None) -> Sweep:
        return sweep(self.volume, self.index, disk or OsDisk(), policy, START_US)

    def findings(self) -> list[Finding]:
        return [
            finding
            for stream in self.index.streams()
            for finding in StreamCheck(self.index, stream, self.clock, False).findings()
        ]

    def files(self) -> set[str]:
        return {
            path.relative_to(self.volume.path).as_posix() for path in self.volume.video_path.glob("*/*/*/*")
        }


@contextmanager
def archive() -> Iterator[Archive]:
    with TemporaryDirectory() as folder:
        create_volume(Path(folder) / "volume", ManualClock(START_US))
        volume = open_volume(Path(folder) / "volume")
        index = Index(volume.index_path, volume.id, create=True)
        try:
            yield Archive(volume, index)
        finally:
            index.close()


@dataclass(frozen=True)
class Stream:
    """One stream: `hours` and `pause` of each of its runs (newest last, ended `age` hours ago), bytes of a segment."""

    retention: str
    sub: bool
    camera: int
    age: int
    runs: tuple[tuple[int, int], ...]
    size: int
    held: tuple[tuple[int, int], ...]

    @property
    def key(self) -> StreamKey:
        return StreamKey(f"camera-{self.camera}", "sub" if self.sub else "main")

    def enter(self, made: Archive) -> None:
        """Half an hour a segment; what lies between runs is a gap, the last is open."""
        at_us = START_US - (self.age + sum(map(sum, self.runs))) * HOUR_US
        row = made.index.add_stream(self.key, f"c{self.camera}", at_us, self.retention)
        for hours, pause in self.runs:
            add_segments(
                made.volume, made.index, self.key, at_us, 2 * hours, size=self.size, length_us=HOUR_US // 2
            )
            at_us += hours * HOUR_US
            made.index.db.execute(
                "INSERT INTO gap (stream_id, start_us, end_us, cause) VALUES (?, ?, ?, 'stalled')",
                (row.id, at_us, at_us + pause * HOUR_US),
            )
            at_us += pause * HOUR_US
        made.index.db.execute(
            "INSERT INTO gap (stream_id, start_us, cause) VALUES (?, ?, 'host_down')", (row.id, at_us)
        )
        for ago, hours in self.held:
            span = Span(START_US - ago * HOUR_US, START_US - (ago - hours) * HOUR_US)
            holds.place(made.index, self.key, span, "vụ", "an", made.clock)


STREAM = st.builds(
    Stream,
    st.sampled_from(NAMES),
    st.booleans(),
    st.integers(0, 2),
    st.integers(0, 60),
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 40)), min_size=1, max_size=4).map(tuple),
    st.sampled_from([0, 100, 1000, 5000]),
    st.lists(st.tuples(st.integers(1, 200), st.integers(1, 20)), max_size=2).map(tuple),
)
STREAMS = st.lists(STREAM, min_size=1, max_size=4, unique_by=lambda stream: stream.key).map(
    # A camera is in one class.
    lambda found: [
        replace(one, retention=next(other.retention for other in found if other.camera == one.camera))
        for one in found
    ]
)


def roots_by_key(certificates: Sequence[Certificate]) -> dict[StreamKey, dict[str, Certificate]]:
    found: dict[StreamKey, dict[str, Certificate]] = defaultdict(dict)
    for certificate in certificates:
        for root in certificate.roots:
            found[certificate.key][root] = certificate
    return found


def chain_is_whole(made: Archive) -> None:
    """Each link that is left follows from the one before, or certificates lead there."""
    bridges: dict[tuple[StreamKey, str], str] = {
        (one.key, one.prev): one.link for one in read(made.volume) if one.rule != Rule.ALARM
    }
    for stream in made.index.streams():
        link = GENESIS
        for row in made.index.segments(stream.id, Span(0, 1 << 61), deleting=True):
            assert row.root is not None
            while link_of(link, row.root) != row.link:
                link = bytes.fromhex(bridges[stream.key, link.hex()])
            link = row.link
        while link != stream.head:
            link = bytes.fromhex(bridges[stream.key, link.hex()])


@settings(max_examples=50, deadline=None)
@given(STREAMS, st.none() | st.floats(0, 1.2))
def test_the_order_of_sacrifice(streams: list[Stream], share: float | None) -> None:
    """`share`: of the bytes recorded, what the volume may hold."""
    with archive() as made:
        for stream in streams:
            stream.enter(made)
        before = made.segments()
        used = sum(one.bytes for one in before)
        policy = Policy(CLASSES, None if share is None else round(share * used), 0)
        done = made.sweep(policy)
        after = made.segments()
        gone = [one for one in before if one not in after]
        certificates = list(read(made.volume))

        assert all(not one.held for one in gone)
        assert (done.segments, done.bytes) == (len(gone), sum(one.bytes for one in gone))
        assert made.files() == {one.path for one in after}
        _certified(gone, certificates)
        _sacrificed(gone, after, certificates, done)
        if policy.max_bytes is not None and not done.missing_bytes:
            assert sum(one.bytes for one in after) <= policy.max_bytes
        assert verify(made.volume) == []
        chain_is_whole(made)
        assert made.findings() == []
        assert made.sweep(policy) == Sweep(0, 0, done.missing_bytes)


def _certified(gone: list[Was], certificates: list[Certificate]) -> None:
    """Just what went, each segment once."""
    deletions = [one for one in certificates if one.rule != Rule.ALARM]
    by_root = roots_by_key(deletions)
    assert {(key, root) for key, roots in by_root.items() for root in roots} == {
        (one.key, one.root.hex()) for one in gone
    }
    assert sum(one.segments for one in deletions) == len(gone)
    assert sum(one.bytes for one in deletions) == sum(one.bytes for one in gone)
    for one in gone:
        certificate = by_root[one.key][one.root.hex()]
        assert certificate.start_us <= one.start_us < one.end_us <= certificate.end_us


def _sacrificed(gone: list[Was], after: list[Was], certificates: list[Certificate], done: Sweep) -> None:
    by_root = roots_by_key(certificates)
    alarms = [one.seq for one in certificates if one.rule == Rule.ALARM]
    rules: dict[str, list[Was]] = defaultdict(list)
    for one in gone:
        certificate = by_root[one.key][one.root.hex()]
        rules[certificate.rule].append(one)
        if one.is_promised:
            assert certificate.rule == Rule.BELOW_PROMISE
            assert one.promise.overwrite
            assert min(alarms) < certificate.seq
    free = [one for one in after if not one.held]
    assert all(one.is_expired for one in rules[Rule.EXPIRED])
    assert not any(one.is_promised for one in rules[Rule.BEYOND_PROMISE] + rules[Rule.CLASS_BYTES])
    # Up to an hour longer than kept.
    for one in free:
        assert one.end_us > START_US - round(one.promise.kept(one.key) * US_PER_DAY) - 1.5 * HOUR_US
    if rules[Rule.BEYOND_PROMISE]:
        assert not any(one.is_expired for one in free)
        oldest = min((one.start_us // HOUR_US for one in free if not one.is_promised), default=1 << 60)
        assert all(one.start_us // HOUR_US <= oldest for one in rules[Rule.BEYOND_PROMISE])
    if rules[Rule.BELOW_PROMISE]:
        assert not any(not one.is_promised for one in free)
        oldest_age = max((one.relative_age for one in free if one.promise.overwrite), default=0)
        assert all(one.relative_age >= oldest_age for one in rules[Rule.BELOW_PROMISE])
    else:
        assert not alarms
    if done.missing_bytes:
        assert all(one.is_promised and not one.promise.overwrite for one in free)


# -- crashes and faults -------------------------------------------------------------------------------------------


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
