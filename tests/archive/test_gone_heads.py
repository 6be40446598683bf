"""Sealed links that no row has, packed."""

from __future__ import annotations

import random
import tracemalloc

from luytre.archive.gone_heads import GoneHeads


def test_what_was_seen_is_ticked_off() -> None:
    dice = random.Random(7)
    heads = {dice.randbytes(32): number for number in range(500)}
    gone = GoneHeads(heads.items())
    seen = set(dice.sample(sorted(heads), 200))
    for link in [*seen, dice.randbytes(32), bytes(32), b"\xff" * 32]:
        gone.see(link)
    assert dict(gone.unseen()) == {link: end for link, end in heads.items() if link not in seen}


def test_links_that_begin_alike_are_told_apart() -> None:
    links = [bytes(20) + bytes([number]) * 12 for number in range(4)]
    gone = GoneHeads([(link, 1) for link in links])
    gone.see(links[2])
    gone.see(bytes(20) + bytes([9]) * 12)
    assert [link for link, _ in gone.unseen()] == [links[0], links[1], links[3]]


def test_nothing_is_gone() -> None:
    gone = GoneHeads()
    gone.see(bytes(32))
    assert list(gone.unseen()) == []


def test_a_year_of_a_stream_takes_half_a_megabyte() -> None:
    """All streams' are in memory at once."""
    dice = random.Random(7)
    count = 365 * 32
    tracemalloc.start()
    try:
        gone = GoneHeads((dice.randbytes(32), number) for number in range(count))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(list(gone.unseen())) == count
    # Python keeps some of the freed tuples for itself.
    assert held < 60 * count
