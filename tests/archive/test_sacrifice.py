"""The order of sacrifice over random archives: what goes, by which rule, and that the chain stays provable."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from luytre.archive.certificates import Certificate, Rule, read, verify
from luytre.archive.index import US_PER_DAY
from luytre.archive.promise import Policy
from luytre.archive.retention import Sweep
from tests.archive.builder import START_US
from tests.archive.crowd import (
    CLASSES,
    STREAMS,
    Stream,
    Was,
    archive,
    chain_is_whole,
    roots_by_key,
)
from tests.archive.synthetic import HOUR_US


@settings(max_examples=50, deadline=None)
@given(STREAMS, st.none() | st.floats(0, 1.2))
def test_the_order_of_sacrifice(streams: list[Stream], share: float | None) -> None:
    """`share`: of the bytes recorded, what the volume may hold."""
    with archive() as made:
        for stream in streams:
            stream.enter(made)
        before = made.segments()
        used = sum(one.bytes for one in before)
        policy = Policy(CLASSES, None if share is None else round(share * used), 0)
        done = made.sweep(policy)
        after = made.segments()
        gone = [one for one in before if one not in after]
        certificates = list(read(made.volume))

        assert all(not one.held for one in gone)
        assert (done.segments, done.bytes) == (len(gone), sum(one.bytes for one in gone))
        assert made.files() == {one.path for one in after}
        _certified(gone, certificates)
        _sacrificed(gone, after, certificates, done)
        if policy.max_bytes is not None and not done.missing_bytes:
            assert sum(one.bytes for one in after) <= policy.max_bytes
        assert verify(made.volume) == []
        chain_is_whole(made)
        assert made.findings() == []
        assert made.sweep(policy) == Sweep(0, 0, done.missing_bytes)


def _certified(gone: list[Was], certificates: list[Certificate]) -> None:
    """Just what went, each segment once."""
    deletions = [one for one in certificates if one.rule != Rule.ALARM]
    by_root = roots_by_key(deletions)
    assert {(key, root) for key, roots in by_root.items() for root in roots} == {
        (one.key, one.root.hex()) for one in gone
    }
    assert sum(one.segments for one in deletions) == len(gone)
    assert sum(one.bytes for one in deletions) == sum(one.bytes for one in gone)
    for one in gone:
        certificate = by_root[one.key][one.root.hex()]
        assert certificate.start_us <= one.start_us < one.end_us <= certificate.end_us


def _sacrificed(gone: list[Was], after: list[Was], certificates: list[Certificate], done: Sweep) -> None:
    by_root = roots_by_key(certificates)
    alarms = [one.seq for one in certificates if one.rule == Rule.ALARM]
    rules: dict[str, list[Was]] = defaultdict(list)
    for one in gone:
        certificate = by_root[one.key][one.root.hex()]
        rules[certificate.rule].append(one)
        if one.is_promised:
            assert certificate.rule == Rule.BELOW_PROMISE
            assert one.promise.overwrite
            assert min(alarms) < certificate.seq
    free = [one for one in after if not one.held]
    assert all(one.is_expired for one in rules[Rule.EXPIRED])
    assert not any(one.is_promised for one in rules[Rule.BEYOND_PROMISE] + rules[Rule.CLASS_BYTES])
    # Up to an hour longer than kept.
    for one in free:
        assert one.end_us > START_US - round(one.promise.kept(one.key) * US_PER_DAY) - 1.5 * HOUR_US
    if rules[Rule.BEYOND_PROMISE]:
        assert not any(one.is_expired for one in free)
        oldest = min((one.start_us // HOUR_US for one in free if not one.is_promised), default=1 << 60)
        assert all(one.start_us // HOUR_US <= oldest for one in rules[Rule.BEYOND_PROMISE])
    if rules[Rule.BELOW_PROMISE]:
        assert not any(not one.is_promised for one in free)
        oldest_age = max((one.relative_age for one in free if one.promise.overwrite), default=0)
        assert all(one.relative_age >= oldest_age for one in rules[Rule.BELOW_PROMISE])
    else:
        assert not alarms
    if done.missing_bytes:
        assert all(one.is_promised and not one.promise.overwrite for one in free)
