"""A track that never comes to an end of anything costs a bounded memory, and is understood again when it makes sense."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from luytre.media.rtp.aac import AacReceiver
from luytre.media.rtp.h264 import H264Receiver
from luytre.media.rtp.h265 import H265Receiver
from luytre.media.rtp.receiver import MAX_PICTURE_BYTES, NalReceiver, Receiver
from luytre.media.tracks import Sample
from tests.media.test_rtp_receiver import Sender

MEBIBYTE = 1 << 20
SENT = 3 * MAX_PICTURE_BYTES
PIECE = 60_000


def avc() -> NalReceiver:
    return H264Receiver(96, ())


def hevc() -> NalReceiver:
    return H265Receiver(96, ())


def avc_fragments() -> Iterator[bytes]:
    yield b"\x7c\x85\x88" + bytes(PIECE)
    while True:
        yield b"\x7c\x05" + bytes(PIECE)


def hevc_fragments() -> Iterator[bytes]:
    yield b"\x62\x01\x93\x80" + bytes(PIECE)
    while True:
        yield b"\x62\x01\x13" + bytes(PIECE)


def avc_slices() -> Iterator[bytes]:
    yield b"\x65\x88" + bytes(PIECE)
    while True:
        yield b"\x65\x48" + bytes(PIECE)


def hevc_prefixes() -> Iterator[bytes]:
    yield b"\x26\x01\x80" + bytes(PIECE)
    while True:
        yield b"\x4e\x01" + bytes(PIECE)


def avc_sets() -> Iterator[bytes]:
    """Picture parameter sets with ever higher numbers."""
    number = 0
    while True:
        number += 1
        length = number.bit_length()
        code = number << 32 - 2 * length + 1
        yield b"\x68" + code.to_bytes(4, "big") + bytes(PIECE)


@pytest.mark.parametrize(
    ("make", "payloads"),
    [(avc, avc_fragments), (hevc, hevc_fragments), (avc, avc_slices), (hevc, hevc_prefixes), (avc, avc_sets)],
)
def test_a_picture_without_an_end_is_given_up(
    make: Callable[[], NalReceiver], payloads: Callable[[], Iterator[bytes]]
) -> None:
    receiver = make()
    sender = Sender(receiver)
    tracemalloc.start()
    try:
        sent = 0
        for payload in payloads():
            sender.send(payload, 1000)
            sent += len(payload)
            if sent > SENT:
                break
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Nearly what a picture may have, and the same once more when 256 parameter sets of this size are remembered.
    assert peak < 2 * MAX_PICTURE_BYTES + 4 * MEBIBYTE
    whole = b"\x26\x01\x80abc" if isinstance(receiver, H265Receiver) else b"\x65\x88abc"
    sender.send(whole, 2000, marker=True)
    sender.send(whole, 3000, marker=True)
    last = receiver.samples[-1]
    assert last == Sample(last.pts, len(whole).to_bytes(4, "big") + whole, True)


def test_a_picture_as_large_as_can_be_is_whole() -> None:
    receiver = avc()
    sender = Sender(receiver)
    count = MAX_PICTURE_BYTES // PIECE - 1
    pieces = avc_fragments()
    for _ in range(count):
        sender.send(next(pieces), 1000)
    sender.send(b"\x7c\x45\x00", 1000, marker=True)
    (sample,) = receiver.samples
    assert len(sample.data) == 4 + 1 + 1 + count * PIECE + 1
    assert sample.key


def test_a_sound_frame_without_an_end_is_given_up() -> None:
    receiver: Receiver = AacReceiver(96, 32, 0)
    sender = Sender(receiver)
    head = b"\x00\x20" + (1 << 30).to_bytes(4, "big")
    tracemalloc.start()
    try:
        for _ in range(400):
            sender.send(head + bytes(PIECE), 0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MEBIBYTE
    assert receiver.samples == []
    assert receiver.invalid == 400
