"""One recorder process: its share of the streams, the writers of the volumes, the local socket.

Promises   follows the plan file within a second; ends gracefully on SIGTERM or SIGINT with everything handed over written.
Does not   need the web, the database, or a supervisor to go on.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from zoneinfo import ZoneInfoNotFoundError

from luytre.archive.alarm import Alarm
from luytre.archive.disk import Disk, OsDisk
from luytre.archive.health import HANG_S
from luytre.archive.journaled import JOURNAL_FLUSH_S, JournaledDisk
from luytre.archive.keeper import Keeper
from luytre.archive.keys import Cause, StreamKey
from luytre.archive.retention import Policy
from luytre.archive.volume import Volume
from luytre.archive.writer import DiskWriter
from luytre.base import log
from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error
from luytre.recorder.berth import Berth
from luytre.recorder.connection import Approach
from luytre.recorder.drain import Drainer
from luytre.recorder.gate import Gate, OpenGate, changed, gate_of
from luytre.recorder.outlet import Outlet
from luytre.recorder.plan import Plan, StreamPlan, VolumePlan, load
from luytre.recorder.publish import Publisher
from luytre.recorder.run import Run
from luytre.recorder.state import StreamState
from luytre.recorder.stream import PACE, Pace, StreamRecorder
from luytre.recorder.trust import Trust
from luytre.recorder.turns import Turns

_log = log.get("recorder")

PLAN_LOOK_S = 1.0
VOLUME_RETRY_S = 10.0
KEEPER_EVERY_S = 60.0
STOP_S = 8.0


@dataclass(slots=True)
class _Active:
    recorder: StreamRecorder
    task: asyncio.Task[None]


class RecorderProcess:
    """`pace`, `volume_retry_s` and `hang_s` are for those who cannot wait; `disk_of`: what a volume is written through."""

    def __init__(
        self,
        directory: Path,
        shard: int,
        shards: int,
        clock: Clock = SYSTEM,
        *,
        pace: Pace = PACE,
        volume_retry_s: float = VOLUME_RETRY_S,
        hang_s: float = HANG_S,
        disk_of: Callable[[VolumePlan], Disk] = lambda _: OsDisk(),
    ) -> None:
        self._directory = directory
        self._shard, self._shards = shard, shards
        self._clock = clock
        self._pace = pace
        self._volume_retry_s, self._hang_s, self._disk_of = volume_retry_s, hang_s, disk_of
        self._drainer = Drainer(pace.patience.look_s)
        self._turns = Turns(shards)
        self._stopping = asyncio.Event()
        self._publisher = Publisher(self._states, self._watch, self._run_of, self._trigger)
        self._active: dict[StreamKey, _Active] = {}
        self._berths: dict[str, Berth] = {}
        self._opening: set[asyncio.Task[None]] = set()
        # By path, as the plan gives it.
        self._keepers: dict[str, Keeper] = {}
        self._policies: dict[str, Policy] = {}
        self._retired: list[DiskWriter | Keeper] = []
        self._plan = Plan()
        self._plan_mark: tuple[int, int, int] | None = None
        self._volumes_at_s = 0.0
        self._told: dict[str, str] = {}

    async def run(self) -> int:
        """Until stop() or a signal. The exit code: 0, or 1 when it has to be started again to get clean."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        try:
            await self._publisher.start(self._directory / "run" / f"recorder-{self._shard}.sock")
        except OSError as error:
            # Recording does not need it; live pictures and states are missing until the cause is removed.
            _log.warning("local socket not opened", error=str(error))
        drainer = asyncio.create_task(self._drainer.run())
        _log.info("recorder started", shard=self._shard, shards=self._shards)
        # What is alive now stays: the collector need not look at it again.
        gc.freeze()
        code = 0
        while not self._stopping.is_set():
            await self._follow_plan()
            self._tend()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), PLAN_LOOK_S)
            if self._has_dead_writer():
                code = 1
                break
        await self._end(list(self._active), Cause.NODE_STOPPED)
        drainer.cancel()
        for task in self._opening:
            task.cancel()
        await self._publisher.stop()
        await asyncio.to_thread(self._close)
        _log.info("recorder stopped", shard=self._shard)
        return code

    def stop(self) -> None:
        """Ask run() to end gracefully."""
        self._stopping.set()

    def _close(self) -> None:
        threads: list[DiskWriter | Keeper] = [*self._keepers.values(), *self._writers()]
        for thread in threads:
            thread.stop()
        # Together: one disk that hangs must not take the time of the others.
        until_s = self._clock.monotonic_s() + STOP_S
        for thread in [*threads, *self._retired]:
            thread.join(max(until_s - self._clock.monotonic_s(), 0.0))

    def _writers(self) -> list[DiskWriter]:
        return [berth.writer for berth in self._berths.values() if berth.writer is not None]

    # -- the plan ---------------------------------------------------------------------------------------------

    async def _follow_plan(self) -> None:
        path = self._directory / "run" / "plan.json"
        try:
            found = path.stat()
            mark = (found.st_mtime_ns, found.st_ino, found.st_size)
            if mark != self._plan_mark:
                self._plan_mark = mark
                self._plan = load(path)
                await self._apply()
        except OSError:
            # Not written yet, or being replaced: what runs goes on.
            return
        except Error as error:
            _log.warning("plan not taken", error=str(error))

    def _has_dead_writer(self) -> bool:
        """A writer's thread never ends by itself. What died with it (open files, locks) only goes with the process."""
        dead = [writer for writer in self._writers() if not writer.is_alive()]
        for writer in dead:
            _log.error("writer died, the recorder begins again", volume=str(writer.volume.path))
        return bool(dead)

    async def _apply(self) -> None:
        mine = {s.key: s for s in self._plan.streams if s.shard(self._shards) == self._shard}
        plans = {key: active.recorder.plan for key, active in self._active.items()}
        await self._end([key for key in plans if key not in mine], Cause.CAMERA_DISABLED)
        others = [
            key for key in plans if key in mine and not self._goes_on(self._active[key].recorder, mine[key])
        ]
        await self._end(others, Cause.CONNECTING)
        self._volumes_at_s = 0.0
        for volume in self._plan.volumes:
            self._policies[volume.path] = Policy(
                self._plan.promises, volume.max_bytes, volume.reserve_bytes, self._plan.alarm_days
            )
            self._berth(volume.path)
        self._tend()
        for key, stream in mine.items():
            if key not in self._active:
                self._begin(stream)

    # -- volumes ----------------------------------------------------------------------------------------------

    def _berth(self, path: str) -> Berth:
        """Volumes may be given relative to the node's directory."""
        return self._berths.setdefault(path, Berth(path, self._directory / path))

    def _tend(self) -> None:
        """Now and then: look for the volumes that are not there."""
        now_s = self._clock.monotonic_s()
        if now_s < self._volumes_at_s:
            return
        self._volumes_at_s = now_s + self._volume_retry_s
        for volume in self._plan.volumes:
            if self._berth(volume.path).needs_opening:
                task = asyncio.create_task(self._open(volume), name=f"open {volume.path}")
                self._opening.add(task)
                task.add_done_callback(self._opened)

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("volume not opened, a defect", task=task.get_name(), error=repr(task.exception()))

    async def _open(self, volume: VolumePlan) -> None:
        berth = self._berth(volume.path)
        keeper: Keeper | None = None

        def make(found: Volume) -> DiskWriter:
            nonlocal keeper
            keeper = self._keeper(volume.path, found)
            return self._writer(volume, found, keeper)

        def retire(writer: DiskWriter) -> None:
            old = self._keepers.pop(volume.path, None)
            self._retired += [writer] if old is None else [writer, old]
            for thread in self._retired:
                thread.stop()

        opened = await berth.open(lambda: list(self._berths.values()), make, retire)
        problem = "" if berth.problem is None else f"{berth.problem} {berth.problem.hint}"
        if problem and self._told.get(volume.path) != problem:
            _log.warning("volume not taken", volume=volume.path, error=problem)
        self._told[volume.path] = problem
        if opened is not None and keeper is not None and self._shard == 0:
            self._keepers[volume.path] = keeper
            keeper.start()

    def _keeper(self, path: str, found: Volume) -> Keeper:
        return Keeper(
            found,
            lambda: self._policies[path],
            every_s=KEEPER_EVERY_S,
            clock=self._clock,
            on_error=lambda what: _log.warning("keeper", problem=what),
            on_alarm=lambda alarm: _log_alarm(path, alarm),
            absence=lambda key: self._absence(path, key),
        )

    def _absence(self, path: str, key: StreamKey) -> Cause | None:
        """Why a volume gets nothing of a stream any more; None while it may."""
        volumes = [{stream.volume, *stream.spares} for stream in self._plan.streams if stream.key == key]
        if not volumes:
            return Cause.CAMERA_DISABLED
        return None if any(path in own for own in volumes) else Cause.ELSEWHERE

    def _writer(self, volume: VolumePlan, found: Volume, keeper: Keeper) -> DiskWriter:
        return DiskWriter(
            found,
            flush_s=JOURNAL_FLUSH_S if volume.journal else volume.flush_s,
            segment_s=self._plan.segment_s,
            clock=self._clock,
            disk=self._disk(volume),
            hang_s=self._hang_s,
            on_full=keeper.sweep_soon,
            on_error=lambda what: _log.warning("writer", problem=what),
        )

    def _disk(self, volume: VolumePlan) -> Disk:
        disk = self._disk_of(volume)
        if not volume.journal:
            return disk
        return JournaledDisk(
            disk,
            self._directory / volume.journal,
            volume.flush_s,
            clock=self._clock,
            on_error=lambda what: _log.warning("journal", volume=volume.path, problem=what),
        )

    # -- streams ----------------------------------------------------------------------------------------------

    def _begin(self, plan: StreamPlan) -> None:
        berths = [self._berth(path) for path in dict.fromkeys((plan.volume, *plan.spares))]
        outlet = Outlet(plan.key, plan.code, plan.retention, berths, self._clock, self._pace.return_s)
        recorder = StreamRecorder(
            plan,
            outlet,
            self._drainer,
            self._clock,
            self._publisher.state,
            self._publisher.sample,
            lambda: self._publisher.is_watched(plan.key),
            self._gate(plan),
            self._pace,
            self._approach(plan),
            self._turns,
        )
        task = asyncio.create_task(recorder.run(), name=f"{plan.code}/{plan.stream}")
        task.add_done_callback(self._surprised)
        self._active[plan.key] = _Active(recorder, task)
        self._publisher.state(recorder.state)

    def _approach(self, plan: StreamPlan) -> Approach:
        unix = self._directory / plan.socket if plan.socket else None
        return Approach(plan.transport, Trust(self._directory, plan.camera).check, unix)

    def _goes_on(self, recorder: StreamRecorder, plan: StreamPlan) -> bool:
        """Whether what is new in its plan costs a stream nothing."""
        if recorder.plan == plan:
            return True
        try:
            if not recorder.plan.goes_on_as(plan) or not changed(recorder.gate, plan, self._plan.zone):
                return False
        except (Error, ZoneInfoNotFoundError):
            # It begins anew, and keeps everything.
            return False
        recorder.follow(plan, [self._berth(path) for path in dict.fromkeys(plan.spares)])
        return True

    def _gate(self, plan: StreamPlan) -> Gate:
        try:
            return gate_of(plan, self._plan.zone)
        except (Error, ZoneInfoNotFoundError) as error:
            # Too much is kept rather than too little.
            _log.error("recording hours not taken", camera=plan.code, error=str(error))
            return OpenGate()

    def _trigger(self, camera: str, at_us: int, active_s: float) -> None:
        for key, active in self._active.items():
            if key.camera == camera:
                active.recorder.trigger(at_us, active_s)

    def _surprised(self, task: asyncio.Task[None]) -> None:
        """A stream's task only ends when cancelled. Anything else is a defect: say so and begin that stream again."""
        if task.cancelled() or task.exception() is None:
            return
        _log.error("stream task failed", stream=task.get_name(), error=repr(task.exception()))
        for key, active in list(self._active.items()):
            if active.task is task:
                del self._active[key]
                asyncio.get_running_loop().call_later(1.0, self._begin_again, key)

    def _begin_again(self, key: StreamKey) -> None:
        for stream in self._plan.streams:
            if stream.key == key and key not in self._active and not self._stopping.is_set():
                self._begin(stream)

    async def _end(self, keys: Sequence[StreamKey], cause: Cause) -> None:
        ending = [self._active.pop(key) for key in keys]
        for active in ending:
            active.recorder.end_cause = cause
            active.task.cancel()
        if ending:
            await asyncio.wait([active.task for active in ending])

    def _states(self) -> list[StreamState]:
        return [active.recorder.state for active in self._active.values()]

    def _watch(self, key: StreamKey, watched: bool) -> None:
        active = self._active.get(key)
        if active is not None:
            active.recorder.watch(watched)

    def _run_of(self, key: StreamKey) -> Run | None:
        active = self._active.get(key)
        drain = active.recorder.drain if active is not None else None
        return drain.ingest.run if drain is not None else None


def _log_alarm(volume: str, alarm: Alarm | None) -> None:
    if alarm is None:
        _log.info("the promise can be held again", volume=volume)
    else:
        _log.warning("the promise cannot be held", volume=volume, **asdict(alarm))
