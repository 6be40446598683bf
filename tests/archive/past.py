"""A sealed past for tests to tamper with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from luytre.archive import recover, seals
from luytre.archive.check import Finding, check
from luytre.archive.check_seals import Trust
from luytre.archive.index import Index, SegmentRow
from luytre.archive.keys import Span
from luytre.archive.retention import clear_minutes
from luytre.base.signing import Signer, verify
from tests.archive.builder import KEY, OTHER, Ward

SIGNER = Signer(bytes(range(32)))
TRUST = Trust(verify, SIGNER.public_key)
ALL = Span(0, 1 << 61)


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


def seal_a_past(ward: Ward) -> Past:
    """`ward`: with segments of 0.8 s; it is stopped."""
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
