"""What the rounds found, as text: a table per part, the goals, and the machine it was measured on."""

from __future__ import annotations

from dataclasses import dataclass

from bench import proc
from bench.rounds import Row
from luytre.base.clock import SYSTEM, to_datetime

# The goals: CPU, CPU over the floor, memory, and how much dearer a camera may be among many.
MOST_CPU_OF_FFMPEG, MOST_CPU_OF_FLOOR, MOST_PSS_OF_FFMPEG, MOST_AMONG_MANY = 0.3, 2.0, 0.25, 1.2
# Below this the cores are full, and what is measured is who gets them.
_IDLE_NEEDED = 0.05


@dataclass(frozen=True, slots=True)
class Goal:
    what: str
    found: float
    most: float

    @property
    def met(self) -> bool:
        return self.found <= self.most


@dataclass(frozen=True, slots=True)
class Result:
    """One part of the bench. The row "luytre-2" is how a node of this size runs."""

    title: str
    rows: list[Row]

    def row(self, key: str) -> Row | None:
        return next((row for row in self.rows if row.key == key), None)

    def goals(self) -> list[Goal]:
        if [row.key for row in self.rows] == ["luytre-2", "luytre-2"]:
            few, many = self.rows
            return [
                Goal(
                    f"CPU of a camera, {many.name} / {few.name}",
                    many.cpu_percent / few.cpu_percent,
                    MOST_AMONG_MANY,
                )
            ]
        goals = []
        for ours in (row for row in self.rows if row.key.startswith("luytre")):
            if ffmpeg := self.row("ffmpeg"):
                goals.append(
                    Goal(
                        f"CPU, {ours.name} / ffmpeg",
                        ours.cpu_percent / ffmpeg.cpu_percent,
                        MOST_CPU_OF_FFMPEG,
                    )
                )
            if floor := self.row(ours.key.replace("luytre", "floor")):
                goals.append(
                    Goal(f"CPU, {ours.name} / floor", ours.cpu_percent / floor.cpu_percent, MOST_CPU_OF_FLOOR)
                )
            if ffmpeg:
                goals.append(
                    Goal(f"PSS, {ours.name} / ffmpeg", ours.pss_mb / ffmpeg.pss_mb, MOST_PSS_OF_FFMPEG)
                )
        return goals

    def as_json(self) -> dict[str, object]:
        rows = [
            {
                "key": row.key,
                "name": row.name,
                "cpu_percent": row.cpu_percent,
                "pss_mib": row.pss_mb,
                "written_share": row.mean(lambda m: m.written_share),
                "idle_share": row.mean(lambda m: m.idle_share),
                "complaints": row.complaints,
            }
            for row in self.rows
        ]
        goals = [{"what": goal.what, "found": goal.found, "most": goal.most} for goal in self.goals()]
        return {"title": self.title, "rows": rows, "goals": goals}


def _lines(result: Result) -> list[str]:
    ffmpeg = result.row("ffmpeg")
    lines = [
        f"## {result.title}",
        "",
        "| | CPU, % of a core a camera | rounds | in the kernel | PSS, MiB a camera | CPU / ffmpeg | PSS / ffmpeg "
        "| written / sent | the source's CPU, % of a core | idle |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in result.rows:
        spread = [measure.cpu_percent for measure in row.measures]
        cells = [
            row.name,
            f"{row.cpu_percent:.3f}",
            f"{min(spread):.3f} to {max(spread):.3f}",
            f"{row.system_share:.0%}",
            f"{row.pss_mb:.2f}",
            f"{row.cpu_percent / ffmpeg.cpu_percent:.2f}" if ffmpeg else "",
            f"{row.pss_mb / ffmpeg.pss_mb:.2f}" if ffmpeg else "",
            f"{row.mean(lambda m: m.written_share):.3f}",
            f"{row.mean(lambda m: m.source_cpu_s / m.seconds):.0%}".removesuffix("%"),
            f"{row.mean(lambda m: m.idle_share):.0%}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", *_remarks(result)]


def _remarks(result: Result) -> list[str]:
    lines = [
        f"- {'met' if goal.met else '**missed**'}: {goal.what} = {goal.found:.2f} (goal: at most {goal.most})"
        for goal in result.goals()
    ]
    for row in result.rows:
        if row.mean(lambda m: m.idle_share) < _IDLE_NEEDED:
            lines.append(f"- {row.name}: the cores were full; measure with fewer cameras")
        if row.complaints:
            told = "; ".join(row.complaints[:3])
            lines.append(f"- **{row.name}: what it wrote is not right** ({len(row.complaints)}): {told}")
    if not any(row.complaints for row in result.rows):
        lines.append(
            "- what each wrote was checked: the bytes of each camera, and `luytre check` on our archives"
        )
    return lines


def report(results: list[Result], source: str, seconds: float, rounds: int) -> str:
    """Markdown, as in bench/results.md."""
    day = to_datetime(SYSTEM.wall_us()).date()
    lines = [
        "# What recording costs",
        "",
        f"Written by `python bench/record.py --write` on {day}: {proc.describe()}; "
        "cameras, recorders and whatever else the machine does share these cores. "
        f"Cameras: {source}, H.264 + AAC over RTSP/TCP on the loopback; {seconds:.0f} s a contender in {rounds} interleaved "
        "rounds after warm-up. CPU is user + system of the recording processes alone, the median of the rounds; memory "
        "is the PSS of all of them. Only the ratios say something about another machine.",
    ]
    for result in results:
        lines += ["", *_lines(result)]
    return "\n".join(lines)
