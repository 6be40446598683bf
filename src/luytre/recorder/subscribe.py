"""A subscriber's side of the local socket: one link per recorder process, connecting again for ever (design/live.md)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from luytre.archive.keys import StreamKey
from luytre.base import local_socket
from luytre.base.errors import Error
from luytre.media.tracks import Track
from luytre.recorder import wire
from luytre.recorder.state import StreamState

RETRY_S = 0.5
# How often the set of recorder sockets is looked at.
LOOK_S = 1.0


class LinkEvents(Protocol):
    """What a link tells; called in the event loop."""

    def on_state(self, link: RecorderLink, state: StreamState) -> None: ...

    def on_tracks(self, key: StreamKey, run_id: str, tracks: list[Track]) -> None: ...

    def on_sample(self, key: StreamKey, sample: wire.WireSample) -> None: ...

    def on_down(self, link: RecorderLink) -> None:
        """The recorder is gone: what it said last is not true any more."""


class RecorderLink:
    """Run it as a task. Watches are remembered over reconnects."""

    def __init__(self, path: Path, events: LinkEvents) -> None:
        self.path = path
        self._events = events
        self._watched: set[StreamKey] = set()
        self._writer: asyncio.StreamWriter | None = None
        self._channels: dict[int, StreamKey] = {}

    def watch(self, key: StreamKey) -> None:
        self._watched.add(key)
        self._send(wire.WATCH, key)

    def unwatch(self, key: StreamKey) -> None:
        self._watched.discard(key)
        self._send(wire.UNWATCH, key)

    def trigger(self, camera: str, at_us: int, active_s: float) -> None:
        """Something moved in front of a camera at `at_us` and goes on for `active_s`; lost while the recorder is away."""
        self._say(wire.TRIGGER, {"camera": camera, "at_us": at_us, "active_s": active_s})

    def _send(self, kind: bytes, key: StreamKey) -> None:
        self._say(kind, key._asdict())

    def _say(self, kind: bytes, fields: dict[str, Any]) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(wire.json_frame(kind, fields))

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._follow()
            except (OSError, Error, ValueError, KeyError, TypeError, struct.error):
                # Gone, or of a version that talks differently: either way a new connection begins clean.
                pass
            finally:
                if self._writer is not None:
                    self._writer.close()
                    self._writer = None
                    self._events.on_down(self)
            await asyncio.sleep(RETRY_S)

    async def _follow(self) -> None:
        reader, self._writer = await asyncio.open_unix_connection(sock=local_socket.dial(self.path))
        self._channels.clear()
        for key in self._watched:
            self._send(wire.WATCH, key)
        splitter = wire.Splitter()
        while data := await reader.read(1 << 18):
            for kind, payload in splitter.feed(data):
                self._handle(kind, payload)

    def _handle(self, kind: bytes, payload: bytes) -> None:
        if kind == wire.SAMPLE:
            sample = wire.parse_sample(payload)
            key = self._channels.get(sample.channel)
            if key is not None and key in self._watched:
                self._events.on_sample(key, sample)
        elif kind == wire.STATE:
            # A recorder of another version may know more fields; it is restarted with us, so this does not last.
            with contextlib.suppress(TypeError):
                self._events.on_state(self, StreamState.from_json(json.loads(payload)))
        elif kind == wire.TRACKS:
            fields = json.loads(payload)
            key = StreamKey(fields["camera"], fields["stream"])
            self._channels[fields["channel"]] = key
            self._events.on_tracks(key, fields["run"], wire.tracks_from_json(fields["tracks"]))


class RecorderLinks:
    """Links to all recorders of a node: `sockets` gives their sockets, which may come and go. Watches are remembered."""

    def __init__(self, sockets: Callable[[], Sequence[Path]], events: LinkEvents) -> None:
        self._sockets = sockets
        self._events = events
        self._watched: set[StreamKey] = set()
        self._links: dict[Path, tuple[RecorderLink, asyncio.Task[None]]] = {}

    def watch(self, key: StreamKey) -> None:
        self._watched.add(key)
        for link, _ in self._links.values():
            link.watch(key)

    def unwatch(self, key: StreamKey) -> None:
        self._watched.discard(key)
        for link, _ in self._links.values():
            link.unwatch(key)

    def trigger(self, camera: str, at_us: int, active_s: float) -> None:
        """To all: the one that has the camera knows. Lost while it is away."""
        for link, _ in self._links.values():
            link.trigger(camera, at_us, active_s)

    async def run(self) -> None:
        """Keep them alive until cancelled."""
        try:
            while True:
                wanted = set(self._sockets())
                for path in wanted - set(self._links):
                    link = RecorderLink(path, self._events)
                    for key in self._watched:
                        link.watch(key)
                    self._links[path] = link, asyncio.create_task(link.run())
                for path in set(self._links) - wanted:
                    self._links.pop(path)[1].cancel()
                await asyncio.sleep(LOOK_S)
        finally:
            for _, task in self._links.values():
                task.cancel()
