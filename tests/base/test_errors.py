"""Errors of the disk become causes; every error says what to do."""

from __future__ import annotations

import errno

import pytest

from luytre.base.errors import Error, Kind, from_os


@pytest.mark.parametrize(
    ("number", "kind", "cause"),
    [
        (errno.ENOSPC, Kind.UNAVAILABLE, "disk_full"),
        (errno.EDQUOT, Kind.UNAVAILABLE, "disk_full"),
        (errno.EIO, Kind.UNAVAILABLE, "disk_error"),
        (errno.EROFS, Kind.UNAVAILABLE, "disk_error"),
        (errno.ENOENT, Kind.NOT_FOUND, "file_lost"),
    ],
)
def test_disk_errors_have_a_kind_a_cause_and_a_hint(number: int, kind: Kind, cause: str) -> None:
    error = from_os(OSError(number, "said the disk"), "write segment 7")
    assert (error.kind, error.cause) == (kind, cause)
    assert "write segment 7" in str(error)
    assert error.hint


def test_without_a_cause_the_kind_is_the_cause() -> None:
    assert Error(Kind.CONFLICT, "there is one already").cause == "conflict"
