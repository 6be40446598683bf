"""What of a run goes to the archive: parts of takes, each take an own run there.

Promises   a take begins with a keyframe where the run has one, and its ticks with 0; what was not kept is a gap of the
           gate's cause. With a gate that never shuts there is one take, from the first picture to the last.
Does not   time the groups (run.py), or decide what is kept (gate.py).
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple, Protocol

from luytre.archive.keys import Cause, Clocks, StreamKey
from luytre.archive.open_segment import Part, RunHandle
from luytre.base.clock import Clock
from luytre.base.ids import uuid7
from luytre.media.tracks import VIDEO_TIMESCALE, AudioTrack, Sample
from luytre.recorder.assemble import Group, pack
from luytre.recorder.gate import Gate

# Of one stream: 8 s at 8 Mb/s.
MEMORY_BYTES = 8 << 20


class Sink(Protocol):
    """Where runs are written (outlet.py)."""

    def accepts_runs(self) -> bool:
        """Whether a run may begin now."""

    def write(self, run: RunHandle, part: Part) -> None: ...

    def end(self, run: RunHandle, cause: str, detail: str = "") -> None: ...

    def must_leave(self, run: RunHandle) -> str | None:
        """Why the run must end though its parts were taken."""

    def goes_home(self, run: RunHandle) -> bool:
        """Whether the run should end at the next keyframe, to go on where it belongs."""

    def fell_behind(self, run: RunHandle) -> None: ...

    @property
    def trouble(self) -> str:
        """Why no run may begin."""

    @property
    def floor_us(self) -> int:
        """No run may begin earlier, whatever the clock says."""

    def gap(self, at_us: int, cause: str, detail: str = "") -> None:
        """From `at_us` on nothing is recorded."""


class Timed(NamedTuple):
    """A group, its wall time, and what is known of the clocks."""

    group: Group
    start_us: int
    end_us: int
    clocks: Clocks

    @property
    def size(self) -> int:
        return sum(len(sample.data) for sample in (*self.group.video, *self.group.audio))


class Tape:
    """`handle`: the present take's, None while nothing is kept."""

    def __init__(
        self,
        key: StreamKey,
        code: str,
        init: bytes,
        audio: AudioTrack | None,
        sink: Sink,
        gate: Gate,
        clock: Clock,
    ) -> None:
        self._key, self._code, self._init, self._audio = key, code, init, audio
        self._sink, self._gate, self._clock = sink, gate, clock
        self.handle: RunHandle | None = None
        self._sequence = 0
        self._take_ticks = 0
        self._memory: deque[Timed] = deque()
        self._memory_bytes = 0
        self._told_shut = False
        if gate.preroll_us is None:
            self._begin(0)

    @property
    def shut(self) -> Cause | None:
        """Why nothing is kept now; None while something is, or before the first group."""
        return self._gate.cause if self.handle is None and self._told_shut else None

    def add(self, timed: Timed, origin: int) -> None:
        """The run's next group. `origin`: RTP time of the run's tick 0."""
        wanted = self._wants(timed)
        if self.handle is None and (wanted or any(map(self._wants, self._memory))):
            for earlier in self._recalled(timed):
                self._write(earlier, origin)
        if wanted:
            self._write(timed, origin)
            return
        if self.handle is not None:
            self._sink.end(self.handle, self._gate.cause)
            self.handle, self._told_shut = None, True
        elif not self._told_shut:
            self._sink.gap(timed.start_us, self._gate.cause)
            self._told_shut = True
        self._remember(timed)

    def end(self, cause: str, detail: str, end_us: int) -> None:
        """The run is over, at `end_us`; what is only remembered is forgotten."""
        if self.handle is not None:
            self._sink.end(self.handle, cause, detail)
        else:
            self._sink.gap(end_us, cause, detail)

    def _remember(self, timed: Timed) -> None:
        self._memory.append(timed)
        self._memory_bytes += timed.size
        preroll_us = self._gate.preroll_us or 0
        while self._memory and (
            self._memory_bytes > MEMORY_BYTES or self._may_forget(timed.end_us - preroll_us)
        ):
            self._memory_bytes -= self._memory.popleft().size
            # What follows leans on what went.
            while self._memory and not self._memory[0].group.key:
                self._memory_bytes -= self._memory.popleft().size

    def _may_forget(self, until_us: int) -> bool:
        """The GOP that comes after the oldest one reaches back far enough by itself."""
        later = iter(self._memory)
        next(later)
        return any(timed.group.key and timed.start_us <= until_us for timed in later)

    def _wants(self, timed: Timed) -> bool:
        return self._gate.wants(timed.start_us, timed.end_us)

    def _recalled(self, timed: Timed) -> list[Timed]:
        """What a take that `timed` is wanted for begins with: all that is remembered and wanted, from the keyframe before
        it.
        """
        seen = [*self._memory, timed]
        self._memory.clear()
        self._memory_bytes = 0
        wanted = next(n for n, one in enumerate(seen) if self._wants(one))
        begin = next((n for n in range(wanted, -1, -1) if seen[n].group.key), wanted)
        return seen[begin:-1]

    def _begin(self, ticks: int) -> None:
        self.handle = RunHandle(self._key, self._code, uuid7(self._clock).hex, self._init)
        self._take_ticks = ticks
        self._sequence = 0
        self._told_shut = False

    def _write(self, timed: Timed, origin: int) -> None:
        if self.handle is None:
            self._begin(timed.group.start_ticks)
        assert self.handle is not None
        self._sequence += 1
        group = _moved(timed.group, self._take_ticks, self._audio)
        buffers = pack(group, self._sequence, origin + self._take_ticks, self._audio, timed.start_us)
        part = Part(
            buffers,
            sum(map(len, buffers)),
            group.start_ticks,
            group.end_ticks - group.start_ticks,
            timed.start_us,
            timed.end_us,
            group.key,
            timed.clocks,
        )
        self._sink.write(self.handle, part)


def _moved(group: Group, ticks: int, audio: AudioTrack | None) -> Group:
    """The group in ticks of a take that began `ticks` after the run."""
    if not ticks:
        return group
    sound = ticks * audio.timescale // VIDEO_TIMESCALE if audio is not None else 0
    return Group(
        group.video,
        [Sample(max(sample.pts - sound, 0), sample.data, sample.key) for sample in group.audio],
        group.start_ticks - ticks,
        group.end_ticks - ticks,
    )
