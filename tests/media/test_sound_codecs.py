"""G.711 and Opus in our files: bit for bit, as libav and ffprobe read them, and in packets."""

from __future__ import annotations

import json
import shutil
import subprocess
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from luytre.base.errors import Error
from luytre.media import g711, opus, sdp
from luytre.media.fmp4.write import init_segment
from luytre.media.rtp import packetizer
from luytre.media.rtp.g711 import G711Receiver
from luytre.media.rtp.opus import OpusReceiver
from luytre.media.rtsp.tracks import choose_tracks
from luytre.media.sound import sample_ticks
from luytre.media.stored import tracks_of
from luytre.media.tracks import AudioCodec, AudioTrack
from tests.media.clips import Coded, demuxed, encode_video, fragmented, progressive, reading
from tests.media.sounds import encode, pcm
from tests.media.test_rtp_receiver import Sender

G711: list[AudioCodec] = ["alaw", "ulaw"]
FORMS = [fragmented, progressive]


def sound_of(coded: Coded) -> AudioTrack:
    assert isinstance(coded.track, AudioTrack)
    return coded.track


def decoded(file: bytes) -> bytes:
    """All sound as libav decodes it, 16 bits interleaved."""
    with reading(file) as container:
        frames = list(container.decode(container.streams.audio[0]))
    return b"".join(np.ascontiguousarray(frame.to_ndarray().T).tobytes() for frame in frames)


@pytest.mark.parametrize("make", FORMS)
@pytest.mark.parametrize("codec", G711)
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (16000, 1), (8000, 2)])
def test_g711_is_decoded_to_the_cameras_own_samples(
    make: Any, codec: AudioCodec, rate: int, channels: int
) -> None:
    sound = encode(codec, rate=rate, channels=channels)
    sent = b"".join(sample.data for sample in sound.samples)
    assert len(sent) == 60 * rate // 50 * channels
    assert len(set(sent)) > 100
    file = make([encode_video("h264", frames=30), sound])
    with reading(file) as container:
        stream = container.streams.audio[0]
        context = stream.codec_context
        assert (context.name, context.sample_rate, context.channels) == (
            {"alaw": "pcm_alaw", "ulaw": "pcm_mulaw"}[codec],
            rate,
            channels,
        )
    found = demuxed(file, [90_000, rate])[1]
    assert [(p.pts, p.data) for p in found] == [(s.pts, s.data) for s in sound.samples]
    assert decoded(file)[: len(sent) * 2] == pcm(codec, sent)


@pytest.mark.parametrize("make", FORMS)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("frame_duration", ["2.5", "5", "10", "20", "40", "60"])
def test_opus_is_read_with_its_own_lengths(make: Any, channels: int, frame_duration: str) -> None:
    sound = encode("opus", channels=channels, frame_duration=frame_duration)
    track = sound_of(sound)
    wanted = round(float(frame_duration) * 48)
    assert {sample_ticks(track, sample.data) for sample in sound.samples} == {wanted}
    file = make([encode_video("h264", frames=30), sound])
    found = demuxed(file, [90_000, 48_000])[1]
    assert [(p.pts, p.data) for p in found] == [(s.pts, s.data) for s in sound.samples]
    with reading(file) as container:
        frames = list(container.decode(container.streams.audio[0]))
        assert container.streams.audio[0].codec_context.channels == channels
    assert sum(frame.samples for frame in frames) == wanted * len(sound.samples)


@pytest.mark.parametrize("make", FORMS)
def test_ffprobe_reads_each_codec_without_a_word(make: Any, tmp_path: Path) -> None:
    if shutil.which("ffprobe") is None:
        pytest.skip("FFPROBE ABSENT: nobody to compare with")
    sounds = [encode("alaw"), encode("ulaw", rate=16000), encode("opus", channels=2)]
    path = tmp_path / "sound.mp4"
    path.write_bytes(make([encode_video("h264", frames=30), *sounds]))
    command = ["ffprobe", "-v", "warning", "-show_streams", "-count_packets", "-of", "json", str(path)]
    told = subprocess.run(command, capture_output=True, check=True)
    assert told.stderr == b""
    streams = json.loads(told.stdout)["streams"][1:]
    assert [(s["codec_name"], s["sample_rate"], s["channels"]) for s in streams] == [
        ("pcm_alaw", "8000", 1),
        ("pcm_mulaw", "16000", 1),
        ("opus", "48000", 2),
    ]
    assert [int(s["nb_read_packets"]) for s in streams] == [60, 60, 60]


@pytest.mark.parametrize(
    "track",
    [g711.audio_track("alaw", 8000, 1), g711.audio_track("ulaw", 16000, 2), opus.audio_track(2)],
    ids=lambda track: track.codec,
)
def test_tracks_come_back_from_a_stored_init(track: AudioTrack) -> None:
    init = init_segment([encode_video("h264", frames=1).track, track])
    assert tracks_of(init)[1] == track
    assert init_segment(tracks_of(init)) == init
    with reading(init + b"") as container:
        assert len(container.streams.audio) == 1


@pytest.mark.parametrize(
    ("packet", "ticks"),
    [
        (b"", 0),
        (b"\x00", 480),  # SILK, 10 ms, one frame
        (b"\x18x", 2880),  # SILK, 60 ms
        (b"\x60x", 480),  # hybrid, 10 ms
        (b"\x80x", 120),  # CELT, 2.5 ms
        (b"\xf8x", 960),  # CELT, 20 ms
        (b"\xf9xx", 1920),  # two of one size
        (b"\xfaxxx", 1920),  # two of two sizes
        (b"\xfb\x06", 5760),  # six: 120 ms, the most
        (b"\xfb\x07", 0),  # more than that
        (b"\xfb\x80", 0),  # no frame at all
        (b"\xfb", 0),  # the count is missing
    ],
)
def test_how_long_an_opus_packet_lasts(packet: bytes, ticks: int) -> None:
    assert opus.packet_ticks(packet) == ticks


@pytest.mark.parametrize(("rate", "channels"), [(0, 1), (8000, 0), (8000, 6), (96_000, 1)])
def test_g711_that_cannot_be(rate: int, channels: int) -> None:
    with pytest.raises(Error) as caught:
        g711.audio_track("alaw", rate, channels)
    assert caught.value.hint


def test_packets_of_sound_become_samples_and_losses_harm_no_neighbour() -> None:
    sound = bytes(range(200))
    for receiver, packets in (
        (G711Receiver(96, 2), packetizer.g711(sound, 2, max_payload=41)),
        (OpusReceiver(96), [packetizer.opus(s.data)[0] for s in encode("opus", frames=5).samples]),
    ):
        sender = Sender(receiver)
        times = list(accumulate((len(packet) // 2 for packet in packets), initial=0xFFFF_FFF0))
        for number, (packet, pts) in enumerate(zip(packets, times, strict=False)):
            if number == 2:
                sender.lose()
            sender.send(packet, pts & 0xFFFF_FFFF)
        assert [sample.data for sample in receiver.samples] == packets
        assert [sample.pts for sample in receiver.samples] == times[:-1]
        assert (receiver.lost, receiver.invalid) == (1, 0)


def test_packets_that_are_none_are_counted() -> None:
    stereo, other = G711Receiver(96, 2), OpusReceiver(96)
    Sender(stereo).send(b"\xd5\xd5\xd5", 0)
    Sender(other).send(b"\xfb\x80", 0)
    assert (stereo.samples, stereo.invalid, other.samples, other.invalid) == ([], 1, [], 1)


def described(*lines: str) -> sdp.Session:
    return sdp.parse("\r\n".join(["v=0", "m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", *lines]))


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["m=audio 0 RTP/AVP 8"], ("alaw", 8, 8000, 1)),
        (["m=audio 0 RTP/AVP 0"], ("ulaw", 0, 8000, 1)),
        (["m=audio 0 RTP/AVP 97", "a=rtpmap:97 PCMA/16000/2"], ("alaw", 97, 16000, 2)),
        (["m=audio 0 RTP/AVP 98", "a=rtpmap:98 opus/48000/2"], ("opus", 98, 48000, 1)),
        (
            ["m=audio 0 RTP/AVP 98", "a=rtpmap:98 opus/48000/2", "a=fmtp:98 sprop-stereo=1"],
            ("opus", 98, 48000, 2),
        ),
        # Several formats in one line: AAC before Opus before A-law before mu-law.
        (["m=audio 0 RTP/AVP 0 8 98", "a=rtpmap:98 opus/48000/2"], ("opus", 98, 48000, 1)),
        (["m=audio 0 RTP/AVP 0 8"], ("alaw", 8, 8000, 1)),
        (
            [
                "m=audio 0 RTP/AVP 98 97 8",
                "a=rtpmap:98 opus/48000/2",
                "a=rtpmap:97 MPEG4-GENERIC/16000",
                "a=fmtp:97 config=1408",
            ],
            ("aac", 97, 16000, 1),
        ),
        # The loudspeaker is not what is heard; a medium that nothing can be made of is passed over.
        (["m=audio 0 RTP/AVP 0", "a=sendonly", "m=audio 0 RTP/AVP 8", "a=recvonly"], ("alaw", 8, 8000, 1)),
        (["m=audio 0 RTP/AVP 0", "a=sendonly"], ("ulaw", 0, 8000, 1)),
        (
            ["m=audio 0 RTP/AVP 97", "a=rtpmap:97 MPEG4-GENERIC/16000", "m=audio 0 RTP/AVP 8"],
            ("alaw", 8, 8000, 1),
        ),
        (["m=audio 0 RTP/AVP 98", "a=rtpmap:98 G726-32/8000"], None),
        (["m=audio 0 RTP/AVP 10"], None),
    ],
)
def test_which_sound_is_recorded(lines: list[str], found: tuple[str, int, int, int] | None) -> None:
    tracks = choose_tracks(described(*lines), "rtsp://camera/", want_audio=True)
    sounds = [
        (t.track.codec, t.media.payload_type, t.track.rate, t.track.channels)
        for t in tracks
        if isinstance(t.track, AudioTrack)
    ]
    assert sounds == ([] if found is None else [found])
    assert len(tracks) == 1 + len(sounds)


@pytest.mark.parametrize(
    ("codec", "fmtp"),
    [("H264", "packetization-mode=2"), ("H265", "sprop-max-don-diff=3;sprop-depack-buf-nalus=2")],
)
def test_interleaved_order_is_refused_with_words(codec: str, fmtp: str) -> None:
    media = ["m=video 0 RTP/AVP 96", f"a=rtpmap:96 {codec}/90000", f"a=fmtp:96 {fmtp}"]
    with pytest.raises(Error, match="interleaved order") as caught:
        choose_tracks(sdp.parse("\n".join(media)), "rtsp://camera/", want_audio=True)
    assert caught.value.cause == "unsupported_codec"
    other = ["m=video 0 RTP/AVP 97", "a=rtpmap:97 H264/90000", "a=fmtp:97 packetization-mode=1"]
    session = sdp.parse("\n".join(media + other))
    assert choose_tracks(session, "rtsp://camera/", want_audio=True)[0].media.payload_type == 97
