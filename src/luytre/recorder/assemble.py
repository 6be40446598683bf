"""Samples become parts: one GOP each, at most 1 s (design/archive.md, design/live.md "Decode times").

Promises   parts touch: a part ends where the next begins; decode times are the sorted presentation times of the part.
           A picture whose time lies before what is already written is shown at once after that, not thrown away.
Does not   know wall time, files or the network; end a run whose times make no sense (wall.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from luytre.media.fmp4.write import PartSample, TrackPart, part_header
from luytre.media.sound import sample_ticks
from luytre.media.tracks import VIDEO_TIMESCALE, AudioTrack, Sample

MAX_PART_TICKS = VIDEO_TIMESCALE
# Assumed for a picture whose successor never came.
DEFAULT_FRAME_TICKS = VIDEO_TIMESCALE // 25


class Group(NamedTuple):
    """Samples of one part in decode order. Ticks count from the start of the run."""

    video: list[Sample]
    audio: list[Sample]
    start_ticks: int
    end_ticks: int

    @property
    def key(self) -> bool:
        return self.video[0].key


class Assembler:
    """Feed it video in decode order, and audio already placed in ticks of the run; it hands out finished groups."""

    def __init__(self, audio: AudioTrack | None) -> None:
        self._audio_track = audio
        self._video: list[Sample] = []
        self._audio: list[Sample] = []
        self._origin: int | None = None
        self._max_pts = 0
        # Smallest time that a picture may still have: the border behind us, or all before the cut in sight.
        self._floor: int | None = None
        self._start = 0
        # Index in _video of the first sample of the next part, 0 while no cut is in sight.
        self._cut = 0
        self._frame_ticks = DEFAULT_FRAME_TICKS

    @property
    def origin(self) -> int | None:
        """RTP time of the run's tick 0, known with the first group."""
        return self._origin

    def video(self, sample: Sample) -> Group | None:
        """The finished group when `sample` shows that it is complete.

        A cut is made only before a picture shown later than all before it; then pictures that follow it in decode order
        but are shown before it (an open GOP's leading pictures) still belong after the cut, and tell where it is.
        """
        if self._floor is not None and sample.pts < self._floor:
            sample = Sample(self._floor, sample.data, sample.key)
        pts, samples = sample.pts, self._video
        if not samples:
            self._max_pts = self._start = pts
            samples.append(sample)
            return None
        group = None
        if self._cut and pts > samples[self._cut].pts:
            group = self._take(self._cut, min(s.pts for s in samples[self._cut :]))
            samples = self._video
        if pts > self._max_pts:
            due = sample.key or pts - self._start + self._frame_ticks > MAX_PART_TICKS
            if due and not self._cut:
                self._cut = len(samples)
                self._floor = self._max_pts + 1
            self._max_pts = pts
        samples.append(sample)
        return group

    def audio(self, samples: list[Sample]) -> None:
        """Their `pts` in ticks of the audio track from the start of the run; what is before that has no place in it."""
        self._audio += samples if samples[0].pts >= 0 else [s for s in samples if s.pts >= 0]

    def end(self, end_pts: int | None = None) -> list[Group]:
        """What is left when the run ends; without `end_pts` the last picture is given the usual length."""
        groups = []
        if self._cut:
            groups.append(self._take(self._cut, min(s.pts for s in self._video[self._cut :])))
        if self._video:
            usual = self._max_pts + self._frame_ticks
            end = usual if end_pts is None else max(end_pts, self._max_pts + 1)
            groups.append(self._take(len(self._video), end))
        return groups

    def _take(self, count: int, end_pts: int) -> Group:
        video, self._video = self._video[:count], self._video[count:]
        self._cut = 0
        start_pts = min(sample.pts for sample in video)
        if self._origin is None:
            self._origin = start_pts
        if len(video) > 1:
            self._frame_ticks = max((end_pts - start_pts) // len(video), 1)
        self._start = self._floor = end_pts
        start, end = start_pts - self._origin, end_pts - self._origin
        return Group(video, self._take_audio(end), start, end)

    def _take_audio(self, end_ticks: int) -> list[Sample]:
        if self._audio_track is None:
            return []
        limit = end_ticks * self._audio_track.timescale // VIDEO_TIMESCALE
        count = 0
        for sample in self._audio:
            if sample.pts >= limit:
                break
            count += 1
        taken, self._audio = self._audio[:count], self._audio[count:]
        return taken


def decode_times(pts: Sequence[int], end: int) -> tuple[list[int], list[int]]:
    """(decode times, durations) for presentation times in decode order: sorted, made ascending, ending at `end`.

    `end` is later than all of them. Durations add up to `end - min(pts)`; a 0 among them only where there are more
    pictures than ticks.
    """
    times = sorted(pts)
    for i in range(1, len(times)):
        if times[i] <= times[i - 1]:
            times[i] = times[i - 1] + 1
    for i in range(len(times) - 1, 0, -1):
        latest = end - (len(times) - i)
        if times[i] <= latest:
            break
        times[i] = max(latest, times[0])
    durations = [after - before for before, after in pairwise(times)]
    durations.append(end - times[-1])
    return times, durations


def pack(group: Group, sequence: int, origin: int, audio: AudioTrack | None, wall_us: int) -> list[bytes]:
    """The part's bytes as buffers to write in order: header, then samples."""
    pts = [sample.pts - origin for sample in group.video]
    times, durations = decode_times(pts, group.end_ticks)
    video = [
        PartSample(duration, len(sample.data), shown - decoded, sample.key)
        for sample, shown, decoded, duration in zip(group.video, pts, times, durations, strict=True)
    ]
    tracks = [TrackPart(1, times[0], video)]
    if group.audio and audio is not None:
        tracks.append(TrackPart(2, group.audio[0].pts, _audio_samples(group.audio, audio)))
    head = part_header(sequence, tracks, wall_us)
    return [head, *(sample.data for sample in group.video), *(sample.data for sample in group.audio)]


def _audio_samples(samples: list[Sample], track: AudioTrack) -> list[PartSample]:
    """Each lasts until the next, also over packets that are missing; the last one as long as it is."""
    following = [sample.pts for sample in samples[1:]]
    following.append(samples[-1].pts + sample_ticks(track, samples[-1].data))
    return [
        PartSample(max(after - sample.pts, 1), len(sample.data), 0, True)
        for sample, after in zip(samples, following, strict=True)
    ]
