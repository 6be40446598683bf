"""The moov box and what is in it, for both ways of writing: fragmented (durations 0) and progressive (ISO/IEC
14496-12, clause 8).

Promises   the same arguments give the same bytes; boxes take 64-bit form only where a value asks for it.
Does not   make sample tables (progressive.py).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from luytre.media.fmp4.boxes import MAX_U32, UNITY_MATRIX, box, full_box
from luytre.media.fmp4.entry import pixel_aspect
from luytre.media.tracks import Track, VideoTrack

# Seconds from 1904-01-01 (ISO/IEC 14496-12, 8.2.2.3) to 1970-01-01.
EPOCH_1904_OFFSET_S = 2_082_844_800
_UNDETERMINED_LANGUAGE = 0x55C4
_TRACK_ENABLED_IN_MOVIE = 3
_NO_TABLES = (
    full_box(b"stts", 0, 0, bytes(4))
    + full_box(b"stsc", 0, 0, bytes(4))
    + full_box(b"stsz", 0, 0, bytes(8))
    + full_box(b"stco", 0, 0, bytes(4))
)


@dataclass(frozen=True, slots=True)
class TrackTimes:
    """Times of a track box, in the track's and in the movie's timescale. `edits`: an `edts` box or nothing."""

    created_1904_s: int = 0
    media_ticks: int = 0
    movie_ticks: int = 0
    edits: bytes = b""


def moov(timescale: int, duration: int, created_1904_s: int, traks: list[bytes], mvex: bytes = b"") -> bytes:
    """Movie box; `traks` in the order of their track_ID from 1."""
    head = _times(created_1904_s, struct.pack(">I", timescale), duration)
    tail = struct.pack(">IH10x", 0x1_0000, 0x0100) + UNITY_MATRIX + struct.pack(">24xI", len(traks) + 1)
    return box(b"moov", full_box(b"mvhd", head[0], 0, head[1], tail), *traks, mvex)


def trak(
    track: Track,
    track_id: int,
    times: TrackTimes = TrackTimes(),
    tables: bytes = _NO_TABLES,
    entries: Sequence[bytes] = (),
) -> bytes:
    """Track box. `tables`: the boxes of `stbl` after `stsd`; `entries`: all sample entries, where there are more than
    the track's own.
    """
    entries = entries or [track.sample_entry]
    video = isinstance(track, VideoTrack)
    version, head = _times(times.created_1904_s, struct.pack(">I4x", track_id), times.movie_ticks)
    tail = struct.pack(">8xHHHxx", 0, 0 if video else 1, 0 if video else 0x0100) + UNITY_MATRIX
    tkhd = full_box(
        b"tkhd", version, _TRACK_ENABLED_IN_MOVIE, head, tail, struct.pack(">II", *_shown_size(track))
    )
    stsd = full_box(b"stsd", 0, 0, struct.pack(">I", len(entries)), *entries)
    url = full_box(b"url ", 0, 1)
    minf = box(
        b"minf",
        full_box(b"vmhd", 0, 1, bytes(8)) if video else full_box(b"smhd", 0, 0, bytes(4)),
        box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), url)),
        box(b"stbl", stsd, tables),
    )
    version, head = _times(times.created_1904_s, struct.pack(">I", track.timescale), times.media_ticks)
    mdhd = full_box(b"mdhd", version, 0, head, struct.pack(">HH", _UNDETERMINED_LANGUAGE, 0))
    handler, name = (b"vide", b"VideoHandler\0") if video else (b"soun", b"SoundHandler\0")
    hdlr = full_box(b"hdlr", 0, 0, struct.pack(">4x4s12x", handler), name)
    return box(b"trak", tkhd, times.edits, box(b"mdia", mdhd, hdlr, minf))


def _times(created_1904_s: int, middle: bytes, duration: int) -> tuple[int, bytes]:
    """(version, creation + modification + middle + duration): the common head of mvhd, tkhd and mdhd."""
    wide = created_1904_s > MAX_U32 or duration > MAX_U32
    number = ">Q" if wide else ">I"
    moment = struct.pack(number, created_1904_s)
    return int(wide), moment + moment + middle + struct.pack(number, duration)


def _shown_size(track: Track) -> tuple[int, int]:
    """Width and height as shown, 16.16 fixed point: the width is stretched by the pixel's shape (8.3.2.3)."""
    if not isinstance(track, VideoTrack):
        return 0, 0
    across, down = pixel_aspect(track.sample_entry)
    return min(MAX_U32, (track.width * across << 16) // down), track.height << 16
