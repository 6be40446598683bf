"""Passwords of cameras that everybody knows: the makers' factory settings, and those that say nothing.

Promises   judges by published lists (factory_logins.csv) and by what stands beside the password; keeps nothing.
Does not   ask the camera. One without a user and a password is not judged: whether it wants a login only it knows.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

_LIST = "factory_logins.csv"


def is_weak(user: str, password: str, code: str) -> bool:
    """Is this password empty, a maker's default, the user's name or the camera's code?"""
    if not password:
        return bool(user)
    folded = password.casefold()
    return folded in _published() or folded in (user.casefold(), code.casefold())


@cache
def _published() -> frozenset[str]:
    """Whoever tries passwords tries each with each name: the names of the list do not matter."""
    lines = files("luytre.cameras").joinpath(_LIST).read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return frozenset(row["password"].casefold() for row in rows if row["password"])
