"""Live pictures for other programs: the door to samples as they were received.

Promises   nobody is admitted without the right to this camera's live pictures, and each reader that begins is a line in the
           looks, stored before its first picture leaves; one pull from a recorder for all readers of a stream.
Does not   pack or send anything (luytre.restream does), or show a rendition: a reader gets what the camera sends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from luytre.archive.keys import StreamKey
from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error, Kind
from luytre.cameras.lookbook import Lookbook
from luytre.cameras.registry import Registry
from luytre.media.tracks import Track
from luytre.people.actor import LIVE, Actor
from luytre.people.looks import Looks
from luytre.recorder.state import StreamState
from luytre.recorder.subscribe import RecorderLink, RecorderLinks
from luytre.recorder.wire import WireSample

# What listeners are told is named here too: `recorder.subscribe` is behind this door.
__all__ = ["Grant", "Listener", "Restreaming", "WireSample"]


@dataclass(frozen=True, slots=True)
class Grant:
    """`Restreaming.admit` makes it: this actor may see this stream. `title`: what the camera is called."""

    actor: Actor
    key: StreamKey
    code: str
    title: str


class Listener(Protocol):
    """Hears one stream, in the event loop. Samples follow their tracks and begin with a keyframe."""

    def on_tracks(self, tracks: list[Track]) -> None:
        """A run begins; its samples' times count from its first picture."""

    def on_sample(self, sample: WireSample) -> None:
        """As it was received; video with 4-byte lengths."""


class Restreaming:
    """`sockets` gives the recorders' sockets; they may come and go. `admit` and `look` ask the database, and block; the
    rest is for one event loop.
    """

    def __init__(
        self, registry: Registry, looks: Looks, sockets: Callable[[], Sequence[Path]], clock: Clock = SYSTEM
    ) -> None:
        self._registry = registry
        self._lookbook = Lookbook(looks, clock)
        self._links = RecorderLinks(sockets, self)
        self._listeners: dict[StreamKey, Listener] = {}

    def admit(self, actor: Actor, code: str, stream: str) -> Grant:
        """Raises Error(FORBIDDEN), Error(NOT_FOUND), Error(UNAVAILABLE, cause="camera_disabled")."""
        actor.require(LIVE)
        camera = self._registry.get(code)
        actor.require_camera(camera.id)
        if all(known.name != stream for known in camera.streams):
            raise Error(
                Kind.NOT_FOUND,
                f"camera {code} has no stream {stream}",
                hint="Use `main`, or one of the streams in the camera's list.",
                cause="no_stream",
            )
        if not camera.enabled:
            raise Error(
                Kind.UNAVAILABLE,
                f"camera {code} is switched off",
                hint="Switch it on in the list of cameras.",
                cause="camera_disabled",
            )
        return Grant(actor, StreamKey(camera.id, stream), camera.code, camera.name or camera.code)

    def look(self, grant: Grant) -> None:
        """Write down that this reader begins to look. To be called before its first picture leaves."""
        self._lookbook.live(grant.actor, grant.key)

    def living(self) -> set[str]:
        """Cameras (UUIDs) that may be shown: they are there, and switched on."""
        return {camera.id for camera in self._registry.list() if camera.enabled}

    def watch(self, grant: Grant, listener: Listener) -> None:
        """The stream's one listener; it hands on to any number of readers."""
        self._listeners[grant.key] = listener
        self._links.watch(grant.key)

    def unwatch(self, key: StreamKey) -> None:
        if self._listeners.pop(key, None) is not None:
            self._links.unwatch(key)

    async def run(self) -> None:
        """Keep the links to the recorders alive until cancelled."""
        await self._links.run()

    # -- LinkEvents -------------------------------------------------------------------------------------------

    def on_state(self, link: RecorderLink, state: StreamState) -> None:
        """A reader learns of states by pictures that come or do not."""

    def on_tracks(self, key: StreamKey, run_id: str, tracks: list[Track]) -> None:
        if key in self._listeners:
            self._listeners[key].on_tracks(tracks)

    def on_sample(self, key: StreamKey, sample: WireSample) -> None:
        if key in self._listeners:
            self._listeners[key].on_sample(sample)

    def on_down(self, link: RecorderLink) -> None:
        """A recorder that comes back begins a new run."""
