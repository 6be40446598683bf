"""One source on its way to the recorder: its tracks, and what they cost."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import av

from luytre.base.clock import SYSTEM, Clock
from luytre.converter import slots, sounds
from luytre.converter.failures import from_ffmpeg
from luytre.converter.pictures import CopiedVideo, EncodedVideo, is_copied
from luytre.converter.plan import ForeignStream
from luytre.converter.source import open_source
from luytre.converter.state import Conversion
from luytre.converter.tracks import Outgoing, Packet, Source, Unit
from luytre.media.sdp import Media

# What is told of a stream is told of so long.
METER_S: Final = 10.0
VIDEO: Final = 0
AUDIO: Final = 1


class Meter:
    """CPU and pictures over the last METER_S. Asked from another thread than it is fed from."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.pictures = 0
        self._marks: deque[tuple[float, float, int]] = deque([self._mark()])

    def _mark(self) -> tuple[float, float, int]:
        times = os.times()
        return self._clock.monotonic_s(), times.user + times.system, self.pictures

    def look(self) -> tuple[float, float]:
        """(share of a core, pictures a second)"""
        now = self._mark()
        self._marks.append(now)
        while len(self._marks) > 2 and now[0] - self._marks[1][0] >= METER_S:
            self._marks.popleft()
        then = self._marks[0]
        passed_s = max(now[0] - then[0], 0.001)
        return (now[1] - then[1]) / passed_s, (now[2] - then[2]) / passed_s


class Converting:
    """An open source, being converted. `max_encodes` 0: not counted among the encodes. Raises Error when it cannot be had,
    or may not be encoded.
    """

    def __init__(
        self, stream: ForeignStream, run_folder: Path, max_encodes: int, clock: Clock = SYSTEM
    ) -> None:
        self._source: Source = open_source(stream, clock)
        incoming = self._source.video
        self._video: CopiedVideo | EncodedVideo
        try:
            if is_copied(incoming):
                self._video = CopiedVideo(incoming)
            else:
                if max_encodes:
                    # Held until the process ends.
                    slots.take(run_folder, max_encodes)
                self._video = EncodedVideo(incoming)
            self._audio = self._sound()
        except av.error.FFmpegError as error:
            raise from_ffmpeg(error, opening=True) from None
        self.meter = Meter(clock)

    def _sound(self) -> Outgoing | None:
        if self._source.audio is not None:
            # Pictures are worth having without it.
            with suppress(av.error.FFmpegError):
                return sounds.outgoing(self._source.audio)
        return None

    @property
    def media(self) -> tuple[Media, ...]:
        """Video first."""
        return (self._video.media,) if self._audio is None else (self._video.media, self._audio.media)

    def told(self) -> Conversion:
        """What is done, and what it costs now."""
        cpu, fps = self.meter.look()
        encoded = isinstance(self._video, EncodedVideo)
        source = "h265" if self._source.video.codec == "hevc" else self._source.video.codec
        return Conversion(source, self._video.codec, encoded, round(cpu, 3), round(fps, 2))

    def units(self) -> Iterator[tuple[int, Unit]]:
        """(VIDEO or AUDIO, unit), from the first keyframe on. Raises Error where it ends."""
        begun = False
        for is_video, packet in self._source.packets():
            track = self._video if is_video else self._audio
            if track is None:
                continue
            for unit in self._put(track, packet):
                begun = begun or (is_video and unit.key)
                self.meter.pictures += is_video
                if begun:
                    yield (VIDEO if is_video else AUDIO), unit

    def close(self) -> None:
        """Let go of the source."""
        self._source.close()

    def _put(self, track: Outgoing, packet: Packet) -> list[Unit]:
        try:
            return track.put(packet)
        except av.error.FFmpegError as error:
            raise from_ffmpeg(error, opening=False) from None
