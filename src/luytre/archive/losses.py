"""Losses: a past segment that damage or a repair took or changed, written down so that the chain can be proved beyond it.

Promises   the certificate tells what stood there (`link`) and what stands there now (`roots`).
Does not   find losses (check_files.py, power_cut.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from luytre.archive import certificates
from luytre.archive.certificates import Certificate, Rule
from luytre.archive.chain import GENESIS, link_of
from luytre.archive.disk import Disk
from luytre.archive.index import Index, SegmentRow, StreamRow
from luytre.archive.volume import Volume


def write_down(
    volume: Volume,
    disk: Disk,
    stream: StreamRow,
    row: SegmentRow,
    prev: bytes,
    root: bytes | None,
    at_us: int,
    detail: str,
) -> None:
    """`row` as it was; `prev`: the chain before it; `root`: of what stands in its place now. Raises Error when the volume
    does not take it.
    """
    assert row.link is not None
    lost = Certificate(
        at_us,
        Rule.LOST,
        stream.camera,
        stream.name,
        stream.code,
        row.start_us,
        row.start_us if row.end_us is None else row.end_us,
        1,
        row.bytes or 0,
        prev.hex(),
        () if root is None else (root.hex(),),
        row.link.hex(),
        detail,
    )
    certificates.append(volume, disk, [lost])


def join(
    volume: Volume,
    disk: Disk,
    stream: StreamRow,
    before: SegmentRow,
    after: SegmentRow,
    prev: str,
    at_us: int,
) -> None:
    """What lay between two segments is gone and has no row; `prev`: the chain that `after` goes on from, in hex."""
    assert before.link is not None
    start_us = before.start_us if before.end_us is None else before.end_us
    lost = Certificate(
        at_us,
        Rule.LOST,
        stream.camera,
        stream.name,
        stream.code,
        start_us,
        after.start_us,
        prev=before.link.hex(),
        link=prev,
        detail=f"before {after.path}: power cut",
    )
    certificates.append(volume, disk, [lost])


def is_written_down(volume: Volume, stream: StreamRow, link: str) -> bool:
    """A certificate leads to the link (hex)."""
    return any(found.key == stream.key and found.link == link for found in certificates.read(volume))


def link_before(volume: Volume, index: Index, row: SegmentRow) -> bytes:
    """The chain before a segment whose file cannot tell it; the newest link known before it where none fits."""
    first = None
    for link in _candidates(volume, index, row):
        first = first or link
        if row.root is not None and link_of(link, row.root) == row.link:
            return link
    return first or GENESIS


def _candidates(volume: Volume, index: Index, row: SegmentRow) -> Iterator[bytes]:
    before = index.last_segment(row.stream_id, row.start_us)
    if before is not None and before.link is not None:
        yield before.link
    yield GENESIS
    stream = next(stream for stream in index.streams() if stream.id == row.stream_id)
    for certificate in certificates.read(volume):
        if certificate.key == stream.key:
            yield bytes.fromhex(certificate.link)
