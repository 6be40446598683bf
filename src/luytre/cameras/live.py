"""The live hub: samples from the recorders become fragments, once per stream, for any number of viewers (design/live.md).

Promises   a stream that nobody watches costs nothing; its channel makes the fragments (channel.py).
Does not   ask who may watch: `viewing` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path

from luytre.archive.keys import StreamKey
from luytre.cameras.channel import Channel, LiveMessage, LiveState, Tap, Viewer
from luytre.media.tracks import Track
from luytre.recorder.state import StreamState
from luytre.recorder.subscribe import RecorderLink, RecorderLinks
from luytre.recorder.wire import WireSample

# Seconds for which a stream nobody watches any more stays subscribed: switching tabs back and forth is cheap.
LINGER_S = 5.0


class LiveHub:
    """`sockets` gives the recorders' sockets; they may come and go."""

    def __init__(self, sockets: Callable[[], Sequence[Path]]) -> None:
        self._links = RecorderLinks(sockets, self)
        self._states: dict[StreamKey, tuple[RecorderLink, StreamState]] = {}
        self._channels: dict[StreamKey, Channel] = {}

    async def run(self) -> None:
        """Keep the links to the recorders alive until cancelled."""
        await self._links.run()

    def state(self, key: StreamKey) -> StreamState | None:
        known = self._states.get(key)
        return None if known is None else known[1]

    def states(self) -> dict[StreamKey, StreamState]:
        return {key: state for key, (_, state) in self._states.items()}

    def viewers(self) -> int:
        return sum(len(channel.viewers) for channel in self._channels.values())

    async def watch(self, key: StreamKey) -> AsyncGenerator[LiveMessage, None]:
        """Endless: the state at once, then init and fragments as they come. Close the iterator to stop watching."""
        viewer = Viewer()
        viewer.put(LiveState(self.state(key)))
        channel = self._channel(key)
        channel.join(viewer)
        try:
            while True:
                yield await viewer.get()
        finally:
            channel.viewers.discard(viewer)
            self._let_go(key, channel)

    def tap(self, key: StreamKey, tap: Tap, *, replay: bool = True) -> None:
        """Samples as they come, for who makes something else of them; the tap is told the state at once."""
        tap.on_state(self.state(key))
        self._channel(key).tap(tap, replay=replay)

    def untap(self, key: StreamKey, tap: Tap) -> None:
        """No more of them."""
        channel = self._channels.get(key)
        if channel is not None:
            channel.taps.discard(tap)
            self._let_go(key, channel)

    def _channel(self, key: StreamKey) -> Channel:
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = Channel()
            self._links.watch(key)
        return channel

    def _let_go(self, key: StreamKey, channel: Channel) -> None:
        if not channel.wanted:
            asyncio.get_running_loop().call_later(LINGER_S, self._leave, key)

    def _leave(self, key: StreamKey) -> None:
        channel = self._channels.get(key)
        if channel is not None and not channel.wanted:
            del self._channels[key]
            self._links.unwatch(key)

    # -- LinkEvents -------------------------------------------------------------------------------------------

    def on_state(self, link: RecorderLink, state: StreamState) -> None:
        key = StreamKey(state.camera, state.stream)
        self._states[key] = link, state
        if key in self._channels:
            self._channels[key].tell(state)

    def on_tracks(self, key: StreamKey, run_id: str, tracks: list[Track]) -> None:
        if key in self._channels:
            self._channels[key].begin(tracks)

    def on_sample(self, key: StreamKey, sample: WireSample) -> None:
        if key in self._channels:
            self._channels[key].sample(sample)

    def on_down(self, link: RecorderLink) -> None:
        for key, (owner, _) in list(self._states.items()):
            if owner is link:
                del self._states[key]
                if key in self._channels:
                    self._channels[key].tell(None)
