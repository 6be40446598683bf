"""What a bench of the archive found against what is promised: a table, JSON, and a section of bench/archive_results.md."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import proc
from luytre.base.clock import SYSTEM, to_datetime

RESULTS = Path(__file__).with_name("archive_results.md")
_HEAD = "# What the archive promises, measured\n\nEach section is written by its bench with `--write`.\n"


@dataclass(frozen=True, slots=True)
class Number:
    """One measured number. `most`: the goal, None for what is only told."""

    what: str
    found: float
    unit: str
    most: float | None = None

    @property
    def met(self) -> bool:
        return self.most is None or self.found <= self.most

    def cells(self) -> list[str]:
        goal = "" if self.most is None else f"at most {self.most:g} {self.unit}"
        verdict = "" if self.most is None else "met" if self.met else "**missed**"
        return [self.what, f"{self.found:.4g} {self.unit}", goal, verdict]


@dataclass(frozen=True, slots=True)
class Report:
    """One bench. `how`: what was measured and on what; `complaints`: what is not right with what was written."""

    title: str
    how: str
    numbers: Sequence[Number]
    complaints: Sequence[str] = ()

    @property
    def is_right(self) -> bool:
        return not self.complaints

    def markdown(self) -> str:
        day = to_datetime(SYSTEM.wall_us()).date()
        rows = [
            ["", "measured", "goal", ""],
            ["---", "---:", "---:", "---"],
            *(n.cells() for n in self.numbers),
        ]
        lines = [f"## {self.title}", "", f"{day}; {proc.describe()}. {self.how}", ""]
        lines += [f"| {' | '.join(row)} |" for row in rows]
        lines += ["", *(f"- **not right**: {complaint}" for complaint in self.complaints[:10])]
        return "\n".join(lines).rstrip() + "\n"

    def as_json(self) -> str:
        numbers = [
            {"what": n.what, "found": n.found, "unit": n.unit, "most": n.most, "met": n.met}
            for n in self.numbers
        ]
        return json.dumps({"title": self.title, "numbers": numbers, "complaints": list(self.complaints)})

    def write(self) -> None:
        """Put the section in the place of the one before."""
        text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else _HEAD
        head, *sections = text.split("\n## ")
        kept = [section for section in sections if not section.startswith(f"{self.title}\n")]
        fresh = self.markdown().removeprefix("## ").rstrip("\n") + "\n"
        RESULTS.write_text(
            "\n## ".join([head.rstrip("\n") + "\n", *(one.rstrip("\n") + "\n" for one in [*kept, fresh])]),
            encoding="utf-8",
        )


def arguments(what: str, folder: str) -> argparse.ArgumentParser:
    """The options that all these benches have."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--short", action="store_true", help="small: does it run?")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
    parser.add_argument("--write", action="store_true", help="put the table into bench/archive_results.md")
    parser.add_argument(
        "--folder", type=Path, default=Path(folder), help="where it works; kept for the next time"
    )
    return parser


def tell(report: Report, given: argparse.Namespace) -> int:
    """Print it as asked; the exit code: 0 when what was written is right, met or missed."""
    print(report.as_json() if given.json else report.markdown())
    if given.write:
        report.write()
    return 0 if report.is_right else 1


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all are not above."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
