"""What goes into the converter and what comes out: tracks and their units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import av

from luytre.media import sdp

# One of FFmpeg's, of a stream or of none.
Packet: TypeAlias = "av.Packet[Any]"


@dataclass(frozen=True, slots=True)
class Incoming:
    """One track as it comes. `decoder`: ready to decode its packets; `rate`: pictures a second if that is known;
    `stream`: FFmpeg's, for its bitstream filters.
    """

    codec: str
    extradata: bytes
    decoder: Any
    rate: float | None = None
    stream: Any = None


class Source(Protocol):
    """Where packets come from."""

    video: Incoming
    audio: Incoming | None

    def packets(self) -> Iterator[tuple[bool, Packet]]:
        """(is it video, packet), in the order of decoding. Raises Error where it ends."""

    def close(self) -> None:
        """Let go of it."""


@dataclass(frozen=True, slots=True)
class Unit:
    """An access unit, or a piece of sound, ready for RTP. `ticks` of the medium's clock rate, any origin."""

    ticks: int
    payloads: list[bytes]
    key: bool


class Outgoing(Protocol):
    """One track as the recorder gets it."""

    media: sdp.Media

    def put(self, packet: Packet) -> list[Unit]:
        """What became of a packet. Raises Error(bad_media), av.error.FFmpegError."""
