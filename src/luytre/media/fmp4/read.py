"""Fragmented MP4 reading: what an init segment says, which parts a file holds, which samples a part holds.

Promises   no sizes or counts in the bytes make it loop, crash or take memory; a cut or damaged tail ends the
           list of parts and raises nothing. `mdat` payloads are never read.
Does not   repair; read classic sample tables (`stbl`).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from luytre.base.clock import from_ntp
from luytre.base.errors import Error, Kind
from luytre.media.fmp4 import entry
from luytre.media.fmp4.boxes import Box, box_header, find, find_path, is_name
from luytre.media.fmp4.boxes import iter_boxes as iter_boxes
from luytre.media.fmp4.moof import NO_DEFAULTS, Defaults, Moof, TrackRun, read_moof
from luytre.media.fmp4.moof import part_columns as part_columns
from luytre.media.fmp4.moof import part_samples as part_samples

# A part of 2 s has some hundred samples of 16 bytes at most; other people's may be longer.
MAX_MOOF_BYTES = 1 << 20
_PRFT_SIZE = {0: 28, 1: 32}


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """One track of a moov. Width and height in pixels, 0 for sound; channels and rate, 0 for video."""

    track_id: int
    timescale: int
    handler: str
    codec_string: str
    width: int
    height: int
    channels: int
    rate: int
    sample_entry: bytes
    defaults: Defaults = NO_DEFAULTS


@dataclass(frozen=True, slots=True)
class InitInfo:
    """What a moov says. `size`: bytes up to the end of moov, which is the length of an init segment."""

    tracks: tuple[TrackInfo, ...]
    size: int

    @property
    def defaults(self) -> dict[int, Defaults]:
        """trex defaults by track_ID, for `scan_parts` and `part_samples`."""
        return {track.track_id: track.defaults for track in self.tracks}


class PartTrack(NamedTuple):
    """One track of a part, in its ticks; `first_cts`: signed composition offset of the first sample."""

    track_id: int
    base_ticks: int
    duration_ticks: int
    samples: int
    first_is_key: bool
    first_cts: int
    data_bytes: int


@dataclass(frozen=True, slots=True)
class PartInfo:
    """One whole part, from its prft (its moof without one) at `offset` to the end of its mdat."""

    offset: int
    size: int
    sequence: int
    wall_us: int | None
    tracks: tuple[PartTrack, ...]
    moof_offset: int
    moof_size: int


def _damaged(what: str) -> Error:
    return Error(
        Kind.DATA_LOSS,
        what,
        hint="Run `luytre check --repair` on the volume this file is in.",
        cause="bad_media",
    )


def parse_init(data: bytes) -> InitInfo:
    """Read the moov in `data` (an init segment, or the beginning of a file).

    Raises Error(DATA_LOSS, cause="bad_media") where there is no whole moov, no track, or a track with
    timescale 0.
    """
    movie = find(data, b"moov")
    if movie is None:
        raise _damaged("no complete moov box")
    defaults = _trex(data, movie)
    tracks = []
    for found in iter_boxes(data, movie.payload, movie.end):
        if found.type == b"trak" and (track := _track(data, found, defaults)) is not None:
            tracks.append(track)
    if not tracks:
        raise _damaged("moov has no track that can be read")
    return InitInfo(tuple(tracks), movie.end)


def _trex(data: bytes, movie: Box) -> dict[int, Defaults]:
    mvex = find(data, b"mvex", movie.payload, movie.end)
    found = {}
    for trex in iter_boxes(data, mvex.payload, mvex.end) if mvex else ():
        if trex.type == b"trex" and trex.end - trex.payload >= 24:
            track_id, _, duration, size, flags = struct.unpack_from(">4x5I", data, trex.payload)
            found[track_id] = Defaults(duration, size, flags)
    return found


def _track(data: bytes, trak: Box, defaults: Mapping[int, Defaults]) -> TrackInfo | None:
    tkhd = find(data, b"tkhd", trak.payload, trak.end)
    mdia = find(data, b"mdia", trak.payload, trak.end)
    if tkhd is None or mdia is None:
        return None
    mdhd = find(data, b"mdhd", mdia.payload, mdia.end)
    hdlr = find(data, b"hdlr", mdia.payload, mdia.end)
    stsd = find_path(data, (b"minf", b"stbl", b"stsd"), mdia.payload, mdia.end)
    if mdhd is None or hdlr is None or stsd is None or hdlr.end - hdlr.payload < 12:
        return None
    track_id, timescale = _behind_times(data, tkhd), _behind_times(data, mdhd)
    first = next(iter_boxes(data, stsd.payload + 8, stsd.end), None)
    if track_id is None or timescale is None or first is None:
        return None
    if not timescale:
        raise _damaged(f"track {track_id} has timescale 0")
    sample_entry = data[first.start : first.end]
    handler = data[hdlr.payload + 8 : hdlr.payload + 12].decode("latin-1")
    return TrackInfo(
        track_id,
        timescale,
        handler,
        entry.codec_string(sample_entry),
        *(entry.visual_size(sample_entry) if handler == "vide" else (0, 0)),
        *(entry.audio_format(sample_entry) if handler == "soun" else (0, 0)),
        sample_entry,
        defaults.get(track_id, NO_DEFAULTS),
    )


def _behind_times(data: bytes, header: Box) -> int | None:
    """The 32-bit number after creation and modification time: track_ID in tkhd, timescale in mdhd."""
    at = header.payload + (20 if header.end > header.payload and data[header.payload] == 1 else 12)
    return int.from_bytes(data[at : at + 4], "big") if at + 4 <= header.end else None


def scan_parts(
    read: Callable[[int, int], bytes],
    size: int,
    start: int = 0,
    defaults: Mapping[int, Defaults] | None = None,
) -> Iterator[PartInfo]:
    """The whole parts of a file, in order; stops at the first box that is cut or damaged, and raises nothing
    for it.

    read       (offset, size) -> bytes; may return fewer at the end of the file. Its own errors pass through
    size       where the file ends
    start      a box border to begin at
    defaults   `InitInfo.defaults`, needed for parts that were not written by us
    Boxes between parts that are not known (uuid, free, styp) are stepped over.
    """
    position = start
    prft: tuple[int, int] | None = None
    while position < size:
        found = box_header(read(position, min(16, size - position)), position, size)
        if found is None or found.end > size or not is_name(found.type):
            return
        if found.type == b"moof":
            part = _part(read, size, found, prft, defaults or {})
            if part is None:
                return
            yield part
            position, prft = part.offset + part.size, None
            continue
        wall_us = _wall(read, found) if found.type == b"prft" else None
        prft = (found.start, wall_us) if wall_us is not None else None
        position = found.end


def _wall(read: Callable[[int, int], bytes], prft: Box) -> int | None:
    """Wall time of a prft box, either version (8.16.5.1)."""
    length = prft.end - prft.start
    if length not in _PRFT_SIZE.values():
        return None
    data = read(prft.start, length)
    if len(data) < length or _PRFT_SIZE.get(data[8]) != length:
        return None
    return from_ntp(int.from_bytes(data[16:24], "big"))


def _part(
    read: Callable[[int, int], bytes],
    size: int,
    found: Box,
    prft: tuple[int, int] | None,
    defaults: Mapping[int, Defaults],
) -> PartInfo | None:
    """The part whose moof is `found`; None where anything of it is missing or out of place."""
    length = found.end - found.start
    if length > MAX_MOOF_BYTES:
        return None
    mdat = box_header(read(found.end, max(0, min(16, size - found.end))), found.end, size)
    if mdat is None or mdat.type != b"mdat" or mdat.end > size:
        return None
    data = read(found.start, length)
    if len(data) < length:
        return None
    try:
        moof = read_moof(data, defaults, at=found.start)
    except Error:
        return None
    first, last = mdat.payload - found.start, mdat.end - found.start
    if any(run.data_offset < first or run.data_end > last for run in moof.runs if run.samples.sizes):
        return None
    offset = found.start if prft is None else prft[0]
    return PartInfo(
        offset=offset,
        size=mdat.end - offset,
        sequence=moof.sequence,
        wall_us=prft[1] if prft else None,
        tracks=tuple(_tracks(moof)),
        moof_offset=found.start,
        moof_size=length,
    )


def _tracks(moof: Moof) -> Iterator[PartTrack]:
    by_track: dict[int, list[TrackRun]] = {}
    for run in moof.runs:
        if run.samples.sizes:
            by_track.setdefault(run.track_id, []).append(run)
    for track_id, runs in by_track.items():
        first = runs[0].samples
        yield PartTrack(
            track_id=track_id,
            base_ticks=first.base_ticks,
            duration_ticks=sum(sum(run.samples.durations) for run in runs),
            samples=sum(len(run.samples.sizes) for run in runs),
            first_is_key=first.keys[0],
            first_cts=first.cts[0],
            data_bytes=sum(sum(run.samples.sizes) for run in runs),
        )
