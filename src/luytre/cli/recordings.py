"""`luytre archive status`, `luytre check`."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from luytre.app.store import Store
from luytre.archive.catalog import Archive, VolumeStatus
from luytre.archive.check import Finding
from luytre.archive.check import check as prove
from luytre.archive.volume import MARKER
from luytre.base import config as settings
from luytre.base.clock import rfc3339
from luytre.cli.language import find, say
from luytre.cli.moments import show
from luytre.cli.output import number, print_json, print_table, progress, size


def status(directory: Path, as_json: bool) -> None:
    with closing(Store.open(directory)) as store:
        promised = {volume.path: store.config.promised_days for volume in store.config.volumes}
        volumes = Archive(list(promised), store.clock, promised).volumes()
        zone = store.zone
    if as_json:
        print_json({"volumes": [_volume_json(volume) for volume in volumes]})
        return
    names = ("volume", "state", "size", "free", "used", "oldest", "promised", "days_left")
    print_table([say(f"col.{name}") for name in names], [_volume_row(volume, zone) for volume in volumes])


def _volume_json(volume: VolumeStatus) -> dict[str, object]:
    return {
        "id": volume.id,
        "path": volume.path,
        "state": volume.state,
        "total_bytes": volume.total_bytes,
        "free_bytes": volume.free_bytes,
        "used_bytes": volume.used_bytes,
        "oldest": None if volume.oldest_us is None else rfc3339(volume.oldest_us),
        "segments": volume.segments,
        "promised_days": volume.promised_days,
        "days_left": volume.days_left,
    }


def _volume_row(volume: VolumeStatus, zone: ZoneInfo) -> list[str]:
    return [
        volume.path,
        find(f"volume.{volume.state}") or volume.state,
        size(volume.total_bytes),
        size(volume.free_bytes),
        size(volume.used_bytes),
        "" if volume.oldest_us is None else show(volume.oldest_us, zone),
        "" if volume.promised_days is None else number(volume.promised_days),
        "" if volume.days_left is None else number(volume.days_left, 1),
    ]


def check(directory: Path, repair: bool, as_json: bool) -> None:
    """Exit 1 when something is wrong and was not repaired."""
    results = [(path, _check(path, repair)) for path in _volumes(directory)]
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


def _check(path: Path, repair: bool) -> list[Finding]:
    with progress() as bar:
        task = bar.add_task(say("check.running", path=path), total=None)
        return prove(
            path, repair=repair, progress=lambda done, total: bar.update(task, completed=done, total=total)
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
