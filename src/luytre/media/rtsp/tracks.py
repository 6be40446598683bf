"""From a description's media to tracks: which to take, and what is known of them before the first packet.

Promises   a broken or missing sprop gives None, never an exception: parameter sets then come in band.
Does not   receive packets (luytre.media.rtp does).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from luytre.base.errors import Error, Kind
from luytre.media import aac, h264, h265, sdp
from luytre.media.rtsp.url import without_credentials
from luytre.media.sdp import Media
from luytre.media.tracks import AudioTrack, VideoTrack

Codec = Literal["h264", "h265", "aac"]
_CODECS: dict[tuple[str, str], Codec] = {
    ("video", "H264"): "h264",
    ("video", "H265"): "h265",
    ("video", "HEVC"): "h265",
    ("audio", "MPEG4-GENERIC"): "aac",
}


@dataclass(frozen=True, slots=True)
class UdpEnds:
    """Ports of a track that comes by UDP, (RTP, RTCP): ours, and the camera's where it told them; `source`: the address
    that it says it sends from, "" when it says none.
    """

    client: tuple[int, int]
    server: tuple[int, int] | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class ClientTrack:
    """One track to set up or that was set up; `track` is None while its parameter sets are unknown.

    `ssrc` and `rtptime` are 32 bits, `seq` 16 bits, as the camera announced them, or None. `udp` is None for a track that
    comes inside the RTSP connection; one that comes by UDP keeps channels of its own, by which it is known here.
    """

    media: Media
    codec: Codec
    track: VideoTrack | AudioTrack | None
    url: str
    channel: int
    rtcp_channel: int
    ssrc: int | None = None
    seq: int | None = None
    rtptime: int | None = None
    udp: UdpEnds | None = None


def codec_of(media: Media) -> Codec | None:
    """The codec of a medium if it is one that we record, else None."""
    return _CODECS.get((media.kind, media.encoding))


def parameter_sets(media: Media) -> tuple[bytes, ...]:
    """NAL units out of the fmtp line: RFC 6184 section 8.1, RFC 7798 section 7.1 (VPS, SPS, PPS)."""
    codec = codec_of(media)
    if codec == "h264":
        return h264.sprop_parameter_sets(media.fmtp.get("sprop-parameter-sets", ""))
    if codec == "h265":
        names = ("sprop-vps", "sprop-sps", "sprop-pps")
        return h265.sprop_parameter_sets(*(media.fmtp.get(name, "") for name in names))
    return ()


def media_track(media: Media) -> VideoTrack | AudioTrack | None:
    """The track if the description alone tells it all; None for a foreign codec or missing parameters."""
    codec = codec_of(media)
    try:
        if codec == "h264":
            return h264.video_track(parameter_sets(media))
        if codec == "h265":
            return h265.video_track(parameter_sets(media))
        if codec == "aac":
            return aac.audio_track(bytes.fromhex(media.fmtp.get("config", "")))
    except (Error, ValueError):
        return None
    return None


def choose_tracks(session: sdp.Session, base: str, want_audio: bool) -> list[ClientTrack]:
    """The first video that we record and, if wanted, the first such audio; video first.

    Raises Error with cause "no_video" or "unsupported_codec".
    """
    video = [media for media in session.media if media.kind == "video"]
    chosen = [media for media in video if codec_of(media)][:1]
    if not video:
        raise Error(
            Kind.UNAVAILABLE,
            "the camera describes no video track",
            hint="Check the path of the address: it may be an audio or metadata stream.",
            cause="no_video",
        )
    if not chosen:
        names = ", ".join(sorted({media.encoding or f"type {media.payload_type}" for media in video}))
        raise Error(
            Kind.UNAVAILABLE,
            f"the camera sends video as {names[:60]}, which is not recorded yet",
            hint="Choose H.264 or H.265 for this stream in the camera's own pages.",
            cause="unsupported_codec",
        )
    if want_audio:
        chosen += [media for media in session.media if media.kind == "audio" and codec_of(media)][:1]
    tracks = []
    for position, media in enumerate(chosen):
        codec = codec_of(media)
        assert codec is not None
        url = without_credentials(sdp.control_url(base, session.control, media.control))
        channel = 2 * position
        tracks.append(ClientTrack(media, codec, media_track(media), url, channel, channel + 1))
    return tracks
