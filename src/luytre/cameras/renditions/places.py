"""How many pictures may be converted at once, and what that costs.

Promises   never more than `most` at a time, whoever asks: live viewers, playback and downloads share the places; downloads
           leave one to the others, where there is more than one.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Final

from luytre.base.errors import Error, Kind

FULL: Final = "renditions_full"
FAILED: Final = "rendition_failed"


def most_by_cores() -> int:
    """One core is left to recording, and two conversions are possible on any machine: they are nice 10."""
    return max(2, (os.cpu_count() or 1) - 1)


@dataclass(frozen=True, slots=True)
class Claim:
    """Who asks for a place: how long they wait, and whether it is for a film, which nobody watches yet."""

    patience_s: float = 0.0
    is_film: bool = False


NOW: Final = Claim()


class Places:
    """Thread-safe. `most` 0: by the machine's cores."""

    def __init__(self, most: int = 0) -> None:
        self.most = most or most_by_cores()
        self._free = threading.Condition()
        self._busy = 0
        self._films = 0
        self._cpu_us = 0
        self._refused = 0

    @property
    def busy(self) -> int:
        return self._busy

    @property
    def cpu_s(self) -> float:
        """What all conversions have taken so far."""
        return self._cpu_us / 1e6

    @property
    def refused(self) -> int:
        """How often there was no place."""
        return self._refused

    def take(self, claim: Claim = NOW) -> bool:
        """A place now, or within the claim's patience. It is given back with the same claim."""
        with self._free:
            if not self._free.wait_for(lambda: self._is_free(claim), claim.patience_s):
                self._refused += 1
                return False
            self._busy += 1
            self._films += claim.is_film
            return True

    def give(self, claim: Claim = NOW) -> None:
        with self._free:
            self._busy -= 1
            self._films -= claim.is_film
            # The first of those who wait may be one that may not have it.
            self._free.notify_all()

    def refusal(self) -> Error:
        """For one who cannot even be let wait."""
        with self._free:
            self._refused += 1
        return full(self.most)

    def _is_free(self, claim: Claim) -> bool:
        return self._busy < self.most and not (claim.is_film and self._films >= max(1, self.most - 1))

    def spent(self, cpu_us: int) -> None:
        with self._free:
            self._cpu_us += cpu_us


def full(most: int) -> Error:
    return Error(
        Kind.UNAVAILABLE,
        f"all {most} places for converting pictures are taken",
        hint="Use a browser that plays H.265, wait, or set the camera's sub stream to H.264.",
        cause=FULL,
    )


def failed(why: str) -> Error:
    return Error(
        Kind.DATA_LOSS,
        f"the pictures could not be converted: {why}",
        hint="Take a moment earlier or later, or download the original.",
        cause=FAILED,
    )
