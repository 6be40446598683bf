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
from luytre.archive.keys import Span
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
    volume: Volume, disk: Disk, stream: StreamRow, link: bytes, prev: str, lost: Span, at_us: int
) -> None:
    """What lay in `lost` is gone and has no row. `link`: the chain before it; `prev`: the one that the segment after it goes
    on from, in hex.
    """
    certificate = Certificate(
        at_us,
        Rule.LOST,
        stream.camera,
        stream.name,
        stream.code,
        *lost,
        prev=link.hex(),
        link=prev,
        detail="power cut",
    )
    certificates.append(volume, disk, [certificate])


def newest_link(volume: Volume, stream: StreamRow) -> bytes:
    """Where the stream's certificates end; the beginning of its chain without one."""
    links = [found.link for found in certificates.read(volume) if found.key == stream.key]
    return bytes.fromhex(links[-1]) if links else GENESIS


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
