"""What several volumes' ledgers say together of one stream (design/archive.md, "Several volumes").

Promises   a gap is only what no volume recorded; each moment has one cause, and `elsewhere` is none: it is replaced by
           what explains that nothing lies elsewhere either.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import attrgetter

from luytre.archive.keys import Cause, Gap, Span, join_spans, uncovered

ENDLESS_US = 1 << 62
# A cause that only says that nothing is known yet, and one that says nothing at all: others go first.
_WEAK = {str(Cause.ELSEWHERE): 2, str(Cause.CONNECTING): 1}


@dataclass(frozen=True, slots=True)
class View:
    """One volume's part in a stream.

    spans       what it recorded, by start
    gaps        as its ledger has them, by start; the last may be open
    expired_us  retention has deleted up to here
    recording   the segment that is being written, as far as it has whole parts; None without
    """

    spans: list[Span]
    gaps: list[Gap]
    expired_us: int = 0
    recording: Span | None = None


def gaps_together(views: Sequence[View], volume_missing: bool) -> list[Gap]:
    """`volume_missing`: one of the configured volumes cannot be read, and may have what the others have not."""
    recorded = join_spans(sorted(span for view in views for span in view.spans))
    found: list[Gap] = []
    for piece in _pieces(views):
        for span in uncovered(Span(piece.start_us, _end(piece)), _touching(recorded, piece)):
            gap = replace(piece, start_us=span.start_us, end_us=_or_open(span.end_us))
            if gap.cause != Cause.ELSEWHERE:
                found.append(gap)
            elif volume_missing:
                found.append(replace(gap, cause=str(Cause.DISK_MISSING), detail=""))
            elif not any(view.expired_us >= _end(gap) for view in views):
                found.append(gap)
    return _joined(_explained(found))


def _pieces(views: Sequence[View]) -> Iterator[Gap]:
    """The union of all gaps, cut where any begins or ends; each with the cause that goes first."""
    marks = sorted({mark for view in views for gap in view.gaps for mark in (gap.start_us, _end(gap))})
    starts = [[gap.start_us for gap in view.gaps] for view in views]
    for begin, end in pairwise(marks):
        there = []
        for view, known in zip(views, starts, strict=True):
            number = bisect_right(known, begin) - 1
            if number >= 0 and _end(view.gaps[number]) > begin:
                there.append(view.gaps[number])
        if not there:
            continue
        # Of two real causes the younger: the older one stands in the ledger of a disk that was not there to be told.
        best = min(there, key=lambda gap: (_WEAK.get(str(gap.cause), 0), -gap.start_us))
        yield from _before_now(views, replace(best, start_us=begin, end_us=_or_open(end)), best.start_us)


def _before_now(views: Sequence[View], piece: Gap, said_us: int) -> Iterator[Gap]:
    """What a recorder has in memory of a segment it is writing is no gap, whatever others said before."""
    end_us = _end(piece)
    for view in views:
        writing = view.recording
        if writing is not None and (piece.cause == Cause.ELSEWHERE or said_us < writing.start_us):
            end_us = min(end_us, max(writing.end_us, piece.start_us))
    if end_us > piece.start_us:
        yield replace(piece, end_us=_or_open(end_us))


def _explained(gaps: list[Gap]) -> list[Gap]:
    """What all volumes take to lie elsewhere lasted moments, while the stream moved: it goes with what it touches."""
    found: list[Gap] = []
    for number, gap in enumerate(gaps):
        if gap.cause == Cause.ELSEWHERE:
            following = next((g for g in gaps[number + 1 :][:1] if g.start_us == gap.end_us), None)
            near = found[-1] if found and found[-1].end_us == gap.start_us else following
            cause = Cause.UNKNOWN if near is None or near.cause == Cause.ELSEWHERE else near.cause
            gap = replace(gap, cause=str(cause), detail="")
        found.append(gap)
    return found


def _joined(gaps: list[Gap]) -> list[Gap]:
    found: list[Gap] = []
    for gap in gaps:
        last = found[-1] if found else None
        if last is not None and last.end_us == gap.start_us and last.cause == gap.cause:
            found[-1] = replace(last, end_us=gap.end_us, detail=last.detail or gap.detail)
        else:
            found.append(gap)
    return found


def _touching(spans: list[Span], piece: Gap) -> list[Span]:
    first = max(bisect_right(spans, piece.start_us, key=attrgetter("start_us")) - 1, 0)
    last = bisect_right(spans, _end(piece), key=attrgetter("start_us"))
    return spans[first:last]


def _end(gap: Gap) -> int:
    return ENDLESS_US if gap.end_us is None else gap.end_us


def _or_open(end_us: int) -> int | None:
    return None if end_us >= ENDLESS_US else end_us
