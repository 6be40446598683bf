"""Archives of rows and sparse files: any ages, classes, holds and sizes, made in a moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import strategies as st

from luytre.archive import holds
from luytre.archive.certificates import Certificate, Rule, read
from luytre.archive.chain import GENESIS, link_of
from luytre.archive.check_stream import StreamCheck
from luytre.archive.disk import OsDisk
from luytre.archive.findings import Finding
from luytre.archive.index import US_PER_DAY, Index
from luytre.archive.keys import Span, StreamKey
from luytre.archive.promise import Policy, Promise, promise_of
from luytre.archive.retention import Sweep, sweep
from luytre.archive.volume import Volume, create_volume, open_volume
from luytre.base.clock import ManualClock
from tests.archive.builder import START_US
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
