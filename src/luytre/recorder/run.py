"""A run: one unbroken connection to one stream, written as touching parts.

Promises   each sample given to it is handed to the tape in a timed group, or `failure` says why not.
Does not   reconnect (stream.py), decide what of it is kept (tape.py, gate.py), or when a jump or new parameters end it
           (ingest.py).
Invariant  part[n].end == part[n + 1].start, in ticks and in wall time                      design/archive.md, 4
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from luytre.archive.keys import Cause, Clocks, StreamKey
from luytre.archive.open_segment import RunHandle
from luytre.base.clock import Clock
from luytre.base.ids import uuid7
from luytre.base.timekeeping import NODE_CLOCK, NodeClock
from luytre.media.fmp4.write import init_segment
from luytre.media.tracks import AudioTrack, Sample, Track, VideoTrack
from luytre.recorder.assemble import Assembler, Group
from luytre.recorder.gate import Gate
from luytre.recorder.tape import Sink, Tape, Timed
from luytre.recorder.wall import WallMapping

# Unwritten bytes of one stream: half a minute at 4 Mb/s (design/archive.md, "Pressure").
BUDGET_BYTES = 16 << 20
# Samples of the running GOP kept for viewers who come in the middle of it.
GOP_BYTES = 8 << 20
# What even the quickest picture takes from the lens to us (exposure, encoder, network) is not measured: allowed for.
CAPTURE_US = 100_000

OnSample = Callable[["Run", int, Sample, int], None]


@dataclass(frozen=True, slots=True)
class Target:
    """Where the runs of a stream go, and what of them; `floor_us`: none may begin earlier."""

    key: StreamKey
    code: str
    writer: Sink
    floor_us: int
    gate: Gate


class Run:
    """`id` names it to viewers; in the archive each take of it is a run with an id of its own. Times of samples are RTP
    times; `ticks` of the run begin with the first part.
    """

    def __init__(
        self,
        target: Target,
        video: VideoTrack,
        audio: AudioTrack | None,
        floor_us: int,
        clock: Clock,
        first: Sample,
        received_us: int,
        mapping: WallMapping | None = None,
        node: NodeClock = NODE_CLOCK,
    ) -> None:
        """`mapping`: of the run that this one continues (same connection; other parameters, or a clock that was set)."""
        self.video_track = video
        self.audio_track = audio
        self.tracks: Sequence[Track] = [video] if audio is None else [video, audio]
        self.first_pts = first.pts
        # The node's clock may have been set back: a run never begins before the last one ended.
        self.mapping = mapping or WallMapping(first.pts, received_us, floor_us)
        # By how much the node's clock was set since the run began; the run stays on the clock that it began with.
        self.stepped_us = 0
        # What the camera's clock is ahead of the node's, by its last sender report.
        self.camera_us: int | None = None
        self._node = node
        self._sink = target.writer
        self.key = target.key
        self.id = uuid7(clock).hex
        init = init_segment(self.tracks)
        self.tape = Tape(target.key, target.code, init, audio, target.writer, target.gate, clock)
        self.gop: list[tuple[int, Sample]] = []
        self._gop_bytes = 0
        self._floor_us = floor_us
        self._assembler = Assembler(audio)
        self._begun = False
        self.end_us = max(received_us, floor_us)

    @property
    def failure(self) -> str | None:
        """Why nothing more of this run is written, None while all is well."""
        handle = self.handle
        if handle is None:
            return None
        if handle.failure is None and handle.pending_bytes > BUDGET_BYTES:
            return Cause.DISK_SLOW
        return handle.failure or self._sink.must_leave(handle)

    @property
    def handle(self) -> RunHandle | None:
        """What is being written of it, None while nothing is kept."""
        return self.tape.handle

    def add_video(self, sample: Sample, received_us: int) -> bool:
        """False when the sample's time does not follow: it was not taken, the run must end."""
        if not self.mapping.observe(sample.pts, received_us - self.stepped_us):
            return False
        if sample.pts < self.first_pts:
            # Shown before the run's keyframe, so it leans on pictures that were never received.
            return True
        if sample.key:
            self.gop.clear()
            self._gop_bytes = 0
        self._remember(sample)
        group = self._assembler.video(sample)
        if group is not None:
            self._write(group)
        return True

    def add_audio(self, samples: list[Sample]) -> None:
        """Their `pts` in ticks of the audio track from the run's first picture."""
        self._assembler.audio(samples)
        if self.gop:
            self._gop_bytes += sum(len(sample.data) for sample in samples)
            self.gop += [(1, sample) for sample in samples]

    def _remember(self, sample: Sample) -> None:
        self._gop_bytes += len(sample.data)
        if self._gop_bytes > GOP_BYTES:
            self.gop.clear()
        elif self.gop or sample.key:
            self.gop.append((0, sample))

    def _write(self, group: Group) -> None:
        origin = self._assembler.origin
        assert origin is not None
        if not self._begun:
            self.end_us = max(self.mapping.at(origin + group.start_ticks), self._floor_us)
            self._begun = True
        start_us = self.end_us
        # Before the lead becomes smaller over this part.
        clocks = self._clocks()
        # The mapping cannot run backwards, but the end of the run before this one can lie above it.
        self.end_us = max(self.mapping.at(origin + group.end_ticks), start_us + 1)
        self.tape.add(Timed(group, start_us, self.end_us, clocks), origin)

    def _clocks(self) -> Clocks:
        error_us = self._node.error_us()
        if error_us is not None:
            error_us += self.mapping.error_us + abs(self.stepped_us) + CAPTURE_US
        return Clocks(error_us, self.camera_us)

    def end(self, cause: str, detail: str = "", end_pts: int | None = None) -> None:
        """Hand over what is in memory; the ledger opens a gap of `cause` where it ends.

        `end_pts`: the RTP time at which the last picture ends, where that is known.
        """
        for group in self._assembler.end(end_pts):
            if self.handle is None or self.handle.failure is None:
                self._write(group)
        self.tape.end(cause, detail, self.end_us)

    def placed(self, at_us: int) -> int:
        """Where a moment of the node's clock lies in this run, which may be ahead of it, or began before it was set."""
        return self.mapping.placed(at_us - self.stepped_us)

    def ticks(self, pts: int) -> int:
        """Ticks from the run's first picture."""
        return pts - self.first_pts
