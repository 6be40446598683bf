"""Reading a segment file whole and proving it: each part's bytes are those that its mark tells.

Promises   one pass over the file, a few MiB at a time; what was read does not stay in the page cache, where it would push
           out what the node is about to need.
Does not   know the index (check_files.py), nor mend anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from luytre.archive import recover
from luytre.archive import segment as fmt
from luytre.archive.chain import HASH_BYTES, MARK_SIZE, root_of
from luytre.base.errors import from_os

BLOCK = 4 << 20


@dataclass(frozen=True, slots=True)
class Proof:
    """found    what the file holds, by its boxes
    altered  numbers of the parts whose bytes are not those that their marks tell
    leaves   of the parts as they are, 32 bytes each
    """

    found: recover.Contents
    altered: tuple[int, ...]
    leaves: bytes

    def root(self) -> bytes:
        """The segment's hash by its bytes; that of its tail when nothing was altered."""
        tail = self.found.tail
        return root_of(self.found.opened, tail.head, self.leaves)


class Window:
    """Reads a file front to back, in blocks. `floor`: no byte before it is asked for again."""

    def __init__(self, path: Path, block: int = BLOCK) -> None:
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise from_os(error, f"open {path.name}") from error
        self._name = path.name
        self.size = os.fstat(self._fd).st_size
        os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        self._buffer = bytearray(min(block, max(self.size, 1)))
        self._base = self._end = 0
        self.floor = 0

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *_: object) -> None:
        os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(self._fd)

    def read(self, offset: int, size: int) -> bytes:
        """As `FileReader.read`."""
        size = max(min(size, self.size - offset), 0)
        if not self._base <= offset or offset + size > self._end:
            self._fill(offset, size)
        at = offset - self._base
        return bytes(memoryview(self._buffer)[at : min(at + size, self._end - self._base)])

    def hash(self, start: int, end: int) -> bytes:
        """SHA-256 of the bytes from `start` to before `end`; nothing before `end` is asked for again."""
        digest = sha256()
        while start < end:
            self.floor = start
            if not self._base <= start < self._end:
                self._fill(start, 1)
            at = start - self._base
            piece = memoryview(self._buffer)[at : min(self._end, end) - self._base]
            if not piece:
                break
            digest.update(piece)
            start += len(piece)
        self.floor = end
        return digest.digest()

    def _fill(self, offset: int, size: int) -> None:
        """The buffer begins at the floor (at `offset` where that lies before it or too far behind) and has `size` bytes
        from `offset` on, where the file has them.
        """
        begin = self.floor if 0 <= offset - self.floor <= len(self._buffer) // 2 else offset
        if offset + size - begin > len(self._buffer):
            self._buffer = bytearray(offset + size - begin)
            self._base = self._end = 0
        kept = 0
        if self._base <= begin < self._end:
            kept = self._end - begin
            self._buffer[:kept] = bytes(memoryview(self._buffer)[begin - self._base : self._end - self._base])
        self._base, self._end = begin, begin + kept
        view = memoryview(self._buffer)
        try:
            while self._end - begin < len(self._buffer):
                got = os.preadv(self._fd, [view[self._end - begin :]], self._end)
                if got == 0:
                    break
                os.posix_fadvise(self._fd, self._end, got, os.POSIX_FADV_DONTNEED)
                self._end += got
        except OSError as error:
            raise from_os(error, f"read {self._name}") from error


def prove(path: Path) -> Proof | None:
    """What the file holds, every byte of it read; None when it holds no whole part. Raises Error where the disk cannot
    read it.
    """
    with Window(path) as window:
        opening = fmt.parse_opening(window.read, window.size)
        if opening is None:
            return None
        opened = window.read(0, opening.parts_offset)
        window.floor = opening.parts_offset
        parts, marks, leaves = [], bytearray(), bytearray()
        for part, mark in fmt.walk(window.read, window.size, opening.parts_offset):
            parts.append(part)
            marks += mark
            leaves += window.hash(part.offset + MARK_SIZE, part.offset + part.size)
        if not parts:
            return None
        end, tail = fmt.find_tail(window, parts, opening.parts_offset)
        found = recover.judge(opening, opened, fmt.Scanned(parts, bytes(marks)), end, tail, window.size)
        return Proof(found, tuple(differing(marks, leaves)), bytes(leaves))


def differing(marks: bytes | bytearray, leaves: bytes | bytearray) -> Iterable[int]:
    """Numbers of the parts whose two hashes are not the same."""
    for number in range(len(marks) // HASH_BYTES):
        at = slice(number * HASH_BYTES, (number + 1) * HASH_BYTES)
        if marks[at] != leaves[at]:
            yield number
