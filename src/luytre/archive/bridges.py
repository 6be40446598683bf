"""What the certificates' journal proves of the chains: which links are gone by a deletion or a loss that was written down.

Promises   memory does not grow with the journal: stretches that follow one another become one, and only links that somebody
           seeks are remembered.
Does not   judge (check_chain.py), nor verify the journal itself (certificates.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from luytre.archive.certificates import Certificate, Rule
from luytre.archive.chain import link_of
from luytre.archive.gone_heads import GoneHeads


@dataclass(slots=True)
class Bridges:
    """Of one stream. `links`: sought ones; `roots`: of segments that still stand, and whose link before is sought.

    sealed   links that were sealed and that no row has: ticked off where a certificate tells of them
    standing  roots that certificates of a loss say stand in files now
    lost     certificates of a loss: their numbers, newest last
    """

    links: set[bytes]
    roots: set[bytes]
    sealed: GoneHeads = field(default_factory=GoneHeads)
    standing: set[bytes] = field(default_factory=set)
    lost: list[Certificate] = field(default_factory=list)
    _ends: dict[bytes, set[bytes]] = field(default_factory=dict)
    _start_of: dict[bytes, bytes] = field(default_factory=dict)

    def add(self, certificate: Certificate) -> None:
        if certificate.rule == Rule.ALARM or not certificate.prev or not certificate.link:
            return
        roots = [bytes.fromhex(root) for root in certificate.roots]
        start = at = self._see(bytes.fromhex(certificate.prev))
        for root in roots:
            if root in self.roots:
                self.links.add(at)
            if at in self.links:
                self._stretch(start, at)
                start = at
            at = self._see(link_of(at, root))
        self._stretch(start, at)
        link = self._see(bytes.fromhex(certificate.link))
        if certificate.rule == Rule.LOST:
            self._ends.setdefault(at, set()).add(link)
            self.standing.update(roots)
            self.lost.append(certificate)

    def _see(self, link: bytes) -> bytes:
        self.sealed.see(link)
        return link

    def _stretch(self, start: bytes, end: bytes) -> None:
        if start == end:
            return
        before = self._start_of.get(start) if start not in self.links and start not in self._ends else None
        if before is not None:
            del self._start_of[start]
            self._ends[before].discard(start)
            start = before
        self._ends.setdefault(start, set()).add(end)
        # A certificate may be written twice: what leads to its end from further back is not forgotten.
        self._start_of.setdefault(end, start)

    def beyond(self, link: bytes) -> Iterator[bytes]:
        """Where the chain may go on after `link`: there, or beyond what was deleted or lost."""
        seen, todo = {link}, [link]
        while todo:
            at = todo.pop()
            yield at
            more = self._ends.get(at, set()) - seen
            seen |= more
            todo += more

    def everywhere(self) -> Iterable[bytes]:
        """Each link at which a stretch begins or ends."""
        return {*self._ends, *(end for ends in self._ends.values() for end in ends)}
