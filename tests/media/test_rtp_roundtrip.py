"""Properties: what the packetizer cuts the receiver puts together, however the bytes are split; noise harms nobody."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luytre.base.errors import Error
from luytre.media.nal import nal_spans
from luytre.media.rtp import packetizer
from luytre.media.rtp.aac import AacReceiver
from luytre.media.rtp.h264 import H264Receiver
from luytre.media.rtp.h265 import H265Receiver
from luytre.media.rtp.interleaved import MAX_MESSAGE, split
from luytre.media.rtp.packet import Packet, build
from luytre.media.rtp.receiver import NalReceiver, Receiver
from tests.media.clips import attempt

Cut = Callable[[Iterable[bytes], int], list[bytes]]
MESSAGE = b"RTSP/1.0 200 OK\r\nCSeq: 9\r\nContent-Length: 3\r\n\r\nabc"


def framed(payload: bytes, channel: int = 0) -> bytes:
    return struct.pack(">BBH", 0x24, channel, len(payload)) + payload


def packets(payloads: list[bytes], seq: int, timestamp: int) -> list[bytes]:
    last = len(payloads) - 1
    return [
        build(Packet(96, number == last, seq + number, timestamp, 1, payload))
        for number, payload in enumerate(payloads)
    ]


sizes = st.lists(st.integers(0, 4000), min_size=1, max_size=5)


@settings(max_examples=80, deadline=None)
@given(
    pictures=st.lists(sizes, min_size=1, max_size=6),
    start=st.integers(0, 0xFFFF),
    payload=st.integers(20, 1500),
)
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_any_nal_sizes_come_out_as_they_went_in(
    codec: str, pictures: list[list[int]], start: int, payload: int
) -> None:
    receiver: NalReceiver = H264Receiver(96, ()) if codec == "h264" else H265Receiver(96, ())
    cut: Cut = packetizer.h264 if codec == "h264" else packetizer.h265
    head = b"\x65" if codec == "h264" else b"\x26\x01"
    sets = [b"\x67\x4d\x40\x1f\x95"] if codec == "h264" else [b"\x40\x01\x0c\x01", b"\x42\x01\x01\x01"]
    wanted, seq = [], start
    for number, lengths in enumerate(pictures):
        slices = [
            head + (b"\x88" if index == 0 else b"\x48") + bytes((index,)) * size
            for index, size in enumerate(lengths)
        ]
        wanted.append((sets if number % 2 == 0 else []) + slices)
        for packet in packets(cut(wanted[-1], payload), seq, number * 3600):
            assert len(packet) <= 12 + payload
            receiver.push(packet, 0, len(packet))
            seq += 1
    receiver.flush()
    assert [[s.data[a:b] for a, b in nal_spans(s.data)] for s in receiver.samples] == wanted
    assert all(sample.key for sample in receiver.samples)
    assert receiver.lost == receiver.invalid == receiver.damaged == 0


@settings(max_examples=60, deadline=None)
@given(
    frames=st.lists(st.binary(min_size=1, max_size=3000), min_size=1, max_size=8),
    start=st.integers(0, 0xFFFF),
)
def test_any_sound_comes_out_as_it_went_in(frames: list[bytes], start: int) -> None:
    receiver, seq = AacReceiver(96), start
    for number, frame in enumerate(frames):
        for packet in packets(packetizer.aac(frame), seq, number * 1024):
            receiver.push(packet, 0, len(packet))
            seq += 1
    assert [(s.pts, s.data) for s in receiver.samples] == [(n * 1024, f) for n, f in enumerate(frames)]


@settings(max_examples=100, deadline=None)
@given(
    pieces=st.lists(
        st.one_of(
            st.tuples(st.integers(0, 3), st.binary(max_size=300)).map(lambda f: framed(f[1], f[0])),
            st.just(MESSAGE),
            st.just(b"\r\n"),
        ),
        max_size=12,
    ),
    cuts=st.lists(st.integers(1, 700), min_size=1, max_size=30),
)
def test_any_split_of_the_stream_gives_the_same_frames(pieces: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(pieces)
    whole = split(stream)
    expected = [(channel, stream[start:end]) for channel, start, end in whole.frames]
    found: list[tuple[int, bytes]] = []
    messages: list[bytes] = []
    carry, position, turn = b"", 0, 0
    while position < len(stream):
        step = cuts[turn % len(cuts)]
        data = carry + stream[position : position + step]
        position, turn = position + step, turn + 1
        result = split(data)
        found += [(channel, data[start:end]) for channel, start, end in result.frames]
        messages += [data[start:end] for start, end in result.messages]
        carry = data[result.rest :]
    assert found == expected
    assert b"".join(m for m in messages if m.strip()) == b"".join(p for p in pieces if p == MESSAGE)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=4000))
def test_random_bytes_are_frames_or_an_error_with_a_cause(data: bytes) -> None:
    result = attempt(split, data)
    if isinstance(result, Error):
        assert result.cause == "bad_media"
        assert result.hint
    else:
        assert 0 <= result.rest <= len(data)


@pytest.mark.parametrize(
    "garbage", [b"\x00garbage", b"\xff" * 8, b"text without an end " * 1000, b"A" * (MAX_MESSAGE + 4)]
)
def test_what_is_neither_frame_nor_message_ends_the_stream(garbage: bytes) -> None:
    with pytest.raises(Error) as caught:
        split(framed(b"good") + garbage)
    assert caught.value.cause == "bad_media"


@settings(max_examples=200, deadline=None)
@given(payloads=st.lists(st.tuples(st.binary(max_size=200), st.booleans(), st.integers(0, 5)), max_size=30))
@pytest.mark.parametrize(
    "make", [lambda: H264Receiver(96, ()), lambda: H265Receiver(96, ()), lambda: AacReceiver(96)]
)
def test_random_payloads_never_raise_and_samples_stay_well_formed(
    make: Callable[[], Receiver], payloads: list[tuple[bytes, bool, int]]
) -> None:
    receiver = make()
    seq = 0
    for payload, marker, skip in payloads:
        seq += 1 + (skip == 5)
        packet = build(Packet(96, marker, seq, seq // 3 * 3000, 1, payload))
        receiver.push(packet, 0, len(packet))
    receiver.flush()
    if isinstance(receiver, NalReceiver):
        for sample in receiver.samples:
            spans = list(nal_spans(sample.data))
            assert spans
            assert spans[-1][1] == len(sample.data)
            assert sum(4 + end - start for start, end in spans) == len(sample.data)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=120), max_size=20))
def test_random_packets_never_raise(data: list[bytes]) -> None:
    receivers: list[Receiver] = [H264Receiver(96, ()), H265Receiver(96, ()), AacReceiver(96)]
    for receiver in receivers:
        for packet in data:
            receiver.push(packet, 0, len(packet))
        receiver.flush()
        assert receiver.packets + receiver.invalid == len(data)
