"""Any bytes, and real ones with some changed, into every parser (tests/fuzz/targets.py)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, found

EXAMPLES = 150


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_pass(name: str) -> None:
    seeds = TARGETS[name].seeds()
    assert seeds
    for seed in seeds:
        TARGETS[name].run(seed)


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_changed_seeds_do_no_harm(name: str, data: st.DataObject) -> None:
    """Bytes written over, cut out, doubled, put in: at most six changes, so that most of it still makes sense."""
    seeds = TARGETS[name].seeds()
    changed = bytearray(data.draw(st.sampled_from(range(len(seeds))).map(lambda n: seeds[n])))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(changed)))
        length = data.draw(st.sampled_from((0, 1, 1, 2, 4, 8, 40)))
        changed[at : at + length] = data.draw(
            st.one_of(
                st.binary(max_size=8),
                st.sampled_from(
                    (b"", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\r\n\r\n", b"9" * 30)
                ),
                st.just(bytes(changed[at : at + 3 * length])),
            )
        )
    TARGETS[name].run(bytes(changed))


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.binary(max_size=600))
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_bytes_do_no_harm(name: str, data: bytes) -> None:
    TARGETS[name].run(data)


@pytest.mark.parametrize(("name", "data"), found())
def test_what_was_found_stays_mended(name: str, data: bytes) -> None:
    TARGETS[name].run(data)
