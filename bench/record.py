"""`make bench`: what recording costs, as ratios against peers that are measured in the same run.

    python bench/record.py [--write] [--short] [--cameras N] [--seconds S] [--rounds R]

Promises   each contender records the same cameras over the same number of seconds in interleaved rounds; what each wrote is
           checked. With --write, bench/results.md says on which machine.
Does not   prove anything with an absolute number: the machine may be shared. Look at the ratios.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import clip, contenders, rounds, table
from bench.cameras import SourceName, gstreamer_is_here, running
from bench.contenders import Contender

ROOT = Path(__file__).resolve().parent.parent
LOUD_BPS, QUIET_BPS = 4_000_000, 1_000_000
MANY = 127


@dataclass(frozen=True, slots=True)
class Settings:
    source: SourceName
    cameras: int
    seconds: float
    rounds: int
    folder: Path
    short: bool


def field(settings: Settings) -> list[Contender]:
    """Who takes part: ours first, then the floor; tools that are not installed stay away, loudly."""
    entered = [contenders.ours(2), contenders.floor(2)]
    if settings.short:
        return entered
    entered += [contenders.ours(1), contenders.floor(1)]
    for tool, made in (
        ("ffmpeg", contenders.ffmpeg),
        ("ffmpeg", contenders.ffmpeg_frigate),
        ("gst-launch-1.0", contenders.gstreamer),
    ):
        if shutil.which(tool):
            entered.append(made())
        else:
            print(f"LEFT OUT: {made().name}, {tool} is not installed", file=sys.stderr)
    return entered


def peers(settings: Settings, work: Path) -> table.Result:
    """Part 1: everybody, on the same cameras."""
    made = clip.make(settings.folder, LOUD_BPS, 2 if settings.short else 8)
    with running(settings.source, made, settings.cameras, work / "source.txt") as source:
        rows = rounds.run(
            field(settings),
            [source],
            work / "out",
            rounds=settings.rounds,
            seconds=settings.seconds,
            camera_bytes_per_s=clip.media_rate(made),
        )
    return table.Result(f"{settings.cameras} cameras, 1080p25, 4 Mb/s", rows)


def sizes(settings: Settings, work: Path) -> table.Result:
    """Part 2: ours alone, few cameras and many of a lower bit rate."""
    made = clip.make(settings.folder, QUIET_BPS)
    with (
        running(settings.source, made, settings.cameras, work / "few.txt") as few,
        running(settings.source, made, MANY, work / "many.txt") as many,
    ):
        rows = rounds.run(
            [contenders.ours(2)],
            [few, many],
            work / "out",
            rounds=settings.rounds,
            seconds=settings.seconds,
            camera_bytes_per_s=clip.media_rate(made),
        )
    rows[0].name, rows[1].name = f"{settings.cameras} cameras", f"{MANY} cameras"
    return table.Result("ours, 1 Mb/s a camera", rows)


def parse(words: list[str] | None = None) -> tuple[Settings, argparse.Namespace]:
    parser = argparse.ArgumentParser(description="Measure what recording costs, against peers, in one run.")
    parser.add_argument("--write", action="store_true", help="put the tables into bench/results.md")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    parser.add_argument(
        "--short", action="store_true", help="4 cameras, 5 s, ours and the floor: does it run?"
    )
    parser.add_argument("--cameras", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=30.0, help="measured per contender, over all rounds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--source", choices=["gstreamer", "simulator"], default="gstreamer")
    parser.add_argument("--part", choices=["all", "peers", "sizes"], default="all")
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "bench", help="clips and recordings")
    given = parser.parse_args(words)
    cameras, seconds, turns = (4, 5.0, 1) if given.short else (given.cameras, given.seconds, given.rounds)
    settings = Settings(given.source, cameras, seconds, turns, given.folder.resolve(), given.short)
    return settings, given


def main() -> int:
    settings, given = parse()
    if settings.source == "gstreamer" and not gstreamer_is_here():
        print("the GStreamer RTSP server is not here: run scripts/system-packages", file=sys.stderr)
        return 1
    settings.folder.mkdir(parents=True, exist_ok=True)
    parts = [peers] if settings.short or given.part == "peers" else [peers, sizes]
    if given.part == "sizes":
        parts = [sizes]
    with tempfile.TemporaryDirectory(dir=settings.folder, prefix="run-") as work:
        results = [part(settings, Path(work)) for part in parts]
    if given.json:
        print(json.dumps([result.as_json() for result in results]))
    else:
        print(table.report(results, settings.source, settings.seconds, settings.rounds))
    if given.write:
        text = table.report(results, settings.source, settings.seconds, settings.rounds)
        (ROOT / "bench" / "results.md").write_text(text + "\n", encoding="utf-8")
    return 1 if any(row.complaints for result in results for row in result.rows if row.is_own) else 0


if __name__ == "__main__":
    sys.exit(main())
