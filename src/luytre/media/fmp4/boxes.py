"""Boxes of ISO base media files: how one is written, how one is found (ISO/IEC 14496-12, 4.2).

Promises   the finder never raises and never loops, whatever sizes the bytes claim.
Does not   know what is in a box.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

# sample_flags, ISO/IEC 14496-12 8.8.3.1: sample_depends_on in bits 24..25, sample_is_non_sync in bit 16.
FLAGS_KEY = 0x0200_0000
FLAGS_NOT_KEY = 0x0101_0000
NON_SYNC_BIT = 0x0001_0000

MAX_U32 = 0xFFFF_FFFF
UNITY_MATRIX = struct.pack(">9I", 0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000)


class Box(NamedTuple):
    """Where a box lies: from `start`, with its payload from `payload`, to before `end`."""

    type: bytes
    start: int
    payload: int
    end: int


def box(kind: bytes, *payload: bytes) -> bytes:
    body = b"".join(payload)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full_box(kind: bytes, version: int, flags: int, *payload: bytes) -> bytes:
    body = b"".join(payload)
    return struct.pack(">I4sI", 12 + len(body), kind, version << 24 | flags) + body


def box_header(head: bytes, start: int, limit: int, at: int = 0) -> Box | None:
    """The box whose header is at `head[at:]`, lying at `start` in a file or parent that ends at `limit`.

    None where the header is cut, or has a size smaller than itself or of 0 ("to the end": nothing of ours is
    open-ended, and zeros are what a power cut leaves). The end may lie beyond `limit`: that is for the caller.
    """
    if start + 8 > limit or len(head) < at + 8:
        return None
    size, kind = struct.unpack_from(">I4s", head, at)
    payload = start + 8
    if size == 1:
        if start + 16 > limit or len(head) < at + 16:
            return None
        (size,) = struct.unpack_from(">Q", head, at + 8)
        payload = start + 16
    if size < payload - start:
        return None
    return Box(kind, start, payload, start + size)


def is_name(kind: bytes) -> bool:
    """Whether four bytes can be a box type: printable, or the copyright sign of old QuickTime."""
    return all(0x20 <= letter < 0x7F or letter == 0xA9 for letter in kind)


def iter_boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes that lie whole in `data[start:end]`, in order; stops at the first that does not."""
    limit = len(data) if end is None else min(end, len(data))
    while (found := box_header(data, start, limit, start)) is not None and found.end <= limit:
        yield found
        start = found.end


def find(data: bytes, kind: bytes, start: int = 0, end: int | None = None) -> Box | None:
    """The first whole box of a type on one level."""
    return next((found for found in iter_boxes(data, start, end) if found.type == kind), None)


def find_path(data: bytes, path: tuple[bytes, ...], start: int = 0, end: int | None = None) -> Box | None:
    """The box at the end of a path of types, each in the one before."""
    found = None
    for kind in path:
        found = find(data, kind, start, end)
        if found is None:
            return None
        start, end = found.payload, found.end
    return found
