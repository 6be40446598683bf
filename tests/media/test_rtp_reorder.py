"""The window that puts UDP's packets in order, and what receiver reports say of them (RFC 3550 appendix A)."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.media.rtp.packet import Packet, build
from luytre.media.rtp.reorder import STRANGERS, WINDOW_PACKETS, WINDOW_S, Window
from luytre.media.rtp.sequence import MAX_DROPOUT


def packet(number: int, ssrc: int = 7) -> bytes:
    return build(
        Packet(96, False, number & 0xFFFF, number * 100, ssrc, number.to_bytes(8, "big", signed=True))
    )


def number(data: bytes) -> int:
    return int.from_bytes(data[12:20], "big", signed=True)


def passed(window: Window, order: list[int], *, batch: int = 0, ssrc: int = 7) -> list[int]:
    """What comes out, in order, of packets pushed in batches (0: all at once), with no time passing."""
    found = []
    for at in range(0, len(order), batch or len(order) or 1):
        window.push([packet(n, ssrc) for n in order[at : at + (batch or len(order))]])
        window.expire(0.0)
        found += [number(data) for data in window.take()]
    return found


@pytest.mark.parametrize("batch", [0, 1, 3])
@pytest.mark.parametrize("begin", [0, 65_530, 131_000])
def test_what_comes_in_order_passes_at_once(batch: int, begin: int) -> None:
    numbers = list(range(begin, begin + 100))
    assert passed(Window(90_000), numbers, batch=batch) == numbers


@pytest.mark.parametrize("batch", [0, 1, 7])
def test_what_comes_a_little_mixed_comes_out_in_order(batch: int) -> None:
    chance = random.Random(1)
    numbers = list(range(65_400, 65_700))
    mixed = sorted(numbers[1:], key=lambda n: n + chance.uniform(0, WINDOW_PACKETS / 2))
    window = Window(90_000)
    assert passed(window, [numbers[0], *mixed], batch=batch) == numbers
    block = window.report(0, 0)
    assert block is not None
    assert (block.lost, block.fraction_lost, window.late) == (0, 0, 0)
    assert block.highest_seq == 65_699


def test_a_lost_packet_holds_up_the_others_for_a_window_at_most() -> None:
    window = Window(90_000)
    assert passed(window, [1, 2, 4, 5]) == [1, 2]
    later = list(range(6, 4 + WINDOW_PACKETS))
    assert passed(window, later) == [4, 5, *later]
    assert passed(window, [3]) == []
    assert window.late == 1


def test_a_lost_packet_is_not_waited_for_longer_than_the_window() -> None:
    window = Window(90_000)
    window.push([packet(1), packet(3), packet(5)])
    window.expire(0.0)
    window.push([packet(7)])
    window.expire(WINDOW_S / 2)
    assert [number(data) for data in window.take()] == [1]
    window.expire(WINDOW_S)
    assert [number(data) for data in window.take()] == [3, 5]
    # What came later has its own time.
    window.expire(WINDOW_S * 1.5)
    assert window.take() == []
    window.expire(WINDOW_S * 2)
    assert [number(data) for data in window.take()] == [7]


def test_a_packet_that_comes_with_the_tick_after_is_in_time() -> None:
    window = Window(90_000)
    window.push([packet(1), packet(3)])
    window.expire(10.0)
    window.take()
    window.push([packet(2), packet(4)])
    window.expire(10.25)
    assert [number(data) for data in window.take()] == [2, 3, 4]


def test_each_packet_passes_once() -> None:
    window = Window(90_000)
    assert passed(window, [1, 2, 2, 3, 5, 5, 1, 4, 6]) == [1, 2, 3, 4, 5, 6]
    assert window.late == 3


@given(st.lists(st.integers(0, 200), min_size=1, max_size=300))
def test_whatever_comes_goes_out_in_order_and_once(order: list[int]) -> None:
    window = Window(90_000)
    found = passed(window, order, batch=5)
    window.expire(0.0)
    for step in range(1, 210):
        window.expire(step * WINDOW_S)
    found += [number(data) for data in window.take()]
    assert found == sorted(set(found))
    assert set(found) <= set(order)
    assert len(found) + window.late == len(order)


@given(st.lists(st.binary(max_size=30), max_size=40))
def test_noise_passes_or_is_counted(pieces: list[bytes]) -> None:
    window = Window(90_000)
    window.push([packet(5), *pieces, packet(6)])
    window.expire(0.0)
    window.expire(1.0)
    found = window.take()
    assert found[0] == packet(5)
    assert all(len(data) >= 12 for data in found)


def test_another_source_is_followed_once_the_first_is_silent() -> None:
    window = Window(90_000)
    assert passed(window, [1, 2, 3]) == [1, 2, 3]
    new = list(range(40_000, 40_000 + STRANGERS))
    assert passed(window, new[:-1], ssrc=9) == []
    assert passed(window, new[-1:], ssrc=9) == new
    assert window.ssrc == 9
    assert passed(window, [4], ssrc=7) == []
    block = window.report(0, 0)
    assert block is not None
    assert (block.ssrc, block.lost, block.highest_seq) == (9, 0, new[-1])


def test_a_stranger_among_our_packets_is_left_out() -> None:
    window = Window(90_000)
    for n in range(50):
        assert passed(window, [n]) == [n]
        assert passed(window, [n + 500], ssrc=9) == []
    assert passed(window, [50]) == [50]
    assert window.invalid == 50


@pytest.mark.parametrize("jump", [MAX_DROPOUT + 10, 30_000])
def test_a_source_that_numbers_anew_is_followed_at_once(jump: int) -> None:
    window = Window(90_000)
    passed(window, [1, 2])
    assert passed(window, [2 + jump, 3 + jump]) == [2 + jump, 3 + jump]
    block = window.report(0, 0)
    assert block is not None
    assert block.lost == 0


def test_reports_count_what_was_lost_since_the_one_before() -> None:
    window = Window(90_000)
    assert window.report(0, 0) is None
    # Through two turns of the 16 bits: 1 to 10, of which 2 are lost.
    passed(window, [n for n in range(65_530, 65_540) if n not in (65_533, 65_536)], batch=1)
    for step in (0.0, 1.0, 2.0):
        window.expire(step)
    assert len(window.take()) == 5
    block = window.report(0x1234_5678, 65_536)
    assert block is not None
    assert (block.lost, block.fraction_lost) == (2, 2 * 256 // 10)
    assert block.highest_seq == 65_539
    assert (block.last_sr, block.delay_since_sr) == (0x1234_5678, 65_536)
    passed(window, list(range(65_540, 65_550)))
    block = window.report(0, 0)
    assert block is not None
    assert (block.lost, block.fraction_lost) == (2, 0)


def test_packets_that_come_twice_are_counted_as_the_rfc_does() -> None:
    window = Window(90_000)
    passed(window, [1, 2, 3, 3, 3])
    block = window.report(0, 0)
    assert block is not None
    assert (block.lost, block.fraction_lost) == (-2, 0)


def test_jitter_is_the_rfcs_estimate() -> None:
    window = Window(90_000)
    passed(window, [1])
    # 40 ms apart as stamped; they arrive 40, 50, 30, 40 ms apart.
    stamp, at_s = 0xFFFF_F000, 100.0
    expected = 0.0
    window.arrived(stamp, at_s)
    for step_s, change in ((0.040, 0), (0.050, 900), (0.030, 900), (0.040, 0)):
        stamp, at_s = stamp + 3600 & 0xFFFF_FFFF, at_s + step_s
        window.arrived(stamp, at_s)
        expected += (change - expected) / 16
    block = window.report(0, 0)
    assert block is not None
    assert block.jitter == int(expected) > 80
