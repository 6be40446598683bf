"""How a camera is doing: what the registry wants of it beside what its recorder says.

Promises   a camera's state is its main stream's; a stream is `disabled` when its camera is, `unknown` when no
           recorder speaks for it.
Does not   ask the registry or the recorders: what they say is handed in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from luytre.archive.catalog import Archive
from luytre.archive.keys import Cause, Span, StreamKey
from luytre.cameras.registry import Camera, Stream
from luytre.converter.state import Conversion
from luytre.recorder.state import StreamState

DISABLED = "disabled"
UNKNOWN = "unknown"
MAIN = "main"


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """One stream. `seen` is what its recorder says, None when it says nothing that counts; `converted`: what the converter
    does to it, None where that does nothing.
    """

    name: str
    url: str
    audio: bool
    state: str
    cause: str | None
    seen: StreamState | None
    converted: Conversion | None = None


# What the converter does to a stream of a camera, by the camera's id.
Converting = Callable[[str, Stream], Conversion | None]


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """One camera with its streams, main first."""

    camera: Camera
    streams: tuple[StreamStatus, ...]
    recorded_from_us: int | None

    @property
    def main(self) -> StreamStatus | None:
        return self.streams[0] if self.streams else None

    @property
    def state(self) -> str:
        return self.main.state if self.main else UNKNOWN


def stream_status(
    enabled: bool, stream: Stream, seen: StreamState | None, converted: Conversion | None = None
) -> StreamStatus:
    """`seen` of a disabled camera is a leftover of the moment before, and does not count."""
    state: str
    cause: str | None
    if not enabled:
        state, cause, seen = DISABLED, Cause.CAMERA_DISABLED.value, None
    elif seen is None:
        state, cause = UNKNOWN, None
    else:
        state, cause = seen.state, seen.cause
    return StreamStatus(stream.name, stream.url, stream.audio, state, cause, seen, converted)


def camera_status(
    camera: Camera,
    seen: Mapping[StreamKey, StreamState],
    recorded_from_us: int | None,
    converting: Converting = lambda camera, stream: None,
) -> CameraStatus:
    """The whole camera."""
    ordered = sorted(camera.streams, key=lambda stream: (stream.name != MAIN, stream.name))
    streams = tuple(
        stream_status(
            camera.enabled,
            stream,
            seen.get(StreamKey(camera.id, stream.name)),
            converting(camera.id, stream),
        )
        for stream in ordered
    )
    return CameraStatus(camera, streams, recorded_from_us)


def gap_causes(archive: Archive, cameras: Iterable[Camera], window: Span) -> Counter[str]:
    """How many gaps of each cause touch the window, over all streams."""
    counts: Counter[str] = Counter()
    for camera in cameras:
        for stream in camera.streams:
            coverage = archive.coverage(StreamKey(camera.id, stream.name), *window)
            counts.update(gap.cause for gap in coverage.gaps)
    return counts
