"""What is in the repository: the files that are committed, or would be.

Promises   the same list that git has, also for files nobody has added yet; ignored files never.
Does not   judge: the tests beside it do.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Texts of others, taken over whole: their words are not ours to shape.
FOREIGN = {"LICENSE"}


@cache
def files() -> tuple[Path, ...]:
    """Paths relative to ROOT, sorted. A file that git lists and nobody has on disk is left out."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = {Path(name) for name in listing.stdout.decode().split("\0") if name}
    return tuple(sorted(name for name in names if (ROOT / name).is_file()))


def text_of(path: Path) -> str | None:
    """A file's text; None for one that is not UTF-8 text."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file of ours."""
    for path in files():
        text = None if path.name in FOREIGN else text_of(path)
        if text is not None:
            yield path, text


def python_files() -> Iterator[tuple[Path, str]]:
    """Every Python file of src, tests, bench and scripts, those that are named without .py included."""
    for path, text in texts():
        script = path.suffix == "" and text.startswith("#!") and "python" in text.split("\n", 1)[0]
        if path.parts[0] in {"src", "tests", "bench", "scripts"} and (path.suffix == ".py" or script):
            yield path, text


def functions(text: str) -> Iterator[tuple[str, int, int]]:
    """(name, first line, number of lines) of every function in a Python text, inner ones and methods too."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            last = node.end_lineno or node.lineno
            yield node.name, node.lineno, last - node.lineno + 1
