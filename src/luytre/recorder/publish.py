"""The recorder's side of the local socket: states to everyone connected, samples to those who watch (design/live.md).

Promises   a subscriber that does not read, or sends nonsense, costs the recorder nothing but its own connection.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import count
from pathlib import Path

from luytre.archive.keys import StreamKey
from luytre.base import local_socket
from luytre.base.errors import Error
from luytre.media.tracks import Sample
from luytre.recorder import wire
from luytre.recorder.run import Run
from luytre.recorder.state import StreamState

# Unsent bytes of one subscriber; beyond, its samples are dropped until the next keyframe.
SEND_BUFFER = 4 << 20


class LiveTimes:
    """Decode times for samples that go out at once (design/live.md, "Decode times")."""

    def __init__(self) -> None:
        self._last_pts: int | None = None
        self._last_dts = 0
        self._max_pts = 0
        self._step = 3600
        self._reorders = False

    def dts(self, pts: int, key: bool) -> int:
        """Ascending; equal to pts for streams that do not reorder."""
        if self._last_pts is None:
            self._last_pts = self._max_pts = pts
            self._last_dts = pts
            return pts
        if pts < self._max_pts:
            self._reorders = True
        elif not self._reorders and 0 < pts - self._last_pts < 90_000:
            self._step = pts - self._last_pts
        if self._reorders and 0 < abs(pts - self._last_pts) < self._step:
            self._step = abs(pts - self._last_pts)
        dts = self._last_dts + self._step if self._reorders and not key else pts
        self._last_dts = max(dts, self._last_dts + 1)
        self._last_pts = pts
        self._max_pts = max(self._max_pts, pts)
        return self._last_dts


class Channel:
    """One watched stream of one subscriber: number, and whether it waits for a keyframe."""

    __slots__ = ("number", "run_id", "times", "waits")

    def __init__(self, number: int) -> None:
        self.number = number
        self.run_id = ""
        self.waits = True
        self.times = LiveTimes()


class Subscriber:
    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.channels: dict[StreamKey, Channel] = {}
        # It was behind when a state changed, so it needs to hear them all.
        self.missed_states = False
        # Bytes of running GOPs handed out at once: these do not count as being behind.
        self._burst = 0

    def send(self, frame: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(frame)

    def is_behind(self) -> bool:
        size = self._writer.transport.get_write_buffer_size()
        if size <= SEND_BUFFER:
            self._burst = 0
        return size > SEND_BUFFER + self._burst

    def close(self) -> None:
        self._writer.close()

    def begin(self, channel: Channel, key: StreamKey, run: Run) -> None:
        """Tell the tracks of a run that is new to this channel."""
        channel.run_id, channel.waits, channel.times = run.id, True, LiveTimes()
        self.send(
            wire.json_frame(
                wire.TRACKS,
                {
                    "channel": channel.number,
                    "camera": key.camera,
                    "stream": key.stream,
                    "run": run.id,
                    "tracks": wire.tracks_to_json(list(run.tracks)),
                },
            )
        )

    def join(self, channel: Channel, run: Run) -> None:
        """From the run's last keyframe on, at once: the first picture need not wait for the next one."""
        if self.is_behind():
            return
        before, self._burst = self._burst, 1 << 62
        for track, sample in run.gop:
            self.sample(channel, run, track, sample, _wall_us(run, track, sample))
        self._burst = before + sum(len(sample.data) for _, sample in run.gop)

    def sample(self, channel: Channel, run: Run, track: int, sample: Sample, wall_us: int) -> None:
        if track == 0:
            if self.is_behind():
                channel.waits = True
                return
            if channel.waits and not sample.key:
                return
            if channel.waits:
                channel.waits, channel.times = False, LiveTimes()
            pts = run.ticks(sample.pts)
            dts = channel.times.dts(pts, sample.key)
        elif channel.waits:
            return
        else:
            pts = dts = sample.pts
        frame = wire.WireSample(channel.number, track, sample.key, pts, dts, wall_us, sample.data)
        self.send(wire.sample_frame(frame))


class Publisher:
    """`on_watch(key, watched)` when the first subscriber comes or the last one goes; `run_of(key)` the
    stream's present run; `on_trigger(camera, at_us, active_s)` when somebody saw something move.
    """

    def __init__(
        self,
        states: Callable[[], list[StreamState]],
        on_watch: Callable[[StreamKey, bool], None],
        run_of: Callable[[StreamKey], Run | None],
        on_trigger: Callable[[str, int, float], None] = lambda camera, at_us, active_s: None,
    ) -> None:
        self._states = states
        self._on_watch = on_watch
        self._run_of = run_of
        self._on_trigger = on_trigger
        self._subscribers: set[Subscriber] = set()
        self._watchers: dict[StreamKey, list[Subscriber]] = {}
        self._numbers = count(1)
        self._server: asyncio.Server | None = None

    async def start(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, sock=local_socket.listen(path))
        path.chmod(0o600)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for subscriber in list(self._subscribers):
            subscriber.close()

    def is_watched(self, key: StreamKey) -> bool:
        return key in self._watchers

    def state(self, state: StreamState) -> None:
        if self._subscribers:
            frame = wire.json_frame(wire.STATE, state.to_json())
            for subscriber in self._subscribers:
                if subscriber.is_behind():
                    subscriber.missed_states = True
                elif subscriber.missed_states:
                    self._tell_all(subscriber)
                else:
                    subscriber.send(frame)

    def _tell_all(self, subscriber: Subscriber) -> None:
        subscriber.missed_states = False
        for state in self._states():
            subscriber.send(wire.json_frame(wire.STATE, state.to_json()))

    def sample(self, run: Run, track: int, sample: Sample, _received_us: int) -> None:
        """HOT: called for each sample of each stream; returns at once for those that nobody watches."""
        watchers = self._watchers.get(run.key)
        if watchers is None:
            return
        for subscriber in watchers:
            channel = subscriber.channels[run.key]
            if channel.run_id != run.id:
                self._begin(subscriber, channel, run)
                continue
            subscriber.sample(channel, run, track, sample, _wall_us(run, track, sample))

    def _begin(self, subscriber: Subscriber, channel: Channel, run: Run) -> None:
        """The sample at hand is in the run's GOP already."""
        subscriber.begin(channel, run.key, run)
        subscriber.join(channel, run)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        subscriber = Subscriber(writer)
        self._subscribers.add(subscriber)
        splitter = wire.Splitter(max_frame=4096)
        try:
            self._tell_all(subscriber)
            while data := await reader.read(4096):
                for kind, payload in splitter.feed(data):
                    self._command(subscriber, kind, payload)
        except (OSError, Error, ValueError, ArithmeticError, KeyError, TypeError, RecursionError):
            # Gone, or talks nonsense: either way this connection is over.
            pass
        finally:
            self._subscribers.discard(subscriber)
            for key in list(subscriber.channels):
                self._unwatch(subscriber, key)
            writer.close()

    def _command(self, subscriber: Subscriber, kind: bytes, payload: bytes) -> None:
        fields = json.loads(payload)
        if kind == wire.TRIGGER:
            self._on_trigger(str(fields["camera"]), int(fields["at_us"]), float(fields["active_s"]))
            return
        key = StreamKey(str(fields["camera"]), str(fields["stream"]))
        if kind == wire.WATCH and key not in subscriber.channels:
            channel = subscriber.channels[key] = Channel(next(self._numbers))
            watchers = self._watchers.setdefault(key, [])
            watchers.append(subscriber)
            if len(watchers) == 1:
                self._on_watch(key, True)
            run = self._run_of(key)
            if run is not None:
                self._begin(subscriber, channel, run)
        elif kind == wire.UNWATCH:
            self._unwatch(subscriber, key)

    def _unwatch(self, subscriber: Subscriber, key: StreamKey) -> None:
        if subscriber.channels.pop(key, None) is None:
            return
        watchers = self._watchers[key]
        watchers.remove(subscriber)
        if not watchers:
            del self._watchers[key]
            self._on_watch(key, False)


def _wall_us(run: Run, track: int, sample: Sample) -> int:
    return run.mapping.live(sample.pts) if track == 0 else 0
