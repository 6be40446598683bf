"""Export: any span of a stream as one ordinary, seekable MP4 of the original bytes; no re-encode, no temporary file.

The file exists only as a header in memory and a list of places in segment files; any byte range of it can be read.

Wall: only `cameras.viewing` imports this; every look passes there.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from luytre.archive.catalog import Archive
from luytre.archive.keys import Span, StreamKey
from luytre.archive.playback import Located, init_bytes, parts_in
from luytre.archive.segment import FileReader
from luytre.base.errors import Error, Kind
from luytre.media.fmp4.progressive import progressive_header
from luytre.media.fmp4.read import part_columns
from luytre.media.fmp4.samples import TrackSamples
from luytre.media.stored import tracks_of
from luytre.media.tracks import VIDEO_TIMESCALE, Track

CHUNK_BYTES = 1 << 20
# Enough for prft and the moof of an ordinary part; a longer moof costs a second read.
HEAD_BYTES = 4096
_BOX = struct.Struct(">I4s")


class Piece(NamedTuple):
    """`size` bytes of a file from `offset` on: the samples of one part."""

    path: Path
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Movie:
    """start_us, end_us: what it really holds: from the keyframe at or before the wanted start to the end of
    the last part.
    """

    header: bytes
    pieces: tuple[Piece, ...]
    start_us: int
    end_us: int
    etag: str
    _starts: tuple[int, ...] = field(repr=False)

    @property
    def size(self) -> int:
        return self._starts[-1]

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """Bytes [start, end) in chunks of at most 1 MiB. Raises Error(NOT_FOUND) when a segment has gone meanwhile."""
        end = min(end, self.size)
        if start < len(self.header):
            yield self.header[start : min(end, len(self.header))]
            start = len(self.header)
        number = bisect_right(self._starts, start) - 1
        reader: FileReader | None = None
        path: Path | None = None
        try:
            while start < end:
                piece, begin = self.pieces[number], self._starts[number]
                if piece.path != path:
                    if reader is not None:
                        reader.close()
                    reader, path = FileReader(piece.path), piece.path
                assert reader is not None
                stop = min(end, begin + piece.size)
                while start < stop:
                    data = reader.read(piece.offset + start - begin, min(CHUNK_BYTES, stop - start))
                    if not data:
                        raise Error(
                            Kind.DATA_LOSS,
                            f"{piece.path.name} is shorter than its index says",
                            hint="Run `luytre check --repair`.",
                            cause="file_lost",
                        )
                    yield data
                    start += len(data)
                number += 1
        finally:
            if reader is not None:
                reader.close()


def movie(archive: Archive, key: StreamKey, start_us: int, end_us: int) -> Movie:
    """Raises Error(NOT_FOUND, cause="nothing_recorded"), Error(CONFLICT) when the picture changed its format
    inside the span.
    """
    parts = parts_in(archive, key, Span(start_us, end_us))
    tracks = _tracks(archive, key, parts)
    columns: list[list[TrackSamples]] = []
    pieces: list[Piece] = []
    shift, run_id = 0, ""
    reader: FileReader | None = None
    path: Path | None = None
    try:
        for part in parts:
            if part.path != path:
                if reader is not None:
                    reader.close()
                reader, path = FileReader(part.path), part.path
            assert reader is not None
            if part.found.row.run_id != run_id:
                run_id = part.found.row.run_id
                wall_us = part.entry.wall_us - parts[0].entry.wall_us
                shift = wall_us * VIDEO_TIMESCALE // 1_000_000 - part.entry.start_ticks
            samples, head = _samples(reader, part, tracks, shift)
            columns.append(samples)
            pieces.append(Piece(part.path, part.entry.offset + head, part.entry.size - head))
    finally:
        if reader is not None:
            reader.close()
    first, last = parts[0].entry.wall_us, parts[-1].end_us
    header = progressive_header(tracks, columns, created_us=first)
    starts = tuple(accumulate((piece.size for piece in pieces), initial=len(header)))
    etag = sha256(header + run_id.encode()).hexdigest()[:32]
    return Movie(header, tuple(pieces), first, last, etag, starts)


def _tracks(archive: Archive, key: StreamKey, parts: list[Located]) -> list[Track]:
    """Video, and audio where any of the runs has it. All runs must agree on what the pictures are."""
    tracks: list[Track] = []
    for run_id in dict.fromkeys(part.found.row.run_id for part in parts):
        for position, track in enumerate(tracks_of(init_bytes(archive, key, run_id))):
            if position >= len(tracks):
                tracks.append(track)
            elif tracks[position].sample_entry != track.sample_entry:
                raise Error(
                    Kind.CONFLICT,
                    "the camera changed its picture format inside this span",
                    hint="Export the times before and after the change as two files.",
                    cause="parameters_changed",
                )
    return tracks


def _samples(
    reader: FileReader, part: Located, tracks: list[Track], shift: int
) -> tuple[list[TrackSamples], int]:
    """The part's samples in columns, moved by `shift` video ticks, and how many bytes stand before the first sample."""
    head = reader.read(part.entry.offset, min(HEAD_BYTES, part.entry.size))
    at, moof = 0, (0, 0)
    while True:
        size, kind = _BOX.unpack_from(head, at)
        if kind == b"mdat":
            at += 16 if size == 1 else 8
            break
        if kind == b"moof":
            moof = (at, at + size)
        at += size
        if at + 16 > len(head):
            head = reader.read(part.entry.offset, min(at + HEAD_BYTES, part.entry.size))
    columns = part_columns(head[moof[0] : moof[1]])
    samples = []
    for number, track in enumerate(tracks, 1):
        moved = shift * track.timescale // VIDEO_TIMESCALE
        column = columns.get(number)
        if column is None:
            column = TrackSamples(part.entry.start_ticks * track.timescale // VIDEO_TIMESCALE)
        column.base_ticks += moved
        samples.append(column)
    return samples, at


def export(archive: Archive, key: StreamKey, span: Span, path: Path) -> Iterator[int]:
    """Write the span to a new file; yields the bytes written so far. A file that could not be finished is removed."""
    made = movie(archive, key, *span)
    try:
        with path.open("xb") as file:
            for chunk in made.read(0, made.size):
                file.write(chunk)
                yield file.tell()
    except FileExistsError as error:
        raise Error(
            Kind.CONFLICT, f"{path} exists", hint="Choose another name, or remove it first."
        ) from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise
