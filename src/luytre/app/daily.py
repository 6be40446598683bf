"""What a daily certificate says: of each stream, how much of the day was recorded, and why the rest was not.

Promises   recorded + gaps + expired + unexplained = expected, to the microsecond; what does not add up is written as
           `unexplained_s`, never spread over the others.
Does not   write, sign or chain (daybook.py does).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from luytre.archive.catalog import Archive
from luytre.archive.index import US_PER_DAY, Index, StreamRow
from luytre.archive.keys import INTENDED, Cause, Gap, Span, StreamKey, join_spans, uncovered
from luytre.archive.promise import Promise, promise_of
from luytre.archive.volume import open_volume
from luytre.base.clock import US_PER_S, rfc3339
from luytre.base.errors import Error
from luytre.cameras.days import bounds
from luytre.cameras.oldest import oldest
from luytre.cameras.registry import Camera


@dataclass(frozen=True, slots=True)
class VolumeLine:
    """`problem` "": it was read."""

    path: str
    id: str | None
    problem: str


@dataclass(frozen=True, slots=True)
class GapLine:
    start: str
    end: str
    seconds: float
    cause: str
    intended: bool


@dataclass(frozen=True, slots=True)
class OldestLine:
    """What `cameras.oldest` saw; times are RFC 3339."""

    at: str
    ok: bool
    problem: str
    plays_from: str | None


@dataclass(frozen=True, slots=True)
class StreamLine:
    """expected_s     length of the day from the stream's first moment on
    percent           recorded, of what was to be recorded: expected less intended and expired; null when that is nothing
    intended_s        of the gaps, those of causes that are no failure
    expired_s         deleted by retention before the certificate was made
    unexplained_s     in no segment, no gap, and not expired; negative where two of them overlap
    promised_days     what its class promises; held_days: from the oldest picture that was seen to `made_at`
    """

    stream: str
    expected_s: float
    recorded_s: float
    percent: float | None
    intended_s: float
    expired_s: float
    unexplained_s: float
    gaps: tuple[GapLine, ...]
    oldest: OldestLine | None
    promised_days: float
    held_days: float


@dataclass(frozen=True, slots=True)
class CameraLine:
    """state: enabled, disabled, removed. `name` of a removed camera is its code."""

    id: str
    code: str
    name: str
    state: str
    streams: tuple[StreamLine, ...]


@dataclass(frozen=True, slots=True)
class DayContent:
    """Cameras by code; empty on a day on which nothing was to be recorded."""

    node: str
    zone: str
    date: str
    made_at: str
    volumes: tuple[VolumeLine, ...]
    cameras: tuple[CameraLine, ...]


@dataclass(frozen=True, slots=True)
class Ward:
    """What a day is measured on. `cameras`: those that are not removed; `silent`: volumes that do not answer, which the
    archive does not ask.
    """

    name: str
    zone: ZoneInfo
    cameras: Sequence[Camera]
    promises: tuple[Promise, ...]
    volumes: Sequence[Path]
    archive: Archive
    silent: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class _Subject:
    """A camera, also one that the registry has forgotten."""

    id: str
    code: str
    name: str
    state: str


@dataclass(frozen=True, slots=True)
class _Known:
    """A stream as the ledgers of all volumes together know it."""

    code: str
    since_us: int
    expired_us: int
    retention: str


def measure(ward: Ward, day: date, now_us: int) -> DayContent:
    """The day as it can be proved now. A volume that is away is named, and costs only what lies on it."""
    found, volumes = _known(ward.volumes)
    volumes += [VolumeLine(str(path), None, "its disk does not answer") for path in ward.silent]
    known = _expected(ward.cameras) | found
    window = Span(*bounds(day, ward.zone))
    cameras = []
    for subject in _subjects(ward.cameras, known):
        streams = _streams(ward, subject, known, window, now_us)
        if streams:
            cameras.append(CameraLine(subject.id, subject.code, subject.name, subject.state, streams))
    return DayContent(
        node=ward.name,
        zone=ward.zone.key,
        date=day.isoformat(),
        made_at=rfc3339(now_us),
        volumes=tuple(volumes),
        cameras=tuple(sorted(cameras, key=lambda line: line.code)),
    )


def _known(paths: Sequence[Path]) -> tuple[dict[StreamKey, _Known], list[VolumeLine]]:
    known: dict[StreamKey, _Known] = {}
    lines = []
    for path in paths:
        try:
            volume = open_volume(path)
            with closing(Index(volume.index_path, volume.id, read_only=volume.is_read_only())) as index:
                rows = index.streams()
        except (Error, sqlite3.Error) as error:
            lines.append(VolumeLine(str(path), None, str(error)))
            continue
        lines.append(VolumeLine(str(path), volume.id, ""))
        for row in rows:
            known[row.key] = _joined(known.get(row.key), row)
    return known, lines


def _joined(known: _Known | None, row: StreamRow) -> _Known:
    if known is None:
        return _Known(row.code, row.since_us, row.expired_us, row.retention)
    since_us, expired_us = min(known.since_us, row.since_us), max(known.expired_us, row.expired_us)
    return _Known(known.code, since_us, expired_us, known.retention)


def _expected(cameras: Sequence[Camera]) -> dict[StreamKey, _Known]:
    """Streams that should be in some ledger: those whose ledger is away, or that no recorder ever took up, count."""
    return {
        StreamKey(camera.id, stream.name): _Known(camera.code, camera.created_us, 0, "")
        for camera in cameras
        if camera.enabled
        for stream in camera.streams
    }


def _subjects(cameras: Sequence[Camera], known: dict[StreamKey, _Known]) -> Iterator[_Subject]:
    for camera in cameras:
        yield _Subject(camera.id, camera.code, camera.name, "enabled" if camera.enabled else "disabled")
    living = {camera.id for camera in cameras}
    removed = {key.camera: stream.code for key, stream in known.items() if key.camera not in living}
    for camera_id, code in removed.items():
        yield _Subject(camera_id, code, code, "removed")


def _streams(
    ward: Ward, subject: _Subject, known: dict[StreamKey, _Known], window: Span, now_us: int
) -> tuple[StreamLine, ...]:
    """Empty for a camera that had no such day: it came later, or it was removed before."""
    lines = []
    for key in sorted(key for key in known if key.camera == subject.id):
        day = Span(max(window.start_us, known[key].since_us), window.end_us)
        if day.end_us <= day.start_us:
            continue
        line = _stream(ward, key, known[key], day, now_us)
        if subject.state != "removed" or line.recorded_s or line.intended_s != line.expected_s:
            lines.append(line)
    return tuple(lines)


def _stream(ward: Ward, key: StreamKey, known: _Known, day: Span, now_us: int) -> StreamLine:
    coverage = ward.archive.coverage(key, *day)
    gaps = [Gap(gap.start_us, gap.end_us or day.end_us, gap.cause) for gap in coverage.gaps]
    expected_us = day.end_us - day.start_us
    recorded_us = sum(map(_length, coverage.spans))
    gaps_us = sum(map(_length, gaps))
    intended_us = sum(_length(gap) for gap in gaps if gap.cause in INTENDED)
    expired_us = _before(known.expired_us, day, [*coverage.spans, *(_span(gap) for gap in gaps)])
    due_us = expected_us - intended_us - expired_us
    seen = oldest(ward.archive, key)
    line = None
    held_us = 0
    if seen is not None:
        plays = None if seen.plays_us is None else rfc3339(seen.plays_us)
        line = OldestLine(rfc3339(seen.at_us), seen.ok, seen.problem, plays)
        held_us = 0 if seen.plays_us is None else max(now_us - seen.plays_us, 0)
    return StreamLine(
        stream=key.stream,
        expected_s=expected_us / US_PER_S,
        recorded_s=recorded_us / US_PER_S,
        # Rounded down: a second that is missing never reads as 100.
        percent=recorded_us * 100_000 // due_us / 1000 if due_us > 0 else None,
        intended_s=intended_us / US_PER_S,
        expired_s=expired_us / US_PER_S,
        unexplained_s=(expected_us - recorded_us - gaps_us - expired_us) / US_PER_S,
        gaps=tuple(_gap_line(gap) for gap in gaps),
        oldest=line,
        promised_days=promise_of(ward.promises, known.retention).promised(key),
        held_days=round(held_us / US_PER_DAY, 2),
    )


def _before(expired_us: int, day: Span, known: list[Span]) -> int:
    """How much of the day nothing is known of because retention has deleted it."""
    holes = uncovered(day, join_spans(sorted(known)))
    return sum(max(min(hole.end_us, expired_us) - hole.start_us, 0) for hole in holes)


def _span(gap: Gap) -> Span:
    assert gap.end_us is not None
    return Span(gap.start_us, gap.end_us)


def _length(piece: Span | Gap) -> int:
    assert piece.end_us is not None
    return piece.end_us - piece.start_us


def _gap_line(gap: Gap) -> GapLine:
    start_us, end_us = _span(gap)
    cause = gap.cause or Cause.UNKNOWN
    return GapLine(
        rfc3339(start_us), rfc3339(end_us), (end_us - start_us) / US_PER_S, cause, cause in INTENDED
    )
