"""Names that say nothing are not given: they are where everything ends up that nobody found a place for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shape import tree

EMPTY_WORDS = {"common", "core", "helper", "helpers", "manager", "managers", "misc"} | {
    "service",
    "services",
    "util",
    "utils",
}
SOURCES = {".py", ".ts", ".tsx"}


def empty_names(path: Path) -> set[str]:
    """The words of a path that say nothing: folders, and the stem of a source file."""
    names = set(path.parent.parts)
    if path.suffix in SOURCES:
        names.add(path.name.split(".")[0])
    return names & EMPTY_WORDS


def test_no_folder_and_no_module_has_an_empty_name() -> None:
    bad = [str(path) for path in tree.files() if empty_names(path)]
    assert not bad, f"name these after what they hold: {bad}"


@pytest.mark.parametrize("name", ["src/luytre/core/x.py", "web/src/kit/utils.ts", "a/service/b.txt"])
def test_an_empty_name_is_found(name: str) -> None:
    assert empty_names(Path(name))


@pytest.mark.parametrize("name", ["deploy/luytre.service", "src/luytre/media/fmp4/boxes.py"])
def test_a_telling_name_is_left_alone(name: str) -> None:
    assert not empty_names(Path(name))
