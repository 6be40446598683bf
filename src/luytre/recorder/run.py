"""A run: one unbroken connection to one stream, written as touching parts.

Promises   each sample given to it is handed to the archive in a part, or `failure` says why not.
Does not   reconnect (stream.py), or decide when a jump or new parameters end it (ingest.py).
Invariant  part[n].end == part[n + 1].start, in ticks and in wall time                      design/archive.md, 4
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from luytre.archive.keys import Cause, StreamKey
from luytre.archive.open_segment import Part, RunHandle
from luytre.base.clock import Clock
from luytre.base.ids import uuid7
from luytre.media.fmp4.write import init_segment
from luytre.media.tracks import VIDEO_TIMESCALE, AudioTrack, Sample, Track, VideoTrack
from luytre.recorder.assemble import Assembler, Group, pack
from luytre.recorder.wall import WallMapping, ticks_to_us

# Unwritten bytes of one stream: half a minute at 4 Mb/s (design/archive.md, "Pressure").
BUDGET_BYTES = 16 << 20
# Samples of the running GOP kept for viewers who come in the middle of it.
GOP_BYTES = 8 << 20


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


OnSample = Callable[["Run", int, Sample, int], None]


class Run:
    """Times of samples are RTP times; `ticks` of the run begin with the first part."""

    def __init__(
        self,
        key: StreamKey,
        code: str,
        video: VideoTrack,
        audio: AudioTrack | None,
        writer: Sink,
        floor_us: int,
        clock: Clock,
        first: Sample,
        received_us: int,
        before: Run | None = None,
    ) -> None:
        """`before`: the run that this one continues without a break in time (same connection, other parameters)."""
        self.video_track = video
        self.audio_track = audio
        self.tracks: Sequence[Track] = [video] if audio is None else [video, audio]
        self.first_pts = first.pts
        # The node's clock may have been set back: a run never begins before the last one ended.
        self.mapping: WallMapping = (
            before.mapping if before else WallMapping(first.pts, max(received_us, floor_us))
        )
        self.shift_us: int = before.shift_us if before else max(floor_us - received_us, 0)
        self.handle = RunHandle(key, code, uuid7(clock).hex, init_segment(self.tracks))
        self.gop: list[tuple[int, Sample]] = []
        self._gop_bytes = 0
        self._floor_us = floor_us
        self._writer = writer
        self._assembler = Assembler(audio)
        self._sequence = 0
        self.end_us = max(received_us, floor_us)

    @property
    def failure(self) -> str | None:
        """Why nothing more of this run is written, None while all is well."""
        if self.handle.failure is None and self.handle.pending_bytes > BUDGET_BYTES:
            return Cause.DISK_SLOW
        return self.handle.failure or self._writer.must_leave(self.handle)

    def add_video(self, sample: Sample, received_us: int) -> bool:
        """False when the sample's time does not follow: it was not taken, the run must end."""
        if not self.mapping.observe(sample.pts, received_us + self.shift_us):
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
        if self._sequence == 0:
            self.end_us = max(self.mapping.at(origin + group.start_ticks), self._floor_us)
        start_us = self.end_us
        media_us = ticks_to_us(group.end_ticks - group.start_ticks)
        # The mapping cannot run backwards, but the floor of a clock set back can lie above it.
        self.end_us = max(self.mapping.at(origin + group.end_ticks), start_us + media_us // 2)
        self._sequence += 1
        buffers = pack(group, self._sequence, origin, self.audio_track, start_us)
        part = Part(
            buffers,
            sum(map(len, buffers)),
            group.start_ticks,
            group.end_ticks - group.start_ticks,
            start_us,
            self.end_us,
            group.key,
        )
        self._writer.write(self.handle, part)

    def end(self, cause: str, detail: str = "", end_pts: int | None = None) -> None:
        """Hand over what is in memory; the ledger opens a gap of `cause` where it ends.

        `end_pts`: the RTP time at which the last picture ends, where that is known.
        """
        for group in self._assembler.end(end_pts):
            if self.handle.failure is None:
                self._write(group)
        self._writer.end(self.handle, cause, detail)

    def ticks(self, pts: int) -> int:
        """Ticks from the run's first picture."""
        return pts - self.first_pts


def audio_origin(
    video_first_pts: int,
    video_rtptime: int | None,
    audio_rtptime: int | None,
    rate: int,
    by_arrival: int,
) -> int:
    """RTP time of the audio track at the first picture.

    From the RTP-Info pair (RFC 2326 section 12.33) where the camera gave a sane one, else `by_arrival`: cameras exist whose
    two rtptimes have nothing to do with each other, so a pair that is more than a second off arrival is not believed.
    """
    if video_rtptime is None or audio_rtptime is None:
        return by_arrival
    ahead = (video_first_pts - video_rtptime + (1 << 31) & 0xFFFF_FFFF) - (1 << 31)
    told = audio_rtptime + ahead * rate // VIDEO_TIMESCALE
    difference = (told - by_arrival + (1 << 31) & 0xFFFF_FFFF) - (1 << 31)
    return by_arrival + difference if abs(difference) <= rate else by_arrival
