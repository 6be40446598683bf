"""A classic seekable MP4 header over sample bytes that already lie in parts: any span of the archive is one
ordinary file.

Promises   ftyp + moov + mdat header, to be followed by the samples' bytes in the order of the parts (in each:
           all of the first track, then of the next), make a file that any player opens and seeks in; the same
           arguments give the same bytes.
Does not   touch sample bytes; choose which runs can share a track; move runs against each other (the caller
           shifts `base_ticks`).

Time. The file's clock begins with the first picture. A hole between parts makes the sample before it last
longer, so all later samples keep their place. Sound that began before the first picture is hidden by an edit
list, sound that began later is delayed.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, compress, groupby

from luytre.base.clock import US_PER_S
from luytre.base.errors import Error, Kind
from luytre.media.fmp4.boxes import MAX_U32, box, full_box
from luytre.media.fmp4.movie import EPOCH_1904_OFFSET_S, TrackTimes, moov, trak
from luytre.media.fmp4.samples import TrackSamples as TrackSamples
from luytre.media.tracks import VIDEO_TIMESCALE, Track, VideoTrack

# The finest clock in the file, so that edits cut no picture by rounding.
_MOVIE_TIMESCALE = VIDEO_TIMESCALE
_FTYP = box(b"ftyp", b"isom", struct.pack(">I", 0x200), b"isomiso2mp41")
# elst media_time of an empty edit (8.6.6.1).
_NOTHING = -1


@dataclass(slots=True)
class _Table:
    """One track over all parts. `start`, `end`: decode times in ticks; `chunks`: (samples, bytes) per part; `entries`:
    the sample entry of each part that has samples.
    """

    start: int | None = None
    end: int = 0
    sizes: array[int] = field(default_factory=lambda: array("I"))
    durations: array[int] = field(default_factory=lambda: array("q"))
    cts: array[int] = field(default_factory=lambda: array("i"))
    keys: bytearray = field(default_factory=bytearray)
    chunks: list[tuple[int, int]] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)

    def add(self, part: TrackSamples) -> None:
        if not part.sizes:
            self.chunks.append((0, 0))
            return
        if self.start is None:
            self.start = self.end = part.base_ticks
        elif part.base_ticks != self.end:
            # An overlap can take no more than the sample before has; the rest is taken back at the next border.
            last = self.durations[-1]
            changed = max(0, last + part.base_ticks - self.end)
            self.durations[-1] = changed
            self.end += changed - last
        self.sizes.extend(part.sizes)
        self.durations.extend(part.durations)
        self.cts.extend(part.cts)
        self.keys.extend(part.keys)
        self.end += sum(part.durations)
        self.chunks.append((len(part.sizes), sum(part.sizes)))
        self.entries.append(part.entry)

    def first_shown(self) -> int:
        """Smallest presentation time, in ticks. A reordered picture is at most 16 samples late."""
        times = accumulate(self.durations[:16], initial=self.start or 0)
        return min(time + offset for time, offset in zip(times, self.cts[:17], strict=False))


def progressive_header(
    tracks: Sequence[Track],
    parts: Sequence[Sequence[TrackSamples]],
    *,
    created_us: int,
    entries: Sequence[Sequence[bytes]] | None = None,
) -> bytes:
    """Everything of a seekable MP4 before its sample bytes.

    parts        for each part, in file order, one TrackSamples per track, in the order of `tracks`
    created_us   wall time written as creation time (whole seconds)
    entries      for each track all sample entries that its parts name (8.5.2; `TrackSamples.entry`); by default its own
    The file is as long as the header and all sizes together. About 0.2 s for an hour of 25 pictures and 47
    AAC frames a second.
    Raises Error(INVALID) where nothing is in it, or where a hole is longer than 32 bits of ticks (13 h at 90
    kHz).
    """
    tables = [_Table() for _ in tracks]
    for part in parts:
        for table, samples in zip(tables, part, strict=True):
            table.add(samples)
    data_size = sum(size for table in tables for _, size in table.chunks)
    if not any(table.sizes for table in tables):
        raise Error(
            Kind.INVALID, "a movie without samples", hint="Choose a span in which something is recorded."
        )
    if any(max(table.durations, default=0) > MAX_U32 for table in tables):
        raise Error(
            Kind.INVALID,
            "a gap inside the span is too long for one MP4 file",
            hint="Export the times before and after the gap as two files.",
            cause="gap_too_long",
        )
    created = max(0, created_us // US_PER_S + EPOCH_1904_OFFSET_S)
    zero = _zero(tracks, tables)
    drafts = [
        (track, _times(track, table, zero, created), _fixed_tables(table))
        for track, table in zip(tracks, tables, strict=True)
    ]
    duration = max(times.movie_ticks for _, times, _ in drafts)

    def assemble(offset: int, wide: bool) -> bytes:
        traks = [
            trak(track, number, times, fixed + chunk_offsets, described)
            for number, ((track, times, fixed), chunk_offsets, described) in enumerate(
                zip(drafts, _chunk_offsets(tables, offset, wide), entries or [()] * len(drafts), strict=True),
                1,
            )
        ]
        return _FTYP + moov(_MOVIE_TIMESCALE, duration, created, traks)

    # The header's length does not depend on the offsets in it, only on how wide they are.
    wide = len(assemble(0, False)) + 8 + data_size > MAX_U32
    mdat = (
        struct.pack(">I4sQ", 1, b"mdat", data_size + 16)
        if wide
        else struct.pack(">I4s", data_size + 8, b"mdat")
    )
    length = len(assemble(0, wide)) + len(mdat)
    return assemble(length, wide) + mdat


def _zero(tracks: Sequence[Track], tables: Sequence[_Table]) -> tuple[int, int]:
    """(ticks, timescale) at which the file's clock begins: the first picture, else the first sound."""
    having = [(track, table) for track, table in zip(tracks, tables, strict=True) if table.sizes]
    video = [pair for pair in having if isinstance(pair[0], VideoTrack)]
    track, table = (video or having)[0]
    return table.first_shown(), track.timescale


def _times(track: Track, table: _Table, zero: tuple[int, int], created: int) -> TrackTimes:
    """Durations and edit list. Rounding is upwards: an edit must not be shorter than its media."""
    if not table.sizes or table.start is None:
        return TrackTimes(created)
    scale = track.timescale
    zero_ticks, zero_scale = zero
    media_ticks = sum(table.durations)
    # Composition offsets move the whole track: it is shown from here, and as long as it is.
    shown_from = max(0, table.first_shown() - table.start)
    shown_to = shown_from + media_ticks
    # Where in this track's media the file's clock is 0; before its beginning, the track starts later.
    skipped = _round(zero_ticks * scale, zero_scale) - table.start
    entries = []
    wait = 0
    if skipped < shown_from:
        wait = _round((shown_from - skipped) * _MOVIE_TIMESCALE, scale)
        entries.append((wait, _NOTHING))
        skipped = shown_from
    skipped = min(skipped, shown_to)
    lasts = -((skipped - shown_to) * _MOVIE_TIMESCALE // scale)
    entries.append((lasts, skipped))
    plain = entries == [(lasts, 0)]
    return TrackTimes(created, media_ticks, wait + lasts, b"" if plain else _edits(entries))


def _round(dividend: int, divisor: int) -> int:
    return (2 * dividend + divisor) // (2 * divisor)


def _edits(entries: list[tuple[int, int]]) -> bytes:
    wide = any(duration > MAX_U32 or media > 0x7FFF_FFFF for duration, media in entries)
    one = ">QqI" if wide else ">IiI"
    rows = [struct.pack(one, duration, media, 0x1_0000) for duration, media in entries]
    return box(b"edts", full_box(b"elst", int(wide), 0, struct.pack(">I", len(rows)), *rows))


def _fixed_tables(table: _Table) -> bytes:
    """All sample tables but the chunk offsets: stts, ctts, stss, stsz, stsc (8.6.1, 8.6.2, 8.7.3, 8.7.4)."""
    out = [_run_lengths(b"stts", 0, table.durations)]
    if any(table.cts):
        # Version 1: offsets are signed, decode times are the sorted presentation times (design/live.md).
        out.append(_run_lengths(b"ctts", 1, table.cts))
    if not all(table.keys):
        keys = array("I", compress(range(1, len(table.keys) + 1), table.keys))
        out.append(full_box(b"stss", 0, 0, struct.pack(">I", len(keys)), _big_endian(keys)))
    out.append(full_box(b"stsz", 0, 0, struct.pack(">II", 0, len(table.sizes)), _big_endian(table.sizes)))
    rows = array("I")
    counts = [count for count, _ in table.chunks if count]
    first = 1
    for (count, entry), same in groupby(zip(counts, table.entries, strict=True)):
        rows.extend((first, count, entry))
        first += sum(1 for _ in same)
    out.append(full_box(b"stsc", 0, 0, struct.pack(">I", len(rows) // 3), _big_endian(rows)))
    return b"".join(out)


def _run_lengths(kind: bytes, version: int, values: Iterable[int]) -> bytes:
    """Pairs of (count, value): `stts` and `ctts`. Signed values go into the same 32 bits."""
    rows = array("I")
    for value, same in groupby(values):
        rows.append(sum(1 for _ in same))
        rows.append(value & MAX_U32)
    return full_box(kind, version, 0, struct.pack(">I", len(rows) // 2), _big_endian(rows))


def _chunk_offsets(tables: Sequence[_Table], offset: int, wide: bool) -> list[bytes]:
    """stco or co64 of each track (8.7.5); the first part's first track begins at `offset`."""
    found = [array("Q" if wide else "I") for _ in tables]
    for part in zip(*(table.chunks for table in tables), strict=True):
        for (count, size), offsets in zip(part, found, strict=True):
            if count:
                # Drafts ask before it is known whether 32 bits are enough.
                offsets.append(offset if wide else offset & MAX_U32)
            offset += size
    kind = b"co64" if wide else b"stco"
    return [full_box(kind, 0, 0, struct.pack(">I", len(offsets)), _big_endian(offsets)) for offsets in found]


def _big_endian(values: array[int]) -> bytes:
    if sys.byteorder == "little":
        values = values[:]
        values.byteswap()
    return values.tobytes()
