"""Faults as data: what each does to packets and answers, and that it does the same again."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from luytre.media.rtp import interleaved
from luytre.media.rtp.packet import Packet, build, parse
from luytre.media.rtsp.messages import Connection, Response, build_response
from luytre.simulator.faults import CATALOGUE, AnswerFaults, Mangler, PacketFaults, Tally, spoil

SIZE, PER_PICTURE = 400, 4


def frame(channel: int, data: bytes) -> bytes:
    return b"$" + bytes((channel,)) + len(data).to_bytes(2, "big") + data


def sent(number: int) -> Packet:
    """Pictures of four packets; the last one is marked."""
    time = 0xFFFF_F000 + number // PER_PICTURE * 3600 & 0xFFFF_FFFF
    marker = number % PER_PICTURE == PER_PICTURE - 1
    return Packet(96, marker, number & 0xFFFF, time, 0x1234_5678, number.to_bytes(2, "big"))


def mangled(faults: PacketFaults, *, at_once: int = 7) -> tuple[list[Packet], Tally]:
    """What becomes of SIZE packets that come a few at a time, with a report among them."""
    tally = Tally()
    mangler = Mangler(faults, tally)
    frames = [frame(0, build(sent(number))) for number in range(SIZE)]
    frames.insert(100, frame(1, b"report"))
    out = b"".join(
        mangler.mangle(b"".join(frames[at : at + at_once])) for at in range(0, len(frames), at_once)
    )
    found = [(channel, out[start:end]) for channel, start, end in interleaved.split(out).frames]
    assert (1, b"report") in found
    return [parse(data) for channel, data in found if channel == 0], tally


def numbers(packets: list[Packet]) -> list[int]:
    return [int.from_bytes(packet.payload, "big") for packet in packets]


def test_loss() -> None:
    packets, tally = mangled(PacketFaults(loss=0.05))
    missing = set(range(SIZE)) - set(numbers(packets))
    assert len(missing) == SIZE - len(packets) == tally.lost
    assert 5 < tally.lost < 45
    assert tally.hurt == len({number // PER_PICTURE for number in missing})
    assert tally.pictures == SIZE // PER_PICTURE


def test_duplicates_follow_each_other() -> None:
    packets, tally = mangled(PacketFaults(duplicate=0.1))
    doubled = [number for number, count in Counter(numbers(packets)).items() if count == 2]
    assert len(doubled) == tally.doubled > 10
    assert sorted(set(numbers(packets))) == list(range(SIZE))
    assert numbers(packets) == sorted(numbers(packets))


def test_late_packets_come_within_their_depth() -> None:
    packets, tally = mangled(PacketFaults(late=0.1, depth=3))
    order = numbers(packets)
    assert tally.late > 10
    assert order != sorted(order)
    ahead = [sum(other > number for other in order[:place]) for place, number in enumerate(order)]
    assert max(ahead) <= 3 + 3


def test_the_same_seed_does_the_same_whatever_comes_at_once() -> None:
    faults = PacketFaults(loss=0.05, duplicate=0.05, late=0.05)
    assert mangled(faults, at_once=7) == mangled(faults, at_once=90)
    assert mangled(faults)[0] != mangled(PacketFaults(loss=0.05, duplicate=0.05, late=0.05, seed=2))[0]


@pytest.mark.parametrize(("marker", "count"), [("always", SIZE), ("never", 0)])
def test_markers(marker: Any, count: int) -> None:
    packets, _ = mangled(PacketFaults(marker=marker))
    assert sum(packet.marker for packet in packets) == count


def test_breaks_happen_between_pictures() -> None:
    faults = PacketFaults(every=10, new_ssrc=True, seq_jump=5000, time_jump=-1_000_000)
    packets, tally = mangled(faults)
    assert tally.breaks == SIZE // PER_PICTURE // 10
    for packet, number in zip(packets, numbers(packets), strict=True):
        breaks = (number // PER_PICTURE + 1) // 10
        true = sent(number)
        assert packet.seq == (true.seq + 5000 * breaks) & 0xFFFF
        assert packet.timestamp == (true.timestamp - 1_000_000 * breaks) & 0xFFFF_FFFF
        assert (packet.ssrc == true.ssrc) is (breaks % 2 == 0)


def test_twins_have_one_time() -> None:
    packets, tally = mangled(PacketFaults(every=10, twins=True))
    times = [packet.timestamp for packet in packets]
    assert len(set(times)) == SIZE // PER_PICTURE - tally.breaks
    assert times[9 * PER_PICTURE] == times[8 * PER_PICTURE] != times[10 * PER_PICTURE]


ANSWER = build_response(200, "OK", (("CSeq", "7"), ("Content-Type", "application/sdp")), b"v=0\r\ns=x\r\n")


@pytest.mark.parametrize(
    ("faults", "cseq", "body"),
    [
        (AnswerFaults(), "7", b"v=0\r\ns=x\r\n"),
        (AnswerFaults(cseq="none"), "", b"v=0\r\ns=x\r\n"),
        (AnswerFaults(cseq="zero"), "0", b"v=0\r\ns=x\r\n"),
        (AnswerFaults(cseq="one"), "1", b"v=0\r\ns=x\r\n"),
        (AnswerFaults(cseq="ahead"), "8", b"v=0\r\ns=x\r\n"),
        (AnswerFaults(bare_lf=True), "7", b"v=0\r\ns=x\r\n"),
    ],
)
def test_answers_can_still_be_read(faults: AnswerFaults, cseq: str, body: bytes) -> None:
    spoiled = spoil(ANSWER, faults)
    assert (b"\r\n" in spoiled.partition(b"v=0")[0]) is not faults.bare_lf
    (answer,) = Connection().receive(spoiled)
    assert isinstance(answer, Response)
    assert (answer.get("cseq"), answer.body) == (cseq, body)


@pytest.mark.parametrize(("error", "told"), [(-4, b"6"), (90, b"100"), (-50, b"0")])
def test_lengths_that_are_not_true(error: int, told: bytes) -> None:
    spoiled = spoil(ANSWER, AnswerFaults(content_length=error))
    assert b"Content-Length: " + told + b"\r\n" in spoiled
    assert spoiled.endswith(b"\r\n\r\nv=0\r\ns=x\r\n")


def test_an_answer_without_a_body_has_no_length_to_spoil() -> None:
    plain = build_response(200, "OK", (("CSeq", "7"),))
    assert spoil(plain, AnswerFaults(content_length=9)) == plain


def test_the_catalogue_has_no_two_that_are_the_same() -> None:
    assert len(set(CATALOGUE.values())) == len(CATALOGUE)
