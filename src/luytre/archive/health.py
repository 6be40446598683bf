"""How a volume fares under its writer, as the recorder asks from its own thread.

Does not   decide what follows: the recorder's outlets do (`recorder/outlet.py`).
"""

from __future__ import annotations

import math

from luytre.archive.disk import Disk, flush, probe
from luytre.archive.keys import Cause
from luytre.archive.volume import Volume
from luytre.base.clock import Clock

# How long after a failed write the disk is left alone.
RETRY_S = 5.0
# A disk that keeps one command waiting longer than this hangs.
HANG_S = 10.0
# With less free than this a disk is not called well: the next write may be the one that fails.
ROOM_BYTES = 16 << 20


class Health:
    """Written by one thread, read by others: each field is set whole.

    in_doubt   a fault happened, and nothing has shown since that the disk is well again
    """

    def __init__(self, clock: Clock, hang_s: float = HANG_S) -> None:
        self._clock = clock
        self._hang_s = hang_s
        self._busy_since_s: float | None = None
        self._fault_s = -math.inf
        self._blocked_until_s = -math.inf
        self._cause: str = Cause.DISK_ERROR
        self.in_doubt = False

    def begins(self) -> None:
        """A command is being carried out from now on."""
        self._busy_since_s = self._clock.monotonic_s()

    def ended(self) -> None:
        """It is done; one that took too long is a fault."""
        hung = self.hangs
        self._busy_since_s = None
        if hung:
            self.slow()

    def fault(self, cause: str) -> None:
        """The disk refused something: it is left alone for a while."""
        self._cause = cause
        self._fault_s = self._clock.monotonic_s()
        self._blocked_until_s = self._fault_s + RETRY_S
        self.in_doubt = True

    def slow(self) -> None:
        """It takes everything, but too slowly. It is not left alone: those who stay with it go on."""
        self.poor()
        self.in_doubt = True

    def poor(self) -> None:
        """Not well, though nothing failed."""
        self._fault_s = self._clock.monotonic_s()

    def prove(self, disk: Disk, volume: Volume) -> None:
        """Flush the volume; one that is in doubt shows by a probe and the flush that it is well again. Raises OSError."""
        doubtful = self.in_doubt and not self.is_blocked
        try:
            if doubtful:
                probe(disk, volume.path)
        finally:
            # A full disk takes no probe, but what it took before must be safe.
            flush(disk, volume.path)
        if doubtful:
            self.in_doubt = False
        if volume.space()[1] < ROOM_BYTES:
            self.poor()

    @property
    def hangs(self) -> bool:
        since_s = self._busy_since_s
        return since_s is not None and self._clock.monotonic_s() - since_s > self._hang_s

    @property
    def is_blocked(self) -> bool:
        return self._clock.monotonic_s() < self._blocked_until_s

    @property
    def trouble(self) -> str | None:
        """Why no run should begin there now; None when one may."""
        if self.hangs:
            return Cause.DISK_SLOW
        return self._cause if self.is_blocked else None

    @property
    def well_s(self) -> float:
        """For how long nothing has gone wrong; endless when nothing ever has."""
        if self.in_doubt or self.hangs:
            return 0.0
        return self._clock.monotonic_s() - self._fault_s
