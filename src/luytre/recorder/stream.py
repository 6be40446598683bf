"""One stream's life: connect, record, and again (state machine: connecting → recording → retrying → connecting ...).

Promises   never gives up, never hurries: the wait grows from 1 s to 30 s with jitter, and starts small again
           after good minutes.
Does not   know other streams; whatever happens here costs nobody else anything.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable
from dataclasses import replace

from luytre.archive.keys import Cause
from luytre.archive.writer import DiskWriter
from luytre.base.clock import Clock
from luytre.base.errors import Error, Kind
from luytre.recorder.connection import connect
from luytre.recorder.drain import Drain, Drainer
from luytre.recorder.ingest import Ingest, Target
from luytre.recorder.plan import StreamPlan
from luytre.recorder.run import OnSample
from luytre.recorder.state import StreamState

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0
# Cameras lock out whoever keeps trying a wrong password.
AUTH_WAIT_S = 60.0
GOOD_S = 60.0
STATISTICS_S = 5.0


class StreamRecorder:
    def __init__(
        self,
        plan: StreamPlan,
        writer: DiskWriter,
        drainer: Drainer,
        clock: Clock,
        on_state: Callable[[StreamState], None],
        on_sample: OnSample,
        is_watched: Callable[[], bool],
    ) -> None:
        self.plan = plan
        self._writer = writer
        self._drainer = drainer
        self._clock = clock
        self._on_state = on_state
        self._on_sample = on_sample
        self._is_watched = is_watched
        self.drain: Drain | None = None
        self._floor_us = 0
        self._wait_s = FIRST_WAIT_S
        # Why recording ends when this task is cancelled: set by whoever cancels it.
        self.end_cause = Cause.NODE_STOPPED
        self._failing: tuple[str, int] | None = None
        self._counted = (0, 0)
        self.state = StreamState(
            plan.camera, plan.stream, "connecting", None, "", clock.wall_us(), bytes_received=0
        )

    def watch(self, watched: bool) -> None:
        if self.drain is not None:
            self.drain.watched = watched

    async def run(self) -> None:
        """Until cancelled; the end is written to the ledger with `end_cause`."""
        try:
            await self._take_up()
            while True:
                started_s = self._clock.monotonic_s()
                error = await self._attempt()
                if self._clock.monotonic_s() - started_s > GOOD_S:
                    self._wait_s = FIRST_WAIT_S
                await self._wait(error)
        finally:
            self._writer.gap(self.plan.key, self._clock.wall_us(), self.end_cause)

    async def _take_up(self) -> None:
        """Heal and open the ledger; a disk that refuses is asked again until it does not."""
        while True:
            try:
                self._floor_us = await asyncio.wrap_future(
                    self._writer.take_up(self.plan.key, self.plan.code)
                )
                return
            except (OSError, sqlite3.Error, Error) as problem:
                cause = problem.cause if isinstance(problem, Error) else Cause.DISK_ERROR
                await self._wait(Error(Kind.UNAVAILABLE, str(problem), cause=cause))

    async def _attempt(self) -> Error:
        """One connection, from the first word to its end; the Error says why it ended."""
        self._set(replace(self.state, state="connecting", retry_at_us=None))
        plan = self.plan
        try:
            connection = await connect(plan.url, plan.user, plan.password, audio=plan.audio)
        except Error as error:
            self._writer.gap(plan.key, self._clock.wall_us(), error.cause, error.message)
            return error
        target = Target(plan.key, plan.code, self._writer, self._floor_us)
        ingest = Ingest(connection.playing.tracks, target, self._clock, self._on_sample)
        self._counted = (0, 0)
        try:
            self.drain = Drain(connection, ingest, self._clock)
            self.drain.watched = self._is_watched()
            self._drainer.add(self.drain)
            ended = await self._follow(self.drain)
        except asyncio.CancelledError:
            self._finish(ingest, self.end_cause, "")
            raise
        finally:
            if self.drain is not None:
                self._drainer.remove(self.drain)
                self.drain = None
            connection.close()
        self._finish(ingest, ended.cause, ended.message)
        return ended

    def _finish(self, ingest: Ingest, cause: str, detail: str) -> None:
        recorded = ingest.run is not None
        ingest.end(cause, detail)
        self._floor_us = max(self._floor_us, ingest.floor_us)
        if not recorded:
            self._writer.gap(self.plan.key, self._clock.wall_us(), cause, detail)

    async def _follow(self, drain: Drain) -> Error:
        """Publish state and statistics until the connection ends."""
        wait_s = 0.2
        while True:
            done, _ = await asyncio.wait([drain.ended], timeout=wait_s)
            if done:
                return drain.ended.result()
            self._publish(drain.ingest, wait_s)
            wait_s = STATISTICS_S if drain.ingest.run is not None else 0.5

    def _publish(self, ingest: Ingest, elapsed_s: float) -> None:
        track = ingest.video_track
        if ingest.run is None:
            if ingest.blocked is not None:
                self._set(replace(self.state, state="retrying", cause=ingest.blocked, detail=ingest.blocked))
            return
        pictures, size = self._counted
        self._counted = (ingest.pictures, ingest.bytes_received)
        whole = elapsed_s >= STATISTICS_S and pictures > 0
        state = replace(
            self.state,
            state="recording",
            cause=None,
            detail="",
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
            bytes_received=ingest.bytes_received,
        )
        self._failing = None
        if self.state.state != "recording":
            state = replace(state, since_us=self._clock.wall_us())
        self._set(state)

    async def _wait(self, error: Error) -> None:
        wait_s = self._wait_s * random.uniform(0.7, 1.3)
        if error.cause == Cause.AUTH_FAILED:
            wait_s = max(wait_s, AUTH_WAIT_S)
        self._wait_s = min(self._wait_s * 2, LONGEST_WAIT_S)
        now_us = self._clock.wall_us()
        if self._failing is None or self._failing[0] != error.cause:
            self._failing = error.cause, now_us
        self._set(
            replace(
                self.state,
                state="retrying",
                cause=error.cause,
                detail=error.message,
                since_us=self._failing[1],
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
