"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# Wall time of touching parts is stored in whole microseconds by two different sums.
TOLERANCE_US = 2_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken invariant (number as in design/archive.md). error: something is lost or wrong; note: worth knowing."""

    invariant: int
    severity: Literal["error", "note"]
    path: str
    message: str
    repaired: bool = False
