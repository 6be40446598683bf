"""What of a stream is kept: everything, what is around triggers, or what falls into recording hours.

Does not   hold pictures (tape.py), nor find motion: a trigger comes over the local socket (design/modes.md).
"""

from __future__ import annotations

from typing import Protocol
from zoneinfo import ZoneInfo

from luytre.archive.keys import Cause
from luytre.base.clock import US_PER_S
from luytre.recorder.hours import Hours
from luytre.recorder.plan import StreamPlan

# A trigger speaks of a moment that has passed: the detector needs time too.
DETECTION_US = 2 * US_PER_S
# No trigger holds a gate open for longer; who sees motion says so again.
LONGEST_ACTIVE_S = 600.0


class Gate(Protocol):
    """cause        why nothing is kept while it is shut
    preroll_us   how far back it may reach into what has passed; None: it never shuts
    """

    @property
    def cause(self) -> Cause: ...

    @property
    def preroll_us(self) -> int | None: ...

    def wants(self, start_us: int, end_us: int) -> bool:
        """Whether something of [start_us, end_us) is to be kept."""

    def trigger(self, at_us: int, active_s: float) -> None:
        """Something moved at `at_us` and is expected to go on for `active_s`."""


class OpenGate:
    """Keeps everything."""

    cause = Cause.UNKNOWN
    preroll_us = None

    def wants(self, start_us: int, end_us: int) -> bool:
        return True

    def trigger(self, at_us: int, active_s: float) -> None:
        """Everything is kept anyway."""


class MotionGate:
    """Keeps what is around triggers."""

    cause = Cause.NO_MOTION

    def __init__(self, preroll_s: float, postroll_s: float) -> None:
        self.set(preroll_s, postroll_s)
        self._from_us = self._until_us = 0

    def set(self, preroll_s: float, postroll_s: float) -> None:
        """From the next trigger on; what is open now stays open."""
        self._pre_us = round(preroll_s * US_PER_S)
        self._post_us = round(postroll_s * US_PER_S)

    @property
    def preroll_us(self) -> int:
        return self._pre_us + DETECTION_US

    def wants(self, start_us: int, end_us: int) -> bool:
        return start_us < self._until_us and end_us > self._from_us

    def trigger(self, at_us: int, active_s: float) -> None:
        begin_us = at_us - self._pre_us
        active_us = round(min(max(active_s, 0.0), LONGEST_ACTIVE_S) * US_PER_S)
        if begin_us > self._until_us:
            self._from_us = begin_us
        else:
            self._from_us = min(self._from_us, begin_us)
        self._until_us = max(self._until_us, at_us + active_us + self._post_us)


class HoursGate:
    """Keeps what falls into recording hours."""

    cause = Cause.NOT_SCHEDULED
    preroll_us = 0

    def __init__(self, hours: Hours) -> None:
        self.hours = hours

    def wants(self, start_us: int, end_us: int) -> bool:
        return self.hours.covers(start_us) or self.hours.covers(end_us - 1)

    def trigger(self, at_us: int, active_s: float) -> None:
        """The clock alone decides."""


def changed(gate: Gate, plan: StreamPlan, zone: str) -> bool:
    """Give the gate of a recorder at work the times of `plan`. False when that takes another gate, and so another
    recorder. Raises Error(INVALID, cause="bad_hours").
    """
    if plan.mode == "motion" and isinstance(gate, MotionGate):
        gate.set(plan.preroll_s, plan.postroll_s)
    elif plan.mode == "schedule" and isinstance(gate, HoursGate):
        gate.hours = Hours.parse(plan.hours, ZoneInfo(zone))
    else:
        return plan.mode == "continuous"
    return True


def gate_of(plan: StreamPlan, zone: str) -> Gate:
    """Raises Error(INVALID, cause="bad_hours")."""
    if plan.mode == "motion":
        return MotionGate(plan.preroll_s, plan.postroll_s)
    if plan.mode == "schedule":
        return HoursGate(Hours.parse(plan.hours, ZoneInfo(zone)))
    return OpenGate()
