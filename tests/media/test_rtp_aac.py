"""Packets into sound: several frames a packet, several packets a frame (RFC 3640)."""

from __future__ import annotations

import pytest

from luytre.media.rtp.aac import AacReceiver
from tests.media.test_rtp_receiver import Sender


def hbr(sizes: list[int]) -> bytes:
    headers = b"".join((size << 3).to_bytes(2, "big") for size in sizes)
    return (16 * len(sizes)).to_bytes(2, "big") + headers


def test_several_frames_in_one_packet_follow_one_another() -> None:
    receiver = AacReceiver(96)
    Sender(receiver).send(hbr([3, 2]) + b"abcde", 5000, marker=True)
    assert [(s.pts, s.data, s.key) for s in receiver.samples] == [(5000, b"abc", True), (6024, b"de", True)]


def test_a_frame_over_several_packets_is_put_together_or_dropped() -> None:
    receiver = AacReceiver(96)
    sender = Sender(receiver)
    sender.send(hbr([6]) + b"abcd", 0)
    sender.send(hbr([6]) + b"ef", 0, marker=True)
    sender.send(hbr([6]) + b"abcd", 1024)
    sender.lose()
    sender.send(hbr([2]) + b"xy", 2048, marker=True)
    assert [(s.pts, s.data) for s in receiver.samples] == [(0, b"abcdef"), (2048, b"xy")]


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\x00\x00abc", b"\xff\xffabc", hbr([3, 9]) + b"abcd"])
def test_aac_payloads_of_no_use_raise_nothing(payload: bytes) -> None:
    receiver = AacReceiver(96)
    Sender(receiver).send(payload, 0)
    assert receiver.invalid == (1 if payload else 0)


def test_an_empty_frame_is_no_frame_but_keeps_its_place() -> None:
    receiver = AacReceiver(96)
    Sender(receiver).send(hbr([0, 2]) + b"ab", 0)
    assert [(s.pts, s.data) for s in receiver.samples] == [(1024, b"ab")]
