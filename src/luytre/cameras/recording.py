"""How a camera is recorded: its retention class, its volume, when, and what is kept around an event.

Promises   what `changed` returns can be planned: its class and its volume are in the settings, its hours can be read.
Does not   know whether a disk is there: a volume is the place that the settings name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from luytre.archive.volume import open_volume
from luytre.base.config import STANDARD, NodeConfig
from luytre.base.errors import Error, Kind
from luytre.recorder.hours import Hours
from luytre.recorder.plan import Mode

PREROLL_S: Final = (0.0, 30.0)
POSTROLL_S: Final = (1.0, 300.0)
_LONGEST: Final = 400


@dataclass(frozen=True, slots=True)
class Recording:
    """How one camera is recorded, both its streams.

    retention              name of its retention class
    volume                 path of its volume; None: balanced over all
    mode                   "continuous", "motion", or "schedule": only in `hours`
    hours                  recording hours of a week in the ward's zone; "": always
    preroll_s, postroll_s  kept before and after what triggered
    """

    retention: str = STANDARD
    volume: str | None = None
    mode: Mode = "continuous"
    hours: str = ""
    preroll_s: float = 5.0
    postroll_s: float = 10.0


@dataclass(frozen=True, slots=True)
class RecordingChange:
    """None leaves a thing as it is. `volume`: a configured volume's path, last component of it, or id; "": balanced."""

    retention: str | None = None
    volume: str | None = None
    mode: Mode | None = None
    hours: str | None = None
    preroll_s: float | None = None
    postroll_s: float | None = None


def changed(before: Recording, change: RecordingChange, config: NodeConfig | None) -> Recording:
    """`before` with the change. Without settings, classes and volumes are taken as they are given.

    Raises Error(INVALID, cause="no_class" | "no_volume" | "bad_hours" | "bad_roll").
    """
    after = before
    if change.retention is not None:
        after = replace(after, retention=_class(change.retention, config))
    if change.volume is not None:
        after = replace(after, volume=_volume(change.volume, config) if change.volume else None)
    if change.mode is not None:
        after = replace(after, mode=change.mode)
    if change.hours is not None:
        after = replace(after, hours=hours(change.hours))
    if change.preroll_s is not None:
        after = replace(after, preroll_s=_roll("pre-roll", change.preroll_s, PREROLL_S))
    if change.postroll_s is not None:
        after = replace(after, postroll_s=_roll("post-roll", change.postroll_s, POSTROLL_S))
    return after


def hours(text: str) -> str:
    """Recording hours as they are kept: `Mon-Fri 18:00-06:00; Sat,Sun 00:00-24:00`; "" for always.

    The case of days and the spaces between the pieces are forgiven. Raises Error(INVALID, cause="bad_hours").
    """
    entries = [_tidy(entry) for entry in text[:_LONGEST].split(";")] if text.strip() else []
    tidy = "; ".join(entries)
    Hours.parse(tidy if len(text) <= _LONGEST else "too long", ZoneInfo("UTC"))
    return tidy


def _tidy(entry: str) -> str:
    """One space between days and times, none elsewhere; days with a capital."""
    closed = re.sub(r"\s*([,-])\s*", r"\1", entry.strip())
    return re.sub(r"\s+", " ", closed).title()


def _class(name: str, config: NodeConfig | None) -> str:
    names = [one.name for one in config.classes] if config else [name]
    if name not in names:
        raise Error(
            Kind.INVALID,
            f"there is no retention class {name[:40]!r}",
            hint=f"luytre.toml has: {', '.join(names)}.",
            cause="no_class",
        )
    return name


def _volume(wanted: str, config: NodeConfig | None) -> str:
    """The path of the configured volume that is meant."""
    paths = [volume.path for volume in config.volumes] if config else [Path(wanted)]
    found = [path for path in paths if str(path) == wanted] or [
        path for path in paths if wanted in (path.name, _id(path))
    ]
    if len(found) != 1:
        raise Error(
            Kind.INVALID,
            f"{wanted[:200]!r} is {'more than one volume' if found else 'no volume'} of this node",
            hint=f"luytre.toml has: {', '.join(map(str, paths))}.",
            cause="no_volume",
        )
    return str(found[0])


def _id(path: Path) -> str | None:
    try:
        return open_volume(path).id
    except Error:
        return None


def _roll(what: str, seconds: float, limits: tuple[float, float]) -> float:
    low, high = limits
    if not low <= seconds <= high:
        raise Error(
            Kind.INVALID,
            f"{seconds:g} s of {what} are too few or too many",
            hint=f"Choose between {low:g} and {high:g} seconds.",
            cause="bad_roll",
        )
    return seconds
