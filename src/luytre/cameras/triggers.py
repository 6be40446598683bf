"""Triggers to the recorders: something moved in front of a camera (design/modes.md).

Does not   get pictures: it asks the recorders for none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from luytre.archive.keys import StreamKey
from luytre.media.tracks import Track
from luytre.recorder.state import StreamState
from luytre.recorder.subscribe import RecorderLink, RecorderLinks
from luytre.recorder.wire import WireSample


class Triggers:
    """`sockets` gives the recorders' sockets; they may come and go."""

    def __init__(self, sockets: Callable[[], Sequence[Path]]) -> None:
        self._links = RecorderLinks(sockets, self)

    def send(self, camera: str, at_us: int, active_s: float) -> None:
        """To all recorders: the one that has the camera knows. Lost while it is away."""
        self._links.trigger(camera, at_us, active_s)

    async def run(self) -> None:
        """Keep the links to the recorders alive until cancelled."""
        await self._links.run()

    # -- LinkEvents: nothing of it is asked for -----------------------------------------------------------------

    def on_state(self, link: RecorderLink, state: StreamState) -> None: ...

    def on_tracks(self, key: StreamKey, run_id: str, tracks: list[Track]) -> None: ...

    def on_sample(self, key: StreamKey, sample: WireSample) -> None: ...

    def on_down(self, link: RecorderLink) -> None: ...
