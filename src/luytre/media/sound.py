"""What the codecs of sound have in common: how long a sample lasts."""

from __future__ import annotations

from luytre.media import opus
from luytre.media.tracks import AudioTrack


def sample_ticks(track: AudioTrack, data: bytes) -> int:
    """Ticks that this sample lasts by itself, at least 1: AAC by its track, G.711 by its bytes, Opus by its first ones."""
    if track.codec == "aac":
        return track.samples_per_frame
    if track.codec == "opus":
        return opus.packet_ticks(data) or track.samples_per_frame
    return max(len(data) // track.channels, 1)
