"""The fast way from bytes to pictures must do exactly what the plain way does, whatever comes and however it is cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luytre.media.rtp import packetizer
from luytre.media.rtp.aac import AacReceiver
from luytre.media.rtp.h264 import H264Receiver
from luytre.media.rtp.h265 import H265Receiver
from luytre.media.rtp.interleaved import deliver, missing, split
from luytre.media.rtp.receiver import NalReceiver, Receiver
from luytre.media.tracks import Sample
from tests.media.test_rtp_roundtrip import MESSAGE, framed, packets

HEADS = {"h264": b"\x65", "h265": b"\x26\x01"}


def receiver(codec: str) -> NalReceiver:
    return H264Receiver(96, ()) if codec == "h264" else H265Receiver(96, ())


def stream_of(codec: str, sizes: list[int], first: int) -> list[bytes]:
    """Interleaved packets of pictures of those sizes, with a sound packet after each picture."""
    cut = packetizer.h264 if codec == "h264" else packetizer.h265
    frames: list[bytes] = []
    seq = first
    for number, size in enumerate(sizes):
        nal = HEADS[codec] + b"\x88" + (bytes(range(256)) * (size // 256 + 1))[:size]
        for packet in packets(cut([nal], 1400), seq, number * 3600):
            frames.append(framed(packet))
            seq += 1
        sound = packets(packetizer.aac(b"s" * 180), number, number * 1024)
        frames += [framed(packet, 2) for packet in sound]
    return frames


def plainly(codec: str, stream: bytes) -> tuple[list[Sample], list[Sample], int]:
    video, audio = receiver(codec), AacReceiver(96)
    channels: dict[int, Receiver] = {0: video, 2: audio}
    for channel, start, end in split(stream).frames:
        if channel in channels:
            channels[channel].push(stream, start, end)
    video.flush()
    return video.samples, audio.samples, video.lost


def fast(codec: str, stream: bytes, cuts: list[int]) -> tuple[list[Sample], list[Sample], int]:
    video, audio = receiver(codec), AacReceiver(96)
    carry, position, turn = b"", 0, 0
    while position < len(stream):
        step = cuts[turn % len(cuts)]
        data = carry + stream[position : position + step]
        position, turn = position + step, turn + 1
        carry = data[deliver(data, {0: video, 2: audio}).rest :]
    video.flush()
    return video.samples, audio.samples, video.lost


@settings(max_examples=80, deadline=None)
@given(
    sizes=st.lists(st.one_of(st.integers(0, 2000), st.integers(2000, 60_000)), min_size=1, max_size=6),
    first=st.one_of(st.integers(0, 0xFFFF), st.integers(0xFFE0, 0xFFFF)),
    cuts=st.lists(st.integers(1, 70_000), min_size=1, max_size=6),
    dropped=st.sets(st.integers(0, 60), max_size=3),
    noise=st.one_of(st.none(), st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 255))),
)
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_the_fast_way_gives_what_the_plain_way_gives(
    codec: str,
    sizes: list[int],
    first: int,
    cuts: list[int],
    dropped: set[int],
    noise: tuple[int, int, int] | None,
) -> None:
    frames = [f for number, f in enumerate(stream_of(codec, sizes, first)) if number not in dropped]
    if noise is not None and frames:
        # One byte of one packet's headers is another: sequence, timestamp, type, FU header, whatever it hits.
        number, offset, value = noise
        frame = bytearray(frames[number % len(frames)])
        if 4 <= offset < len(frame):
            frame[offset] = value
        frames[number % len(frames)] = bytes(frame)
    if len(frames) > 2:
        frames.insert(2, MESSAGE)
    stream = b"".join(frames)
    assert fast(codec, stream, cuts) == plainly(codec, stream)


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_the_middle_of_a_large_picture_is_really_taken_at_once(codec: str) -> None:
    stream = b"".join(stream_of(codec, [60_000], 65_500))
    video = receiver(codec)
    pushed: list[int] = []
    plain = video.payload

    def counted(buffer: bytes, start: int, end: int, timestamp: int, marker: bool) -> None:
        pushed.append(start)
        plain(buffer, start, end, timestamp, marker)

    video.payload = counted  # type: ignore[method-assign]
    deliver(stream, {0: video})
    video.flush()
    assert len(video.samples) == 1
    assert video.packets > 40
    assert len(pushed) < 6


@pytest.mark.parametrize(
    ("carry", "lacks"),
    [(b"$", None), (b"$\x00\x01", None), (b"RTSP", None), (b"$\x00\x00\x05", 5), (b"$\x00\x01\x00ab", 254)],
)
def test_what_an_unfinished_frame_lacks(carry: bytes, lacks: int | None) -> None:
    assert missing(carry) == lacks


@pytest.mark.parametrize("announced", [2, 100, 3000])
def test_an_answer_between_frames_may_announce_a_body_that_is_not_there(announced: int) -> None:
    answer = b"RTSP/1.0 200 OK\r\nCSeq: 9\r\nContent-Length: %d\r\n\r\n" % announced
    frame = b"$\x00\x00\x64" + b"\x80\x60" + bytes(98)
    found = split(answer + frame * 20)
    assert found.messages == [(0, len(answer))]
    assert len(found.frames) == 20
    # Cut behind the answer nobody can know yet.
    assert split(answer).rest == 0
