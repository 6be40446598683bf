"""Several volumes' ledgers, read as one."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from luytre.archive.keys import Cause, Gap, Span, join_spans
from luytre.archive.together import View, gaps_together

FULL, ELSEWHERE, CONNECTING = str(Cause.DISK_FULL), str(Cause.ELSEWHERE), str(Cause.CONNECTING)
STALLED, STOPPED = str(Cause.STALLED), str(Cause.NODE_STOPPED)


def told(views: list[View], missing: bool = False) -> list[tuple[int, int | None, str]]:
    return [(gap.start_us, gap.end_us, gap.cause) for gap in gaps_together(views, missing)]


OWN = View(
    [Span(0, 100), Span(300, 400)], [Gap(100, 110, FULL), Gap(110, 300, ELSEWHERE), Gap(400, None, STALLED)]
)


@pytest.mark.parametrize(
    ("spare", "missing", "wanted"),
    [
        pytest.param(
            View([Span(110, 300)], [Gap(0, 110, ELSEWHERE), Gap(300, None, ELSEWHERE)]),
            False,
            [(100, 110, FULL), (400, None, STALLED)],
            id="spilled",
        ),
        pytest.param(
            View([Span(112, 300)], [Gap(0, 112, ELSEWHERE), Gap(300, None, ELSEWHERE)]),
            False,
            [(100, 112, FULL), (400, None, STALLED)],
            id="a-moment-at-the-switch",
        ),
        pytest.param(
            View([Span(110, 200), Span(250, 300)], [Gap(0, 110, ELSEWHERE), Gap(200, 250, STALLED)]),
            False,
            [(100, 110, FULL), (200, 250, STALLED), (400, None, STALLED)],
            id="stalled-on-the-spare",
        ),
        pytest.param(
            View([], [Gap(0, None, ELSEWHERE)]),
            True,
            [(100, 110, FULL), (110, 300, "disk_missing"), (400, None, STALLED)],
            id="a-third-is-missing",
        ),
        pytest.param(
            View([], [Gap(305, None, ELSEWHERE)], expired_us=305),
            False,
            [(100, 110, FULL), (400, None, STALLED)],
            id="expired-on-the-spare",
        ),
        pytest.param(
            View([Span(110, 300), Span(390, 500)], [Gap(300, 390, ELSEWHERE)], recording=Span(390, 500)),
            False,
            [(100, 110, FULL), (500, None, STALLED)],
            id="recording-and-its-own-says-why-not",
        ),
        pytest.param(
            View([Span(110, 300), Span(405, 500)], [Gap(300, 405, ELSEWHERE)], recording=Span(405, 500)),
            False,
            [(100, 110, FULL), (400, 405, STALLED)],
            id="what-is-in-memory-is-no-gap",
        ),
        pytest.param(
            View([Span(110, 300)], [Gap(0, 110, STOPPED), Gap(300, None, STOPPED)]),
            False,
            [(100, 110, FULL), (400, None, STALLED)],
            id="the-younger-cause",
        ),
    ],
)
def test_two_volumes(spare: View, missing: bool, wanted: list[tuple[int, int | None, str]]) -> None:
    assert told([OWN, spare], missing) == wanted
    assert told([spare, OWN], missing) == wanted


def test_connecting_gives_way() -> None:
    views = [View([], [Gap(0, 300, CONNECTING)]), View([], [Gap(0, 300, FULL)])]
    assert told(views) == [(0, 300, FULL)]


def test_what_nothing_explains_is_unknown() -> None:
    assert told([View([], [Gap(0, 10, ELSEWHERE)]), View([], [Gap(0, 10, ELSEWHERE)])]) == [
        (0, 10, "unknown")
    ]


@pytest.mark.parametrize("seed", range(40))
def test_any_history_adds_up(seed: int) -> None:
    """A stream that moves among three volumes, and is at times recorded nowhere."""
    dice = random.Random(seed)
    count, at = 3, 0
    spans: list[list[Span]] = [[] for _ in range(count)]
    gaps: list[list[Gap]] = [[] for _ in range(count)]
    wanted: list[Gap] = []
    recorded: list[Span] = []
    for _ in range(dice.randrange(2, 60)):
        end = at + dice.randrange(1, 1000)
        place = dice.randrange(count)
        cause = None if dice.random() < 0.7 else dice.choice([FULL, STALLED, STOPPED])
        for number in range(count):
            if number != place:
                gaps[number].append(Gap(at, end, ELSEWHERE))
            elif cause is not None:
                gaps[number].append(Gap(at, end, cause))
        if cause is None:
            spans[place].append(Span(at, end))
            recorded.append(Span(at, end))
        elif wanted and wanted[-1].end_us == at and wanted[-1].cause == cause:
            wanted[-1] = Gap(wanted[-1].start_us, end, cause)
        else:
            wanted.append(Gap(at, end, cause))
        at = end
    views = [View(spans[number], gaps[number]) for number in range(count)]
    found = gaps_together(views, False)
    assert found == wanted
    pieces = sorted([*join_spans(recorded), *(Span(gap.start_us, gap.end_us or at) for gap in found)])
    assert (pieces[0].start_us, pieces[-1].end_us) == (0, at)
    assert all(before.end_us == after.start_us for before, after in pairwise(pieces))
