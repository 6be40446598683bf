"""What a target is held with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from luytre.base.errors import Error

PASSWORD = "se-cret-9"


@contextmanager
def refusing(*causes: str) -> Iterator[None]:
    """Bytes may be refused, with one of these causes, or any where none is given."""
    try:
        yield
    except Error as error:
        if (causes and error.cause not in causes) or PASSWORD in str(error):
            raise AssertionError(f"refused with {error.cause}: {error}") from error
