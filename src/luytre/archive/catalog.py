"""The archive as a reader sees it: all volumes together, open segments included.

Promises   never writes; opens its own connection for each question, so any thread may ask.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from luytre.archive.index import US_PER_DAY, US_PER_MINUTE, Index, SegmentRow, StreamRow
from luytre.archive.keys import Coverage, Gap, Hold, Span, StreamKey, join_spans
from luytre.archive.parts import PartTable, SegmentParts
from luytre.archive.together import View, gaps_together
from luytre.archive.volume import Volume, open_volume
from luytre.base.clock import SYSTEM, Clock, to_datetime, to_us
from luytre.base.errors import Error

RECORDED, GAP, HOLD, MOTION = 1, 2, 4, 8
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class VolumeStatus:
    """state: ok, missing, full (less than 1 % free), read_only. days_left is None until a day of recording has been seen."""

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
    """away: there are volumes that are not asked at all, because they do not answer."""

    def __init__(
        self,
        volumes: Sequence[Path],
        clock: Clock = SYSTEM,
        promised_days: dict[Path, float] | None = None,
        *,
        away: bool = False,
    ) -> None:
        self._paths = list(volumes)
        self._away = away
        self._clock = clock
        self._promised = promised_days or {}
        self.parts = PartTable()

    @contextmanager
    def _open(self, path: Path) -> Iterator[tuple[Volume, Index]]:
        volume = open_volume(path)
        index = Index(volume.index_path, volume.id, read_only=volume.is_read_only())
        try:
            yield volume, index
        finally:
            index.close()

    def _ask(self, key: StreamKey, question: Callable[[Volume, Index, StreamRow], Answer]) -> list[Answer]:
        """The answer of each volume that knows the stream; volumes that are away are passed over."""
        return self._ask_all(key, question)[0]

    def _ask_all(
        self, key: StreamKey, question: Callable[[Volume, Index, StreamRow], Answer]
    ) -> tuple[list[Answer], bool]:
        """The same, and whether a volume is away."""
        answers = []
        asked: set[str] = set()
        away = self._away
        for path in self._paths:
            try:
                with self._open(path) as (volume, index):
                    # A volume mounted twice has each thing once all the same.
                    if volume.id in asked:
                        continue
                    asked.add(volume.id)
                    stream = index.stream(key)
                    if stream is not None:
                        answers.append(question(volume, index, stream))
            except (Error, sqlite3.Error):
                away = True
        return answers, away

    def end_us(self, volume: Volume, row: SegmentRow) -> int:
        """Where the segment ends; of an open one, where its last whole part does (its start while it has none)."""
        if row.end_us is not None:
            return row.end_us
        return self.parts.of(volume, row).end_us

    def _span(self, volume: Volume, row: SegmentRow) -> Span:
        return Span(row.start_us, self.end_us(volume, row))

    def segments(self, key: StreamKey, window: Span) -> list[Found]:
        """Segments with a whole part in the window, by start."""
        found = [
            Found(volume, row)
            for volume, rows in self._ask(key, lambda v, index, s: (v, index.segments(s.id, window)))
            for row in rows
            if self.end_us(volume, row) > window.start_us
        ]
        return sorted(found, key=lambda f: f.row.start_us)

    def parts_of(self, found: Found) -> SegmentParts:
        return self.parts.of(found.volume, found.row)

    def coverage(self, key: StreamKey, start_us: int, end_us: int) -> Coverage:
        window = Span(start_us, end_us)
        now_us = self._clock.wall_us()
        found, away = self._ask_all(
            key, lambda v, index, s: (self._view(v, index, s, window), index.holds(s.id, window))
        )
        views = [view for view, _ in found]
        spans = [_clip(span, window) for view in views for span in view.spans]
        gaps = [_clip_gap(gap, window, now_us) for gap in gaps_together(views, away) if gap.start_us < now_us]
        holds = [
            Hold(h.id, *_clip(Span(h.start_us, h.end_us), window), h.reason)
            for _, held in found
            for h in held
        ]
        return Coverage(
            join_spans(sorted(s for s in spans if s.end_us > s.start_us)),
            [gap for gap in gaps if gap.end_us is None or gap.end_us > gap.start_us],
            sorted(holds, key=lambda hold: hold.start_us),
        )

    def _view(self, volume: Volume, index: Index, stream: StreamRow, window: Span) -> View:
        rows = index.segments(stream.id, window)
        spans = [self._span(volume, row) for row in rows]
        writing = next((span for row, span in zip(rows, spans, strict=True) if row.state == "open"), None)
        return View(
            [span for span in spans if span.end_us > max(span.start_us, window.start_us)],
            index.gaps(stream.id, window),
            stream.expired_us,
            writing,
        )

    def minutes(self, key: StreamKey, start_us: int, end_us: int) -> bytes:
        """One byte per minute that the window touches: bit 0 recorded, 1 gap, 2 hold, 3 motion."""
        first = start_us // US_PER_MINUTE
        flags = bytearray(max(-(-end_us // US_PER_MINUTE) - first, 0))
        now_us = self._clock.wall_us()
        window = Span(start_us, end_us)

        def mark(volume: Volume, index: Index, stream: StreamRow) -> View:
            for day in range(first // 1440, (first + len(flags) - 1) // 1440 + 1):
                _mark_day(flags, day * 1440 - first, index.minutes(stream.id, day))
            for row in index.not_closed(stream.id):
                _mark(flags, first, self._span(volume, row), RECORDED)
            for hold in index.holds(stream.id, window):
                _mark(flags, first, Span(hold.start_us, hold.end_us), HOLD)
            return self._view(volume, index, stream, window)

        for gap in gaps_together(*self._ask_all(key, mark)):
            _mark(flags, first, Span(gap.start_us, now_us if gap.end_us is None else gap.end_us), GAP)
        return bytes(flags)

    def recorded_range(self, key: StreamKey) -> tuple[int, int] | None:
        """(oldest, newest) recorded moment."""

        def ends(volume: Volume, index: Index, stream: StreamRow) -> Span:
            first, last = index.first_segment(stream.id), self._last(volume, index, stream)
            return Span(first.start_us if first else 0, last.end_us if last else 0)

        spans = [span for span in self._ask(key, ends) if span.end_us > span.start_us]
        return (min(start for start, _ in spans), max(end for _, end in spans)) if spans else None

    def _last(self, volume: Volume, index: Index, stream: StreamRow, at_us: int = 1 << 61) -> Span | None:
        """The last segment with something in it that begins at or before `at_us`."""
        row = index.last_segment(stream.id, at_us + 1)
        # A segment just opened has no part yet; there is one such at most.
        if row is not None and self.end_us(volume, row) <= row.start_us:
            row = index.last_segment(stream.id, row.start_us)
        return None if row is None else self._span(volume, row)

    def nearest(self, key: StreamKey, at_us: int) -> int | None:
        """The recorded moment nearest to `at_us`: itself, the last one before it, or the first one after it."""

        def around(volume: Volume, index: Index, stream: StreamRow) -> list[int]:
            before = self._last(volume, index, stream, at_us)
            after = index.next_segment(stream.id, at_us + 1)
            found = [] if before is None else [min(at_us, before.end_us - 1)]
            if after is not None and self.end_us(volume, after) > after.start_us:
                found.append(after.start_us)
            return found

        candidates = [moment for moments in self._ask(key, around) for moment in moments]
        return min(candidates, key=lambda moment: abs(moment - at_us), default=None)

    def run_init(self, key: StreamKey, run_id: str) -> bytes | None:
        inits = self._ask(key, lambda _, index, __: index.run_init(run_id))
        return next((init for init in inits if init is not None), None)

    def segment(self, key: StreamKey, run_id: str, seq: int) -> Found | None:
        for volume, stream_id, row in self._ask(key, lambda v, i, s: (v, s.id, i.segment(run_id, seq))):
            if row is not None and row.stream_id == stream_id and row.state != "deleting":
                return Found(volume, row)
        return None

    def days(self, key: StreamKey, zone: ZoneInfo) -> list[date]:
        """Days of `zone` with something recorded, ascending."""
        days: set[date] = set()

        def collect(volume: Volume, index: Index, stream: StreamRow) -> None:
            for utc_day in index.days(stream.id):
                days.update(_local_days(index.minutes(stream.id, utc_day), utc_day, zone))
            for span in (self._span(volume, row) for row in index.not_closed(stream.id)):
                for moment in (span.start_us, span.end_us - 1) if span.end_us > span.start_us else ():
                    days.add(to_datetime(moment).astimezone(zone).date())

        self._ask(key, collect)
        return sorted(days)

    def volumes(self) -> list[VolumeStatus]:
        return [self._status(path) for path in self._paths]

    def _status(self, path: Path) -> VolumeStatus:
        promised = self._promised.get(path)
        try:
            with self._open(path) as (volume, index):
                total, free = volume.space()
                segments, used, oldest = index.totals()
        except (Error, sqlite3.Error):
            return VolumeStatus("", str(path), "missing", 0, 0, 0, None, 0, promised, None)
        state = "read_only" if volume.is_read_only() else "full" if free * 100 < total else "ok"
        age_us = 0 if oldest is None else self._clock.wall_us() - oldest
        per_day = used / age_us * US_PER_DAY if age_us > US_PER_DAY else 0.0
        left = free / per_day if per_day else None
        return VolumeStatus(volume.id, str(path), state, total, free, used, oldest, segments, promised, left)


def day_window(day: date, zone: ZoneInfo) -> Span:
    """The local day's [midnight, next midnight)."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    following = day + timedelta(days=1)
    return Span(to_us(midnight), to_us(datetime(following.year, following.month, following.day, tzinfo=zone)))


def _clip(span: Span, window: Span) -> Span:
    return Span(max(span.start_us, window.start_us), min(span.end_us, window.end_us))


def _clip_gap(gap: Gap, window: Span, now_us: int) -> Gap:
    """An open gap stays open where it lasts up to now inside the window."""
    end_us = gap.end_us
    if end_us is None and window.end_us <= now_us:
        end_us = window.end_us
    elif end_us is not None:
        end_us = min(end_us, window.end_us)
    return Gap(max(gap.start_us, window.start_us), end_us, gap.cause, gap.detail)


def _mark(flags: bytearray, first_minute: int, span: Span, bit: int) -> None:
    if span.end_us <= span.start_us:
        return
    first = max(span.start_us // US_PER_MINUTE - first_minute, 0)
    last = min((span.end_us - 1) // US_PER_MINUTE - first_minute, len(flags) - 1)
    for minute in range(first, last + 1):
        flags[minute] |= bit


def _mark_day(flags: bytearray, at: int, bitmap: bytes) -> None:
    """Mark as recorded what a UTC day's bitmap says; its first minute is number `at` of the flags."""
    bits = int.from_bytes(bitmap, "little")
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
