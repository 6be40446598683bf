"""A simulated camera: its streams, and the ways in which it can be told to fail.

Promises   every fault may be switched from any thread and works from the next tick on.
Does not   own sockets (server.py does).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Literal

from luytre.media.rtp import rtcp
from luytre.media.rtsp.server import Moved, Presentation
from luytre.simulator.faults import HEALTHY, Tally
from luytre.simulator.sources import Source, audio_media, unsupported_media, video_media

# not_found: 404. unavailable: 503. unsupported: describes MJPEG only. no_video: describes no video.
# hang_up: closes without an answer.
Refusal = Literal["", "not_found", "unavailable", "unsupported", "no_video", "hang_up"]
# packets: interleaved frames with noise inside. stream: noise instead of frames.
Garbage = Literal["", "packets", "stream"]
_STATUS = {"not_found": 404, "unavailable": 503, "hang_up": 0}


@dataclass(slots=True)
class Stream:
    """One profile. `source` may be exchanged while clients watch."""

    name: str
    source: Source
    version: int = 0


class Camera:
    """`number` from 1 on; its streams are found at /cam{number}/{stream name}.

    refuse          how new requests are refused
    garbage         noise instead of media
    close_every_s   connections are closed at this age; 0 never
    omit_sprop      parameter sets only in band
    clock_offset_s  how far the camera's clock is ahead of the truth, in sender reports and drawn clocks
    tcp, udp        which transports it accepts
    moved_to        an address that clients are sent to instead
    heard           the newest receiver report of a client
    faults          what goes wrong with its packets and answers; tally: what has gone wrong with packets so far
    """

    def __init__(self, number: int, streams: dict[str, Source], *, omit_sprop: bool = False) -> None:
        self.number = number
        self.streams = {name: Stream(name, source) for name, source in streams.items()}
        self.refuse: Refusal = ""
        self.garbage: Garbage = ""
        self.close_every_s = 0.0
        self.omit_sprop = omit_sprop
        self.clock_offset_s = 0.0
        self.tcp = self.udp = True
        self.moved_to = ""
        self.faults = HEALTHY
        self.tally = Tally()
        self.heard: rtcp.ReceiverReport | None = None
        self.frozen = False
        self.clients = 0
        self._lock = threading.Lock()
        self._drops = 0

    def path(self, stream: str = "main") -> str:
        return f"/cam{self.number}/{stream}"

    def freeze(self, frozen: bool = True) -> None:
        """Send no media while connections stay open; with False go on at the next keyframe."""
        self.frozen = frozen

    def drop(self) -> None:
        """Close all connections at the next tick; new ones are welcome."""
        with self._lock:
            self._drops += 1

    @property
    def drops(self) -> int:
        """How often drop() was called: a connection is closed when this has changed since it began."""
        return self._drops

    def change_parameters(self, source: Source, stream: str = "main") -> None:
        """Show something else from the next tick on, in the same session, with its parameter sets in band."""
        source.prepare()
        self.streams[stream].source = source
        self.streams[stream].version += 1

    def hear(self, feedback: bytes) -> None:
        """RTCP of a client."""
        for report in rtcp.parse(feedback):
            if isinstance(report, rtcp.ReceiverReport):
                self.heard = report

    def presentation(self, stream: str) -> Presentation | Moved | int:
        """What DESCRIBE finds, or the RTSP status to refuse with; 0 hangs up."""
        if self.refuse in _STATUS:
            return _STATUS[self.refuse]
        if stream not in self.streams:
            return 404
        if self.moved_to:
            return Moved(self.moved_to)
        source = self.streams[stream].source
        picture = source.picture()
        if self.faults.declared_fps:
            picture = replace(picture, framerate=self.faults.declared_fps)
        media = [video_media(picture, sprop=not self.omit_sprop)]
        if self.refuse == "unsupported":
            media = [unsupported_media()]
        if source.sound is not None:
            media.append(audio_media(source.sound))
        if self.refuse == "no_video":
            media = media[1:]
        name = f"Camera {self.number} {stream}"
        return Presentation(tuple(media), name, self.tcp, self.udp, self.faults.first)
