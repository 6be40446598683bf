"""Seals: the node's signature under the heads of all chains of a volume (design/archive.md, "Integrity").

Promises   a sealed head is on the disk with all that it proves before the seal is; a line is never changed, each tells the
           hash of the one before, and is signed.
Does not   hold keys (base/signing.py), nor judge (check_seals.py).
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from luytre.archive import certificates, line_file
from luytre.archive.certificates import NONE_BEFORE, Newest
from luytre.archive.chain import GENESIS, is_hash
from luytre.archive.disk import Disk, OsDisk, sync_folder
from luytre.archive.index import US_PER_MINUTE, Index
from luytre.archive.volume import Volume
from luytre.base.clock import to_datetime
from luytre.base.errors import from_os

FOLDER = "seals"
# An hour is promised; with turns of a quarter of an hour a seal comes each 45 minutes, and one turn may fail. More seals
# would make each check dearer, for ever.
EVERY_US = 40 * US_PER_MINUTE
_HEX = re.compile("[0-9a-f]*")


class Head(NamedTuple):
    """A stream's chain (hex) and the end of its newest segment."""

    camera: str
    stream: str
    link: str
    end_us: int


@dataclass(frozen=True, slots=True)
class Seal:
    """One line; hashes, key and signature in hex.

    certificates  the last line of the certificates' journal
    heads         of the streams that moved since the seal before; in the first seal of a file, of all
    signature     over the other fields as `signed` gives them
    """

    seq: int
    before: str
    at_us: int
    volume: str
    public_key: str
    certificates: Newest
    heads: tuple[Head, ...]
    signature: str = ""

    @property
    def signed(self) -> bytes:
        """What the signature is over: JSON, names sorted, no blanks, UTF-8."""
        return _canonical(self._fields)

    @property
    def line(self) -> bytes:
        return _canonical(self._fields | {"signature": self.signature})

    @property
    def _fields(self) -> dict[str, object]:
        """Not by `asdict`, which copies each head: a check does this for each line of years."""
        return {
            "seq": self.seq,
            "before": self.before,
            "at_us": self.at_us,
            "volume": self.volume,
            "public_key": self.public_key,
            "certificates": self.certificates._asdict(),
            "heads": self.heads,
        }

    @property
    def newest(self) -> Newest:
        """What the next seal, and the node, remember of it."""
        return Newest(self.seq, sha256(self.line).hexdigest())


def _canonical(fields: dict[str, object]) -> bytes:
    return json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def seal(
    volume: Volume,
    index: Index,
    sign: Callable[[bytes], bytes],
    public_key: bytes,
    now_us: int,
    disk: Disk | None = None,
) -> Seal | None:
    """Seal what has moved since the last one; None when nothing has. It is on the disk when this returns. Raises Error."""
    disk = disk or OsDisk()
    volume.must_be_here()
    heads = _heads(index)
    told = certificates.newest(volume) or Newest(0, NONE_BEFORE)
    folder = volume.path / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            # What is sealed must not be lost in a power cut: files, index and folder first.
            disk.flush(fd)
            return _append(volume, disk, folder, heads, told, sign, public_key, now_us)
        finally:
            os.close(fd)
    except OSError as error:
        raise from_os(error, "seal the archive") from error


def _heads(index: Index) -> list[Head]:
    heads = []
    with index.snapshot():
        for stream in index.streams():
            if stream.head != GENESIS:
                (end_us,) = index.db.execute(
                    "SELECT end_us FROM segment WHERE stream_id = ? AND state = 'closed' ORDER BY start_us DESC LIMIT 1",
                    (stream.id,),
                ).fetchone() or (stream.expired_us,)
                heads.append(Head(stream.camera, stream.name, stream.head.hex(), end_us))
    return heads


def _append(
    volume: Volume,
    disk: Disk,
    folder: Path,
    heads: list[Head],
    told: Newest,
    sign: Callable[[bytes], bytes],
    public_key: bytes,
    now_us: int,
) -> Seal | None:
    names = _names(folder)
    path = folder / f"{to_datetime(now_us):%Y-%m-%d}.jsonl"
    # After a clock was set back too, lines stand in the order in which they were written.
    path = max(path, names[-1]) if names else path
    after, last = _newest(names)
    # Each file begins with all heads, so the newest one knows them all.
    known = {head[:2]: head.link for found in _of_file(names[-1]) for head in found.heads} if names else {}
    moved = [head for head in heads if known.get(head[:2]) != head.link]
    if not moved and told == (last.certificates if last else Newest(0, NONE_BEFORE)):
        return None
    shown = tuple(moved if known and path in names else heads)
    bare = Seal(after.seq + 1, after.hash, now_us, volume.id, public_key.hex(), told, shown)
    signed = replace(bare, signature=sign(bare.signed).hex())
    _write(path, disk, signed.line + b"\n")
    return signed


# -- reading ------------------------------------------------------------------------------------------------------


class Line(NamedTuple):
    """A line of a seal file: where it stands, its bytes, and the seal in it; None where it cannot be read."""

    where: str
    data: bytes
    seal: Seal | None


def lines(volume: Volume) -> Iterator[Line]:
    """All whole lines, in the order in which they were written."""
    for path in _names(volume.path / FOLDER):
        for number, data in enumerate(_whole(path), 1):
            yield Line(f"{FOLDER}/{path.name} line {number}", data, _parse(data))


def newest(volume: Volume) -> Newest:
    """Number and hash of the last line."""
    return _newest(_names(volume.path / FOLDER))[0]


def is_due(volume: Volume, now_us: int) -> bool:
    """The last seal is older than EVERY_US, of another day (UTC), or of the future."""
    last = _newest(_names(volume.path / FOLDER))[1]
    if last is None or not 0 <= now_us - last.at_us < EVERY_US:
        return True
    return to_datetime(last.at_us).date() != to_datetime(now_us).date()


def _names(folder: Path) -> list[Path]:
    return sorted(folder.glob("????-??-??.jsonl"))


def _whole(path: Path) -> list[bytes]:
    """Lines that were written to their end. After a power cut a file may have its length and zeros in their place."""
    try:
        *found, _ = path.read_bytes().split(b"\n")
    except OSError as error:
        raise from_os(error, f"read {path.name}") from error
    return [line for line in found if b"\0" not in line]


def _of_file(path: Path) -> Iterator[Seal]:
    return (found for found in map(_parse, _whole(path)) if found is not None)


def _newest(names: list[Path]) -> tuple[Newest, Seal | None]:
    """The last line, and the last seal that can be read."""
    for path in reversed(names):
        seq, last, data = 0, None, b""
        for data in _whole(path):
            found = _parse(data)
            seq, last = (seq + 1, last) if found is None else (found.seq, found)
        if last is not None:
            return Newest(seq, sha256(data).hexdigest()), last
    return Newest(0, NONE_BEFORE), None


def _parse(data: bytes) -> Seal | None:
    try:
        fields = json.loads(data)
        heads = tuple(Head(*head) for head in fields.pop("heads"))
        told = Newest(**fields.pop("certificates"))
        found = Seal(**fields, certificates=told, heads=heads)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    numbers: list[object] = [found.seq, found.at_us, told.seq, *(head.end_us for head in heads)]
    hashes: list[object] = [found.before, found.public_key, told.hash, *(head.link for head in heads)]
    names: list[object] = [found.volume, *(name for head in heads for name in head[:2])]
    whole = (
        all(type(number) is int and abs(number) < 1 << 62 for number in numbers)
        and all(map(is_hash, hashes))
        and all(isinstance(name, str) for name in names)
        and isinstance(found.signature, str)
        and _HEX.fullmatch(found.signature)
    )
    return found if whole else None


# -- writing ------------------------------------------------------------------------------------------------------


def _write(path: Path, disk: Disk, line: bytes) -> None:
    """Append after the last whole line; what a crash left behind it goes."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        os.ftruncate(fd, line_file.whole_end(fd))
    finally:
        os.close(fd)
    line_file.append(path, disk, line)
    sync_folder(path.parent)


# -- what the node remembers --------------------------------------------------------------------------------------


def remember(directory: Path, volume: Volume, sealed: Seal) -> None:
    """Write the newest seal down in the node's directory, which is not on the volume: who cuts the end off the volume's
    seals is found out. Raises Error.
    """
    folder = directory / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        fresh = folder / f"{volume.id}.json.new"
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(sealed.newest._asdict(), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(folder / f"{volume.id}.json")
        sync_folder(folder)
    except OSError as error:
        raise from_os(error, "remember the seal") from error


def expected(directory: Path, volume: Volume) -> Newest | None:
    """What was remembered; None where nothing was, or what was cannot be read."""
    try:
        found = Newest(**json.loads((directory / FOLDER / f"{volume.id}.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return found if type(found.seq) is int and isinstance(found.hash, str) else None
