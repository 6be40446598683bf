"""Take a stream back after a crash (design/archive.md, "Heal").

Promises   what is kept is what was recorded, byte for byte, also of segments that were closed just before a power cut;
           the time that was lost is a gap.
"""

from __future__ import annotations

from contextlib import suppress

from luytre.archive import losses, recover
from luytre.archive import segment as fmt
from luytre.archive.disk import Disk
from luytre.archive.index import Index, SegmentRow, StreamRow
from luytre.archive.keys import Cause, Gap, Span, StreamKey
from luytre.archive.rebuild import PENDING
from luytre.archive.retention import clear_minutes
from luytre.archive.volume import Volume
from luytre.base.clock import Clock
from luytre.base.errors import Error


def restore(volume: Volume, index: Index, disk: Disk, key: StreamKey, code: str, clock: Clock) -> None:
    """A stream as a crash or a power cut left it, made whole: its files and rows agree, and its chain is provable."""
    row = index.stream(key)
    if row is not None:
        mend(volume, index, disk, row, clock)
    recover.adopt_newest(volume, index, disk, code, key.stream)
    # What is still to be read in is not lost.
    if row is not None and index.meta("import") != PENDING:
        bridge(volume, index, disk, row, clock)


def mend(volume: Volume, index: Index, disk: Disk, stream: StreamRow, clock: Clock) -> None:
    """Heal what is open and prove what was closed last. Raises Error when another process writes the stream."""
    healed = set()
    for open_row in index.not_closed(stream.id):
        recover.heal(volume, index, disk, open_row, clock.wall_us())
        healed.add(open_row.id)
    gap = index.open_gap(stream.id)
    if gap is not None and gap.cause == Cause.NODE_STOPPED:
        # All was flushed.
        return
    newest_us = before_us = None
    while (row := index.last_segment(stream.id, before_us)) is not None and row.end_us is not None:
        newest_us = row.end_us if newest_us is None else newest_us
        if newest_us - row.end_us > recover.UNFLUSHED_US:
            return
        if row.id not in healed:
            _settle(volume, index, disk, stream, row, clock.wall_us())
        before_us = row.start_us


def _settle(
    volume: Volume, index: Index, disk: Disk, stream: StreamRow, row: SegmentRow, now_us: int
) -> None:
    """A closed segment keeps the parts that reached the disk, and that the disk still gives back."""
    path = volume.path / row.path
    found, unreadable = recover.salvage(volume, path, disk)
    if found is not None and _is_as_closed(found, row):
        return
    assert row.end_us is not None
    followed = index.next_segment(stream.id, row.start_us + 1) is not None
    if found is None:
        prev, root = losses.link_before(volume, index, row), None
    else:
        tail_offset = recover.finish_file(path, disk, found, found.tail)
        closing = found.closing(found.tail, path.stat().st_size, tail_offset)
        prev, root = bytes.fromhex(found.opening.header.prev), closing.root
    why = "the disk cannot read it" if unreadable else "power cut"
    written_down = False
    # What the disk cannot read any more may have been sealed: that it stood there must stay on record.
    if row.link is not None and (followed or unreadable):
        # A disk too full for it must not keep the stream from recording; `luytre check` finds what is missing then.
        with suppress(OSError, Error):
            losses.write_down(volume, disk, stream, row, prev, root, now_us, f"{row.path}: {why}")
            written_down = True
    with index.transaction():
        if found is None:
            index.remove_segment(row.id)
        if found is not None:
            index.close_segment(row.id, closing)
        elif not followed and not written_down:
            index.set_head(stream.id, prev)
        # After the row: what is left standing is set again.
        clear_minutes(index, stream.id, Span(row.start_us, row.end_us))
        lost_from_us = row.start_us if found is None else found.end_us
        if unreadable:
            lost = Gap(row.start_us, row.end_us, Cause.FILE_LOST, row.path)
            recover.add_known_gap(index, stream.id, lost)
        elif followed or index.open_gap(stream.id) is not None:
            recover.add_known_gap(index, stream.id, Gap(lost_from_us, row.end_us, Cause.NODE_CRASHED))


def _is_as_closed(found: recover.Contents, row: SegmentRow) -> bool:
    if row.tail_offset is None:
        # The disk was full when it was closed.
        return found.parts_end == found.size == row.bytes
    return found.whole and found.size == row.bytes and found.tail.root(found.opened) == row.root


def bridge(volume: Volume, index: Index, disk: Disk, stream: StreamRow, clock: Clock) -> None:
    """After files without rows were adopted: where one of them is shorter than it was, or gone, the next one's chain begins
    at a link that nothing leads to any more. Write down that it was lost.
    """
    newest_us, after = None, None
    while (row := index.last_segment(stream.id, after.start_us if after else None)) is not None:
        newest_us = row.end_us if newest_us is None else newest_us
        if after is not None and row.link is not None:
            _bridge(volume, disk, stream, row, after, clock)
        if row.end_us is None or newest_us is None or newest_us - row.end_us > recover.UNFLUSHED_US:
            return
        after = row
    if after is not None:
        _bridge(volume, disk, stream, None, after, clock)


def _bridge(
    volume: Volume, disk: Disk, stream: StreamRow, before: SegmentRow | None, after: SegmentRow, clock: Clock
) -> None:
    # A file that cannot be read, or a disk too full, must not keep the stream from recording: `luytre check` tells.
    with suppress(OSError, Error):
        with fmt.FileReader(volume.path / after.path) as reader:
            opening = fmt.parse_opening(reader.read, reader.size)
        if opening is None:
            return
        link = losses.newest_link(volume, stream) if before is None or before.link is None else before.link
        if opening.header.prev != link.hex() and not losses.is_written_down(
            volume, stream, opening.header.prev
        ):
            start_us = stream.since_us if before is None else before.end_us or before.start_us
            lost = Span(start_us, after.start_us)
            losses.join(volume, disk, stream, link, opening.header.prev, lost, clock.wall_us())
