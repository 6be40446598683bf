"""Playback: any span of a stream as HLS over the segment files themselves (RFC 8216); nothing is copied or re-encoded.

Wall: only `cameras.viewing` imports this; every look passes there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from luytre.archive.catalog import Archive, Found
from luytre.archive.keys import PATCH_US, Span, StreamKey, join_spans, uncovered
from luytre.archive.segment import FileReader, PartEntry
from luytre.base.clock import rfc3339
from luytre.base.errors import Error, Kind
from luytre.media.fmp4.boxes import find
from luytre.media.fmp4.read import part_samples
from luytre.media.hls import HlsPart, media_playlist
from luytre.media.stored import tracks_of
from luytre.media.tracks import VIDEO_TIMESCALE, VideoTrack

# An HLS entry gathers parts up to this: fewer requests, and still quick to start.
ENTRY_TICKS = 4 * VIDEO_TIMESCALE
# Wall time between two parts of different runs below which they are shown as continuous.
TOUCH_US = 1_000


class SegmentRef(NamedTuple):
    """Names a segment in addresses: `<run>-<seq>`."""

    run_id: str
    seq: int

    @property
    def id(self) -> str:
        return f"{self.run_id}-{self.seq}"

    @staticmethod
    def parse(text: str) -> SegmentRef:
        run_id, dash, seq = text.partition("-")
        if not dash or not seq.isdigit() or len(seq) > 9:
            raise Error(Kind.NOT_FOUND, f"no segment {text!r}", hint="Reload the page.", cause="file_lost")
        return SegmentRef(run_id, int(seq))


class Located(NamedTuple):
    """A part of a stream, where it lies, and when it ends."""

    key: StreamKey
    found: Found
    entry: PartEntry
    end_us: int

    @property
    def path(self) -> Path:
        return self.found.volume.path / self.found.row.path


Takes = Callable[[int, Found], bool]


class Entry(NamedTuple):
    """Parts that lie together in one file. `broken`: it does not go on where the entry before it ended."""

    first: Located
    last: Located
    broken: bool

    @property
    def key(self) -> StreamKey:
        return self.first.key

    @property
    def ref(self) -> SegmentRef:
        return SegmentRef(self.first.found.row.run_id, self.first.found.row.seq)

    @property
    def offset(self) -> int:
        return self.first.entry.offset

    @property
    def size(self) -> int:
        return self.last.entry.offset + self.last.entry.size - self.offset

    @property
    def ticks(self) -> int:
        """How long it lasts."""
        return self.last.entry.start_ticks + self.last.entry.duration_ticks - self.first.entry.start_ticks


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """A segment's bytes for range requests. An open segment's size is that of its whole parts."""

    path: Path
    size: int

    def read(self, offset: int, size: int) -> bytes:
        with FileReader(self.path) as reader:
            return reader.read(offset, max(min(size, self.size - offset), 0))


@dataclass(frozen=True, slots=True)
class Keyframe:
    """The picture a decoder can begin with at or before a moment. `data`: NAL units with 4-byte lengths."""

    track: VideoTrack
    data: bytes
    at_us: int


def parts_in(archive: Archive, key: StreamKey, span: Span) -> list[Located]:
    """The parts of a span in order, from the keyframe at or before its start. Raises Error(NOT_FOUND) when
    there are none.
    """
    chosen = _parts(archive, key, span, archive.segments(key, span))
    if not chosen:
        raise nothing_recorded(archive, key, span)
    return chosen


def _parts(archive: Archive, key: StreamKey, span: Span, segments: list[Found]) -> list[Located]:
    """The same, of the segments that touch the span."""
    chosen: list[Located] = []
    lead: list[Located] = []
    for part in _walk(archive, key, span, segments):
        if part.entry.wall_us >= span.end_us:
            break
        if part.entry.key or (lead and lead[-1].found.row.run_id != part.found.row.run_id):
            lead.clear()
        if part.end_us <= span.start_us:
            lead.append(part)
            continue
        if not chosen and not part.entry.key:
            chosen += lead
        chosen.append(part)
    return chosen


def first_parts(
    archive: Archive, keys: Sequence[StreamKey], span: Span, takes: Takes | None = None
) -> list[Located]:
    """The same over several streams: each moment from the first of them that has it. Raises Error(NOT_FOUND).

    `takes`: whether a segment counts for a key, said by its place in `keys`; a key may stand there twice.
    """
    stretches: list[tuple[int, list[Located]]] = []
    missing = [span]
    for place, key in enumerate(keys):
        if not missing:
            break
        holes: list[Span] = []
        # Asked once, however many holes there are.
        segments = archive.segments(key, Span(missing[0].start_us, missing[-1].end_us))
        if takes is not None:
            segments = [found for found in segments if takes(place, found)]
        for window in missing:
            parts = _parts(archive, key, window, [found for found in segments if _touches(found, window)])
            recorded = [Span(part.entry.wall_us, part.end_us) for part in parts]
            patches = uncovered(window, join_spans(recorded))
            holes += [hole for hole in patches if hole.end_us - hole.start_us >= PATCH_US]
            stretches += [(max(s[0].entry.wall_us, window.start_us), s) for s in _stretches(parts)]
        missing = holes
    if not stretches:
        raise nothing_recorded(archive, keys[0], span)
    stretches.sort(key=lambda stretch: stretch[0])
    return [part for _, stretch in stretches for part in stretch]


def _touches(found: Found, window: Span) -> bool:
    row = found.row
    return row.start_us < window.end_us and (row.end_us is None or row.end_us > window.start_us)


def _stretches(parts: list[Located]) -> Iterator[list[Located]]:
    """Cut where a hole is long enough to be filled."""
    begin = 0
    for number in range(1, len(parts) + 1):
        if number == len(parts) or parts[number].entry.wall_us - parts[number - 1].end_us >= PATCH_US:
            if parts[begin:number]:
                yield parts[begin:number]
            begin = number


def _walk(archive: Archive, key: StreamKey, span: Span, segments: list[Found]) -> Iterator[Located]:
    shown_us, on = 0, ""
    while segments and (before := _before(archive, key, segments[0], span)) is not None:
        segments.insert(0, before)
    for found in segments:
        table = archive.parts_of(found)
        for number, entry in enumerate(table.parts):
            # Two volumes may both have a moment around a switch: it is shown once, then the other goes on from a keyframe.
            if found.volume.id != on:
                if on and (entry.wall_us < shown_us or not entry.key):
                    continue
                on = found.volume.id
            shown_us = table.end_of(number)
            yield Located(key, found, entry, table.end_of(number))


def _before(archive: Archive, key: StreamKey, found: Found, span: Span) -> Found | None:
    """The segment in which the GOP that goes on at the start of the span begins, or goes on; None when it is `found`."""
    row = found.row
    table = archive.parts_of(found)
    if any(p.key and (p.wall_us <= span.start_us or n == 0) for n, p in enumerate(table.parts)):
        return None
    if not row.seq:
        return None
    return archive.segment(key, row.run_id, row.seq - 1)


def nothing_recorded(archive: Archive, key: StreamKey, span: Span) -> Error:
    nearest = archive.nearest(key, span.start_us)
    hint = (
        "Nothing was recorded yet." if nearest is None else f"The nearest picture is at {rfc3339(nearest)}."
    )
    return Error(
        Kind.NOT_FOUND,
        f"nothing recorded from {rfc3339(span.start_us)} to {rfc3339(span.end_us)}",
        hint=hint,
        cause="nothing_recorded",
    )


def playlist(
    archive: Archive,
    keys: Sequence[StreamKey],
    span: Span,
    uri: Callable[[StreamKey, SegmentRef], str],
    init_uri: Callable[[StreamKey, str], str],
) -> str:
    """A VOD playlist of the span; one entry gathers about 4 s. Of several streams each moment is taken from the first
    that has it. Raises Error(NOT_FOUND, cause="nothing_recorded").
    """
    return media_playlist(
        [
            HlsPart(
                uri(entry.key, entry.ref),
                entry.offset,
                entry.size,
                entry.ticks / VIDEO_TIMESCALE,
                entry.first.entry.wall_us,
                init_uri(entry.key, entry.ref.run_id),
                entry.broken,
            )
            for entry in entries(archive, keys, span)
        ]
    )


def entries(
    archive: Archive,
    keys: Sequence[StreamKey],
    span: Span,
    takes: Takes | None = None,
    anywhere: Callable[[Located], bool] = lambda part: False,
) -> Iterator[Entry]:
    """The entries of a playlist. `anywhere`: one may begin with this part though that is no keyframe. Raises as
    first_parts.
    """
    last: Located | None = None
    for group in _groups(first_parts(archive, keys, span, takes), anywhere):
        first = group[0]
        broken = last is not None and (
            last.found.row.run_id != first.found.row.run_id or first.entry.wall_us - last.end_us > TOUCH_US
        )
        last = group[-1]
        yield Entry(first, last, broken)


def _groups(parts: list[Located], anywhere: Callable[[Located], bool]) -> Iterator[list[Located]]:
    """Parts that lie together in one file, cut at keyframes once there is enough."""
    group: list[Located] = []
    for part in parts:
        if group:
            first, last = group[0], group[-1]
            together = last.path == part.path and last.entry.offset + last.entry.size == part.entry.offset
            enough = part.entry.start_ticks - first.entry.start_ticks >= ENTRY_TICKS
            if not together or (enough and (part.entry.key or anywhere(part))):
                yield group
                group = []
        group.append(part)
    if group:
        yield group


def init_bytes(archive: Archive, key: StreamKey, run_id: str) -> bytes:
    """ftyp + moov of a run. Raises Error(NOT_FOUND)."""
    init = archive.run_init(key, run_id)
    if init is None:
        raise Error(
            Kind.NOT_FOUND,
            f"no run {run_id!r}",
            hint="It may have expired: reload the page.",
            cause="file_lost",
        )
    return init


def segment_file(archive: Archive, key: StreamKey, segment_id: str) -> SegmentFile:
    """Raises Error(NOT_FOUND)."""
    found = archive.segment(key, *SegmentRef.parse(segment_id))
    if found is None:
        raise Error(
            Kind.NOT_FOUND,
            f"no segment {segment_id!r}",
            hint="It may have expired: reload the page.",
            cause="file_lost",
        )
    path = found.volume.path / found.row.path
    if found.row.bytes is not None:
        return SegmentFile(path, found.row.bytes)
    parts = archive.parts_of(found).parts
    return SegmentFile(path, parts[-1].offset + parts[-1].size if parts else 0)


def keyframe(archive: Archive, key: StreamKey, at_us: int) -> Keyframe:
    """The last keyframe at or before `at_us`, else the first after it within the same second. Raises Error(NOT_FOUND),
    Error(DATA_LOSS) when the file does not hold what its tail says.
    """
    span = Span(at_us, at_us + 1_000_000)
    part = next((p for p in parts_in(archive, key, span) if p.entry.key), None)
    if part is None:
        raise nothing_recorded(archive, key, span)
    tracks = tracks_of(init_bytes(archive, key, part.found.row.run_id))
    number, video = next((n, track) for n, track in enumerate(tracks, 1) if isinstance(track, VideoTrack))
    with FileReader(part.path) as reader:
        data = reader.read(part.entry.offset, part.entry.size)
    moof = find(data, b"moof")
    samples = part_samples(data[moof.start : moof.end]).get(number) if moof else None
    if moof is None or not samples:
        raise damaged(part)
    # Sample offsets count from the start of the moof (default-base-is-moof).
    begin = moof.start + samples[0].offset
    return Keyframe(video, data[begin : begin + samples[0].size], part.entry.wall_us)


def damaged(part: Located) -> Error:
    return Error(
        Kind.DATA_LOSS,
        f"{part.path.name} is damaged at byte {part.entry.offset}",
        hint="Run `luytre check --repair`, and choose a time around it meanwhile.",
        cause="file_lost",
    )
