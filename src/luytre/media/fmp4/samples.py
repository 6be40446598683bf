"""Samples without their bytes: what tables say of them, in one place for writers and readers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class PartSample(NamedTuple):
    """One sample of a part: duration and composition offset (signed) in ticks, size in bytes."""

    duration: int
    size: int
    cts_offset: int
    key: bool


@dataclass(slots=True)
class TrackPart:
    """One track in one part. `base_ticks`: decode time of the first sample, from the start of the run."""

    track_id: int
    base_ticks: int
    samples: list[PartSample]


@dataclass(slots=True)
class TrackSamples:
    """The same in columns, all of one length; empty for a track that has nothing in a part. `entry`: which of the
    track's sample entries they need, from 1.
    """

    base_ticks: int
    sizes: Sequence[int] = field(default_factory=list)
    durations: Sequence[int] = field(default_factory=list)
    cts: Sequence[int] = field(default_factory=list)
    keys: Sequence[bool] = field(default_factory=list)
    entry: int = 1
