"""The ledger of one stream while it is being recorded: up to when it is covered, and the gap it is in.

Invariant  every moment from `since_us` on is in a segment or in a gap with a cause (design/archive.md, 6).
"""

from __future__ import annotations

from luytre.archive.index import Index, StreamRow
from luytre.archive.keys import Cause, Gap, StreamKey
from luytre.archive.segment import GapNote


class StreamLedger:
    """Used by the volume's writer thread only."""

    def __init__(self, index: Index, row: StreamRow, covered_us: int) -> None:
        self._index = index
        self.row = row
        self.covered_us = covered_us
        # Gaps that ended since the last segment header was written; the next header carries them.
        self._notes: list[GapNote] = []

    @property
    def key(self) -> StreamKey:
        return self.row.key

    def gap(self, at_us: int, cause: str, detail: str = "") -> None:
        """From `at_us` on nothing is recorded because of `cause`; an open gap of another cause ends there."""
        now = self._index.open_gap(self.row.id)
        if now is None:
            self._index.add_gap(self.row.id, Gap(self.covered_us, None, cause, detail))
            return
        if now.cause == cause:
            return
        at_us = max(at_us, now.start_us)
        self._end_gap(now, at_us)
        self._index.add_gap(self.row.id, Gap(at_us, None, cause, detail))

    def run_begins(self, start_us: int) -> None:
        now = self._index.open_gap(self.row.id)
        if now is not None:
            self._end_gap(now, start_us)
        elif start_us > self.covered_us:
            gap = Gap(self.covered_us, start_us, Cause.UNKNOWN)
            self._index.add_gap(self.row.id, gap)
            self._note(gap, start_us)
        self.covered_us = max(self.covered_us, start_us)

    def _end_gap(self, gap: Gap, end_us: int) -> None:
        self._index.close_gap(self.row.id, end_us)
        self._note(gap, end_us)

    def _note(self, gap: Gap, end_us: int) -> None:
        if end_us > gap.start_us:
            self._notes.append(GapNote(gap.start_us, end_us, gap.cause, gap.detail))

    def take_notes(self) -> tuple[GapNote, ...]:
        notes = tuple(self._notes)
        self._notes.clear()
        return notes

    def move_to(self, index: Index, open_gap: Gap | None) -> None:
        """The index was lost and made anew: enter the stream again, with the gap it is in."""
        self._index = index
        with index.transaction():
            self.row = index.add_stream(self.key, self.row.code, self.row.since_us)
            if open_gap is not None and index.open_gap(self.row.id) is None:
                index.add_gap(self.row.id, open_gap)


def take_up(index: Index, key: StreamKey, code: str, now_us: int) -> StreamLedger:
    """The ledger of a stream whose segments are healed. What is not accounted for since its last segment is a crash."""
    with index.transaction():
        known = index.stream(key)
        row = index.add_stream(key, code, now_us)
        last = index.last_segment(row.id)
        covered_us = max(row.since_us, row.expired_us)
        if last is not None and last.end_us is not None:
            covered_us = max(covered_us, last.end_us)
        open_gap = index.open_gap(row.id)
        if open_gap is not None:
            covered_us = max(covered_us, open_gap.start_us)
        else:
            cause = Cause.CONNECTING if known is None else Cause.NODE_CRASHED
            index.add_gap(row.id, Gap(covered_us, None, cause))
    return StreamLedger(index, row, covered_us)
