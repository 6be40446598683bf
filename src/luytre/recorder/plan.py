"""The plan: which streams to record and where to. Written by the registry, read by recorders (design/floors.md).

The file holds camera passwords, so it is only readable by the node's own user.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

from luytre.archive.keys import StreamKey
from luytre.archive.promise import STANDARD, Promise
from luytre.base.errors import Error, Kind
from luytre.base.private_file import save_json

Mode = Literal["continuous", "motion", "schedule"]
# How RTP comes: "auto" is TCP, and UDP from cameras that refuse it; "http" is RTSP and RTP through an HTTP tunnel. Each
# over TLS where the address says rtsps.
Transport = Literal["auto", "tcp", "udp", "http"]


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """What to record of one stream, how, and where to.

    url                    holds no credentials
    volume, spares         path of its own volume; the others, in the order in which to fall back on them
    retention              name of its retention class
    mode                   "continuous"; "motion": only around triggers; "schedule": only in `hours` of the ward's zone
    hours                  a week's recording hours, as `luytre.recorder.hours` reads them
    preroll_s, postroll_s  kept before and after what triggered
    transport              how RTP comes
    socket                 path of a Unix socket, relative to the node's directory, where `url` is asked for rather than at
                           its host: the converter's; "" for a camera that speaks RTSP itself
    """

    camera: str
    code: str
    stream: str
    url: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    audio: bool = False
    volume: str = ""
    spares: tuple[str, ...] = ()
    retention: str = STANDARD
    mode: Mode = "continuous"
    hours: str = ""
    preroll_s: float = 5.0
    postroll_s: float = 10.0
    transport: Transport = "auto"
    socket: str = ""

    @property
    def key(self) -> StreamKey:
        return StreamKey(self.camera, self.stream)

    def goes_on_as(self, other: StreamPlan) -> bool:
        """Whether a recorder at work can go over to `other` without ending its connection."""
        return other == replace(
            self,
            spares=other.spares,
            retention=other.retention,
            hours=other.hours,
            preroll_s=other.preroll_s,
            postroll_s=other.postroll_s,
        )

    def shard(self, shards: int) -> int:
        """Which of `shards` recorders has it: stays the same when other cameras come and go."""
        return crc32(self.camera.encode()) % shards


@dataclass(frozen=True, slots=True)
class VolumePlan:
    """`journal`: a directory on another, quick disk that takes what is written first; "" for none."""

    path: str
    flush_s: float = 2.0
    max_bytes: int | None = None
    reserve_bytes: int = 1 << 30
    journal: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """`alarm_days`: how many days before a promise breaks it is said; `zone`: the ward's, for recording hours."""

    streams: tuple[StreamPlan, ...] = ()
    volumes: tuple[VolumePlan, ...] = ()
    segment_s: float = 300.0
    promises: tuple[Promise, ...] = (Promise(),)
    alarm_days: float = 7.0
    zone: str = "UTC"


def save(plan: Plan, path: Path) -> None:
    """Atomic: a reader sees the old plan or the new one, whole."""
    save_json(path, asdict(plan))


def load(path: Path) -> Plan:
    """Raises Error(NOT_FOUND) without a file, Error(INVALID) for one that is no plan."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return Plan(
            tuple(_stream(stream) for stream in fields["streams"]),
            tuple(VolumePlan(**volume) for volume in fields["volumes"]),
            float(fields["segment_s"]),
            tuple(Promise(**promise) for promise in fields["promises"]),
            float(fields["alarm_days"]),
            str(fields["zone"]),
        )
    except FileNotFoundError as error:
        raise Error(
            Kind.NOT_FOUND, f"{path} is missing", hint="Start the node with `luytre run`: it writes the plan."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise Error(
            Kind.INVALID, f"{path} is no recording plan", hint="Restart the node: it writes the plan again."
        ) from error


def _stream(fields: dict[str, Any]) -> StreamPlan:
    return StreamPlan(**{**fields, "spares": tuple(fields["spares"])})
