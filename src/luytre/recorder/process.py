"""One recorder process: its share of the streams, the writers of the volumes, the local socket.

Promises   follows the plan file within a second; ends gracefully on SIGTERM or SIGINT with everything handed over written.
Does not   need the web, the database, or a supervisor to go on.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from dataclasses import dataclass
from pathlib import Path

from luytre.archive.keeper import Keeper
from luytre.archive.keys import Cause, StreamKey
from luytre.archive.retention import Policy
from luytre.archive.volume import open_volume
from luytre.archive.writer import DiskWriter
from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error
from luytre.recorder.drain import Drainer
from luytre.recorder.log import log
from luytre.recorder.plan import Plan, StreamPlan, VolumePlan, load
from luytre.recorder.publish import Publisher
from luytre.recorder.run import Run
from luytre.recorder.state import StreamState
from luytre.recorder.stream import StreamRecorder

PLAN_LOOK_S = 1.0
VOLUME_RETRY_S = 10.0
KEEPER_EVERY_S = 60.0
STOP_S = 8.0


@dataclass(slots=True)
class _Active:
    recorder: StreamRecorder
    task: asyncio.Task[None]


class RecorderProcess:
    def __init__(self, directory: Path, shard: int, shards: int, clock: Clock = SYSTEM) -> None:
        self._directory = directory
        self._shard, self._shards = shard, shards
        self._clock = clock
        self._drainer = Drainer()
        self._publisher = Publisher(self._states, self._watch, self._run_of)
        self._active: dict[StreamKey, _Active] = {}
        self._waiting: dict[StreamKey, StreamState] = {}
        self._writers: dict[str, DiskWriter] = {}
        self._keepers: dict[str, Keeper] = {}
        self._policies: dict[str, Policy] = {}
        self._plan = Plan()
        self._plan_mark: tuple[int, int, int] | None = None
        self._volumes_at_s = 0.0

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        await self._publisher.start(self._directory / "run" / f"recorder-{self._shard}.sock")
        drainer = asyncio.create_task(self._drainer.run())
        log("recorder started", shard=self._shard, shards=self._shards)
        # What is alive now stays: the collector need not look at it again.
        gc.freeze()
        while not stopping.is_set():
            await self._follow_plan()
            try:
                await asyncio.wait_for(stopping.wait(), PLAN_LOOK_S)
            except TimeoutError:
                continue
        for key in list(self._active):
            await self._end(key, Cause.NODE_STOPPED)
        drainer.cancel()
        await self._publisher.stop()
        await asyncio.to_thread(self._close)
        log("recorder stopped", shard=self._shard)

    def _close(self) -> None:
        for keeper in self._keepers.values():
            keeper.stop()
        for writer in self._writers.values():
            writer.stop()
        for thread in [*self._keepers.values(), *self._writers.values()]:
            thread.join(STOP_S)

    # -- the plan ---------------------------------------------------------------------------------------------

    async def _follow_plan(self) -> None:
        path = self._directory / "run" / "plan.json"
        try:
            found = path.stat()
            mark = (found.st_mtime_ns, found.st_ino, found.st_size)
            if mark != self._plan_mark:
                self._plan = load(path)
                self._plan_mark = mark
                await self._apply()
            elif self._waiting and self._clock.monotonic_s() >= self._volumes_at_s:
                await self._apply()
        except OSError:
            # Not written yet, or being replaced: what runs goes on.
            return
        except Error as error:
            log("plan not taken", error=str(error))

    async def _apply(self) -> None:
        mine = {s.key: s for s in self._plan.streams if s.shard(self._shards) == self._shard}
        for key, active in list(self._active.items()):
            if key not in mine:
                await self._end(key, Cause.CAMERA_DISABLED)
            elif mine[key] != active.recorder.plan:
                await self._end(key, Cause.CONNECTING)
        self._waiting.clear()
        self._volumes_at_s = self._clock.monotonic_s() + VOLUME_RETRY_S
        volumes = {volume.path: volume for volume in self._plan.volumes}
        for path, volume in volumes.items():
            self._policies[path] = Policy(volume.days, volume.max_bytes, volume.reserve_bytes)
            await self._open(volume)
        for key, stream in mine.items():
            if key not in self._active:
                self._begin(stream)

    async def _open(self, volume: VolumePlan) -> None:
        writer = self._writers.get(volume.path)
        if writer is not None and writer.is_alive():
            return
        try:
            found = await asyncio.to_thread(open_volume, self._path(volume.path))
            keeper = Keeper(
                found,
                lambda: self._policies[volume.path],
                every_s=KEEPER_EVERY_S,
                clock=self._clock,
                on_error=lambda what: log("keeper", problem=what),
            )
            writer = DiskWriter(
                found,
                flush_s=volume.flush_s,
                segment_s=self._plan.segment_s,
                clock=self._clock,
                on_full=keeper.sweep_soon,
                on_error=lambda what: log("writer", problem=what),
            )
            writer.start()
            await asyncio.wrap_future(writer.ready)
        except Error as error:
            log("volume not taken", volume=volume.path, error=str(error))
            return
        self._writers[volume.path] = writer
        if self._shard == 0:
            self._keepers[volume.path] = keeper
            keeper.start()

    def _path(self, path: str) -> Path:
        """Volumes may be given relative to the node's directory."""
        return self._directory / path

    # -- streams ----------------------------------------------------------------------------------------------

    def _begin(self, plan: StreamPlan) -> None:
        writer = self._writers.get(plan.volume)
        if writer is None:
            state = StreamState(
                plan.camera,
                plan.stream,
                "retrying",
                Cause.DISK_ERROR,
                f"volume {plan.volume} is not there",
                self._clock.wall_us(),
            )
            self._waiting[plan.key] = state
            self._publisher.state(state)
            return
        recorder = StreamRecorder(
            plan,
            writer,
            self._drainer,
            self._clock,
            self._publisher.state,
            self._publisher.sample,
            lambda: self._publisher.is_watched(plan.key),
        )
        task = asyncio.create_task(recorder.run(), name=f"{plan.code}/{plan.stream}")
        task.add_done_callback(self._surprised)
        self._active[plan.key] = _Active(recorder, task)
        self._publisher.state(recorder.state)

    def _surprised(self, task: asyncio.Task[None]) -> None:
        """A stream's task only ends when cancelled. Anything else is a defect: say so and begin that stream again."""
        if task.cancelled() or task.exception() is None:
            return
        log("stream task failed", stream=task.get_name(), error=repr(task.exception()))
        for key, active in list(self._active.items()):
            if active.task is task:
                del self._active[key]
                asyncio.get_running_loop().call_later(1.0, self._begin_again, key)

    def _begin_again(self, key: StreamKey) -> None:
        for stream in self._plan.streams:
            if stream.key == key and key not in self._active:
                self._begin(stream)

    async def _end(self, key: StreamKey, cause: Cause) -> None:
        active = self._active.pop(key)
        active.recorder.end_cause = cause
        active.task.cancel()
        await asyncio.wait([active.task])

    def _states(self) -> list[StreamState]:
        return [active.recorder.state for active in self._active.values()] + list(self._waiting.values())

    def _watch(self, key: StreamKey, watched: bool) -> None:
        active = self._active.get(key)
        if active is not None:
            active.recorder.watch(watched)

    def _run_of(self, key: StreamKey) -> Run | None:
        active = self._active.get(key)
        drain = active.recorder.drain if active is not None else None
        return drain.ingest.run if drain is not None else None
