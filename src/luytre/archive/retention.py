"""Retention: what goes, in which order (design/archive.md, "Retention").

Promises   a held span is passed over; an open segment is never deleted; nothing that is promised goes before the alarm was
           raised, and nothing of a class that does not allow it.
Does not   delete (deletion.py), nor look ahead (forecast.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import chain

from luytre.archive.alarm import must_be_raised
from luytre.archive.certificates import Rule
from luytre.archive.deletion import HELD, Candidate, Deletion
from luytre.archive.deletion import clear_minutes as clear_minutes
from luytre.archive.disk import Disk
from luytre.archive.index import US_PER_DAY, US_PER_MINUTE, Index, StreamRow
from luytre.archive.promise import Policy as Policy
from luytre.archive.promise import Promise, promise_of
from luytre.archive.volume import Volume

# What has expired goes an hour at a time: one certificate for a dozen segments.
US_PER_HOUR = 60 * US_PER_MINUTE
# Candidates read at a time.
_PAGE = 100
_ALL_TIME_US = 1 << 62


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep deleted, and how many bytes it still wanted to free but could not (held, promised, or still open)."""

    segments: int
    bytes: int
    missing_bytes: int


@dataclass(frozen=True, slots=True)
class _Stream:
    """A stream and its class. Recordings that ended by these moments are older than kept, or than promised; none goes that
    ended after `known_us`.
    """

    row: StreamRow
    promise: Promise
    expired_us: int
    beyond_us: int
    known_us: int

    @classmethod
    def of(cls, row: StreamRow, policy: Policy, now_us: int, known_us: int) -> _Stream:
        promise = promise_of(policy.promises, row.retention)
        promised = promise.promised(row.key)
        kept = max(promise.kept(row.key), promised)
        expired_us, beyond_us = now_us - round(kept * US_PER_DAY), now_us - round(promised * US_PER_DAY)
        return cls(row, promise, expired_us, beyond_us, known_us)


# The lower goes first.
_Order = Callable[[_Stream, Candidate], float]


def sweep(
    volume: Volume, index: Index, disk: Disk, policy: Policy, now_us: int, known_us: int = _ALL_TIME_US
) -> Sweep:
    """Complete what a crash left, delete the expired, then make room until all limits hold. Raises Error when no
    certificate can be written, then nothing goes; and OSError at the end when files could not be deleted: they did not
    keep the others. `known_us`: up to there the index knows all files; what is younger stays.
    """
    deletion = Deletion(volume, index, disk, now_us)
    deletion.finish()
    streams = [_Stream.of(row, policy, now_us, known_us) for row in index.streams()]
    deletion.take(_expired(index, streams), Rule.EXPIRED)
    for stream in streams:
        _remove_gaps(index, stream)
    _keep_to_classes(index, deletion, streams)
    excess = _excess(volume, index, policy)
    if excess > 0:
        excess -= _make_room(volume, index, disk, deletion, streams, now_us, excess)
    if deletion.refused is not None:
        raise deletion.refused
    return Sweep(deletion.count, deletion.freed, max(excess, 0))


def _excess(volume: Volume, index: Index, policy: Policy) -> int:
    _, free = volume.space()
    over = 0 if policy.max_bytes is None else index.totals()[1] - policy.max_bytes
    return max(over, policy.reserve_bytes - free)


def _expired(index: Index, streams: list[_Stream]) -> Iterator[Candidate]:
    for stream in streams:
        candidates = _closed(index, stream, stream.expired_us)
        first = next(candidates, None)
        if first is not None and first.end_us <= stream.expired_us - US_PER_HOUR:
            yield first
            yield from candidates


def _remove_gaps(index: Index, stream: _Stream) -> None:
    """Gaps go with the recordings after them."""
    first = next(_closed(index, stream, stream.expired_us), None)
    until_us = min(stream.expired_us, stream.known_us) if first is None else first.start_us
    index.remove_gaps(stream.row.id, until_us)


def _keep_to_classes(index: Index, deletion: Deletion, streams: list[_Stream]) -> None:
    """Cameras with more bytes than their class allows give what is not promised."""
    cameras: dict[str, list[_Stream]] = defaultdict(list)
    for stream in streams:
        if stream.promise.max_bytes is not None:
            cameras[stream.row.camera].append(stream)
    for own in cameras.values():
        used = sum(index.bytes_of(stream.row.id) for stream in own)
        excess = used - (own[0].promise.max_bytes or 0)
        if excess > 0:
            deletion.take(_beyond(index, own), Rule.CLASS_BYTES, excess)


def _make_room(
    volume: Volume,
    index: Index,
    disk: Disk,
    deletion: Deletion,
    streams: list[_Stream],
    now_us: int,
    wanted: int,
) -> int:
    """Free `wanted` bytes in the order of sacrifice. Returns what was freed."""
    ends = [(stream, stream.expired_us) for stream in streams]
    freed = deletion.take(_merged(index, ends, _oldest), Rule.EXPIRED, wanted)
    if freed < wanted:
        freed += deletion.take(_beyond(index, streams), Rule.BEYOND_PROMISE, wanted - freed)
    if freed < wanted:
        below = _below(index, streams, now_us)
        first = next(below, None)
        if first is not None:
            must_be_raised(volume, index, disk, now_us, wanted - freed)
            freed += deletion.take(chain([first], below), Rule.BELOW_PROMISE, wanted - freed)
    return freed


def _beyond(index: Index, streams: Iterable[_Stream]) -> Iterator[Candidate]:
    """Older than promised, the oldest hour first."""
    return _merged(index, [(stream, stream.beyond_us) for stream in streams], _oldest)


def _below(index: Index, streams: list[_Stream], now_us: int) -> Iterator[Candidate]:
    """Still promised, in classes that allow it: first what is oldest as measured by its own promise, so that a camera
    with 30 days does not eat the 7 days of another.
    """

    def kept(stream: _Stream, candidate: Candidate) -> float:
        promised_us = max(now_us - stream.beyond_us, 1)
        return (_hour(candidate) - now_us) / promised_us

    ends = [(stream, _ALL_TIME_US) for stream in streams if stream.promise.overwrite]
    return _merged(index, ends, kept)


def _oldest(_: _Stream, candidate: Candidate) -> float:
    return _hour(candidate)


def _hour(candidate: Candidate) -> int:
    """By the hour, not by the second: neighbours in a stream go together, and share a certificate."""
    return candidate.start_us // US_PER_HOUR * US_PER_HOUR


def _merged(index: Index, ends: list[tuple[_Stream, int]], order: _Order) -> Iterator[Candidate]:
    """Candidates of all streams, each up to its own end, in that order."""

    def ordered(stream: _Stream, end_us: int) -> Iterator[tuple[float, int, Candidate]]:
        for candidate in _closed(index, stream, end_us):
            yield order(stream, candidate), stream.row.id, candidate

    for _, _, candidate in merge(*(ordered(stream, end_us) for stream, end_us in ends)):
        yield candidate


def _closed(index: Index, stream: _Stream, end_us: int) -> Iterator[Candidate]:
    """Closed segments that ended by then and that no hold covers, the oldest first."""
    end_us = min(end_us, stream.known_us)
    after_us = -_ALL_TIME_US
    while True:
        rows = index.db.execute(
            "SELECT id, start_us, end_us, bytes FROM segment AS s WHERE stream_id = ?1 AND state = 'closed'"
            f" AND start_us > ?2 AND start_us < ?3 AND end_us <= ?3 AND NOT {HELD} ORDER BY start_us LIMIT ?4",
            (stream.row.id, after_us, end_us, _PAGE),
        ).fetchall()
        yield from (Candidate(*row) for row in rows)
        if len(rows) < _PAGE:
            return
        after_us = rows[-1][1]
