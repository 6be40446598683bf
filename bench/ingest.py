"""What a camera costs, by how its media come: TCP, UDP, TLS; H.264, H.265; with and without sound; against ffmpeg.

    python bench/ingest.py [--cameras 16] [--seconds 16] [--rounds 2] [--short] [--json] [--write] [--folder F]

Promises   ours and `ffmpeg -c copy`, a process per camera, record the same cameras over the same transport in interleaved
           rounds; what each wrote is checked.
Does not   measure the network: cameras are simulated, on the loopback, and share the cores with the recorders.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import clip, contenders, proc, rounds
from bench.cameras import Source, running
from bench.clip import CodecName
from bench.rounds import Row
from luytre.base.clock import SYSTEM, to_datetime
from luytre.recorder.plan import Transport

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "ingest_results.md"
BPS = 4_000_000
# Of ffmpeg's CPU, over the same transport. TLS has no goal: it is told.
MOST = {"tcp": 0.3, "udp": 0.6}
IDLE_NEEDED = 0.05


@dataclass(frozen=True, slots=True)
class Way:
    """One way in which media come."""

    transport: Transport
    tls: bool = False
    codec: CodecName = "h264"
    audio: bool = False

    @property
    def name(self) -> str:
        carried = "RTSPS" if self.tls else self.transport.upper()
        codec = "H.264" if self.codec == "h264" else "H.265"
        return f"{carried}, {codec}{', AAC' if self.audio else ''}"

    @property
    def most(self) -> float | None:
        return None if self.tls else MOST[self.transport]


_KINDS: tuple[tuple[CodecName, bool], ...] = (("h264", False), ("h264", True), ("h265", False))
_CARRIERS: tuple[tuple[Transport, bool], ...] = (("tcp", False), ("udp", False), ("tcp", True))
WAYS = [Way(transport, tls, codec, audio) for codec, audio in _KINDS for transport, tls in _CARRIERS]


@dataclass(slots=True)
class Found:
    """Both rows of one way; `ffmpeg` is None where it is not installed."""

    way: Way
    ours: Row
    ffmpeg: Row | None

    @property
    def ratio(self) -> float | None:
        return self.ours.cpu_percent / self.ffmpeg.cpu_percent if self.ffmpeg else None

    @property
    def verdict(self) -> str:
        if self.ratio is None or self.way.most is None:
            return ""
        return "met" if self.ratio <= self.way.most else "**missed**"

    def as_json(self) -> dict[str, object]:
        return {
            "way": self.way.name,
            "cpu_percent": self.ours.cpu_percent,
            "ffmpeg_cpu_percent": self.ffmpeg.cpu_percent if self.ffmpeg else None,
            "ratio": self.ratio,
            "most": self.way.most,
            "pss_mib": self.ours.pss_mb,
            "written_share": self.ours.mean(lambda m: m.written_share),
            "complaints": self.ours.complaints,
        }


def measure(ways: list[Way], folder: Path, cameras: int, seconds: float, turns: int) -> list[Found]:
    """Every way in turn, each with ours and ffmpeg, `turns` times. `seconds` in all for each."""
    clips = {codec: clip.make(folder, BPS, codec=codec) for codec in {way.codec for way in ways}}
    found = []
    for way in ways:
        entered = [contenders.ours(2, transport=way.transport)]
        if shutil.which("ffmpeg"):
            entered.append(contenders.ffmpeg(way.transport))
        rows = [Row(contender.key, contender.name) for contender in entered]
        found.append((way, entered, rows))
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder, prefix="run-")))
        sources: dict[Way, Source] = {}
        for number, way in enumerate(ways):
            log = work / f"source-{number}.txt"
            # Nobody connected costs nothing, and so all of them may wait together.
            sources[way] = stack.enter_context(
                running(
                    "simulator",
                    clips[way.codec],
                    cameras,
                    log,
                    codec=way.codec,
                    audio=way.audio,
                    tls=way.tls,
                )
            )
        for turn in range(turns):
            for way, entered, rows in found:
                rate = clip.media_rate(clips[way.codec], audio=way.audio)
                for place in range(len(entered)):
                    at = (place + turn) % len(entered)
                    made, complaints = rounds.measure(
                        entered[at], sources[way], work / "out", seconds / turns, rate
                    )
                    rows[at].measures.append(made)
                    rows[at].complaints += complaints
                    print(
                        f"  round {turn + 1}: {way.name}, {entered[at].name}: {made.cpu_percent:.3f} % of a core a camera,"
                        f" written {made.written_share:.3f}, idle {made.idle_share:.0%}",
                        file=sys.stderr,
                    )
    return [Found(way, rows[0], rows[1] if len(rows) > 1 else None) for way, _, rows in found]


def report(found: list[Found], cameras: int, seconds: float, turns: int) -> str:
    """Markdown, as in bench/ingest_results.md."""
    lines = [
        "# What a camera costs, by how its media come",
        "",
        f"Written by `python bench/ingest.py --write` on {to_datetime(SYSTEM.wall_us()).date()}: {proc.describe()}; "
        "cameras, recorders and whatever else the machine does share these cores. "
        f"{cameras} simulated cameras, 1080p25 at {BPS / 1e6:g} Mb/s, on the loopback; {seconds:g} s a row in {turns} "
        "interleaved rounds. CPU is user + system of the recording processes, the median of the rounds: ours are 2 "
        "processes, ffmpeg (`-c copy -f segment`, the same transport) is one per camera. Only the ratios say something "
        "about another machine.",
        "",
        "| | ours, % of a core a camera | in the kernel | ffmpeg | ours / ffmpeg | goal | | ours, MiB a camera | ffmpeg "
        "| written / sent | ffmpeg's | the cameras' CPU, % of a core each | idle |",
        "|---|---:|---:|---:|---:|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    for one in found:
        ours, peer = one.ours, one.ffmpeg
        cells = [
            one.way.name,
            f"{ours.cpu_percent:.3f}",
            f"{ours.system_share:.0%}",
            f"{peer.cpu_percent:.3f}" if peer else "",
            f"{one.ratio:.2f}" if one.ratio else "",
            f"at most {one.way.most}" if one.way.most else "",
            one.verdict,
            f"{ours.pss_mb:.2f}",
            f"{peer.pss_mb:.2f}" if peer else "",
            f"{ours.mean(lambda m: m.written_share):.3f}",
            f"{peer.mean(lambda m: m.written_share):.3f}" if peer else "",
            f"{ours.mean(lambda m: m.source_cpu_s / m.seconds / m.cameras):.2%}".removesuffix("%"),
            f"{ours.mean(lambda m: m.idle_share):.0%}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *_remarks(found)])


def _remarks(found: list[Found]) -> list[str]:
    lines = []
    for one in found:
        for row in [one.ours, one.ffmpeg] if one.ffmpeg else [one.ours]:
            if row.mean(lambda m: m.idle_share) < IDLE_NEEDED:
                lines.append(f"- {one.way.name}, {row.name}: the cores were full; measure with fewer cameras")
            if row.complaints:
                told = "; ".join(row.complaints[:3])
                lines.append(f"- **{one.way.name}, {row.name}: not right** ({len(row.complaints)}): {told}")
    return lines or ["- what each wrote was checked: the bytes of each camera, and `luytre check` on ours"]


def main() -> int:
    parser = argparse.ArgumentParser(description="What a camera costs, by how its media come.")
    parser.add_argument("--cameras", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=16.0, help="of each row, over all rounds")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--short", action="store_true", help="2 cameras, 3 s, two ways: does it run?")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
    parser.add_argument("--write", action="store_true", help="put the table into bench/ingest_results.md")
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "bench", help="clips and recordings")
    given = parser.parse_args()
    ways, cameras, seconds, turns = WAYS, given.cameras, given.seconds, given.rounds
    if given.short:
        ways, cameras, seconds, turns = [WAYS[2], WAYS[4]], 2, 3.0, 1
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    found = measure(ways, folder, cameras, seconds, turns)
    text = report(found, cameras, seconds, turns)
    print(json.dumps([one.as_json() for one in found]) if given.json else text)
    if given.write:
        RESULTS.write_text(text + "\n", encoding="utf-8")
    return 1 if any(one.ours.complaints for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
