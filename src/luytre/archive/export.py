"""Export: any span of a stream as one ordinary, seekable MP4 of the original bytes; no re-encode, no temporary file.

The file exists only as a header in memory and a list of places in segment files; any byte range of it can be read.

Wall: only `cameras.viewing` imports this; every look passes there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from luytre.archive.catalog import Archive
from luytre.archive.keys import Span, StreamKey
from luytre.archive.playback import Located, damaged, init_bytes, parts_in
from luytre.archive.segment import FileReader
from luytre.base.errors import Error, Kind
from luytre.media.fmp4.boxes import box_header
from luytre.media.fmp4.progressive import progressive_header
from luytre.media.fmp4.read import part_columns
from luytre.media.fmp4.samples import TrackSamples
from luytre.media.stored import tracks_of
from luytre.media.tracks import VIDEO_TIMESCALE, AudioTrack, Track

CHUNK_BYTES = 1 << 20
# Enough for prft and the moof of an ordinary part; a longer moof costs a second read.
HEAD_BYTES = 4096


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
        while start < min(end, len(self.header)):
            stop = min(end, len(self.header), start + CHUNK_BYTES)
            yield self.header[start:stop]
            start = stop
        number = bisect_right(self._starts, start) - 1
        reader: FileReader | None = None
        path: Path | None = None
        try:
            while start < end:
                piece, begin = self.pieces[number], self._starts[number]
                if piece.path != path:
                    if reader is not None:
                        reader.close()
                        reader = None
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
    """Raises Error(NOT_FOUND, cause="nothing_recorded"), Error(DATA_LOSS) when a file does not hold what its tail
    says.
    """
    parts = parts_in(archive, key, Span(start_us, end_us))
    runs = list(dict.fromkeys(part.found.row.run_id for part in parts))
    lanes, of_run = _lanes({run_id: tracks_of(init_bytes(archive, key, run_id)) for run_id in runs})
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
                    reader = None
                reader, path = FileReader(part.path), part.path
            assert reader is not None
            if part.found.row.run_id != run_id:
                run_id = part.found.row.run_id
                wall_us = part.entry.wall_us - parts[0].entry.wall_us
                shift = wall_us * VIDEO_TIMESCALE // 1_000_000 - part.entry.start_ticks
            samples, head = _samples(reader, part, lanes, of_run[run_id], shift)
            columns.append(samples)
            pieces.append(Piece(part.path, part.entry.offset + head, part.entry.size - head))
    finally:
        if reader is not None:
            reader.close()
    first, last = parts[0].entry.wall_us, parts[-1].end_us
    header = progressive_header(
        [lane.track for lane in lanes], columns, created_us=first, entries=[lane.entries for lane in lanes]
    )
    starts = tuple(accumulate((piece.size for piece in pieces), initial=len(header)))
    etag = sha256(header + "".join(runs).encode()).hexdigest()[:32]
    return Movie(header, tuple(pieces), first, last, etag, starts)


class Lane(NamedTuple):
    """A track of the movie: the first run's track, and the sample entries of all runs in it."""

    track: Track
    entries: list[bytes]


class Place(NamedTuple):
    """Where a track of a run goes: number of its lane, and of its sample entry (from 1) there."""

    lane: int
    entry: int


def _lanes(runs: dict[str, tuple[Track, ...]]) -> tuple[list[Lane], dict[str, list[Place]]]:
    """The movie's tracks, and for each run where its tracks go.

    Runs share a track where the codec and the clock are the same; its sample entries may differ (another size,
    other parameter sets). Pictures come before sound, as they lie in the parts.
    """
    lanes: dict[tuple[bool, bytes, int], Lane] = {}
    for tracks in runs.values():
        for track in tracks:
            lane = lanes.setdefault(_kind(track), Lane(track, []))
            if track.sample_entry not in lane.entries:
                lane.entries.append(track.sample_entry)
    # Stable: in the order of their first appearance otherwise.
    kinds = sorted(lanes, key=lambda kind: kind[0])
    places = {
        run_id: [
            Place(kinds.index(_kind(t)), lanes[_kind(t)].entries.index(t.sample_entry) + 1) for t in tracks
        ]
        for run_id, tracks in runs.items()
    }
    return [lanes[kind] for kind in kinds], places


def _kind(track: Track) -> tuple[bool, bytes, int]:
    """(is sound, four letters of the codec, ticks per second)."""
    return isinstance(track, AudioTrack), track.sample_entry[4:8], track.timescale


def _samples(
    reader: FileReader, part: Located, lanes: list[Lane], places: list[Place], shift: int
) -> tuple[list[TrackSamples], int]:
    """The part's samples in columns, one for each lane, moved by `shift` video ticks, and how many bytes stand before
    the first sample.
    """
    moof, at = _head(reader, part)
    try:
        columns = part_columns(moof)
    except Error as error:
        raise damaged(part) from error
    start = part.entry.start_ticks + shift
    samples = [TrackSamples(start * lane.track.timescale // VIDEO_TIMESCALE) for lane in lanes]
    for number, place in enumerate(places, 1):
        if number in columns:
            column = samples[place.lane] = columns[number]
            column.base_ticks += shift * lanes[place.lane].track.timescale // VIDEO_TIMESCALE
            column.entry = place.entry
    if sum(sum(column.sizes) for column in samples) != part.entry.size - at:
        raise damaged(part)
    return samples, at


def _head(reader: FileReader, part: Located) -> tuple[bytes, int]:
    """(the moof, how many bytes stand before the first sample)."""
    head = reader.read(part.entry.offset, min(HEAD_BYTES, part.entry.size))
    at, moof = 0, b""
    while (found := box_header(head, at, part.entry.size, at)) is not None and found.end <= part.entry.size:
        if found.type == b"mdat":
            return moof, found.payload
        if found.end + 16 > len(head):
            head = reader.read(part.entry.offset, min(found.end + HEAD_BYTES, part.entry.size))
        if found.type == b"moof":
            moof = head[found.start : found.end]
        at = found.end
    raise damaged(part)


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
