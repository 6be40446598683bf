"""A segment's file format: init, header box, parts, tail box (design/archive.md, "On the disk").

Promises   whatever parse_* returns was wholly in the file; a cut or damaged file yields fewer parts, never an
           exception out of the format.
Does not   open segments for writing (writer.py) nor know the index.

The header is a `uuid` box (ISO/IEC 14496-12, 11.1), the tail a `free` box (8.1.2): players skip both, and libav also
one that a power cut ended in the middle.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from luytre.archive.chain import HASH_BYTES, MARK_SIZE, is_hash, parse_mark, root_of
from luytre.archive.faults import ReadFault
from luytre.archive.keys import UNKNOWN_CLOCKS, Clocks
from luytre.base.clock import to_datetime, to_us
from luytre.base.errors import Error, Kind
from luytre.media.fmp4.read import PartInfo, scan_parts

# 16 bytes each: "luytre", two bytes of format, and the box's name.
HEADER_TYPE = b"luytre\x00\x02\x80\x00header"
TAIL_TYPE = b"luytre\x00\x02\x80\x00tail\x00\x00"

_BOX = struct.Struct(">I4s16s")
# Parts, end, estimated error of the wall time, the camera's clock minus the node's; the last two may be unknown.
_TAIL_HEAD = struct.Struct(">Iqqq")
_NOTHING = -(1 << 63)
_ENTRY = struct.Struct(">QIQIqB")
_FLAG_KEY = 1
# A thousand gaps of 100 bytes are told at most (ledger.py); their details may be long.
MAX_HEADER_BYTES = 1 << 22
# What fits into the index, and years that fit into a calendar.
_MAX_NUMBER = 1 << 62

Read = Callable[[int, int], bytes]


class PartEntry(NamedTuple):
    """One part in its file, from its mark on. Ends where the next begins; the last one ends with the segment."""

    offset: int
    size: int
    start_ticks: int
    duration_ticks: int
    wall_us: int
    key: bool


@dataclass(frozen=True, slots=True)
class GapNote:
    """A gap as a segment's header tells it, so that causes survive the loss of the index."""

    start_us: int
    end_us: int
    cause: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """`prev`: the stream's chain before this segment, in hex; `retention`: the class that the camera was kept under."""

    camera: str
    code: str
    stream: str
    run: str
    seq: int
    start_us: int
    start_ticks: int
    prev: str
    retention: str
    gaps: tuple[GapNote, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Tail:
    """`leaves`: 32 bytes for each part, in order."""

    end_us: int
    parts: tuple[PartEntry, ...]
    leaves: bytes
    clocks: Clocks = UNKNOWN_CLOCKS

    @property
    def head(self) -> bytes:
        """What the tail says before its table, as it is hashed."""
        error_us, camera_us = (_NOTHING if number is None else number for number in self.clocks)
        return _TAIL_HEAD.pack(len(self.parts), self.end_us, error_us, camera_us)

    def root(self, opening: bytes) -> bytes:
        """The segment's hash; `opening` are the file's bytes before its first part."""
        return root_of(opening, self.head, self.leaves)


def file_name(run: str, seq: int, start_us: int) -> str:
    """`2026-11-22/070500-1a2b3c4d-0003.mp4`; the run's last digits, since its first are the time again."""
    moment = to_datetime(start_us)
    return f"{moment:%Y-%m-%d}/{moment:%H%M%S}-{run[-8:]}-{seq:04d}.mp4"


def time_in_name(path: Path) -> int | None:
    """The second in which a file that is named so begins, in µs; None for another name."""
    try:
        moment = datetime.strptime(f"{path.parent.name} {path.name[:6]}", "%Y-%m-%d %H%M%S")
    except ValueError:
        return None
    return to_us(moment.replace(tzinfo=UTC))


def header_box(header: Header) -> bytes:
    payload = json.dumps(asdict(header), separators=(",", ":"), ensure_ascii=False).encode()
    return _BOX.pack(_BOX.size + len(payload), b"uuid", HEADER_TYPE) + payload


def tail_box(tail: Tail) -> bytes:
    entries = b"".join(
        _ENTRY.pack(p.offset, p.size, p.start_ticks, p.duration_ticks, p.wall_us, _FLAG_KEY if p.key else 0)
        for p in tail.parts
    )
    payload = tail.head + entries + tail.leaves
    return _BOX.pack(_BOX.size + len(payload), b"free", TAIL_TYPE) + payload


def is_tail(head: bytes, size: int) -> bool:
    """Whether the first bytes of what ends a file, `size` bytes, are those of a tail of just that length."""
    return len(head) >= _BOX.size and _BOX.unpack_from(head) == (size, b"free", TAIL_TYPE)


def parse_tail(box: bytes) -> Tail:
    """Raises Error(DATA_LOSS) when `box` is not a whole tail."""
    try:
        size, kind, extended = _BOX.unpack_from(box)
        if kind != b"free" or extended != TAIL_TYPE or size != len(box):
            raise ValueError("not a tail box")
        count, end_us, *known = _TAIL_HEAD.unpack_from(box, _BOX.size)
        table = _BOX.size + _TAIL_HEAD.size
        leaves = table + count * _ENTRY.size
        if leaves + count * HASH_BYTES != size:
            raise ValueError("its length does not fit its count")
        entries = list(_ENTRY.iter_unpack(box[table:leaves]))
        if any(flags & ~_FLAG_KEY for *_, flags in entries):
            raise ValueError("an entry has flags that nobody wrote")
    except (struct.error, ValueError) as error:
        raise Error(
            Kind.DATA_LOSS, f"segment tail: {error}", hint="Run `luytre check --repair`.", cause="file_lost"
        ) from error
    error_us, camera_us = (None if number == _NOTHING else number for number in known)
    return Tail(
        end_us,
        tuple(
            PartEntry(offset, size, ticks, duration, wall_us, bool(flags & _FLAG_KEY))
            for offset, size, ticks, duration, wall_us, flags in entries
        ),
        box[leaves:],
        Clocks(error_us, camera_us),
    )


@dataclass(frozen=True, slots=True)
class Opening:
    """The head of a segment file: init bytes, header, and where the parts begin."""

    init: bytes
    header: Header
    parts_offset: int


def parse_opening(read: Read, size: int) -> Opening | None:
    """None when the file was cut before its first part could begin, or is not one of ours."""
    at = 0
    while at + 8 <= size and at < 1 << 20:
        head = read(at, _BOX.size)
        box_size, kind = struct.unpack_from(">I4s", head) if len(head) >= 8 else (0, b"")
        if box_size < 8 or at + box_size > size:
            return None
        if kind == b"uuid":
            if head[8:24] != HEADER_TYPE:
                return None
            if not _BOX.size <= box_size <= MAX_HEADER_BYTES:
                return None
            header = _parse_header(read(at + _BOX.size, box_size - _BOX.size))
            return None if header is None else Opening(read(0, at), header, at + box_size)
        if kind not in (b"ftyp", b"moov"):
            return None
        at += box_size
    return None


def _parse_header(payload: bytes) -> Header | None:
    try:
        fields = json.loads(payload)
        notes = fields.pop("gaps")
        gaps = tuple(GapNote(g["start_us"], g["end_us"], g["cause"], g["detail"]) for g in notes)
        header = Header(**fields, gaps=gaps)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    numbers: list[object] = [header.seq, header.start_us, header.start_ticks]
    texts: list[object] = [header.camera, header.code, header.stream, header.run, header.retention]
    for gap in gaps:
        numbers += (gap.start_us, gap.end_us)
        texts += (gap.cause, gap.detail)
    whole = all(type(n) is int and abs(n) < _MAX_NUMBER for n in numbers) and all(map(_is_text, texts))
    return header if whole and is_hash(header.prev) else None


def _is_text(value: object) -> bool:
    """A string that can be stored: JSON may hold halves of surrogate pairs."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


@dataclass(frozen=True, slots=True)
class Scanned:
    """Parts found by walking, and their leaves as their marks tell them."""

    parts: list[PartEntry]
    leaves: bytes


def walk(read: Read, size: int, start: int) -> Iterator[tuple[PartEntry, bytes]]:
    """The whole parts from byte `start` on and the leaf in the mark of each, by walking their boxes; ends at the first that
    is not whole or not ours.
    """
    expected = start
    for part in scan_parts(read, size, start):
        leaf = parse_mark(read(expected, MARK_SIZE))
        if leaf is None or part.offset != expected + MARK_SIZE or part.wall_us is None or not part.tracks:
            return
        yield _entry(part), leaf
        expected = part.offset + part.size


def scan(read: Read, size: int, start: int) -> Scanned:
    """All that `walk` gives."""
    found = list(walk(read, size, start))
    return Scanned([entry for entry, _ in found], b"".join(leaf for _, leaf in found))


def _entry(part: PartInfo) -> PartEntry:
    first = part.tracks[0]
    assert part.wall_us is not None
    return PartEntry(
        part.offset - MARK_SIZE,
        part.size + MARK_SIZE,
        first.base_ticks,
        first.duration_ticks,
        part.wall_us,
        first.first_is_key,
    )


class Reader(Protocol):
    """A file that can be read anywhere."""

    size: int

    def read(self, offset: int, size: int) -> bytes: ...


class FileReader:
    """Random access to a file by `pread`; a context manager. Raises ReadFault; Error(NOT_FOUND) without the file."""

    def __init__(self, path: Path) -> None:
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise Error(
                Kind.NOT_FOUND,
                f"{path.name} is not there any more",
                hint="Run `luytre check`.",
                cause="file_lost",
            ) from error
        except OSError as error:
            raise ReadFault(error, f"open {path.name}") from error
        self._name = path.name
        self.size = os.fstat(self._fd).st_size

    def __enter__(self) -> FileReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        os.close(self._fd)

    def read(self, offset: int, size: int) -> bytes:
        try:
            return os.pread(self._fd, max(size, 0), offset)
        except OSError as error:
            raise ReadFault(error, f"read {self._name}") from error


def read_tail(reader: Reader, tail_offset: int) -> Tail:
    """Raises Error(DATA_LOSS) when the file does not end in a tail that begins there."""
    size = reader.size - tail_offset
    # A damaged file may have a gigabyte here: first its head.
    if not is_tail(reader.read(tail_offset, _BOX.size), size):
        size = 0
    return parse_tail(reader.read(tail_offset, size))


def find_tail(reader: Reader, parts: Iterable[PartEntry], parts_offset: int) -> tuple[int, Tail | None]:
    """Where the parts end, and the tail that follows when it is whole and ends the file."""
    end = parts_offset
    for part in parts:
        end = part.offset + part.size
    if end == reader.size:
        return end, None
    try:
        return end, read_tail(reader, end)
    except Error:
        return end, None
