"""Changes that an index has not taken yet: it was full, locked or broken when they fell due (design/archive.md, "Owed").

Promises   they are entered in the order in which they fell due; those that belong together, together.
"""

from __future__ import annotations

from collections import deque

from luytre.archive.index import Index
from luytre.archive.ledger import Change


class Owed:
    def __init__(self) -> None:
        self._changes: deque[Change] = deque()

    def __len__(self) -> int:
        return len(self._changes)

    def add(self, *changes: Change) -> None:
        """In one transaction, after all that is owed already."""

        def together(index: Index) -> None:
            with index.transaction():
                for change in changes:
                    change(index)

        self._changes.append(together)

    def settle(self, index: Index) -> None:
        """Enter them; the first that the index does not take raises its sqlite3.Error and stays, with all behind it."""
        while self._changes:
            self._changes[0](index)
            self._changes.popleft()

    def clear(self) -> None:
        self._changes.clear()
