"""Holds: spans that retention may not touch. Placed at once, released by a named person only, never deleted.

Promises   a hold outlives the index: each placing and release is a line of `holds.jsonl` before it is in force,
           and `restore` puts them into an index made anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from luytre.archive.index import Index, StreamRow
from luytre.archive.keys import Hold, Span, StreamKey, join_spans, uncovered
from luytre.archive.volume import Volume
from luytre.base.clock import Clock
from luytre.base.errors import Error, Kind, from_os
from luytre.base.ids import uuid7

JOURNAL = "holds.jsonl"


def place(index: Index, key: StreamKey, span: Span, reason: str, by: str, clock: Clock) -> Hold:
    """Raises Error(NOT_FOUND) for a stream never recorded, Error(INVALID) for an empty span or no reason."""
    stream = index.stream(key)
    if stream is None:
        raise Error(
            Kind.NOT_FOUND,
            f"stream {key.stream} of camera {key.camera} was never recorded",
            hint="Choose another camera.",
        )
    if span.end_us <= span.start_us or not reason.strip():
        raise Error(
            Kind.INVALID, "a hold needs a span and a reason", hint="Give start before end, and say why."
        )
    hold = Hold(str(uuid7(clock)), span.start_us, span.end_us, reason)
    with index.transaction():
        # Inside: what retention deletes from now on, it deletes after having seen the hold.
        now_us = clock.wall_us()
        missing_us = sum(end - start for start, end in missing(index, stream, span, now_us))
        placed = (hold.id, *span, reason, by, now_us, missing_us)
        _write_down(
            index, {"placed": placed, "camera": key.camera, "stream": key.stream, "code": stream.code}
        )
        _enter(index, stream.id, placed)
    return hold


def release(index: Index, hold_id: str, by: str, clock: Clock) -> None:
    """Raises Error(NOT_FOUND) when no such hold is in force."""
    with index.transaction():
        released = (by, clock.wall_us(), hold_id)
        if _release(index, released) == 0:
            raise Error(
                Kind.NOT_FOUND, f"no hold {hold_id} in force", hint="It may have been released already."
            )
        _write_down(index, {"released": released})


def missing(index: Index, stream: StreamRow, span: Span, until_us: int) -> list[Span]:
    """What is neither recorded nor in a gap, though the stream existed: retention has deleted it."""
    rows = index.db.execute(
        "SELECT start_us, coalesce(end_us, ?1) FROM segment"
        "  WHERE stream_id = ?2 AND state <> 'deleting' AND start_us < ?4 AND coalesce(end_us, ?1) > ?3"
        " UNION ALL SELECT start_us, coalesce(end_us, ?1) FROM gap"
        "  WHERE stream_id = ?2 AND start_us < ?4 AND coalesce(end_us, ?1) > ?3 ORDER BY 1",
        (until_us, stream.id, *span),
    ).fetchall()
    window = Span(max(span.start_us, stream.since_us), min(span.end_us, until_us))
    if window.end_us <= window.start_us:
        return []
    return uncovered(window, join_spans([Span(*row) for row in rows]))


def restore(volume: Volume, index: Index) -> int:
    """Enter into a new index what the journal tells; the number of lines. A line that was cut short is passed over:
    its hold was never in force.
    """
    count = 0
    for line in _lines(volume.path / JOURNAL):
        count += 1
        if "released" in line:
            _release(index, tuple(line["released"]))
        else:
            _, start_us, *_ = placed = tuple(line["placed"])
            key = StreamKey(line["camera"], line["stream"])
            stream = index.add_stream(key, line["code"], start_us)
            _enter(index, stream.id, placed)
    return count


def _enter(index: Index, stream_id: int, placed: tuple[Any, ...]) -> None:
    index.db.execute(
        "INSERT INTO hold (stream_id, id, start_us, end_us, reason, placed_by, placed_us, missing_us)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (stream_id, *placed),
    )


def _release(index: Index, released: tuple[Any, ...]) -> int:
    return index.db.execute(
        "UPDATE hold SET released_by = ?, released_us = ? WHERE id = ? AND released_us IS NULL", released
    ).rowcount


def _write_down(index: Index, line: dict[str, object]) -> None:
    text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
    try:
        fd = os.open(
            index.path.with_name(JOURNAL), os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640
        )
        try:
            # After a line that a full disk cut short, a new one must not become its end.
            size = os.fstat(fd).st_size
            torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
            data = f"{chr(10) if torn else ''}{text}\n".encode()
            if os.write(fd, data) != len(data):
                raise Error(
                    Kind.UNAVAILABLE,
                    f"{JOURNAL}: the disk is full",
                    hint="Free space, then place the hold again.",
                    cause="disk_full",
                )
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise from_os(error, f"write {JOURNAL}") from error


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    for text in path.read_bytes().splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict):
            yield line
