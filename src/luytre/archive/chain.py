"""The hashes that make the archive provable (design/archive.md, "Integrity").

Promises   nothing of a segment can be changed without its root changing, no segment be taken out, put in or moved without
           the links after it changing.
Does not   read files (segment.py), nor sign (seals.py).

    leaf = SHA-256 of a part's bytes                                    stands before the part, in its mark
    root = SHA-256 over the opening's hash, the tail's head, all leaves  one per segment
    link = SHA-256 over the link before and the root                    one per segment, in the order of recording

SHA-256 is that of FIPS 180-4. The mark is a `free` box (ISO/IEC 14496-12, 8.1.2), which players skip;
libav refuses a file that a power cut ended inside the first 24 bytes of a `uuid` box.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from hashlib import sha256

HASH_BYTES = 32
# The link before a stream's first segment on a volume.
GENESIS = bytes(HASH_BYTES)
MARK_TYPE = b"luytre\x00\x02\x80\x00leaf\x00\x00"

_MARK = struct.Struct(f">I4s16s{HASH_BYTES}s")
MARK_SIZE = _MARK.size


def is_hash(value: object) -> bool:
    """A root, link or other SHA-256 as it stands in JSON: 64 small hex digits."""
    return (
        isinstance(value, str) and len(value) == 2 * HASH_BYTES and not set(value) - set("0123456789abcdef")
    )


def leaf_of(buffers: Iterable[bytes | memoryview]) -> bytes:
    """Hash of a part, `prft` to the end of `mdat`; the mark before it is not part of what is hashed."""
    digest = sha256()
    for buffer in buffers:
        digest.update(buffer)
    return digest.digest()


def mark(leaf: bytes) -> bytes:
    """The box that stands before a part and tells its leaf."""
    return _MARK.pack(_MARK.size, b"free", MARK_TYPE, leaf)


def parse_mark(data: bytes) -> bytes | None:
    """The leaf of a mark; None when these bytes are none."""
    if len(data) < _MARK.size:
        return None
    size, kind, name, leaf = _MARK.unpack_from(data)
    return bytes(leaf) if (size, kind, name) == (_MARK.size, b"free", MARK_TYPE) else None


def root_of(opening: bytes, tail_head: bytes, leaves: bytes) -> bytes:
    """The segment's hash. `opening`: init and header as in the file; `tail_head`: what the tail says before its table;
    `leaves`: 32 bytes a part, in order.
    """
    return sha256(b"luytre segment\0" + sha256(opening).digest() + tail_head + leaves).digest()


def link_of(before: bytes, root: bytes) -> bytes:
    """The stream's chain after this segment."""
    return sha256(b"luytre link\0" + before + root).digest()
