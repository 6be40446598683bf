"""`luytre check`."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import typer

from luytre.app import daybook
from luytre.archive.check import Finding
from luytre.archive.check import check as prove
from luytre.archive.check_seals import Trust
from luytre.archive.seals import expected
from luytre.archive.volume import MARKER, open_volume
from luytre.base import config as settings
from luytre.base.errors import Error
from luytre.base.signing import load_public_key, load_signer, verify
from luytre.cli.language import find, say
from luytre.cli.output import number, print_json, print_table, progress, size


def check(directory: Path, quick: bool, repair: bool, key: Path | None, as_json: bool) -> None:
    """Exit 1 when something is wrong and was not repaired."""
    trusted = _trusted_key(directory, key)
    results = [(path, _volume(directory, path, quick, repair, trusted)) for path in _volumes(directory)]
    if (directory / daybook.FOLDER).is_dir() and (directory / settings.FILE).exists():
        results.append((directory / daybook.FOLDER, _days(directory, trusted)))
    findings = [finding for _, found in results for finding in found]
    clean = all(finding.repaired or finding.severity == "note" for finding in findings)
    if as_json:
        volumes = [
            {"path": str(path), "findings": [_finding_json(one) for one in found]} for path, found in results
        ]
        print_json({"clean": clean, "volumes": volumes})
    else:
        for path, found in results:
            _say_findings(path, found)
    if not clean:
        raise typer.Exit(1)


def _volumes(directory: Path) -> list[Path]:
    """The volumes of a node; a volume itself, which may have come without its node."""
    if (directory / MARKER).exists() and not (directory / settings.FILE).exists():
        return [directory]
    return [volume.path for volume in settings.load(directory).volumes]


def _trusted_key(directory: Path, key: Path | None) -> bytes | None:
    """The key from the file, else the node's own; None for a volume without its node."""
    if key is not None:
        return load_public_key(key)
    own = directory / settings.KEY_FILE
    return load_signer(own).public_key if own.exists() else None


def _volume(directory: Path, path: Path, quick: bool, repair: bool, trusted: bytes | None) -> list[Finding]:
    """One volume that is away, or whose disk fails, keeps nobody from checking the others."""
    try:
        trust = Trust(verify, trusted, expected(directory, open_volume(path)))
        return _check(path, quick, repair, trust)
    except Error as error:
        if path == directory:
            raise
        return [Finding(1, "error", path.name, f"{error.message}. {error.hint}")]
    except sqlite3.Error as error:
        return [Finding(1, "error", "index.db", str(error))]
    except OSError as error:
        return [Finding(3, "error", path.name, f"the disk cannot be read: {error}")]


def _days(directory: Path, trusted: bytes | None) -> list[Finding]:
    """The daily certificates."""
    return [
        Finding(13, "note" if problem.is_note else "error", problem.date, problem.message)
        for problem in daybook.verify_days(directory, trusted)
    ]


def _check(path: Path, quick: bool, repair: bool, trust: Trust) -> list[Finding]:
    def rate(speed: float) -> str:
        return say("check.files_a_second", count=number(speed)) if quick else f"{size(round(speed))}/s"

    with progress(rate) as bar:
        task = bar.add_task(say("check.running", path=path), total=None)
        return prove(
            path,
            quick=quick,
            repair=repair,
            trust=trust,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def _finding_json(finding: Finding) -> dict[str, object]:
    return {
        "invariant": finding.invariant,
        "severity": finding.severity,
        "path": finding.path,
        "message": finding.message,
        "repaired": finding.repaired,
    }


def _say_findings(path: Path, findings: list[Finding]) -> None:
    if not findings:
        print(say("check.clean", path=path))
        return
    rows = [
        [
            str(finding.invariant),
            find(f"severity.{finding.severity}") or finding.severity,
            f"{finding.path}: {finding.message}",
            say("yes" if finding.repaired else "no"),
        ]
        for finding in findings
    ]
    print_table([say(f"col.{name}") for name in ("invariant", "severity", "what", "repaired")], rows)
    repaired = sum(finding.repaired for finding in findings)
    print(say("check.found", path=path, found=len(findings), repaired=repaired), file=sys.stderr)
