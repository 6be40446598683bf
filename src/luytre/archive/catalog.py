"""The archive as a reader sees it: all volumes together, open segments included.

Promises   never writes; opens its own connection for each question, so any thread may ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from luytre.archive.index import US_PER_DAY, US_PER_MINUTE, Index, SegmentRow, StreamRow
from luytre.archive.keys import Coverage, Gap, Hold, Span, StreamKey, join_spans
from luytre.archive.parts import PartTable, SegmentParts
from luytre.archive.volume import Volume, open_volume
from luytre.base.clock import SYSTEM, Clock, to_datetime, to_us
from luytre.base.errors import Error

RECORDED, GAP, HOLD, MOTION = 1, 2, 4, 8


@dataclass(frozen=True, slots=True)
class VolumeStatus:
    """state: ok, missing, full (less than 1 % free). days_left is None until a day of recording has been seen."""

    id: str
    path: str
    state: str
    total_bytes: int
    free_bytes: int
    used_bytes: int
    oldest_us: int | None
    segments: int
    promised_days: float | None
    days_left: float | None


@dataclass(frozen=True, slots=True)
class Found:
    """A segment row and the volume it lies in."""

    volume: Volume
    row: SegmentRow


class Archive:
    def __init__(
        self, volumes: Sequence[Path], clock: Clock = SYSTEM, promised_days: dict[Path, float] | None = None
    ) -> None:
        self._paths = list(volumes)
        self._clock = clock
        self._promised = promised_days or {}
        self.parts = PartTable()

    @contextmanager
    def _open(self, path: Path) -> Iterator[tuple[Volume, Index]]:
        volume = open_volume(path)
        index = Index(volume.index_path, volume.id)
        try:
            yield volume, index
        finally:
            index.close()

    def _streams(self, key: StreamKey) -> Iterator[tuple[Volume, Index, StreamRow]]:
        """The stream in each volume that knows it; volumes that are away are passed over."""
        for path in self._paths:
            try:
                with self._open(path) as (volume, index):
                    row = index.stream(key)
                    if row is not None:
                        yield volume, index, row
            except Error:
                continue

    def end_us(self, volume: Volume, row: SegmentRow) -> int:
        """Where the segment ends; of an open one, where its last whole part does."""
        if row.end_us is not None:
            return row.end_us
        return self.parts.of(volume, row).end_us

    def segments(self, key: StreamKey, window: Span) -> list[Found]:
        """Segments with a whole part in the window, by start."""
        found = [
            Found(volume, row)
            for volume, index, stream in self._streams(key)
            for row in index.segments(stream.id, window)
            if self.end_us(volume, row) > window.start_us
        ]
        return sorted(found, key=lambda f: f.row.start_us)

    def parts_of(self, found: Found) -> SegmentParts:
        return self.parts.of(found.volume, found.row)

    def coverage(self, key: StreamKey, start_us: int, end_us: int) -> Coverage:
        window = Span(start_us, end_us)
        spans = [
            Span(max(f.row.start_us, start_us), min(self.end_us(f.volume, f.row), end_us))
            for f in self.segments(key, window)
        ]
        gaps: list[Gap] = []
        holds: list[Hold] = []
        now_us = self._clock.wall_us()
        for _, index, stream in self._streams(key):
            for gap in index.gaps(stream.id, window):
                end = gap.end_us if gap.end_us is None or gap.end_us <= end_us else end_us
                if gap.start_us < now_us:
                    gaps.append(Gap(max(gap.start_us, start_us), end, gap.cause, gap.detail))
            holds += index.holds(stream.id, window)
        return Coverage(
            join_spans(sorted(s for s in spans if s.end_us > s.start_us)),
            sorted(gaps, key=lambda gap: gap.start_us),
            sorted(holds, key=lambda hold: hold.start_us),
        )

    def minutes(self, key: StreamKey, start_us: int, end_us: int) -> bytes:
        """One byte per minute of the window: bit 0 recorded, 1 gap, 2 hold, 3 motion."""
        flags = bytearray(-(-(end_us - start_us) // US_PER_MINUTE))
        now_us = self._clock.wall_us()
        window = Span(start_us, end_us)
        for volume, index, stream in self._streams(key):
            _mark_bitmap(flags, index, stream.id, window)
            for row in index.not_closed(stream.id):
                _mark(flags, start_us, Span(row.start_us, self.end_us(volume, row)), RECORDED)
            for gap in index.gaps(stream.id, window):
                _mark(flags, start_us, Span(gap.start_us, now_us if gap.end_us is None else gap.end_us), GAP)
            for hold in index.holds(stream.id, window):
                _mark(flags, start_us, Span(hold.start_us, hold.end_us), HOLD)
        return bytes(flags)

    def recorded_range(self, key: StreamKey) -> tuple[int, int] | None:
        """(oldest, newest) recorded moment."""
        ends: list[tuple[int, int]] = []
        for volume, index, stream in self._streams(key):
            first, last = index.first_segment(stream.id), index.last_segment(stream.id)
            if first is not None and last is not None:
                ends.append((first.start_us, self.end_us(volume, last)))
        return (min(start for start, _ in ends), max(end for _, end in ends)) if ends else None

    def nearest(self, key: StreamKey, at_us: int) -> int | None:
        """The recorded moment nearest to `at_us`: itself, an end before it, or a start after it."""
        candidates: list[int] = []
        for volume, index, stream in self._streams(key):
            before = index.last_segment(stream.id, at_us + 1)
            after = index.next_segment(stream.id, at_us + 1)
            if before is not None:
                end = self.end_us(volume, before)
                candidates.append(at_us if end > at_us else end)
            if after is not None:
                candidates.append(after.start_us)
        return min(candidates, key=lambda moment: abs(moment - at_us), default=None)

    def run_init(self, key: StreamKey, run_id: str) -> bytes | None:
        for _, index, _row in self._streams(key):
            init = index.run_init(run_id)
            if init is not None:
                return init
        return None

    def segment(self, key: StreamKey, run_id: str, seq: int) -> Found | None:
        for volume, index, stream in self._streams(key):
            row = index.segment(run_id, seq)
            if row is not None and row.stream_id == stream.id and row.state != "deleting":
                return Found(volume, row)
        return None

    def days(self, key: StreamKey, zone: ZoneInfo) -> list[date]:
        """Days of `zone` with something recorded, ascending."""
        days: set[date] = set()
        for volume, index, stream in self._streams(key):
            for utc_day in index.days(stream.id):
                days |= _local_days(index.minutes(stream.id, utc_day), utc_day, zone)
            for row in index.not_closed(stream.id):
                for moment in (row.start_us, self.end_us(volume, row)):
                    days.add(to_datetime(moment).astimezone(zone).date())
        return sorted(days)

    def volumes(self) -> list[VolumeStatus]:
        return [self._status(path) for path in self._paths]

    def _status(self, path: Path) -> VolumeStatus:
        promised = self._promised.get(path)
        try:
            with self._open(path) as (volume, index):
                total, free = volume.space()
                segments, used, oldest = index.totals()
        except Error:
            return VolumeStatus("", str(path), "missing", 0, 0, 0, None, 0, promised, None)
        state = "full" if free * 100 < total else "ok"
        age_us = 0 if oldest is None else self._clock.wall_us() - oldest
        per_day = used / age_us * US_PER_DAY if age_us > US_PER_DAY else 0.0
        left = free / per_day if per_day else None
        return VolumeStatus(volume.id, str(path), state, total, free, used, oldest, segments, promised, left)


def day_window(day: date, zone: ZoneInfo) -> Span:
    """The local day's [midnight, next midnight)."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    following = day + timedelta(days=1)
    return Span(to_us(midnight), to_us(datetime(following.year, following.month, following.day, tzinfo=zone)))


def _mark(flags: bytearray, start_us: int, span: Span, bit: int) -> None:
    first = max((span.start_us - start_us) // US_PER_MINUTE, 0)
    last = min((span.end_us - 1 - start_us) // US_PER_MINUTE, len(flags) - 1)
    for minute in range(first, last + 1):
        flags[minute] |= bit


def _mark_bitmap(flags: bytearray, index: Index, stream_id: int, window: Span) -> None:
    """Zones are offset by whole minutes, so minutes of a window line up with minutes of UTC days."""
    first = window.start_us // US_PER_MINUTE
    for day in range(first // 1440, (first + len(flags) - 1) // 1440 + 1):
        bits = int.from_bytes(index.minutes(stream_id, day), "little")
        at = day * 1440 - first
        while bits:
            low = (bits & -bits).bit_length() - 1
            if 0 <= at + low < len(flags):
                flags[at + low] |= RECORDED
            bits &= bits - 1


def _local_days(bitmap: bytes, utc_day: int, zone: ZoneInfo) -> set[date]:
    found: set[date] = set()
    bits = int.from_bytes(bitmap, "little")
    # A UTC day touches two local days at most: its first and last recorded minute tell unless midnight lies between.
    for hour in range(24):
        if bits >> (hour * 60) & ((1 << 60) - 1):
            for minute in range(60):
                if bits >> (hour * 60 + minute) & 1:
                    moment = utc_day * US_PER_DAY + (hour * 60 + minute) * US_PER_MINUTE
                    found.add(to_datetime(moment).astimezone(zone).date())
                    if len(found) == 2:
                        return found
    return found
