"""Caps: a file has at most 400 lines, a function at most 60."""

from __future__ import annotations

from pathlib import Path

from tests.shape import tree

FILE_CAP = 400
FUNCTION_CAP = 60
GENERATED = {Path("web/src/client/schema.d.ts")}


def test_no_python_file_is_longer_than_the_cap() -> None:
    long = {
        str(path): lines for path, text in tree.python_files() if (lines := len(text.splitlines())) > FILE_CAP
    }
    assert not long, f"cut these files in two: {long}"


def test_no_page_source_is_longer_than_the_cap() -> None:
    long = {
        str(path): lines
        for path, text in tree.texts()
        if path.is_relative_to("web/src")
        and path.suffix in {".ts", ".tsx"}
        and path not in GENERATED
        and (lines := len(text.splitlines())) > FILE_CAP
    }
    assert not long, f"cut these files in two: {long}"


def test_no_function_is_longer_than_the_cap() -> None:
    long = [
        f"{path}:{line} {name}: {lines} lines"
        for path, text in tree.python_files()
        for name, line, lines in tree.functions(text)
        if lines > FUNCTION_CAP
    ]
    assert not long, "cut these functions: " + "; ".join(long)


def test_functions_are_measured_from_def_to_their_last_line() -> None:
    text = (
        "def outer():\n    async def inner():\n        return (\n            1\n        )\n    return inner\n"
    )
    assert sorted(tree.functions(text)) == [("inner", 2, 4), ("outer", 1, 6)]


def test_the_measured_files_include_this_one_and_the_scripts() -> None:
    measured = {path for path, _ in tree.python_files()}
    assert {
        Path("tests/shape/test_sizes.py"),
        Path("scripts/generate"),
        Path("src/luytre/__init__.py"),
    } <= measured
