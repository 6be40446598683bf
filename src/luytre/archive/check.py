"""`luytre check`: prove the invariants of design/archive.md on a volume, and repair what can be repaired.

Promises   without `repair` nothing is changed; files that a living recorder writes are left alone in either case;
           a repair throws away no picture: what cannot be read is set aside (`*.damaged`).
"""

from __future__ import annotations

import sqlite3
from contextlib import nullcontext
from pathlib import Path

from luytre.archive.check_chain import ChainCheck
from luytre.archive.check_files import FileCheck, Progress
from luytre.archive.check_seals import SealCheck, Trust
from luytre.archive.check_stream import StreamCheck
from luytre.archive.disk import Disk, OsDisk
from luytre.archive.faults import is_broken, unreadable
from luytre.archive.findings import Finding as Finding
from luytre.archive.index import Index
from luytre.archive.rebuild import PENDING, READING, open_or_create, read_in, set_aside_broken, volume_lock
from luytre.archive.volume import Volume, open_volume
from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error

# What an index that is still being filled breaks as little as a whole one.
_ALWAYS = (4, 5, 9)


def check(
    path: Path,
    *,
    repair: bool = False,
    quick: bool = False,
    trust: Trust | None = None,
    progress: Progress = lambda done, total: None,
    clock: Clock = SYSTEM,
    disk: Disk | None = None,
) -> list[Finding]:
    """All findings of one volume; empty when every invariant holds. Raises Error when `path` is no volume, and Error,
    OSError or sqlite3.Error when the disk fails under it.

    quick     no file is opened that agrees with the index in name and size; otherwise each byte is read
    trust     whose seals are believed; without it no signature is looked at
    progress  (done, total): bytes, or files when quick
    """
    volume = open_volume(path)
    disk = disk or OsDisk()

    def look(index: Index) -> list[Finding]:
        try:
            if index.meta("import") == PENDING and repair:
                read_in(volume, index, disk, clock, progress)
            pending = index.meta("import") == PENDING
            files = FileCheck(volume, index, disk, clock, repair=repair, quick=quick, pending=pending)
            with volume_lock(volume, READING) if repair else nullcontext():
                found = list(files.all(progress))
            if pending:
                text = f"the index is being made again, {files.to_go} files to go: what it cannot tell yet is not checked"
                found.append(Finding(2, "note", "index.db", text))
            return [*found, *_streams(volume, index, disk, clock, trust or Trust(), files, repair)]
        finally:
            index.close()

    try:
        index = Index(volume.index_path, volume.id)
    except Error as error:
        broken = str(error)
    else:
        try:
            return look(index)
        except sqlite3.Error as error:
            # A page in the middle: the index opened, and breaks when that page is read.
            broken = str(unreadable(volume.index_path, error))
            if not is_broken(error):
                return [Finding(1, "error", "index.db", broken)]
            if repair:
                set_aside_broken(volume, index.inode, clock)
    finding = Finding(1, "error", "index.db", broken, repair)
    return [finding, *look(open_or_create(volume, clock, foreign=True))] if repair else [finding]


def _streams(
    volume: Volume, index: Index, disk: Disk, clock: Clock, trust: Trust, files: FileCheck, repair: bool
) -> list[Finding]:
    """Invariants of whole streams. In this order: seals, rows, certificates; see check_chain.py."""
    seals = SealCheck(volume, trust)
    findings = seals.findings()
    findings += seals.late(index)
    chains = ChainCheck(volume, disk, seals, repair, clock.wall_us())
    for row in index.streams():
        stream = StreamCheck(index, row, clock, repair)
        if files.pending:
            findings += [found for found in stream.findings() if found.invariant in _ALWAYS]
        else:
            findings += stream.findings()
            chains.walk(stream.stream, stream.rows)
    if files.pending:
        # Nor what was sealed of streams that are not read in.
        seals.heads.clear()
        return findings + chains.findings(())
    return findings + chains.findings(files.altered)
