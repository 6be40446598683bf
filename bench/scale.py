"""Hundreds of cameras against a few: is each recorded without a gap, and does one of many cost what one of few does?

    python bench/scale.py [--minutes 10] [--cameras 635] [--few 32] [--short] [--json] [--write] [--folder F]

Promises   the same clip of 1 Mb/s for all, from one source whose own CPU is told beside; every archive is checked to the
           last byte, and each gap that no beginning or end explains is a complaint.
Does not   leave the cores to the recorder: the source shares them. Where less than 5 % were idle, the machine was the limit.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import clip, contenders, rounds
from bench.cameras import Source, running
from bench.promises import Number, Report, arguments, tell
from bench.rounds import Row
from luytre.simulator.clips import read
from luytre.simulator.sources import TICKS

BPS = 1_000_000
DEARER_AMONG_MANY = 1.2
IDLE_NEEDED = 0.05


def video_rate(path: Path) -> float:
    """Bytes of pictures per second of the clip."""
    footage = read(path)
    # A recorder stores each NAL unit with 4 bytes of length.
    return sum(len(nal) + 4 for unit in footage.units for nal in unit.nals) / (footage.length / TICKS)


def measure(folder: Path, few: int, many: int, seconds: float) -> Report:
    made = clip.make(folder, BPS)
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix="run-") as work,
        running("light", made, many, Path(work) / "source.txt") as source,
    ):
        some = Source(source.name, dict(list(source.urls.items())[:few]), source.group)
        rows = rounds.run(
            [contenders.ours(2)],
            [some, source],
            Path(work) / "out",
            rounds=1,
            seconds=seconds,
            camera_bytes_per_s=video_rate(made),
        )
    return _report(rows, few, many, seconds)


def _report(rows: list[Row], few: int, many: int, seconds: float) -> Report:
    small, large = rows
    idle = large.mean(lambda m: m.idle_share)
    source = large.mean(lambda m: m.source_cpu_s / m.seconds)
    numbers = [
        Number(f"CPU of a camera among {few}", small.cpu_percent, "% of a core"),
        Number(f"CPU of a camera among {many}", large.cpu_percent, "% of a core"),
        Number("the one / the other", large.cpu_percent / small.cpu_percent, "", DEARER_AMONG_MANY),
        Number(f"memory (PSS) of a camera among {few}", small.pss_mb, "MiB"),
        Number(f"memory (PSS) of a camera among {many}", large.pss_mb, "MiB"),
        Number(f"gaps, and other faults, of {many} cameras", len(large.complaints), "", 0),
        Number("the source's CPU with all of them", source * 100, "% of a core"),
        Number("idle with all of them", idle * 100, "%"),
    ]
    limit = " The machine itself was the limit." if idle < IDLE_NEEDED else ""
    how = f"1080p25 at {BPS / 1e6:g} Mb/s over RTSP/TCP, 2 recorder processes, {seconds / 60:.3g} min.{limit}"
    return Report("scale", how, numbers, [*small.complaints, *large.complaints])


def main() -> int:
    parser = arguments("Hundreds of cameras against a few.", "/tmp/luytre-bench-scale")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--cameras", type=int, default=635)
    parser.add_argument("--few", type=int, default=32)
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    few, many, seconds = given.few, given.cameras, given.minutes * 60
    if given.short:
        few, many, seconds = 2, 12, 8.0
    return tell(measure(folder, few, many, seconds), given)


if __name__ == "__main__":
    sys.exit(main())
