"""G.711 as AAC (ITU-T G.711; PyAV's encoder). Any byte is a sample of G.711, so nothing here can be poisoned.

Promises   what comes out keeps the times of what went in; a hole is silence, a long one begins the encoder anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Final, NamedTuple

import av
import numpy as np
import numpy.typing as npt
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.packet import Packet

from luytre.media import aac
from luytre.media.tracks import AudioTrack

FRAME: Final = 1024
# A window of AAC overlaps the next: this much sound behind a frame is needed to make it.
LOOK_AHEAD: Final = 2 * FRAME
# Silence is filled in up to this, seconds; jitter of a clock below the other is left alone.
_LONGEST_HOLE_S: Final = 2.0
_JITTER_S: Final = 0.06
_BITS_PER_CHANNEL: Final = 32_000

Pcm = npt.NDArray[np.float32]


class Frame(NamedTuple):
    """One AAC frame: presentation time in ticks of the rate."""

    pts: int
    data: bytes


def _table(law: str) -> Pcm:
    """The 256 values of a law, from -1 to 1."""
    codes = np.arange(256, dtype=np.int32)
    if law == "ulaw":
        bits = ~codes & 0xFF
        size = (((bits & 0x0F) << 3) + 0x84 << ((bits & 0x70) >> 4)) - 0x84
        negative = bits & 0x80 != 0
    else:
        bits = codes ^ 0x55
        exponent, mantissa = (bits & 0x70) >> 4, bits & 0x0F
        size = np.where(
            exponent == 0, (mantissa << 4) + 8, (mantissa << 4) + 0x108 << np.maximum(exponent - 1, 0)
        )
        # In A-law a set sign bit means positive.
        negative = bits & 0x80 == 0
    return (np.where(negative, -size, size) / 32768.0).astype(np.float32)


_TABLES: Final = {"alaw": _table("alaw"), "ulaw": _table("ulaw")}


def aac_track(track: AudioTrack) -> AudioTrack | None:
    """The AAC track that a G.711 track becomes: the same rate and channels. None for a rate that AAC has not."""
    if track.codec not in _TABLES or track.rate not in aac.RATES:
        return None
    return aac.audio_track(bytes(_encoder(track.rate, track.channels).extradata or b""))


class SoundConverter:
    """G.711 in, AAC out; frames begin at multiples of 1024 ticks, so pieces made apart fit together."""

    def __init__(self, track: AudioTrack) -> None:
        self._rate, self._channels = track.rate, track.channels
        self._pcm = _TABLES[track.codec]
        self._context: AudioCodecContext | None = None
        self._base = 0
        self._fed = 0
        self._held: Pcm = np.empty(0, np.float32)

    def add(self, pts: int, data: bytes) -> list[Frame]:
        """A packet of samples at `pts`: the frames that are whole now."""
        pcm = self._pcm[np.frombuffer(data, np.uint8)]
        expected = self._fed + len(self._held) // self._channels
        off = pts - expected
        made: list[Frame] = []
        if self._context is None or off > _LONGEST_HOLE_S * self._rate or off < -_LONGEST_HOLE_S * self._rate:
            made = self.finish()
            self._begin(pts)
        elif off > _JITTER_S * self._rate:
            self._held = np.concatenate([self._held, np.zeros(off * self._channels, np.float32)])
        elif off < -_JITTER_S * self._rate:
            pcm = pcm[-off * self._channels :]
        self._held = np.concatenate([self._held, pcm])
        return made + self._encode()

    def finish(self) -> list[Frame]:
        """What is left, filled up with silence; the next packet begins anew."""
        if self._context is None:
            return []
        rest = -len(self._held) % (FRAME * self._channels)
        self._held = np.concatenate([self._held, np.zeros(rest, np.float32)])
        made = self._encode()
        made += self._frames(self._context.encode(None))
        self._context = None
        return made

    def _begin(self, pts: int) -> None:
        self._context = _encoder(self._rate, self._channels)
        self._base = self._fed = pts - pts % FRAME
        self._held = np.zeros((pts - self._base) * self._channels, np.float32)

    def _encode(self) -> list[Frame]:
        made: list[Frame] = []
        whole = FRAME * self._channels
        assert self._context is not None
        while len(self._held) >= whole:
            piece, self._held = self._held[:whole], self._held[whole:]
            planar = np.ascontiguousarray(piece.reshape(-1, self._channels).T)
            frame = av.AudioFrame.from_ndarray(planar, format="fltp", layout=_layout(self._channels))
            frame.sample_rate, frame.pts, frame.time_base = self._rate, self._fed, Fraction(1, self._rate)
            self._fed += FRAME
            made += self._frames(self._context.encode(frame))
        return made

    def _frames(self, coded: Iterable[Packet[AudioStream]]) -> list[Frame]:
        # The encoder's first frame is there to begin the overlap; it has nothing to hear.
        return [Frame(int(p.pts), bytes(p)) for p in coded if p.pts is not None and p.pts >= self._base]


def _encoder(rate: int, channels: int) -> AudioCodecContext:
    context = av.CodecContext.create("aac", "w")
    assert isinstance(context, AudioCodecContext)
    context.sample_rate, context.layout, context.format = rate, _layout(channels), "fltp"
    context.time_base = Fraction(1, rate)
    context.bit_rate = _BITS_PER_CHANNEL * channels
    context.options = {"flags": "+global_header"}
    context.open()
    return context


def _layout(channels: int) -> str:
    return "mono" if channels == 1 else "stereo"
