"""Triggers to the recorders: something moved in front of a camera (design/modes.md).

Does not   get pictures: it asks the recorders for none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from luytre.archive.keys import StreamKey
from luytre.media.tracks import Track
from luytre.recorder.state import StreamState
from luytre.recorder.subscribe import RecorderLink
from luytre.recorder.wire import WireSample

# How often the set of recorder sockets is looked at.
LOOK_S = 1.0


class Triggers:
    """`sockets` gives the recorders' sockets; they may come and go."""

    def __init__(self, sockets: Callable[[], Sequence[Path]]) -> None:
        self._sockets = sockets
        self._links: dict[Path, tuple[RecorderLink, asyncio.Task[None]]] = {}

    def send(self, camera: str, at_us: int, active_s: float) -> None:
        """To all recorders: the one that has the camera knows. Lost while it is away."""
        for link, _ in self._links.values():
            link.trigger(camera, at_us, active_s)

    async def run(self) -> None:
        """Keep the links alive until cancelled."""
        try:
            while True:
                wanted = set(self._sockets())
                for path in wanted - set(self._links):
                    link = RecorderLink(path, self)
                    self._links[path] = link, asyncio.create_task(link.run())
                for path in set(self._links) - wanted:
                    self._links.pop(path)[1].cancel()
                await asyncio.sleep(LOOK_S)
        finally:
            for _, task in self._links.values():
                task.cancel()

    # -- LinkEvents: nothing of it is asked for -----------------------------------------------------------------

    def on_state(self, link: RecorderLink, state: StreamState) -> None: ...

    def on_tracks(self, key: StreamKey, run_id: str, tracks: list[Track]) -> None: ...

    def on_sample(self, key: StreamKey, sample: WireSample) -> None: ...

    def on_down(self, link: RecorderLink) -> None: ...
