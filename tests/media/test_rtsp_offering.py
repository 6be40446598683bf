"""Tracks as a server describes them: what our own reader of descriptions makes of them, and sound in packets."""

from __future__ import annotations

import pytest

from luytre.media import sdp
from luytre.media.nal import to_length_prefixed
from luytre.media.rtp.packetizer import MAX_PAYLOAD
from luytre.media.rtsp.offering import audio_payloads, media_of, video_payloads
from luytre.media.rtsp.tracks import media_track
from luytre.media.tracks import AudioCodec, AudioTrack, VideoCodec, VideoTrack
from tests.media.clips import encode_video


def sound(codec: AudioCodec, rate: int, channels: int = 1) -> AudioTrack:
    return AudioTrack(codec, rate, channels, b"\x14\x08" if codec == "aac" else b"", codec, b"", rate)


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_a_described_video_is_the_track_again(codec: VideoCodec) -> None:
    track = encode_video(codec, frames=3, gop=3).track
    (described,) = sdp.parse(sdp.describe([media_of(track, 0)])).media
    assert media_track(described) == track


@pytest.mark.parametrize(
    ("track", "lines"),
    [
        (sound("aac", 16000), ["m=audio 0 RTP/AVP 97", "a=rtpmap:97 MPEG4-GENERIC/16000", "config=1408"]),
        (sound("alaw", 8000), ["m=audio 0 RTP/AVP 8", "a=rtpmap:8 PCMA/8000\r"]),
        (sound("ulaw", 8000), ["m=audio 0 RTP/AVP 0", "a=rtpmap:0 PCMU/8000\r"]),
        (sound("alaw", 16000), ["m=audio 0 RTP/AVP 97", "a=rtpmap:97 PCMA/16000\r"]),
        (sound("ulaw", 8000, 2), ["m=audio 0 RTP/AVP 97", "a=rtpmap:97 PCMU/8000/2\r"]),
        (sound("opus", 48000), ["m=audio 0 RTP/AVP 97", "a=rtpmap:97 opus/48000/2\r"]),
    ],
)
def test_sound_is_described(track: AudioTrack, lines: list[str]) -> None:
    text = sdp.describe([media_of(track, 1)])
    assert all(line in text for line in [*lines, "a=control:trackID=1"])


@pytest.mark.parametrize(
    ("track", "size", "sizes", "later"),
    [
        (sound("alaw", 8000), 160, [160], [0]),
        (sound("ulaw", 8000), 3000, [1400, 1400, 200], [0, 1400, 2800]),
        (sound("ulaw", 8000, 2), 3000, [1400, 1400, 200], [0, 700, 1400]),
        (sound("opus", 48000), 120, [120], [0]),
        (sound("aac", 16000), 200, [204], [0]),
        (sound("aac", 16000), 2000, [MAX_PAYLOAD, 608], [0, 0]),
        (sound("aac", 16000), 8192, [], []),
        (sound("aac", 16000), 0, [], []),
    ],
)
def test_sound_in_packets(track: AudioTrack, size: int, sizes: list[int], later: list[int]) -> None:
    payloads, offsets = audio_payloads(track, bytes(size))
    assert [len(payload) for payload in payloads] == sizes
    assert offsets == later


def test_a_keyframe_carries_its_parameter_sets_once() -> None:
    track = encode_video("h264", frames=3, gop=3).track
    assert isinstance(track, VideoTrack)
    delimiter, picture = b"\x09\xf0", b"\x65\x88" + bytes(2000)
    bare = video_payloads(track, to_length_prefixed([delimiter, picture]), True)
    whole = video_payloads(track, to_length_prefixed([delimiter, *track.parameter_sets, picture]), True)
    assert bare == whole
    assert all(nal in bare[0] for nal in (delimiter, *track.parameter_sets))
    assert track.parameter_sets[0] not in video_payloads(track, to_length_prefixed([b"\x61\x9a"]), False)[0]
