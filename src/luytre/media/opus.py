"""Opus packets: how long they last, and the track they make (RFC 6716, RFC 7587; "Encapsulation of Opus in ISOBMFF").

Does not   decode; know more than two channels (mapping family 0).
"""

from __future__ import annotations

import struct

from luytre.media.bits import damaged
from luytre.media.fmp4.boxes import box
from luytre.media.fmp4.entry import audio_entry, codec_string
from luytre.media.tracks import AudioTrack

# The clock of RTP and of the file, whatever the sound's bandwidth (RFC 7587 section 4.1).
RATE = 48_000
# Ticks of a frame by the configuration number in the TOC byte (RFC 6716 table 2): SILK, hybrid, CELT.
_FRAME_TICKS = (*(480, 960, 1920, 2880) * 3, *(480, 960) * 2, *(120, 240, 480, 960) * 4)
# 120 ms, the longest packet (RFC 6716 section 3.2.5, R5).
_LONGEST_TICKS = 5760
# dOps: version, OutputChannelCount, PreSkip, InputSampleRate, OutputGain, ChannelMappingFamily.
_DOPS = struct.Struct(">BBHIhB")
_USUAL_TICKS = 960


def packet_ticks(packet: bytes) -> int:
    """Ticks of 1/48000 s that a packet lasts (RFC 6716 section 3.1); 0 when it is no Opus packet."""
    if not packet:
        return 0
    count = (1, 2, 2, packet[1] & 0x3F if len(packet) > 1 else 0)[packet[0] & 3]
    ticks = count * _FRAME_TICKS[packet[0] >> 3]
    return ticks if ticks <= _LONGEST_TICKS else 0


def audio_track(channels: int) -> AudioTrack:
    """A track of 1 or 2 channels.

    PreSkip is 0: a recorder comes in the middle of the sound, and RTP times count every sample.
    """
    return of_dops(_DOPS.pack(0, channels, 0, RATE, 0, 0))


def of_dops(dops: bytes) -> AudioTrack:
    """A track from a stored `dOps` payload. Raises Error(INVALID, cause="bad_media")."""
    if len(dops) != _DOPS.size or dops[0] != 0 or dops[1] not in (1, 2) or dops[-1] != 0:
        raise damaged("an Opus configuration of another kind than version 0 with one or two channels")
    entry = audio_entry(b"Opus", dops[1], RATE, box(b"dOps", dops))
    return AudioTrack(
        codec="opus",
        rate=RATE,
        channels=dops[1],
        config=dops,
        codec_string=codec_string(entry),
        sample_entry=entry,
        timescale=RATE,
        samples_per_frame=_USUAL_TICKS,
    )
