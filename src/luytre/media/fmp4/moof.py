"""The moof box: samples of one part, as columns or one by one (ISO/IEC 14496-12, 8.8.4 to 8.8.12).

Promises   counts are checked against the bytes that are there before anything is made for them.
Does not   know where the file ends: whether the samples' bytes exist is the scanner's question (read.py).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from luytre.base.errors import Error, Kind
from luytre.media.fmp4.boxes import NON_SYNC_BIT, Box, find, iter_boxes
from luytre.media.fmp4.samples import TrackSamples

# Samples that have no column of their own cost no bytes: a number alone could ask for any memory.
MAX_SAMPLES = 1 << 18


class Defaults(NamedTuple):
    """trex or tfhd defaults: ticks, bytes, sample_flags."""

    duration: int = 0
    size: int = 0
    flags: int = 0


NO_DEFAULTS = Defaults()


class StoredSample(NamedTuple):
    """One sample: `offset` in bytes from the start of the moof; duration and composition offset in ticks."""

    offset: int
    size: int
    duration: int
    cts: int
    key: bool


@dataclass(frozen=True, slots=True)
class TrackRun:
    """One trun: its samples lie from `data_offset` to `data_end`, counted from the start of the moof."""

    track_id: int
    data_offset: int
    data_end: int
    samples: TrackSamples


@dataclass(frozen=True, slots=True)
class Moof:
    """One moof; `runs` in file order. A track has one run in what we write, any number in what others do."""

    sequence: int
    runs: tuple[TrackRun, ...]


@dataclass(slots=True)
class _Fragment:
    """What tfhd and tfdt say, and how far the truns of the traf have come."""

    track_id: int
    defaults: Defaults
    base: int
    ticks: int
    data_end: int


def _damaged(what: str) -> Error:
    return Error(
        Kind.DATA_LOSS,
        f"damaged moof: {what}",
        hint="Run `luytre check --repair` on the volume this file is in.",
        cause="bad_media",
    )


def read_moof(moof: bytes, defaults: Mapping[int, Defaults] | None = None, at: int = 0) -> Moof:
    """Read one whole moof box.

    defaults   trex defaults by track_ID (`InitInfo.defaults`)
    at         where the moof lies in its file: only needed where tfhd holds an absolute base_data_offset
    Raises Error(DATA_LOSS, cause="bad_media") where boxes are missing, cut or impossible.
    """
    outer = next(iter_boxes(moof), None)
    if outer is None or outer.type != b"moof":
        raise _damaged("not a whole box")
    mfhd = find(moof, b"mfhd", outer.payload, outer.end)
    if mfhd is None or mfhd.end - mfhd.payload < 8:
        raise _damaged("no mfhd")
    runs: list[TrackRun] = []
    total, data_end, covered = 0, 0, outer.payload
    for child in iter_boxes(moof, outer.payload, outer.end):
        covered = child.end
        if child.type != b"traf":
            continue
        fragment = _fragment(moof, child, defaults or {}, at, data_end)
        for inner in iter_boxes(moof, child.payload, child.end):
            if inner.type == b"trun":
                run = _run(moof, inner, fragment, MAX_SAMPLES - total)
                total += len(run.samples.sizes)
                runs.append(run)
        data_end = fragment.data_end
    if covered != outer.end:
        raise _damaged("a box in it is cut")
    return Moof(int.from_bytes(moof[mfhd.payload + 4 : mfhd.payload + 8], "big"), tuple(runs))


def _fragment(moof: bytes, traf: Box, trex: Mapping[int, Defaults], at: int, data_end: int) -> _Fragment:
    tfhd = find(moof, b"tfhd", traf.payload, traf.end)
    if tfhd is None or tfhd.end - tfhd.payload < 8:
        raise _damaged("no tfhd")
    flags, track_id = struct.unpack_from(">II", moof, tfhd.payload)
    cursor = tfhd.payload + 8
    values = []
    # Optional fields in the order of 8.8.7.2: base_data_offset, description index, duration, size, flags.
    for bit, width in ((0x01, 8), (0x02, 4), (0x08, 4), (0x10, 4), (0x20, 4)):
        present = bool(flags & bit)
        if present and cursor + width > tfhd.end:
            raise _damaged("tfhd is cut")
        values.append(int.from_bytes(moof[cursor : cursor + width], "big") if present else None)
        cursor += width if present else 0
    base, _, duration, size, sample_flags = values
    known = trex.get(track_id, NO_DEFAULTS)
    if base is not None:
        base -= at
    elif flags & 0x02_0000:
        base = 0
    else:
        base = data_end
    return _Fragment(
        track_id=track_id,
        defaults=Defaults(
            known.duration if duration is None else duration,
            known.size if size is None else size,
            known.flags if sample_flags is None else sample_flags,
        ),
        base=base,
        ticks=_decode_time(moof, traf),
        data_end=base,
    )


def _decode_time(moof: bytes, traf: Box) -> int:
    tfdt = find(moof, b"tfdt", traf.payload, traf.end)
    if tfdt is None:
        return 0
    width = 8 if tfdt.end > tfdt.payload and moof[tfdt.payload] == 1 else 4
    if tfdt.payload + 4 + width > tfdt.end:
        raise _damaged("tfdt is cut")
    return int.from_bytes(moof[tfdt.payload + 4 : tfdt.payload + 4 + width], "big")


def _run(moof: bytes, trun: Box, fragment: _Fragment, most: int) -> TrackRun:
    """Read a trun and move the fragment on by it (8.8.8)."""
    if trun.end - trun.payload < 8:
        raise _damaged("trun is cut")
    word, count = struct.unpack_from(">II", moof, trun.payload)
    cursor = trun.payload + 8
    first_flags: int | None = None
    offset = fragment.data_end
    if word & 0x1:
        if cursor + 4 > trun.end:
            raise _damaged("trun is cut")
        offset = fragment.base + int.from_bytes(moof[cursor : cursor + 4], "big", signed=True)
        cursor += 4
    if word & 0x4:
        first_flags = int.from_bytes(moof[cursor : min(cursor + 4, trun.end)], "big")
        cursor += 4
    width = (word >> 8 & 0xF).bit_count()
    if count > most or cursor + 4 * width * count > trun.end:
        raise _damaged(f"trun of {count} samples")
    table = struct.unpack_from(f">{width * count}I", moof, cursor)
    columns = iter([table[index::width] for index in range(width)])
    defaults = fragment.defaults
    durations: Sequence[int] = next(columns) if word & 0x100 else [defaults.duration] * count
    sizes: Sequence[int] = next(columns) if word & 0x200 else [defaults.size] * count
    keys = _keys(next(columns) if word & 0x400 else None, first_flags, defaults.flags, count)
    offsets: Sequence[int] = next(columns) if word & 0x800 else [0] * count
    if word >> 24 and word & 0x800:
        offsets = [value - ((value & 0x8000_0000) << 1) for value in offsets]
    samples = TrackSamples(fragment.ticks, sizes, durations, offsets, keys)
    fragment.ticks += sum(durations)
    fragment.data_end = offset + sum(sizes)
    return TrackRun(fragment.track_id, offset, fragment.data_end, samples)


def _keys(column: Sequence[int] | None, first: int | None, default: int, count: int) -> list[bool]:
    flags_of_all = [default] * count if column is None else column
    keys = [not flags & NON_SYNC_BIT for flags in flags_of_all]
    if first is not None and keys:
        keys[0] = not first & NON_SYNC_BIT
    return keys


def part_columns(moof: bytes, defaults: Mapping[int, Defaults] | None = None) -> dict[int, TrackSamples]:
    """Samples of one moof by track_ID, in columns, as `progressive_header` takes them. Raises as `read_moof`."""
    found: dict[int, TrackSamples] = {}
    for run in read_moof(moof, defaults).runs:
        mine, more = found.get(run.track_id), run.samples
        if mine is None:
            found[run.track_id] = more
        else:
            found[run.track_id] = TrackSamples(
                mine.base_ticks,
                [*mine.sizes, *more.sizes],
                [*mine.durations, *more.durations],
                [*mine.cts, *more.cts],
                [*mine.keys, *more.keys],
            )
    return found


def part_samples(
    moof: bytes, defaults: Mapping[int, Defaults] | None = None, at: int = 0
) -> dict[int, list[StoredSample]]:
    """Each sample of one moof, by track_ID, offsets from the start of the moof. Raises as `read_moof`."""
    found: dict[int, list[StoredSample]] = {}
    for run in read_moof(moof, defaults, at).runs:
        listed = found.setdefault(run.track_id, [])
        offset = run.data_offset
        columns = run.samples
        for size, duration, cts, key in zip(
            columns.sizes, columns.durations, columns.cts, columns.keys, strict=True
        ):
            listed.append(StoredSample(offset, size, duration, cts, key))
            offset += size
    return found
