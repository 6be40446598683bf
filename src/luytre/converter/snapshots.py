"""Cameras that only give single JPEGs by HTTP: one is asked for every second, or every N with `#every=N` at the end of the
address.

Promises   a picture has the time at which it was there.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from fractions import Fraction
from http.client import HTTPException
from typing import Any, Final

import av

from luytre.archive.keys import Cause
from luytre.base.clock import Clock
from luytre.base.errors import Error
from luytre.converter.failures import failure
from luytre.converter.tracks import Incoming, Packet
from luytre.converter.web import Web, from_web

MAX_BYTES: Final = 32 * 1024 * 1024
ANSWER_S: Final = 8.0
# Within the 10 s after which the recorder takes a camera for frozen.
LONGEST_S: Final = 5.0
SHORTEST_S: Final = 0.1
_TICKS: Final = 90_000
_EVERY = re.compile(r"[#&]every=(\d+(?:\.\d+)?)")


class Snapshots:
    """`answer`: what the first request brought; `every_s`: from picture to picture. Raises Error."""

    audio: Incoming | None = None

    def __init__(self, web: Web, answer: Any, every_s: float, clock: Clock) -> None:
        self._web = web
        self._every_s = every_s
        self._clock = clock
        self._first = _picture(answer)
        decoder: Any = av.CodecContext.create("mjpeg", "r")
        try:
            # The size must be known before the first word to the recorder.
            decoder.decode(av.Packet(self._first))
        except av.error.FFmpegError:
            raise _no_jpeg() from None
        self.video = Incoming("mjpeg", b"", decoder, 1 / every_s)

    def packets(self) -> Iterator[tuple[bool, Packet]]:
        """A picture, and when it was there, for ever."""
        began_s = due_s = self._clock.monotonic_s()
        picture = self._first
        while True:
            packet: Packet = av.Packet(picture)
            packet.time_base = Fraction(1, _TICKS)
            packet.pts = packet.dts = round((self._clock.monotonic_s() - began_s) * _TICKS)
            yield True, packet
            now_s = self._clock.monotonic_s()
            # Missed ones are not made up for.
            due_s = max(due_s + self._every_s, now_s)
            threading.Event().wait(due_s - now_s)
            picture = _picture(self._web.ask(ANSWER_S))

    def close(self) -> None:
        """Nothing is open between two pictures."""


def interval_s(url: str) -> float:
    """Seconds from picture to picture, as the end of the address says."""
    match = _EVERY.search(url)
    return min(max(float(match.group(1)), SHORTEST_S), LONGEST_S) if match else 1.0


def _picture(answer: Any) -> bytes:
    with answer:
        try:
            data: bytes = answer.read(MAX_BYTES)
        except (OSError, HTTPException) as error:
            raise from_web(error) from None
    if not data.startswith(b"\xff\xd8"):
        raise _no_jpeg()
    return data


def _no_jpeg() -> Error:
    return failure(Cause.BAD_MEDIA, "what the source sends is no JPEG")
