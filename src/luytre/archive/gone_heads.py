"""Sealed links of a stream that no row has any more: certificates have to tell of each.

Promises   41 bytes each, half a megabyte for a year of a stream: all streams' are held while the journal is read.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator

# Of a link, what is compared first: one machine word.
_FIRST = 8


class GoneHeads:
    """`heads`: (link, end of its segment)."""

    __slots__ = ("_ends_us", "_firsts", "_rest_bytes", "_rests", "_seen")

    def __init__(self, heads: Iterable[tuple[bytes, int]] = ()) -> None:
        found = sorted(dict(heads).items())
        # From lists: an array that grows takes an eighth more.
        self._firsts = array("Q", [int.from_bytes(link[:_FIRST], "big") for link, _ in found])
        self._rests = b"".join(link[_FIRST:] for link, _ in found)
        self._rest_bytes = len(self._rests) // len(found) if found else 0
        self._ends_us = array("q", [end_us for _, end_us in found])
        self._seen = bytearray(len(found))

    def see(self, link: bytes) -> None:
        """A certificate tells of that link."""
        first = int.from_bytes(link[:_FIRST], "big")
        at = bisect_left(self._firsts, first)
        while at < len(self._firsts) and self._firsts[at] == first:
            if self._rest(at) == link[_FIRST:]:
                self._seen[at] = 1
            at += 1

    def unseen(self) -> Iterator[tuple[bytes, int]]:
        """Those that no certificate told of."""
        for at, seen in enumerate(self._seen):
            if not seen:
                yield self._firsts[at].to_bytes(_FIRST, "big") + self._rest(at), self._ends_us[at]

    def _rest(self, at: int) -> bytes:
        return self._rests[at * self._rest_bytes : (at + 1) * self._rest_bytes]
