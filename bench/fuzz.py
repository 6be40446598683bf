"""Fuzzing with Atheris (libFuzzer): each target of tests/fuzz for some seconds, one after the other.

    bench/fuzz.py [--seconds 60] [--runs 0] [--corpus FOLDER] [TARGET ...]

Prints one line per target: runs, and what was found. Whatever makes a target fail lies in FOLDER/found/TARGET-* and as a
line of base64 on the screen: mend the program, then put that line into tests/fuzz/found/TARGET.txt, where it stays.
Ends with 1 when something was found, with 3 without Atheris.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.fuzz.targets import TARGETS

# One input must not take longer, and all of it together no more memory: a parser that hangs or grows is found too.
LONGEST_S = 10
MOST_MB = 1024
LONGEST_INPUT = 4096
# Of the program, and not of its tests: what coverage is counted in.
_CHILD = """
import sys, atheris
with atheris.instrument_imports(include=["luytre"]):
    from tests.fuzz.targets import TARGETS
atheris.Setup(sys.argv[1:], TARGETS[sys.argv.pop(1)].run)
atheris.Fuzz()
"""


def fuzz(name: str, folder: Path, seeds: list[bytes], seconds: int, runs: int) -> tuple[int, list[Path], str]:
    """(runs, inputs that failed, what the fuzzer said)."""
    corpus, found = folder / "corpus" / name, folder / "found"
    corpus.mkdir(parents=True, exist_ok=True)
    found.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = [f"-max_total_time={seconds}"] if seconds else []
    limits += [f"-runs={runs}"] if runs else []
    options = [f"-timeout={LONGEST_S}", f"-rss_limit_mb={MOST_MB}", f"-max_len={LONGEST_INPUT}"]
    options.append(f"-artifact_prefix={found}/{name}-")
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join((str(ROOT / "src"), str(ROOT))))
    before = set(found.iterdir())
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, name, *limits, *options, str(corpus)],
        capture_output=True,
        text=True,
        errors="replace",
        env=environment,
        check=False,
    )
    said = done.stdout + done.stderr
    counts = re.findall(r"^#(\d+)\s|Done (\d+) runs", said, re.MULTILINE)
    new = sorted(set(found.iterdir()) - before)
    if done.returncode and not new:
        raise SystemExit(f"{name}: the fuzzer itself failed\n{said[-4000:]}")
    return max((int(a or b) for a, b in counts), default=0), new, said


def main() -> int:
    if find_spec("atheris") is None:
        print("ATHERIS ABSENT: nothing is fuzzed (requirements/dev.txt has it)", file=sys.stderr)
        return 3
    parser = argparse.ArgumentParser(description="Fuzz the parsers.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--corpus", type=Path, default=None)
    given = parser.parse_args()
    if unknown := set(given.targets) - set(TARGETS):
        parser.error(f"no target {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.corpus or Path(temporary)
        worst = 0
        for name in given.targets or TARGETS:
            count, new, said = fuzz(name, folder, TARGETS[name].seeds(), given.seconds, given.runs)
            print(
                f"{name:16} {count:>9} runs  {'found: ' + str(len(new)) if new else 'nothing found'}",
                flush=True,
            )
            for path in new:
                worst = 1
                print(said[-2500:])
                print(base64.b64encode(path.read_bytes()).decode(), flush=True)
    return worst


if __name__ == "__main__":
    sys.exit(main())
