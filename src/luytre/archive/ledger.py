"""The ledger of one stream while it is being recorded: up to when it is covered, and the gap it is in.

Promises   what it says in memory is right also while the index cannot be written; the caller enters the changes
           it hands out, in their order, as soon as the index takes them.
Invariant  every moment from `since_us` on is in a segment or in a gap with a cause (design/archive.md, 6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from luytre.archive.index import Index, StreamRow
from luytre.archive.keys import WITNESSED, Cause, Gap, StreamKey
from luytre.archive.reconcile import reconcile
from luytre.archive.recover import add_known_gap
from luytre.archive.segment import GapNote

Change = Callable[[Index], None]
# A header carries no more than the newest of these (100 kB): a camera may fail to connect for a month.
MAX_NOTES = 1000


class StreamLedger:
    """Used by the volume's writer thread only."""

    def __init__(self, row: StreamRow, covered_us: int, open_gap: Gap | None) -> None:
        self.row = row
        self.covered_us = covered_us
        self.open_gap = open_gap
        # Gaps that ended since the last segment header was written; the next header carries them.
        self._notes: list[GapNote] = []
        # What the newest header tells. It is in a file that nobody reads in while it is being written.
        self._told: tuple[GapNote, ...] = ()

    @property
    def key(self) -> StreamKey:
        return self.row.key

    def keep(self, code: str, retention: str | None) -> tuple[Change, ...]:
        """Its class from now on; None leaves it as it is. The changes to enter."""
        if retention is None or retention == self.row.retention:
            return ()
        row = self.row = replace(self.row, retention=retention)

        def change(index: Index) -> None:
            index.add_stream(row.key, code, row.since_us, retention)

        return (change,)

    def closed(self, link: bytes, end_us: int) -> None:
        """A segment of the stream ended there, and its chain goes on from `link`."""
        self.row = replace(self.row, head=link)
        self.covered_us = end_us

    def gap(self, at_us: int, cause: str, detail: str = "") -> Change | None:
        """From `at_us` on nothing is recorded because of `cause`; an open gap of another cause ends there. The
        change to enter, None when nothing changed.
        """
        before = self.open_gap
        if before is None:
            at_us = self.covered_us
        elif before.cause == cause:
            return None
        else:
            at_us = max(at_us, before.start_us)
            self._note(before, at_us)
        self.covered_us = max(self.covered_us, at_us)
        after = self.open_gap = Gap(at_us, None, cause, detail)

        def change(index: Index) -> None:
            with index.transaction():
                if before is not None:
                    index.close_gap(self.row.id, at_us)
                index.add_gap(self.row.id, after)

        return change

    def beginning(self, start_us: int) -> tuple[GapNote, ...]:
        """What the header of a segment that begins at `start_us` has to tell."""
        ending = self._ending(start_us)
        notes = self._notes if ending is None else [*self._notes, _as_note(ending, start_us)]
        return tuple(notes[-MAX_NOTES:])

    def enter_beginning(self, index: Index, start_us: int) -> None:
        """The rows of the same; in the caller's transaction."""
        if self.open_gap is not None:
            index.close_gap(self.row.id, start_us)
        elif (ending := self._ending(start_us)) is not None:
            index.add_gap(self.row.id, Gap(ending.start_us, start_us, ending.cause))

    def begun(self, start_us: int, told: tuple[GapNote, ...]) -> None:
        """The header is in a file and the rows are in the index."""
        self.covered_us = max(self.covered_us, start_us)
        self.open_gap = None
        self._notes.clear()
        self._told = told

    def untold(self) -> None:
        """The file with the newest header is gone again: the next one tells the same."""
        self._notes[:0] = self._told
        self._told = ()

    def retell(self, other: StreamLedger) -> list[Change]:
        """The gaps since the newest segment, told to `other`, the stream's ledger as its disk has it; the changes."""
        gaps = [Gap(note.start_us, note.end_us, note.cause, note.detail) for note in self._notes]
        if self.open_gap is not None:
            gaps.append(self.open_gap)
        told = [other.gap(gap.start_us, gap.cause, gap.detail) for gap in gaps]
        return [change for change in told if change is not None]

    def _ending(self, start_us: int) -> Gap | None:
        """The gap that a segment ends by beginning at `start_us`."""
        gap = self.open_gap or Gap(self.covered_us, None, Cause.UNKNOWN)
        return gap if gap.start_us < start_us else None

    def _note(self, gap: Gap, end_us: int) -> None:
        if end_us > gap.start_us:
            self._notes.append(_as_note(gap, end_us))
            del self._notes[:-MAX_NOTES]

    def enter_all(self, index: Index) -> StreamRow:
        """The stream into an index made anew (or an older copy put in its place), with the gaps that no closed
        file tells of. In the caller's transaction. Gives the row there.
        """
        row = index.add_stream(self.key, self.row.code, self.row.since_us, self.row.retention)
        index.set_head(row.id, self.row.head)
        index.db.execute("DELETE FROM gap WHERE stream_id = ? AND end_us IS NULL", (row.id,))
        for note in (*self._told, *self._notes):
            add_known_gap(index, row.id, Gap(note.start_us, note.end_us, note.cause, note.detail))
        if self.open_gap is not None:
            index.add_gap(row.id, self.open_gap)
        return replace(row, head=self.row.head)


def _as_note(gap: Gap, end_us: int) -> GapNote:
    return GapNote(gap.start_us, end_us, gap.cause, gap.detail)


def take_up(
    index: Index,
    key: StreamKey,
    code: str,
    now_us: int,
    cause: Cause = Cause.NODE_CRASHED,
    retention: str | None = None,
) -> StreamLedger:
    """The ledger of a stream whose segments are healed. What is not accounted for since its last segment, or since
    somebody last saw that nothing was to be recorded, is a gap of `cause`.
    """
    with index.transaction():
        known = index.stream(key)
        row = index.add_stream(key, code, now_us, retention)
        # What is still to be read in must not be called missing.
        if known is not None and index.meta("import") != "pending":
            reconcile(index, row, cause)
        last = index.last_segment(row.id)
        covered_us = max(row.since_us, row.expired_us)
        if last is not None and last.end_us is not None:
            covered_us = max(covered_us, last.end_us)
        # A segment that began and got no whole part has ended the gap before it.
        gap_end_us = index.db.execute(
            "SELECT max(end_us) FROM gap WHERE stream_id = ?", (row.id,)
        ).fetchone()[0]
        covered_us = max(covered_us, gap_end_us or covered_us)
        open_gap = index.open_gap(row.id)
        if open_gap is not None:
            covered_us = max(covered_us, open_gap.start_us)
        else:
            open_gap = Gap(covered_us, None, Cause.CONNECTING if known is None else cause)
            index.add_gap(row.id, open_gap)
        ledger = StreamLedger(row, covered_us, open_gap)
        # While only the disk was away, the recorder was there: its own ledger tells.
        if open_gap.cause in WITNESSED and cause != Cause.DISK_MISSING:
            # A clock that has been set back since may have said more than is true.
            unseen = ledger.gap(min(index.seen_us(row.id), now_us), cause)
            if unseen is not None:
                unseen(index)
    return ledger
