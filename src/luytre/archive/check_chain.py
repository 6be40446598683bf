"""Invariants 10 to 12 over whole streams: each chain leads from segment to segment, what is missing was certified, and what
was sealed is still there.

Promises   reads the certificates after the rows and the seals before them: a recorder and retention at work raise no alarm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from luytre.archive import certificates, losses
from luytre.archive import segment as fmt
from luytre.archive.bridges import Bridges
from luytre.archive.certificates import Certificate, Rule
from luytre.archive.chain import GENESIS, link_of
from luytre.archive.check_seals import SealCheck, SealedHeads
from luytre.archive.disk import Disk
from luytre.archive.findings import CERTIFIED, CHAINED, SEALED, Altered, Finding
from luytre.archive.gone_heads import GoneHeads
from luytre.archive.index import SegmentRow, StreamRow
from luytre.archive.keys import StreamKey
from luytre.archive.volume import Volume
from luytre.base.clock import to_datetime
from luytre.base.errors import Error


class _Break(NamedTuple):
    """The chain does not lead from `link`, which is that after `before` (the beginning without one), to `after`; without
    one: to the stream's head.
    """

    link: bytes
    before: SegmentRow | None
    after: SegmentRow | None


class _Look(NamedTuple):
    """What a stream's rows left to be proved. `gone`: sealed links that no row has."""

    stream: StreamRow
    breaks: list[_Break]
    gone: GoneHeads


class ChainCheck:
    """Give it each stream's rows, then what was altered; findings() proves, and repairs where asked to."""

    def __init__(self, volume: Volume, disk: Disk, seals: SealCheck, repair: bool, now_us: int) -> None:
        self._volume, self._disk, self._seals = volume, disk, seals
        self._repair, self._now_us = repair, now_us
        self._looks: dict[StreamKey, _Look] = {}
        self._journal: list[Finding] = []

    def walk(self, stream: StreamRow, rows: Sequence[SegmentRow]) -> None:
        """`rows`: all of the stream, by start, and `stream` as it was with them."""
        breaks: list[_Break] = []
        link, before = GENESIS, None
        for row in rows:
            if row.state == "open" or row.root is None or row.link is None:
                continue
            if link_of(link, row.root) != row.link:
                breaks.append(_Break(link, before, row))
            link, before = row.link, row
        if stream.head != link:
            breaks.append(_Break(link, before, None))
        here = {row.link for row in rows} | {GENESIS, stream.head}
        sealed = self._seals.heads.pop(stream.key, SealedHeads())
        gone = GoneHeads((link, end_us) for link, end_us in sealed if link not in here)
        self._looks[stream.key] = _Look(stream, breaks, gone)

    def findings(self, altered: Sequence[Altered]) -> list[Finding]:
        for key, sealed in self._seals.heads.items():
            nobody = StreamRow(0, key.camera, key.stream, key.camera, 0, 0, "", GENESIS)
            self._looks[key] = _Look(nobody, [], GoneHeads(sealed))
        bridges = self._read(altered)
        found = self._journal
        for key, look in self._looks.items():
            of = bridges[key]
            found += self._breaks(look, of)
            found += self._gone(look)
            found += _losses(look.stream, of)
        for one in altered:
            if one.root not in bridges[one.stream.key].standing:
                if self._repair:
                    detail = f"{one.row.path}: {one.message}"
                    self._lose(one.stream, one.row, one.prev, one.root, detail)
                found.append(Finding(CHAINED, "error", one.row.path, one.message, self._repair))
        return found

    # -- certificates -----------------------------------------------------------------------------------------

    def _read(self, altered: Sequence[Altered]) -> dict[StreamKey, Bridges]:
        """One pass over the journal."""
        bridges = {}
        for key, look in self._looks.items():
            roots = {b.after.root for b in look.breaks if b.after is not None and b.after.root is not None}
            links = {b.link for b in look.breaks} | {look.stream.head}
            bridges[key] = Bridges(links, roots, look.gone)
        for one in altered:
            bridges.setdefault(one.stream.key, Bridges(set(), set()))
        told = dict(self._seals.journal)
        # Before the others are read: more may be written meanwhile.
        newest = certificates.newest(self._volume)
        if newest is not None and told.get(newest.seq) == newest.hash:
            del told[newest.seq]
        before: Certificate | None = None
        problems: list[str] = []
        for certificate in certificates.verified(self._volume, problems):
            if before is not None and told.get(before.seq) == certificate.before:
                del told[before.seq]
            before = certificate
            of = bridges.get(certificate.key)
            if of is not None:
                of.add(certificate)
        self._journal = [Finding(CERTIFIED, "error", certificates.FOLDER, text) for text in problems]
        if told:
            text = f"certificate {min(told)}, which was sealed, is not there as it was: lines were taken out or changed"
            self._journal.append(Finding(SEALED, "error", certificates.FOLDER, text))
        return bridges

    # -- breaks -----------------------------------------------------------------------------------------------

    def _breaks(self, look: _Look, of: Bridges) -> Iterator[Finding]:
        for one in look.breaks:
            # What was there before the first certificate nobody can say any more.
            links = of.beyond(one.link) if one.before is not None else {GENESIS, *of.everywhere()}
            if any(_leads(link, one, look.stream) for link in links):
                continue
            repaired = self._repair and self._bridge(look.stream, one)
            name = look.stream.code + "/" + look.stream.name
            where = one.after or one.before
            yield Finding(CHAINED, "error", where.path if where else name, _words(name, one), repaired)

    def _bridge(self, stream: StreamRow, one: _Break) -> bool:
        """From now on it is on record that something is missing or was changed here."""
        link = stream.head if one.after is None else self._prev(one.after)
        if link is None:
            return False
        start_us = stream.since_us if one.before is None else one.before.end_us
        end_us = start_us if one.after is None else one.after.start_us
        self._certify(stream, start_us or 0, end_us or 0, one.link, link, "the chain was broken here")
        return True

    def _prev(self, row: SegmentRow) -> bytes | None:
        """The link before it, as its own file tells and its row confirms."""
        try:
            with fmt.FileReader(self._volume.path / row.path) as reader:
                opening = fmt.parse_opening(reader.read, reader.size)
        except Error:
            return None
        if opening is None or row.root is None:
            return None
        prev = bytes.fromhex(opening.header.prev)
        return prev if link_of(prev, row.root) == row.link else None

    # -- seals, losses ----------------------------------------------------------------------------------------

    def _gone(self, look: _Look) -> Iterator[Finding]:
        """The sealed links that no row and no certificate tells of; the newest of them is named."""
        gone = dict(look.gone.unseen())
        if not gone:
            return
        for link, end_us in gone.items() if self._repair else ():
            self._certify(look.stream, end_us, end_us, link, link, "sealed, and gone")
        text = (
            f"{len(gone)} sealed states of the chain, the newest up to {_when(max(gone.values()))}, are gone"
        )
        yield Finding(
            SEALED, "error", f"{look.stream.code}/{look.stream.name}",
            f"{text}: recordings were taken out or changed after they were sealed", self._repair,
        )  # fmt: skip

    def _certify(
        self, stream: StreamRow, start_us: int, end_us: int, prev: bytes, link: bytes, detail: str
    ) -> None:
        lost = Certificate(
            self._now_us, Rule.LOST, stream.camera, stream.name, stream.code,
            start_us, end_us, 0, 0, prev.hex(), (), link.hex(), detail,
        )  # fmt: skip
        certificates.append(self._volume, self._disk, [lost])

    def _lose(self, stream: StreamRow, row: SegmentRow, prev: bytes, root: bytes, detail: str) -> None:
        losses.write_down(self._volume, self._disk, stream, row, prev, root, self._now_us, detail)


def _leads(link: bytes, one: _Break, stream: StreamRow) -> bool:
    if one.after is None:
        return link == stream.head
    assert one.after.root is not None
    return link_of(link, one.after.root) == one.after.link


def _words(name: str, one: _Break) -> str:
    since = f"after {one.before.path}" if one.before is not None else "at the beginning"
    if one.after is None:
        return f"the chain of {name} ends {since}, not where its last segment ended"
    until = f"to {one.after.path} ({_when(one.after.start_us)})"
    return f"the chain of {name} does not lead on {since} {until}: something was taken out, put in, moved or changed"


def _losses(stream: StreamRow, of: Bridges) -> Iterator[Finding]:
    """A note for what certificates say was lost."""
    if of.lost:
        last = of.lost[-1]
        text = f"{len(of.lost)} losses are on record; the newest is certificate {last.seq}, {_when(last.start_us)}"
        where = f"{stream.code}/{stream.name}"
        yield Finding(CHAINED, "note", where, f"{text}: {last.detail}")


def _when(wall_us: int) -> str:
    return f"{to_datetime(wall_us):%Y-%m-%d %H:%M:%S} UTC"
