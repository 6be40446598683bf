"""The ledger of a stream after a crash: what the index says and what was found in the files become one account.

An index may be older than the files (PRAGMA synchronous = NORMAL: a power cut takes its last changes) and younger (it
reached the disk, the pictures did not).

Promises   from the stream's last hour on, gaps lie beside recordings and beside one another, and what neither explains is
           a gap of the cause given.
Does not   look at files (recover.py), nor at what came before: that was flushed.
"""

from __future__ import annotations

from luytre.archive.findings import TOLERANCE_US
from luytre.archive.index import Index, StreamRow
from luytre.archive.keys import Gap, Span, join_spans, uncovered

# Far more than any volume keeps unflushed.
UNFLUSHED_US = 3_600_000_000


def reconcile(index: Index, stream: StreamRow, cause: str) -> None:
    """To be called when no segment is open, in the caller's transaction or its own."""
    last = index.last_segment(stream.id)
    if last is None or last.end_us is None:
        return
    window = Span(max(stream.since_us, stream.expired_us, last.start_us - UNFLUSHED_US), last.end_us)
    if window.end_us <= window.start_us:
        return
    with index.transaction():
        covered = [
            Span(max(row.start_us, window.start_us), row.end_us)
            for row in index.segments(stream.id, window)
            if row.end_us is not None
        ]
        for row_id, gap in _gaps(index, stream.id, window):
            covered.sort()
            span = Span(gap.start_us, window.end_us if gap.end_us is None else gap.end_us)
            free = uncovered(span, covered)
            if gap.end_us is None or free != [span]:
                index.db.execute("DELETE FROM gap WHERE id = ?", (row_id,))
                for piece in free:
                    index.add_gap(stream.id, Gap(*piece, gap.cause, gap.detail))
            covered += free
        for piece in uncovered(window, join_spans(sorted(covered))):
            if piece.end_us - piece.start_us > TOLERANCE_US:
                index.add_gap(stream.id, Gap(*piece, cause))


def _gaps(index: Index, stream_id: int, window: Span) -> list[tuple[int, Gap]]:
    """Those that touch the window, the closed ones first: what has an end is known better. One that is open and begins where
    the recordings end is right as it is.
    """
    rows = index.db.execute(
        "SELECT id, start_us, end_us, cause, detail FROM gap WHERE stream_id = ?"
        " AND start_us < ? AND (end_us IS NULL OR end_us > ?) ORDER BY end_us IS NULL, start_us",
        (stream_id, window.end_us, window.start_us),
    ).fetchall()
    return [(row_id, Gap(*columns)) for row_id, *columns in rows]
