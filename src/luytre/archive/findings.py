"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from luytre.archive.index import SegmentRow, StreamRow

# Wall time of touching parts is stored in whole microseconds by two different sums.
TOLERANCE_US = 2_000
# Numbers of invariants that several modules tell of.
CHAINED, CERTIFIED, SEALED = 10, 11, 12


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken invariant (number as in design/archive.md). error: something is lost or wrong; note: worth knowing."""

    invariant: int
    severity: Literal["error", "note"]
    path: str
    message: str
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Altered:
    """A file whose parts are not what their marks tell. `root`: of the bytes as they are; `prev`: as its header tells."""

    stream: StreamRow
    row: SegmentRow
    prev: bytes
    root: bytes
    message: str
