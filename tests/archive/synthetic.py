"""Archives of many segments at little cost: rows with a chain that fits, and sparse files of the right size.

Does not   make anything that can be played: where files are read, use builder.py.
"""

from __future__ import annotations

from hashlib import sha256

from luytre.archive.chain import link_of
from luytre.archive.index import Closing, Index, StreamRow
from luytre.archive.keys import Clocks, StreamKey
from luytre.archive.volume import Volume
from luytre.base.clock import to_datetime

HOUR_US = 3_600_000_000


def stream_of(
    index: Index, key: StreamKey, code: str, since_us: int, retention: str = "standard"
) -> StreamRow:
    return index.add_stream(key, code, since_us, retention)


def add_segments(
    volume: Volume,
    index: Index,
    key: StreamKey,
    start_us: int,
    count: int,
    *,
    size: int = 1000,
    length_us: int = HOUR_US // 12,
    files: bool = True,
) -> None:
    """One run of touching segments; the stream is there already."""
    stream = index.stream(key)
    assert stream is not None
    head = stream.head
    run = sha256(f"{key}{start_us}".encode()).hexdigest()[:32]
    with index.transaction():
        index.add_run(run, stream.id, start_us, b"init")
        for seq in range(count):
            begin = start_us + seq * length_us
            path = f"video/{stream.code}/{key.stream}/{to_datetime(begin):%Y-%m-%d/%H%M%S}-{run[-8:]}-{seq:04d}.mp4"
            root = sha256(path.encode()).digest()
            head = link_of(head, root)
            row_id = index.add_segment(stream.id, run, seq, path, begin, seq * length_us * 9 // 100)
            closing = Closing(
                begin + length_us,
                (seq + 1) * length_us * 9 // 100,
                size,
                size,
                root,
                head,
                Clocks(None, None),
            )
            index.close_segment(row_id, closing)
            if files:
                file = volume.path / path
                file.parent.mkdir(parents=True, exist_ok=True)
                with file.open("wb") as new:
                    new.truncate(size)
