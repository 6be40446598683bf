"""G.711 sound: A-law and mu-law, one byte per sample and channel (ITU-T G.711, RFC 3551 section 4.5.14).

Promises   what the camera sent goes into the file byte for byte; a packet's bytes are one sample of the file.
Does not   decode.
"""

from __future__ import annotations

from typing import Literal

from luytre.base.errors import Error, Kind
from luytre.media.fmp4.entry import audio_entry, codec_string
from luytre.media.tracks import AudioTrack

Law = Literal["alaw", "ulaw"]
# 20 ms, the packet that RFC 3551 section 4.2 recommends.
_PACKETS_PER_S = 50
# The sample entry's rate has 16 bits.
_RATES = range(_PACKETS_PER_S, 0x1_0000)


def audio_track(law: Law, rate: int, channels: int) -> AudioTrack:
    """A track of `rate` samples a second, which are its ticks. Raises Error(INVALID, cause="bad_media")."""
    if rate not in _RATES or channels not in (1, 2):
        raise Error(
            Kind.INVALID,
            f"G.711 sound of {rate} Hz and {channels} channels",
            hint="Set the camera's audio to 8 kHz mono.",
            cause="bad_media",
        )
    entry = audio_entry(law.encode(), channels, rate, b"")
    return AudioTrack(
        codec=law,
        rate=rate,
        channels=channels,
        config=b"",
        codec_string=codec_string(entry),
        sample_entry=entry,
        timescale=rate,
        samples_per_frame=rate // _PACKETS_PER_S,
    )
