"""Where sound lies on the pictures' clock, whatever the camera writes into its timestamps (design/time.md, "Sound").

Promises   times rise; the newest sound lies within a second of where its arrival puts it, or comes back to it within
           LATE_S; what a sound clock drifts against the pictures' is made good, LEAST_DRIFT_MS at first, then held.
Does not   drop, cut or resample; end a run.
"""

from __future__ import annotations

from collections.abc import Sequence

from luytre.media.sound import sample_ticks
from luytre.media.tracks import VIDEO_TIMESCALE, AudioTrack, Sample

# Sound this late for so long is not delayed: its timestamps are wrong. Sound that is a second early is wrong at once.
LATE_S = 5
# After so many corrections, each within JUMPS_S of the one before, timestamps are not asked any more: sound is counted.
MAX_JUMPS = 3
JUMPS_S = 15
# Drift is the change of the smallest delay from window to window; each window mends a little of it.
WINDOW_S = 10
LEAST_DRIFT_MS = 20
STEP_MS = 5


class SoundClock:
    """Times are in ticks of the sound, 0 where the pictures' RTP time is 0.

    counts    whether the camera's timestamps were given up for the lengths of the sounds
    jumps     how often the camera's timestamps were corrected
    """

    def __init__(self, track: AudioTrack, told: int | None = None) -> None:
        """`told`: the RTP time of sound at 0, as RTP-Info says, modulo 2**32."""
        self._track = track
        self._told = told
        # RTP time of sound at 0.
        self._shift = 0
        self._begun = False
        self._last = self._end = self._raw_end = 0
        self._punctual = 0
        self._jumped: int | None = None
        self._in_a_row = 0
        self.jumps = 0
        self.counts = False
        self._window_start = 0
        self._least_late: int | None = None
        self._usually_late: int | None = None

    def place(self, samples: Sequence[Sample], now: int) -> None:
        """Give them their times. `now`: that of what arrives at this moment without delay."""
        rate = self._track.rate
        lengths = [sample_ticks(self._track, sample.data) for sample in samples]
        if not self._begun:
            self._begin(samples[-1].pts, now)
        # They came together: each is due before those behind it.
        expected = now - sum(lengths[1:])
        for number, sample in enumerate(samples):
            raw = sample.pts
            placed = self._end if self.counts else raw - self._shift
            late = expected - placed
            if abs(late) <= rate:
                self._punctual = now
            elif late < 0 or raw < self._raw_end - rate or now - self._punctual > LATE_S * rate:
                placed = expected
                self._jump(raw - placed, now)
            self._raw_end = raw + lengths[number]
            self._end = placed + lengths[number]
            sample.pts = self._last = max(placed, self._last + 1)
            expected += lengths[number + 1] if number + 1 < len(samples) else 0
        self._watch_drift(now - placed, now)

    def _begin(self, newest: int, now: int) -> None:
        """From the RTP-Info pair (RFC 2326 section 12.33) where the camera gave a sane one, else by arrival: cameras exist
        whose two rtptimes have nothing to do with each other, so a pair that is more than a second off is not believed.
        """
        self._begun = True
        by_arrival = self._shift = newest - now
        if self._told is not None:
            difference = (self._told - by_arrival + (1 << 31) & 0xFFFF_FFFF) - (1 << 31)
            self._shift += difference if abs(difference) <= self._track.rate else 0
        self._last = newest - self._shift - LATE_S * self._track.rate
        self._raw_end = newest
        self._punctual = self._window_start = now

    def _jump(self, shift: int, now: int) -> None:
        self._shift, self._punctual = shift, now
        recent = self._jumped is not None and now - self._jumped < JUMPS_S * self._track.rate
        self._in_a_row = self._in_a_row + 1 if recent else 1
        self._jumped = now
        self.jumps += 1
        self.counts = self.counts or self._in_a_row >= MAX_JUMPS
        self._least_late = self._usually_late = None
        self._window_start = now

    def _watch_drift(self, late: int, now: int) -> None:
        rate = self._track.rate
        self._least_late = late if self._least_late is None else min(self._least_late, late)
        if now - self._window_start < WINDOW_S * rate:
            return
        least, self._least_late, self._window_start = self._least_late, None, now
        if self._usually_late is None:
            self._usually_late = least
            return
        drift = least - self._usually_late
        if abs(drift) * 1000 > LEAST_DRIFT_MS * rate:
            step = STEP_MS * rate // 1000 * (1 if drift > 0 else -1)
            self._shift -= step
            self._end += step


def told_origin(
    video_pts: int, video_rtptime: int | None, audio_rtptime: int | None, rate: int
) -> int | None:
    """RTP time of the sound where that of the pictures is 0, by their RTP-Info pair; None without one.

    `video_pts`: RTP time of some picture, extended to 64 bits; `rate` of the sound.
    """
    if video_rtptime is None or audio_rtptime is None:
        return None
    since = (video_pts - video_rtptime + (1 << 31) & 0xFFFF_FFFF) - (1 << 31)
    return audio_rtptime - (video_pts - since) * rate // VIDEO_TIMESCALE
