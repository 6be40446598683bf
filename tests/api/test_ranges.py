"""Range headers against what they mean (RFC 9110 section 14)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.api import openapi
from luytre.api.ranges import Unsatisfiable, wanted


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-0", range(0, 1)),
        ("bytes=5-", range(5, 10)),
        ("bytes=-3", range(7, 10)),
        ("bytes=-30", range(0, 10)),
        ("bytes=2-400", range(2, 10)),
        ("Bytes = 2-3", None),
        ("bytes=-", None),
        ("bytes=3-2", None),
        ("bytes=0-1,3-4", None),
        ("items=0-1", None),
        ("bytes=0-99999999999999999999999", None),
        ("bytes=٣-٤", None),
    ],
)
def test_what_is_asked(header: str | None, expected: range | None) -> None:
    assert wanted(header, 10) == expected


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-1", 0)]
)
def test_what_cannot_be_given(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        wanted(header, size)


@given(st.text(max_size=30), st.integers(0, 100))
def test_any_header_is_a_part_or_the_whole(text: str, size: int) -> None:
    for header in (text, f"bytes={text}"):
        try:
            part = wanted(header, size)
        except Unsatisfiable:
            continue
        assert part is None or 0 <= part.start < part.stop <= size


def test_the_reference_is_the_same_each_time_and_names_every_operation_once() -> None:
    text = openapi.text()
    assert text == openapi.text()
    document = json.loads(text)
    operations = [op for path in document["paths"].values() for op in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names)) >= 20
    for operation in operations:
        assert "422" not in operation["responses"]
        failure = operation["responses"]["default"]["content"]["application/json"]["schema"]
        assert failure == {"$ref": "#/components/schemas/Problem"}
        for status, answer in operation["responses"].items():
            if status not in ("204", "default"):
                schema = next(iter(answer["content"].values()), None)
                assert schema is not None, operation["operationId"]
