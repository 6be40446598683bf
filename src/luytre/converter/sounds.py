"""A source's sound for the recorder: AAC, G.711 and Opus as they are, everything else encoded to AAC.

Promises   each sound keeps its time to within SLIP_S; sound that cannot be decoded is left out, the pictures go on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import av

from luytre.converter.tracks import Incoming, Outgoing, Packet, Unit
from luytre.media.rtp import packetizer
from luytre.media.sdp import Media

CONTROL: Final = "audio"
PAYLOAD_TYPE: Final = 97
BIT_RATE: Final = 64_000
# What an encoded sound may be off before it is set right.
SLIP_S: Final = 0.2
_AAC_RATES: Final = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_FRAME: Final = 1024
# 100 ms of G.711.
_PIECE: Final = 800
_ADTS: Final = 0xFFF


def outgoing(incoming: Incoming) -> Outgoing:
    """Raises av.error.FFmpegError where there is no decoder."""
    decoder = incoming.decoder
    rate, channels = int(decoder.sample_rate or 0), int(decoder.layout.nb_channels)
    if incoming.codec == "aac" and channels in (1, 2) and rate in _AAC_RATES[:-1]:
        # Without a configuration (MPEG-TS) it is made of what is known, which holds for the plain profile only.
        config = incoming.extradata or (_config(rate, channels) if decoder.profile == "LC" else b"")
        if config:
            return CopiedSound(_aac_media(config, rate, channels), _aac)
    if incoming.codec in ("pcm_alaw", "pcm_mulaw") and (rate, channels) == (8000, 1):
        encoding, kind = {"pcm_alaw": ("PCMA", 8), "pcm_mulaw": ("PCMU", 0)}[incoming.codec]
        media = Media(
            "audio", payload_type=kind, encoding=encoding, clock_rate=8000, channels=1, control=CONTROL
        )
        return CopiedSound(media, _g711)
    if incoming.codec in ("opus", "libopus"):
        media = Media(
            "audio",
            payload_type=PAYLOAD_TYPE,
            encoding="OPUS",
            clock_rate=48000,
            channels=2,
            control=CONTROL,
        )
        return CopiedSound(media, lambda data, ticks: [Unit(ticks, [data], True)])
    return EncodedSound(incoming)


class CopiedSound:
    """Repacked, never decoded."""

    def __init__(self, media: Media, pack: Callable[[bytes, int], list[Unit]]) -> None:
        self.media = media
        self._pack = pack

    def put(self, packet: Packet) -> list[Unit]:
        assert packet.pts is not None
        assert packet.time_base is not None
        return self._pack(bytes(packet), round(packet.pts * packet.time_base * self.media.clock_rate))


def _aac(data: bytes, ticks: int) -> list[Unit]:
    if len(data) > 9 and int.from_bytes(data[:2], "big") >> 4 == _ADTS:
        # The header of MPEG-TS, with or without a checksum (ISO/IEC 13818-7, 6.2).
        data = data[7:] if data[1] & 1 else data[9:]
    return [Unit(ticks, packetizer.aac(data), True)] if 0 < len(data) < 1 << 13 else []


def _g711(data: bytes, ticks: int) -> list[Unit]:
    return [Unit(ticks + at, [data[at : at + _PIECE]], True) for at in range(0, len(data), _PIECE)]


class EncodedSound:
    """Decoded and encoded as AAC, at its own rate where AAC has that, in one or two channels."""

    def __init__(self, incoming: Incoming) -> None:
        self._decoder = incoming.decoder
        own = int(self._decoder.sample_rate or 0)
        self._rate = own if own in _AAC_RATES[:-1] else 48000
        self._layout = layout = "mono" if self._decoder.layout.nb_channels == 1 else "stereo"
        self._resampler = av.AudioResampler("fltp", layout, self._rate, _FRAME)
        made: Any = av.CodecContext.create("aac", "w")
        made.sample_rate, made.layout, made.format = self._rate, layout, "fltp"
        made.bit_rate = BIT_RATE
        made.options = {"flags": "+global_header"}
        made.open()
        self._encoder = made
        # Ticks of the first sample that went in, and how many went in and came out of the resampler.
        self._base: int | None = None
        self._taken = self._given = 0
        channels = 1 if layout == "mono" else 2
        self.media = _aac_media(bytes(made.extradata), self._rate, channels)

    def put(self, packet: Packet) -> list[Unit]:
        assert packet.time_base is not None
        try:
            frames = self._decoder.decode(packet)
        except av.error.FFmpegError:
            # Whatever is wrong with the sound, the pictures go on.
            return []
        units: list[Unit] = []
        for frame in frames:
            if frame.pts is not None:
                self._slip(round(frame.pts * packet.time_base * self._rate))
            self._taken += frame.samples * self._rate // frame.sample_rate
            # Times are ours: what a decoder makes of them may be in other units.
            frame.pts = None
            units += self._encoded(self._resampled(frame))
        return units

    def _resampled(self, frame: av.AudioFrame) -> list[Any]:
        try:
            return list(self._resampler.resample(frame))
        except (av.error.FFmpegError, ValueError):
            # From now on it has another rate, or more channels: what comes out stays as it was.
            self._resampler = av.AudioResampler("fltp", self._layout, self._rate, _FRAME)
            return list(self._resampler.resample(frame))

    def _slip(self, ticks: int) -> None:
        if self._base is None or abs(ticks - self._base - self._taken) > SLIP_S * self._rate:
            self._base = ticks - self._taken

    def _encoded(self, frames: list[Any]) -> list[Unit]:
        units: list[Unit] = []
        for frame in frames:
            frame.pts = self._given
            self._given += frame.samples
            for packet in self._encoder.encode(frame):
                ticks = int(packet.pts) + (self._base or 0)
                units.append(Unit(ticks, packetizer.aac(bytes(packet)), True))
        return units


def _config(rate: int, channels: int) -> bytes:
    """AudioSpecificConfig of AAC LC (ISO/IEC 14496-3, 1.6.2.1)."""
    return (2 << 11 | _AAC_RATES.index(rate) << 7 | channels << 3).to_bytes(2, "big")


def _aac_media(config: bytes, rate: int, channels: int) -> Media:
    """AAC-hbr (RFC 3640, 3.3.6)."""
    return Media(
        "audio",
        payload_type=PAYLOAD_TYPE,
        encoding="MPEG4-GENERIC",
        clock_rate=rate,
        channels=channels,
        fmtp={
            "streamtype": "5",
            "profile-level-id": "1",
            "mode": "AAC-hbr",
            "sizelength": "13",
            "indexlength": "3",
            "indexdeltalength": "3",
            "config": config.hex(),
        },
        control=CONTROL,
    )
