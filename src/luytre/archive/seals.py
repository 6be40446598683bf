"""Seals. Stands in, with the names that the notary uses, until the room's own module takes its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from luytre.archive.index import Index
from luytre.archive.volume import Volume


@dataclass(frozen=True, slots=True)
class Seal:
    seq: int
    hash: str


def seal(
    volume: Volume, index: Index, sign: Callable[[bytes], bytes], public_key: bytes, now_us: int
) -> Seal | None:
    """A signed line over the heads of all streams; None when none moved."""
    heads = b"".join(row.head for row in index.streams())
    path = volume.path / "seals"
    name = sha256(heads).hexdigest()
    if not heads or (path / name).exists():
        return None
    path.mkdir(exist_ok=True)
    (path / name).write_bytes(public_key + sign(heads) + str(now_us).encode())
    return Seal(len(list(path.iterdir())), name)


def remember(directory: Path, volume: Volume, seal: Seal) -> None:
    """DIR/seals/<volume id>.json"""
    (directory / "seals").mkdir(mode=0o700, exist_ok=True)
    (directory / "seals" / f"{volume.id}.json").write_text(f'{{"seq": {seal.seq}, "hash": "{seal.hash}"}}')
