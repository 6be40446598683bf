"""A source that takes the place of another, wherever the ticks of the reader cut the packets of both."""

from __future__ import annotations

import pytest

from luytre.media.rtp.packet import Packet, build
from luytre.media.rtp.reorder import STRANGERS, Window


def packet(number: int, ssrc: int) -> bytes:
    return build(Packet(96, False, number, number * 100, ssrc, number.to_bytes(2, "big")))


@pytest.mark.parametrize("cut", range(1, 3 * STRANGERS))
def test_no_packet_of_the_new_source_is_lost(cut: int) -> None:
    order = [packet(n, 7) for n in range(STRANGERS)]
    order += [packet(n, 8) for n in range(STRANGERS, 3 * STRANGERS)]
    window, found = Window(90_000), list[bytes]()
    for batch in (order[:cut], order[cut:]):
        window.push(batch)
        window.expire(0.0)
        found += window.take()
    assert [int.from_bytes(data[12:], "big") for data in found] == list(range(3 * STRANGERS))
    assert (window.ssrc, window.invalid, window.late) == (8, 0, 0)
