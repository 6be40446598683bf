"""Deletion of segments: marked, certified, unlinked, forgotten (design/archive.md, "Delete").

Promises   no file goes before its mark and its certificate are on the disk, and no row before its file has gone there; a
           crash, a power cut or a fault in between is completed by the next sweep; no transaction is longer than a batch.
Does not   choose what goes (retention.py).
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import groupby, islice
from typing import NamedTuple, TypeVar

from luytre.archive import segment as fmt
from luytre.archive.certificates import Certificate, Rule, append, read
from luytre.archive.chain import GENESIS, link_of
from luytre.archive.disk import Disk, flush
from luytre.archive.index import US_PER_DAY, US_PER_MINUTE, Index, SegmentRow, StreamRow, minute_bits
from luytre.archive.keys import Span, StreamKey, join_spans
from luytre.archive.volume import Volume
from luytre.base.clock import to_datetime
from luytre.base.errors import Error

# Segments in one transaction and one write of certificates: bounds how long a writer can wait for the index.
BATCH = 200
# Segments between two waits for the disk: each waits for all that is being recorded too.
GROUP = 5000
# Twice as many certificates as one stream usually has in a batch.
_LINKS = 16


_Item = TypeVar("_Item")


class Candidate(NamedTuple):
    """A segment that may go."""

    id: int
    start_us: int
    end_us: int
    bytes: int


class _Marked(NamedTuple):
    row: SegmentRow
    rule: str | None


class Deletion:
    """What one sweep deletes. `refused`: why the first file that could not be deleted could not."""

    def __init__(self, volume: Volume, index: Index, disk: Disk, now_us: int) -> None:
        self._volume, self._index, self._disk, self._now_us = volume, index, disk, now_us
        self._streams = {stream.id: stream for stream in index.streams()}
        # Day folders before this one get no more files, and go when they are empty.
        self._last_folder = f"{to_datetime(now_us - 2 * US_PER_DAY):%Y-%m-%d}"
        # The chain after what this sweep has deleted last of a stream.
        self._deleted: dict[int, bytes] = {}
        self.count, self.freed = 0, 0
        self.refused: OSError | None = None

    def finish(self) -> None:
        """Complete what an earlier sweep marked."""
        marked = iter([_Marked(*found) for found in self._index.deleting()])
        while group := list(islice(marked, GROUP)):
            self._delete(group)

    def take(self, candidates: Iterable[Candidate], rule: Rule, wanted: int | None = None) -> int:
        """Delete them in their order, until `wanted` bytes are freed. Returns their bytes. What a hold covers meanwhile
        stays.
        """
        waiting = iter(candidates)
        freed = 0
        while group := list(_enough(waiting, None if wanted is None else wanted - freed)):
            taken = self._mark(group, rule)
            if taken:
                self._delete([_Marked(*found) for found in self._index.deleting() if found[0].id in taken])
            self.count += len(taken)
            freed += sum(taken.values())
        self.freed += freed
        return freed

    def _mark(self, group: list[Candidate], rule: Rule) -> dict[int, int]:
        """Bytes by row of those that no hold covers by now."""
        taken: dict[int, int] = {}
        for batch in _batches(group):
            # A hold is placed before this statement or after it, not in between.
            with self._index.transaction():
                taken |= self._index.db.execute(
                    "UPDATE segment AS s SET state = 'deleting', rule = ?"
                    " WHERE id IN (SELECT value FROM json_each(?)) AND state = 'closed'"
                    f" AND NOT {HELD} RETURNING id, bytes",
                    (rule, json.dumps([candidate.id for candidate in batch])),
                ).fetchall()
        return taken

    def _delete(self, group: list[_Marked]) -> None:
        self._certify([marked for marked in group if marked.rule is not None])
        flush(self._disk, self._volume.path)
        gone: list[SegmentRow] = []
        stuck: list[SegmentRow] = []
        for marked in group:
            (gone if self._unlink(marked.row) else stuck).append(marked.row)
        # A file that comes back after a power cut must find its row.
        flush(self._disk, self._volume.path)
        for rows in _batches(gone):
            with self._index.transaction():
                for row in rows:
                    self._index.remove_segment(row.id)
                    self._deleted[row.stream_id] = row.link or GENESIS
                for stream_id, span in _spans(rows):
                    clear_minutes(self._index, stream_id, span)
                    self._index.expire(stream_id, span.end_us)
        for rows in _batches(stuck):
            with self._index.transaction():
                for row in rows:
                    self._index.db.execute("UPDATE segment SET rule = NULL WHERE id = ?", (row.id,))

    def _unlink(self, row: SegmentRow) -> bool:
        path = self._volume.path / row.path
        try:
            self._disk.unlink(path)
        except OSError as error:
            # One file that cannot be deleted must not fill the disk with all the others.
            self.refused = self.refused or error
            return False
        if path.parent.name < self._last_folder:
            with suppress(OSError):
                path.parent.rmdir()
        return True

    # -- certificates -----------------------------------------------------------------------------------------

    def _certify(self, group: list[_Marked]) -> None:
        waiting = list(_batches(group))
        try:
            while waiting:
                append(self._volume, self._disk, [self._certificate(own) for own in _groups(waiting[0])])
                del waiting[0]
        except Error:
            # Nothing of these went: they are there for all again.
            with suppress(sqlite3.Error), self._index.transaction():
                self._index.db.executemany(
                    "UPDATE segment SET state = 'closed', rule = NULL WHERE id = ?",
                    [(marked.row.id,) for batch in waiting for marked in batch],
                )
            raise

    def _certificate(self, group: list[_Marked]) -> Certificate:
        first, last = group[0].row, group[-1].row
        stream = self._streams[first.stream_id]
        rule, detail = str(group[0].rule), ""
        prev = self._prev(stream, first)
        if prev is None:
            prev, rule, detail = self._chain_so_far(stream), Rule.LOST, f"{rule}; its file was gone"
        return Certificate(
            self._now_us,
            rule,
            *stream.key,
            code=stream.code,
            start_us=first.start_us,
            end_us=_end(last),
            segments=len(group),
            bytes=sum(marked.row.bytes or 0 for marked in group),
            prev=prev.hex(),
            roots=tuple((marked.row.root or b"").hex() for marked in group),
            link=(last.link or b"").hex(),
            detail=detail,
        )

    def _prev(self, stream: StreamRow, row: SegmentRow) -> bytes | None:
        """The chain before a segment: whatever leads to its own link. None when nobody knows it any more."""
        for link in self._links_before(stream, row):
            if row.root is not None and link_of(link, row.root) == row.link:
                return link
        return None

    def _links_before(self, stream: StreamRow, row: SegmentRow) -> Iterator[bytes]:
        yield self._index.link_before(stream.id, row.start_us) or GENESIS
        yield self._deleted.get(stream.id, GENESIS)
        with suppress(Error), fmt.FileReader(self._volume.path / row.path) as reader:
            opening = fmt.parse_opening(reader.read, reader.size)
            if opening is not None:
                yield bytes.fromhex(opening.header.prev)
        # A crash after the file went and before its row did.
        yield from self._certified_links[stream.key]

    def _chain_so_far(self, stream: StreamRow) -> bytes:
        links = self._certified_links[stream.key]
        return links[-1] if links else GENESIS

    @cached_property
    def _certified_links(self) -> dict[StreamKey, deque[bytes]]:
        """Of each stream, the newest links before and after what earlier sweeps certified. Reads the whole journal."""
        found: dict[StreamKey, deque[bytes]] = defaultdict(lambda: deque(maxlen=_LINKS))
        for certificate in read(self._volume):
            if certificate.rule != Rule.ALARM:
                found[certificate.key] += (bytes.fromhex(certificate.prev), bytes.fromhex(certificate.link))
        return found


HELD = (
    "EXISTS (SELECT 1 FROM hold WHERE stream_id = s.stream_id AND released_us IS NULL"
    " AND hold.start_us < s.end_us AND hold.end_us > s.start_us)"
)


def _batches(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    for at in range(0, len(items), BATCH):
        yield items[at : at + BATCH]


def _enough(candidates: Iterator[Candidate], wanted: int | None) -> Iterator[Candidate]:
    """A group, and no more than frees `wanted` bytes."""
    for _ in range(GROUP):
        if wanted is not None and wanted <= 0:
            return
        candidate = next(candidates, None)
        if candidate is None:
            return
        yield candidate
        if wanted is not None:
            wanted -= candidate.bytes


def _groups(batch: Sequence[_Marked]) -> Iterator[list[_Marked]]:
    """Those that follow one another in a stream's chain and go by one rule. `batch`: by stream and start."""
    group: list[_Marked] = []
    for marked in batch:
        if group and not _follows(group[-1], marked):
            yield group
            group = []
        group.append(marked)
    if group:
        yield group


def _follows(before: _Marked, after: _Marked) -> bool:
    link, root = before.row.link, after.row.root
    same = (before.row.stream_id, before.rule) == (after.row.stream_id, after.rule)
    return same and link is not None and root is not None and link_of(link, root) == after.row.link


def _spans(rows: Sequence[SegmentRow]) -> Iterator[tuple[int, Span]]:
    """(stream, what went of it), apart where a day or more lies between. `rows`: by stream and start."""
    for stream_id, own in groupby(rows, lambda row: row.stream_id):
        for span in join_spans([Span(row.start_us, _end(row)) for row in own], US_PER_DAY):
            yield stream_id, span


def _end(row: SegmentRow) -> int:
    return row.start_us if row.end_us is None else row.end_us


def clear_minutes(index: Index, stream_id: int, span: Span) -> None:
    """Clear the span's minutes, then set again those that segments left standing still touch."""
    for day, bits in minute_bits(span):
        old = int.from_bytes(index.minutes(stream_id, day), "little")
        index.write_minutes(stream_id, day, (old & ~bits).to_bytes(180, "little"))
    edges = Span(
        span.start_us // US_PER_MINUTE * US_PER_MINUTE, -(-span.end_us // US_PER_MINUTE) * US_PER_MINUTE
    )
    for row in index.segments(stream_id, edges, deleting=True):
        if row.end_us is not None:
            index.set_minutes(
                stream_id, Span(max(row.start_us, edges.start_us), min(row.end_us, edges.end_us))
            )
    index.db.execute("DELETE FROM day WHERE stream_id = ? AND recorded = zeroblob(180)", (stream_id,))
