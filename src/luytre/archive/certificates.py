"""Certificates: the volume's journal of what was deleted, by which rule, and of alarms (design/archive.md, "Retention").

Promises   what `append` returned from is on the disk; a line is never changed, and each tells the hash of the one before;
           prev, roots and link carry a stream's chain (chain.py) over what is gone.
Does not   decide what goes (retention.py), nor sign (seals.py).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from luytre.archive import line_file
from luytre.archive.chain import HASH_BYTES, is_hash, link_of
from luytre.archive.disk import Disk, OsDisk, sync_folder
from luytre.archive.keys import StreamKey
from luytre.archive.volume import Volume
from luytre.base.clock import to_datetime
from luytre.base.errors import from_os

FOLDER = "certificates"
# What the first line names as the hash of the line before it.
NONE_BEFORE = "0" * 2 * HASH_BYTES


class Rule(StrEnum):
    """By which rule segments went.

    expired         older than their class keeps them
    beyond_promise  older than promised, room was needed
    below_promise   promised still, room was needed, the alarm had been raised and the class allows it
    class_bytes     older than promised, the camera had more bytes than its class allows
    lost            damage or a crash took or changed them; `roots` stand in the files now, `link` is where the chain goes on
    alarm           no segments: a promise cannot be kept, or not for long
    """

    EXPIRED = "expired"
    BEYOND_PROMISE = "beyond_promise"
    BELOW_PROMISE = "below_promise"
    CLASS_BYTES = "class_bytes"
    LOST = "lost"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Certificate:
    """One line. Segments that follow one another in a stream's chain.

    prev, link   the chain before the first and after the last of them, in hex; "" in an alarm
    roots        hex root of each, in the order of the chain
    seq, before  number of the line from 1, and SHA-256 of the line before it (hex): set by `append`
    """

    at_us: int
    rule: str
    camera: str = ""
    stream: str = ""
    code: str = ""
    start_us: int = 0
    end_us: int = 0
    segments: int = 0
    bytes: int = 0
    prev: str = ""
    roots: tuple[str, ...] = ()
    link: str = ""
    detail: str = ""
    seq: int = 0
    before: str = ""

    @property
    def key(self) -> StreamKey:
        return StreamKey(self.camera, self.stream)


class Newest(NamedTuple):
    """Number and hash (hex) of the journal's last line."""

    seq: int
    hash: str


def append(volume: Volume, disk: Disk | None, certificates: Sequence[Certificate]) -> list[Certificate]:
    """Write them down in this order, one line each; they are on the disk when this returns. Gives them as written. Raises
    Error, and then none of them is in the journal.
    """
    if not certificates:
        return []
    disk = disk or OsDisk()
    folder = volume.path / FOLDER
    try:
        with _locked(folder) as folder_fd:
            names = _names(volume)
            newest = _cut_torn(names[-1]) if names else Newest(0, NONE_BEFORE)
            written, data = _chained(newest, certificates)
            path = folder / f"{to_datetime(certificates[0].at_us):%Y-%m}.jsonl"
            # After a clock was set back too, lines stand in the order in which they were written.
            path = max(path, names[-1]) if names else path
            line_file.append(path, disk, data)
            os.fsync(folder_fd)
    except OSError as error:
        raise from_os(error, "write the certificates") from error
    return written


def read(volume: Volume) -> Iterator[Certificate]:
    """All, in the order in which they were written. A last line that is not whole is none; a damaged one is passed over:
    `verify` tells of it.
    """
    for _, line in _lines(volume):
        certificate = _parse(line)
        if certificate is not None:
            yield certificate


def newest(volume: Volume) -> Newest | None:
    """The last whole line; None without one. Reads the end of the journal only."""
    for path in reversed(_names(volume)):
        with path.open("rb") as file:
            found = _newest(file.fileno(), line_file.whole_end(file.fileno()))
        if found is not None:
            return found
    return None


def verify(volume: Volume) -> list[str]:
    """What is wrong with the journal: lines that cannot be read, are missing, changed, or tell a chain that is none."""
    problems: list[str] = []
    for _ in verified(volume, problems):
        pass
    return problems


def verified(volume: Volume, problems: list[str]) -> Iterator[Certificate]:
    """As `read`; what `verify` finds is added to `problems` on the way: the journal of years is read once."""
    before, seq = NONE_BEFORE, 0
    for where, line in _lines(volume):
        seq += 1
        certificate = _parse(line)
        if certificate is None:
            problems.append(f"{where}: cannot be read")
        else:
            if certificate.before != before:
                problems.append(f"{where}: does not follow the line before it")
            if certificate.seq != seq:
                problems.append(f"{where}: has number {certificate.seq}, expected was {seq}")
                seq = certificate.seq
            if not _is_chain(certificate):
                problems.append(f"{where}: its roots do not lead from prev to link")
            yield certificate
        before = sha256(line).hexdigest()


def _is_chain(certificate: Certificate) -> bool:
    if certificate.rule in (Rule.LOST, Rule.ALARM):
        return True
    link = bytes.fromhex(certificate.prev)
    for root in certificate.roots:
        link = link_of(link, bytes.fromhex(root))
    return link.hex() == certificate.link and len(certificate.roots) == certificate.segments > 0


def _chained(newest: Newest, certificates: Sequence[Certificate]) -> tuple[list[Certificate], bytes]:
    seq, before = newest
    written, data = [], []
    for certificate in certificates:
        seq += 1
        whole = replace(certificate, seq=seq, before=before)
        line = json.dumps(asdict(whole), ensure_ascii=False, separators=(",", ":")).encode()
        before = sha256(line).hexdigest()
        written.append(whole)
        data.append(line + b"\n")
    return written, b"".join(data)


_FIELDS = {field.name for field in fields(Certificate)}
_NUMBERS = ("seq", "at_us", "start_us", "end_us", "segments", "bytes")
_TEXTS = ("before", "rule", "camera", "stream", "code", "detail")


def _parse(line: bytes) -> Certificate | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.keys() != _FIELDS or not isinstance(found["roots"], list):
        return None
    hashes = [*found["roots"], *(text for text in (found["prev"], found["link"]) if text != "")]
    whole = (
        all(type(found[name]) is int for name in _NUMBERS)
        and all(type(found[name]) is str for name in _TEXTS)
        and all(map(is_hash, hashes))
    )
    return Certificate(**{**found, "roots": tuple(found["roots"])}) if whole else None


# -- files --------------------------------------------------------------------------------------------------------


def _names(volume: Volume) -> list[Path]:
    return sorted((volume.path / FOLDER).glob("????-??.jsonl"))


def _lines(volume: Volume) -> Iterator[tuple[str, bytes]]:
    """(where, line without its end) of each whole line."""
    for path in _names(volume):
        try:
            with path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if line_file.is_whole(line):
                        yield f"{FOLDER}/{path.name} line {number}", line[:-1]
        except OSError as error:
            raise from_os(error, f"read {path.name}") from error


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """One at a time over all processes: keeper, repair. Gives the folder's file descriptor."""
    if not folder.exists():
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield fd
    finally:
        os.close(fd)


def _cut_torn(path: Path) -> Newest:
    """Cut what a crash left behind the last whole line: it was never in force."""
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        end = line_file.whole_end(fd)
        if end < os.fstat(fd).st_size:
            os.ftruncate(fd, end)
        found = _newest(fd, end)
    finally:
        os.close(fd)
    if found is not None:
        return found
    earlier = [name for name in sorted(path.parent.glob("????-??.jsonl")) if name < path]
    return _cut_torn(earlier[-1]) if earlier else Newest(0, NONE_BEFORE)


def _newest(fd: int, end: int) -> Newest | None:
    """Number and hash of the line that ends there; None for an empty file. A line that cannot be read counts as one after
    the one before it.
    """
    last, damaged = None, 0
    for _, line in line_file.backwards(fd, end):
        last = last or sha256(line[:-1]).hexdigest()
        certificate = _parse(line[:-1])
        if certificate is not None:
            return Newest(certificate.seq + damaged, last)
        damaged += 1
    return None if last is None else Newest(damaged, last)
