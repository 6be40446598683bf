"""One stream's life: connect, record, and again (state machine: connecting → recording → retrying → recording ...).

Promises   never gives up, never hurries: the wait grows from 1 s to 30 s with jitter (with a wrong password from
           1 to 5 minutes), and starts small again after a connection that was worth it; streams that lose their
           cameras together come back in turns. Once something failed the reason stays visible until pictures are recorded
           again.
Does not   know other streams; whatever happens here costs nobody else anything.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from luytre.archive.keys import Cause
from luytre.base.clock import Clock
from luytre.base.errors import Error
from luytre.recorder.berth import Berth
from luytre.recorder.connection import HANDSHAKE_S, Approach, connect
from luytre.recorder.drain import PATIENCE, Drain, Drainer, Patience
from luytre.recorder.gate import Gate
from luytre.recorder.ingest import Ingest
from luytre.recorder.outlet import RETURN_S, Outlet
from luytre.recorder.plan import StreamPlan
from luytre.recorder.run import OnSample, Target
from luytre.recorder.state import StreamState
from luytre.recorder.turns import Turns

STATISTICS_S = 5.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How a stream tries again, in seconds; the wait doubles from `first_s` to `longest_s`.

    auth_s, longest_auth_s  after a refused password: cameras lock out whoever keeps trying
    good_s                  after this much recording in one connection the wait starts small again: a camera that
                            closes every 30 s loses a second each time, not half of its pictures
    return_s                for so long its own volume must have been well before a stream comes back to it
    """

    first_s: float = 1.0
    longest_s: float = 30.0
    auth_s: float = 60.0
    longest_auth_s: float = 300.0
    good_s: float = 10.0
    handshake_s: float = HANDSHAKE_S
    return_s: float = RETURN_S
    patience: Patience = PATIENCE


PACE = Pace()


class StreamRecorder:
    def __init__(
        self,
        plan: StreamPlan,
        outlet: Outlet,
        drainer: Drainer,
        clock: Clock,
        on_state: Callable[[StreamState], None],
        on_sample: OnSample,
        is_watched: Callable[[], bool],
        gate: Gate,
        pace: Pace = PACE,
        approach: Approach | None = None,
        turns: Turns | None = None,
    ) -> None:
        self.plan = plan
        self.gate = gate
        self._outlet = outlet
        self._drainer = drainer
        self._clock = clock
        self._on_state = on_state
        self._on_sample = on_sample
        self._is_watched = is_watched
        self.drain: Drain | None = None
        self._floor_us = 0
        self._pace = pace
        self._wait_s = self._auth_wait_s = 0.0
        self._good = self._played = False
        self._approach = replace(
            approach or Approach(plan.transport), handshake_s=pace.handshake_s, clock=clock
        )
        # What the camera turned out to want where we may choose.
        self._transport = plan.transport
        self._turns = turns or Turns()
        # Why recording ends when this task is cancelled: set by whoever cancels it.
        self.end_cause = Cause.NODE_STOPPED
        self._failing_cause: str | None = None
        self._failing_since_us = 0
        self._counted = (0, 0, 0.0)
        self.state = StreamState(
            plan.camera, plan.stream, "connecting", None, "", clock.wall_us(), bytes_received=0
        )

    def follow(self, plan: StreamPlan, spares: Sequence[Berth]) -> None:
        """Another plan that goes on with the connection. The gate is changed by who made it."""
        self.plan = plan
        self._outlet.follow(plan.retention, spares)

    def trigger(self, at_us: int, active_s: float) -> None:
        """Something moved at `at_us` of the node's clock: the gate knows the times that recordings bear."""
        ingest = self.drain.ingest if self.drain is not None else None
        if ingest is not None and ingest.run is not None:
            at_us = ingest.run.placed(at_us)
        else:
            # The next run begins there at the earliest.
            at_us = max(at_us, self._floor_us if ingest is None else ingest.floor_us)
        self.gate.trigger(at_us, active_s)

    def watch(self, watched: bool) -> None:
        if self.drain is not None:
            self.drain.watched = watched

    async def run(self) -> None:
        """Until cancelled; the end is written to the ledger with `end_cause`."""
        try:
            await self._take_up()
            while True:
                self._good = self._played = False
                error = await self._attempt()
                if self._good:
                    self._wait_s = 0.0
                elif self._transport != self.plan.transport:
                    # It did not help: from the beginning.
                    self._transport = self.plan.transport
                await self._wait(error)
        finally:
            self._gap(self.end_cause)

    async def _take_up(self) -> None:
        """Heal and open the ledger; disks that refuse are asked again until one does not."""
        while (problem := await self._outlet.ready()) is not None:
            self._set(self._retrying(problem.cause, problem.message))
            await asyncio.sleep(self._pace.first_s)
        self._floor_us = self._outlet.floor_us

    async def _attempt(self) -> Error:
        """One connection, from the first word to its end; the Error says why it ended."""
        self._set(replace(self.state, retry_at_us=None))
        plan = self.plan
        try:
            connection = await connect(
                plan.url,
                plan.user,
                plan.password,
                audio=plan.audio,
                approach=replace(self._approach, transport=self._transport),
            )
        except Error as error:
            self._gap(error.cause, error.message)
            return error
        self._played = True
        if plan.transport == "auto" and connection.intake.transport == "udp":
            self._transport = "udp"
        target = Target(plan.key, plan.code, self._outlet, self._floor_us, self.gate)
        ingest = Ingest(connection.playing.tracks, target, self._clock, self._on_sample)
        self._counted = (0, 0, self._clock.monotonic_s())
        self._auth_wait_s = 0.0
        cause, detail = str(self.end_cause), ""
        try:
            self.drain = Drain(connection, ingest, self._clock, self._pace.patience)
            self.drain.watched = self._is_watched()
            self._drainer.add(self.drain)
            ended = await self._follow(self.drain)
            cause, detail = ended.cause, ended.message
            return ended
        except asyncio.CancelledError:
            cause = self.end_cause
            raise
        finally:
            if self.drain is not None:
                self._drainer.remove(self.drain)
                self.drain = None
            connection.close()
            # Whatever ended it, a defect included: a run must not stay open behind our back.
            self._finish(ingest, cause, detail)

    def _finish(self, ingest: Ingest, cause: str, detail: str) -> None:
        recorded = ingest.run is not None
        ingest.end(cause, detail)
        self._floor_us = max(self._floor_us, ingest.floor_us)
        if not recorded:
            self._gap(cause, detail)

    def _gap(self, cause: str, detail: str = "") -> None:
        """The clock may be set back before the next run: it must not begin where gaps are in the ledger already."""
        now_us = self._clock.wall_us()
        self._floor_us = max(self._floor_us, now_us)
        self._outlet.gap(now_us, cause, detail)

    async def _follow(self, drain: Drain) -> Error:
        """Publish state and statistics until the connection ends."""
        wait_s = 0.2
        recording_s = 0.0
        while True:
            done, _ = await asyncio.wait([drain.ended], timeout=wait_s)
            self._good = recording_s > self._pace.good_s
            if done:
                return drain.ended.result()
            if drain.ingest.is_recording or drain.ingest.standby:
                recording_s += wait_s
                self._recording(drain)
                wait_s = STATISTICS_S if self._good else 1.0
            else:
                self._not_recording(drain.ingest)
                wait_s = 0.2

    def _not_recording(self, ingest: Ingest) -> None:
        """The camera sends, and the disk does not take it."""
        cause = ingest.blocked
        if cause is None:
            # In standby nothing tries the disk.
            if self._outlet.accepts_runs():
                return
            cause = self._outlet.trouble
        self._set(self._retrying(cause, cause))

    def _retrying(self, cause: str, detail: str) -> StreamState:
        """The same cause again goes on since when it began."""
        if self._failing_cause != cause:
            self._failing_cause, self._failing_since_us = cause, self._clock.wall_us()
        return replace(
            self.state, state="retrying", cause=cause, detail=detail, since_us=self._failing_since_us
        )

    def _recording(self, drain: Drain) -> None:
        ingest = drain.ingest
        track = ingest.video_track
        now_s = self._clock.monotonic_s()
        pictures, size, counted_s = self._counted
        elapsed_s = now_s - counted_s
        # Counted from the first picture on: before it there is nothing to divide by.
        whole = pictures > 0 and elapsed_s >= STATISTICS_S
        if whole or not pictures:
            self._counted = (ingest.pictures, ingest.bytes_received, now_s)
        standby = ingest.standby
        state = replace(
            self.state,
            state="standby" if standby else "recording",
            cause=standby,
            detail=self._where(),
            retry_at_us=None,
            codec=track.codec if track else None,
            codec_string=track.codec_string if track else None,
            width=track.width if track else None,
            height=track.height if track else None,
            audio_codec=ingest.audio_codec,
            clock_offset_ms=ingest.clock_offset_ms,
            fps=round((ingest.pictures - pictures) / elapsed_s, 1) if whole else self.state.fps,
            bitrate_bps=round((ingest.bytes_received - size) * 8 / elapsed_s)
            if whole
            else self.state.bitrate_bps,
            lost=ingest.lost,
            transport=drain.transport,
            certificate=drain.certificate,
            bytes_received=ingest.bytes_received,
        )
        self._failing_cause = None
        if self.state.state != state.state:
            state = replace(state, since_us=self._clock.wall_us())
        self._set(state)

    def _where(self) -> str:
        """For technicians: that it is recorded elsewhere, and why."""
        why = self._outlet.away_because
        return "" if why is None else f"{Cause.ELSEWHERE}: {why}"

    async def _wait(self, error: Error) -> None:
        pace = self._pace
        if error.cause == Cause.AUTH_FAILED:
            wait_s = self._auth_wait_s = min(max(self._auth_wait_s * 2, pace.auth_s), pace.longest_auth_s)
        else:
            wait_s = self._wait_s = min(max(self._wait_s * 2, pace.first_s), pace.longest_s)
        wait_s *= random.uniform(0.7, 1.3)
        if self._played:
            wait_s += self._turns.claim(self._clock.monotonic_s())
        now_us = self._clock.wall_us()
        self._set(
            replace(
                self._retrying(error.cause, error.message),
                retry_at_us=now_us + round(wait_s * 1e6),
                fps=None,
                bitrate_bps=None,
            )
        )
        await asyncio.sleep(wait_s)

    def _set(self, state: StreamState) -> None:
        if state != self.state:
            self.state = state
            self._on_state(state)
