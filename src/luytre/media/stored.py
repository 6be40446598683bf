"""Tracks made again from a stored init segment: for stills, exports and checks, long after the camera said
what it sends.

Promises   `init_segment(tracks_of(init))` equals `init` for every init written by us.
Does not   read entries of codecs we do not record.
"""

from __future__ import annotations

from dataclasses import replace

from luytre.base.errors import Error, Kind
from luytre.media import aac, g711, h264, h265, opus
from luytre.media.fmp4 import entry
from luytre.media.fmp4.read import TrackInfo, parse_init
from luytre.media.tracks import AudioTrack, Track, VideoTrack


def tracks_of(init: bytes) -> tuple[Track, ...]:
    """Tracks in file order.

    Raises Error(DATA_LOSS or INVALID, cause="bad_media") where the init or an entry is damaged,
    Error(INVALID, cause="unsupported_codec") where an entry is of another codec.
    """
    return tuple(_track(info) for info in parse_init(init).tracks)


def _track(info: TrackInfo) -> Track:
    stored = info.sample_entry
    if avcc := entry.configuration(stored, b"avcC"):
        return VideoTrack(
            "h264",
            info.width,
            info.height,
            h264.sets_of_avcc(avcc),
            info.codec_string,
            stored,
            info.timescale,
        )
    if hvcc := entry.configuration(stored, b"hvcC"):
        return VideoTrack(
            "h265",
            info.width,
            info.height,
            h265.sets_of_hvcc(hvcc),
            info.codec_string,
            stored,
            info.timescale,
        )
    esds = entry.decoder_specific_info(entry.configuration(stored, b"esds") or b"")
    if stored[4:8] == b"mp4a" and esds is not None and esds[0] == 0x40:
        parsed = aac.parse_config(esds[1])
        return AudioTrack(
            codec="aac",
            rate=parsed.rate,
            channels=parsed.channels,
            config=esds[1],
            codec_string=info.codec_string,
            sample_entry=stored,
            timescale=info.timescale,
            samples_per_frame=parsed.samples_per_frame,
        )
    if stored[4:8] in (b"alaw", b"ulaw"):
        law: g711.Law = "alaw" if stored[4:8] == b"alaw" else "ulaw"
        return replace(g711.audio_track(law, info.timescale, info.channels), sample_entry=stored)
    if stored[4:8] == b"Opus" and (dops := entry.configuration(stored, b"dOps")):
        return replace(opus.of_dops(dops), sample_entry=stored)
    raise Error(
        Kind.INVALID,
        f"a track of codec {info.codec_string} is not recorded by this program",
        hint="Open the file with another player.",
        cause="unsupported_codec",
    )
