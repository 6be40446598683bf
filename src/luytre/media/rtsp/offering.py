"""A track as a server describes it, and its samples as RTP payloads: what a receiver reads (rtsp/tracks.py), written.

Promises   a description with all parameter sets; keyframes carry them too, for those who join later or read no SDP.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from luytre.media import h264, h265
from luytre.media.nal import nal_spans
from luytre.media.rtp import packetizer
from luytre.media.sdp import Media
from luytre.media.tracks import AudioTrack, Track, VideoTrack

VIDEO_TYPE, AUDIO_TYPE = 96, 97
# RFC 3551 table 4: static types are for 8000 Hz, one channel.
_G711 = {"alaw": ("PCMA", 8), "ulaw": ("PCMU", 0)}


def media_of(track: Track, number: int) -> Media:
    """The m= section of a track; its control is `trackID={number}`."""
    control = f"trackID={number}"
    if isinstance(track, VideoTrack):
        return Media(
            "video",
            payload_type=VIDEO_TYPE,
            encoding=track.codec.upper(),
            clock_rate=track.timescale,
            fmtp=_parameters(track),
            control=control,
        )
    if track.codec == "aac":
        # AAC-hbr (RFC 3640 section 3.3.6).
        fmtp = {
            "streamtype": "5",
            "profile-level-id": "1",
            "mode": "AAC-hbr",
            "sizelength": "13",
            "indexlength": "3",
            "indexdeltalength": "3",
            "config": track.config.hex(),
        }
        return _sound(track, "MPEG4-GENERIC", AUDIO_TYPE, track.channels, control, fmtp)
    if track.codec == "opus":
        # Always 48000/2, whatever is inside (RFC 7587 section 7).
        return _sound(track, "opus", AUDIO_TYPE, 2, control, {})
    name, payload_type = _G711[track.codec]
    static = track.rate == 8000 and track.channels == 1
    return _sound(track, name, payload_type if static else AUDIO_TYPE, track.channels, control, {})


def _sound(
    track: AudioTrack, encoding: str, payload_type: int, channels: int, control: str, fmtp: dict[str, str]
) -> Media:
    return Media(
        "audio",
        payload_type=payload_type,
        encoding=encoding,
        clock_rate=track.timescale,
        channels=channels,
        fmtp=fmtp,
        control=control,
    )


def _parameters(track: VideoTrack) -> dict[str, str]:
    """RFC 6184 section 8.1, RFC 7798 section 7.1."""
    sets = track.parameter_sets
    if track.codec == "h264":
        profile = next(nal for nal in sets if h264.nal_type(nal[0]) == 7)
        return {
            "packetization-mode": "1",
            "profile-level-id": profile[1:4].hex().upper(),
            "sprop-parameter-sets": _base64(sets),
        }
    kinds = (("sprop-vps", 32), ("sprop-sps", 33), ("sprop-pps", 34))
    return {name: _base64([nal for nal in sets if h265.nal_type(nal[0]) == kind]) for name, kind in kinds}


def _base64(nals: Sequence[bytes]) -> str:
    return ",".join(base64.b64encode(nal).decode() for nal in nals)


def video_payloads(track: VideoTrack, data: bytes, key: bool) -> list[bytes]:
    """One access unit (NAL units with 4-byte lengths); a keyframe begins with the parameter sets that it lacks."""
    room = h264 if track.codec == "h264" else h265
    nals = [data[start:end] for start, end in nal_spans(data)]
    if key and not any(room.is_parameter_set(room.nal_type(nal[0])) for nal in nals):
        # An access unit delimiter stays in front (ISO/IEC 14496-10, 7.4.1.2.3).
        delimiter = 9 if track.codec == "h264" else 35
        at = 1 if nals and room.nal_type(nals[0][0]) == delimiter else 0
        nals[at:at] = track.parameter_sets
    return packetizer.h264(nals) if track.codec == "h264" else packetizer.h265(nals)


def audio_payloads(track: AudioTrack, data: bytes) -> tuple[list[bytes], list[int]]:
    """One frame's payloads, and by how many ticks each is later than the frame."""
    if track.codec in _G711:
        # One byte is one sample of one channel: it can be cut anywhere (RFC 3551 section 4.5.14).
        size = packetizer.MAX_PAYLOAD // track.channels * track.channels
        cuts = range(0, len(data), size)
        return [data[at : at + size] for at in cuts], [at // track.channels for at in cuts]
    payloads = [data]
    if track.codec == "aac":
        # What its size field cannot say is left out.
        payloads = packetizer.aac(data) if 0 < len(data) < 1 << 13 else []
    return payloads, [0] * len(payloads)
