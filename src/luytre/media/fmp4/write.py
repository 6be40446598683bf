"""Fragmented MP4 writing: the init segment, and what stands before a part's sample bytes.

Promises   the same arguments give the same bytes: parts are hashed, and an init must be equal in each segment
           of a run.
Does not   touch sample bytes: the caller writes them after the header, track by track, in the order of
           `tracks`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from luytre.base.clock import to_ntp
from luytre.base.errors import Error, Kind
from luytre.media.fmp4.boxes import FLAGS_KEY, FLAGS_NOT_KEY, MAX_U32, box, full_box
from luytre.media.fmp4.movie import moov, trak
from luytre.media.fmp4.samples import PartSample as PartSample
from luytre.media.fmp4.samples import TrackPart as TrackPart
from luytre.media.tracks import Track

_MOVIE_TIMESCALE = 1000
# tfhd and trun flags, 8.8.7.1 and 8.8.8.1.
_DEFAULT_DURATION = 0x08
_DEFAULT_FLAGS = 0x20
_BASE_IS_MOOF = 0x02_0000
_DATA_OFFSET = 0x001
_FIRST_FLAGS = 0x004
_DURATIONS = 0x100
_SIZES = 0x200
_FLAGS = 0x400
_OFFSETS = 0x800
# prft flags, 8.16.5: 24 = the time is that of capture.
_CAPTURE_TIME = 24

_PRFT = struct.Struct(">I4sIIQQ")
_MOOF_MFHD = struct.Struct(">I4sI4sII")
_I32 = struct.Struct(">i")
_MDAT = struct.Struct(">I4s")
_WIDE_MDAT = struct.Struct(">I4sQ")


def init_segment(tracks: Sequence[Track]) -> bytes:
    """ftyp + moov, track_ID 1, 2, .. in the order given (CMAF header, ISO/IEC 23000-19 7.3.1). No time in it."""
    ftyp = box(b"ftyp", b"iso6", bytes(4), b"iso5iso6mp41cmfccmf2")
    traks = [trak(track, number) for number, track in enumerate(tracks, 1)]
    trexes = [
        full_box(b"trex", 0, 0, struct.pack(">5I", number, 1, 0, 0, 0))
        for number in range(1, len(tracks) + 1)
    ]
    return ftyp + moov(_MOVIE_TIMESCALE, 0, 0, traks, box(b"mvex", *trexes))


def part_header(
    sequence: int, tracks: Sequence[TrackPart], wall_us: int | None, data_size: int | None = None
) -> bytes:
    """[prft] + moof + mdat header of a part whose sample bytes follow: all of the first track, then the next.

    sequence    mfhd sequence_number, kept to 32 bits
    wall_us     wall time of the first track's first sample: written as `prft` (8.16.5); None leaves it out
    data_size   bytes that follow, where the caller knows; else summed up here
    Tracks without samples are left out. Raises Error(INVALID) where a part is empty or a track lies beyond 2
    GiB.
    """
    present = [track for track in tracks if track.samples]
    if not present:
        raise Error(Kind.INVALID, "a part without samples", hint="Report this: it is a fault of the program.")
    trafs = [_traf(track) for track in present]
    size = sum([traf[2] for traf in trafs]) if data_size is None else data_size
    moof_size = 24 + sum([len(before) + 4 + len(after) for before, after, _ in trafs])
    wide = size + 8 > MAX_U32
    offset = moof_size + (16 if wide else 8)
    out = []
    if wall_us is not None:
        first = present[0]
        # 8.16.5.1, version 1: reference track, NTP time, and the same moment in media time.
        out.append(
            _PRFT.pack(
                32, b"prft", 1 << 24 | _CAPTURE_TIME, first.track_id, to_ntp(wall_us), first.base_ticks
            )
        )
    out.append(_MOOF_MFHD.pack(moof_size, b"moof", 16, b"mfhd", 0, sequence & MAX_U32))
    for before, after, bytes_of_track in trafs:
        if offset > 0x7FFF_FFFF:
            raise Error(Kind.INVALID, "a part of more than 2 GiB", hint="Cut parts more often.")
        out += (before, _I32.pack(offset), after)
        offset += bytes_of_track
    out.append(_WIDE_MDAT.pack(1, b"mdat", size + 16) if wide else _MDAT.pack(size + 8, b"mdat"))
    return b"".join(out)


def _traf(track: TrackPart) -> tuple[bytes, bytes, int]:
    """(bytes before trun's data_offset, bytes after it, sample bytes). Columns that say nothing are left out."""
    durations, sizes, offsets, keys = zip(*track.samples, strict=True)
    count = len(sizes)
    columns: list[Sequence[int]] = []
    tfhd_flags, defaults = _BASE_IS_MOOF, []
    trun_flags = _DATA_OFFSET | _SIZES
    if durations.count(durations[0]) == count:
        tfhd_flags |= _DEFAULT_DURATION
        defaults.append(durations[0])
    else:
        trun_flags |= _DURATIONS
        columns.append(durations)
    columns.append(sizes)
    first_flags = b""
    later_keys = keys.count(True) - bool(keys[0])
    if later_keys in (0, count - 1):
        # All but the first are alike: nearly every part, a keyframe and what hangs on it, or sound.
        tfhd_flags |= _DEFAULT_FLAGS
        later = FLAGS_KEY if (later_keys if count > 1 else keys[0]) else FLAGS_NOT_KEY
        defaults.append(later)
        if (first := FLAGS_KEY if keys[0] else FLAGS_NOT_KEY) != later:
            trun_flags |= _FIRST_FLAGS
            first_flags = first.to_bytes(4, "big")
    else:
        trun_flags |= _FLAGS
        columns.append([FLAGS_KEY if key else FLAGS_NOT_KEY for key in keys])
    if offsets.count(0) != count:
        trun_flags |= _OFFSETS
        columns.append([offset & MAX_U32 for offset in offsets])
    width = len(columns)
    table = [0] * (count * width)
    for index, column in enumerate(columns):
        table[index::width] = column
    trun_size = 20 + len(first_flags) + 4 * len(table)
    before = struct.pack(
        f">I4sI4sII{len(defaults)}II4sIQI4sII",
        *(8 + 16 + 4 * len(defaults) + 20 + trun_size, b"traf"),
        *(16 + 4 * len(defaults), b"tfhd", tfhd_flags, track.track_id, *defaults),
        *(20, b"tfdt", 1 << 24, track.base_ticks),
        *(trun_size, b"trun", 1 << 24 | trun_flags, count),
    )
    return before, first_flags + struct.pack(f">{len(table)}I", *table), sum(sizes)
