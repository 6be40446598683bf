"""What commands print: tables for people, one JSON text for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from luytre.base.errors import Error, Kind
from luytre.cli.language import language

_UNITS = ("B", "KB", "MB", "GB", "TB")


def print_json(value: object) -> None:
    """One line of JSON on standard output, at once: the reader may wait for it."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table as wide as the terminal; cells are texts, not markup."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    console = Console(highlight=False, markup=False)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def print_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Names and values, one pair per line."""
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        print(f"{name.ljust(width)}  {value}")


class _Rate(ProgressColumn):
    """How fast it goes, in the words of `show`."""

    def __init__(self, show: Callable[[float], str]) -> None:
        super().__init__()
        self._show = show

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else self._show(speed))


def progress(rate: Callable[[float], str] | None = None) -> Progress:
    """A bar on standard error; silent where that is not a terminal. `rate` words how many a second."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        *(() if rate is None else (_Rate(rate),)),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def number(value: float, digits: int = 0) -> str:
    """`1.284,5` in Vietnamese, `1,284.5` in English."""
    text = f"{value:,.{digits}f}"
    return text.translate(str.maketrans(",.", ".,")) if language() == "vi" else text


def size(count: int) -> str:
    """Bytes as people read them: `27,2 GB`."""
    amount, unit = float(count), 0
    while amount >= 1000 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{number(amount, 1 if unit else 0)} {_UNITS[unit]}"


def password_from_stdin() -> str:
    """The first line of standard input. Raises Error(INVALID, cause="no_password") when it is empty."""
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise Error(Kind.INVALID, "no password on standard input", cause="no_password")
    return password
