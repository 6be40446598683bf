"""The archive's words: streams, spans, gaps and their causes, holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class StreamKey(NamedTuple):
    """One stream of one camera. `camera` is the camera's UUID text, `stream` is "main" or "sub"."""

    camera: str
    stream: str


class Cause(StrEnum):
    """Why a stream does not record, or did not. The closed set that doors translate (design/api.md)."""

    HOST_DOWN = "host_down"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    NOT_RTSP = "not_rtsp"
    AUTH_FAILED = "auth_failed"
    NOT_FOUND = "not_found"
    NO_VIDEO = "no_video"
    UNSUPPORTED_CODEC = "unsupported_codec"
    NO_PARAMETERS = "no_parameters"
    BAD_MEDIA = "bad_media"
    STALLED = "stalled"
    CLOSED_BY_CAMERA = "closed_by_camera"
    SERVER_ERROR = "server_error"
    TLS_FAILED = "tls_failed"
    CERTIFICATE_CHANGED = "certificate_changed"
    CONVERTER_FAILED = "converter_failed"
    CONVERTER_BUSY = "converter_busy"
    TIMESTAMP_JUMP = "timestamp_jump"
    PARAMETERS_CHANGED = "parameters_changed"
    DISK_SLOW = "disk_slow"
    DISK_FULL = "disk_full"
    DISK_ERROR = "disk_error"
    NODE_STOPPED = "node_stopped"
    NODE_CRASHED = "node_crashed"
    CAMERA_DISABLED = "camera_disabled"
    CONNECTING = "connecting"
    DISK_MISSING = "disk_missing"
    DISK_READ_ONLY = "disk_read_only"
    CLOCK_STEPPED = "clock_stepped"
    NO_MOTION = "no_motion"
    NOT_SCHEDULED = "not_scheduled"
    ELSEWHERE = "elsewhere"
    FILE_LOST = "file_lost"
    UNKNOWN = "unknown"


# What was not recorded on purpose, or only not here: no failure, and never counted as one.
INTENDED = frozenset(
    {Cause.CAMERA_DISABLED, Cause.NO_MOTION, Cause.NOT_SCHEDULED, Cause.ELSEWHERE, Cause.CLOCK_STEPPED}
)


# Of these, what is only right while a recorder is there to see it: when it died, it may have missed something. (`elsewhere`
# is told by the volume where it is recorded, `camera_disabled` needs nobody.)
WITNESSED = frozenset({Cause.NO_MOTION, Cause.NOT_SCHEDULED, Cause.CLOCK_STEPPED})


# A shorter hole in one stream is not worth a change to another, where either may be shown.
PATCH_US = 2_000_000


class Clocks(NamedTuple):
    """What is known of the clocks while something was recorded.

    error_us   estimated error of its wall time; None while the node's own clock is not synchronised
    camera_us  the camera's clock minus the node's, by its last sender report; None from a camera that tells none
    """

    error_us: int | None
    camera_us: int | None


UNKNOWN_CLOCKS = Clocks(None, None)


class Span(NamedTuple):
    """[start_us, end_us) of wall time."""

    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A span with nothing recorded. `end_us` is None while it lasts."""

    start_us: int
    end_us: int | None
    cause: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """A span that retention may not touch."""

    id: str
    start_us: int
    end_us: int
    reason: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is known of a window of one stream; each list sorted and clipped to the window."""

    spans: list[Span]
    gaps: list[Gap]
    holds: list[Hold]


def join_spans(spans: list[Span], tolerance_us: int = 0) -> list[Span]:
    """Touching or overlapping spans become one. `spans` must be sorted by start."""
    joined: list[Span] = []
    for span in spans:
        if joined and span.start_us <= joined[-1].end_us + tolerance_us:
            joined[-1] = Span(joined[-1].start_us, max(joined[-1].end_us, span.end_us))
        else:
            joined.append(span)
    return joined


def uncovered(window: Span, spans: list[Span]) -> list[Span]:
    """The parts of `window` that no span covers. `spans` must be sorted by start."""
    missing: list[Span] = []
    at = window.start_us
    for span in spans:
        if span.start_us >= window.end_us:
            break
        if span.start_us > at:
            missing.append(Span(at, span.start_us))
        at = max(at, span.end_us)
    if at < window.end_us:
        missing.append(Span(at, window.end_us))
    return missing
