"""The certificates' journal as a graph: where the chain may go on."""

from __future__ import annotations

from itertools import permutations, product

from luytre.archive.bridges import Bridges
from luytre.archive.certificates import Certificate, Rule
from luytre.archive.chain import GENESIS, link_of
from tests.archive.builder import KEY

ROOTS = [bytes([number]) * 32 for number in range(1, 7)]
# LINKS[n]: the chain after n segments.
LINKS = [GENESIS]
for one in ROOTS:
    LINKS.append(link_of(LINKS[-1], one))


def deleted(first: int, last: int) -> Certificate:
    """Of the segments from number `first` to before `last`."""
    roots = tuple(root.hex() for root in ROOTS[first:last])
    count = last - first
    prev, link = LINKS[first].hex(), LINKS[last].hex()
    return Certificate(0, Rule.EXPIRED, *KEY, "c", 0, 0, count, 0, prev, roots, link)


def leads(certificates: list[Certificate], start: int, end: int) -> bool:
    bridges = Bridges({LINKS[start]}, set())
    for certificate in certificates:
        bridges.add(certificate)
    return LINKS[end] in set(bridges.beyond(LINKS[start]))


def test_written_twice_and_in_any_order() -> None:
    """Segment 0 stands before those that went."""
    pieces = [deleted(1, 2), deleted(2, 3), deleted(3, 5), deleted(5, 6)]
    for order, times in product(permutations(range(4)), product((1, 2), repeat=4)):
        written = [pieces[number] for number in order for _ in range(times[number])]
        again = [*written, *(pieces[number] for number in order)]
        assert leads(written, 1, 6), (order, times)
        assert leads(again, 1, 6), (order, times)
        assert not leads([piece for piece in again if piece is not pieces[2]], 1, 6)


def test_a_loss_in_the_middle_is_not_forgotten() -> None:
    """Beside a stretch that goes on from the same link."""
    lost = Certificate(0, Rule.LOST, *KEY, "c", 0, 0, 0, 0, LINKS[2].hex(), (), LINKS[6].hex())
    assert leads([deleted(1, 2), lost, deleted(2, 3)], 1, 6)


def test_stretches_become_one() -> None:
    """The journal of a year does not fill the memory."""
    bridges = Bridges({LINKS[1]}, set())
    for number in range(1, 6):
        for _ in range(2):
            bridges.add(deleted(number, number + 1))
    assert len(set(bridges.everywhere())) <= len(LINKS)
