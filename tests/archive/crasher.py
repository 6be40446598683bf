"""A process that records as fast as it can, until it is killed. Run: python -m tests.archive.crasher FOLDER

Prints a line for each part that the writer says is written: stream, run, end of the part.
"""

from __future__ import annotations

import sys
from pathlib import Path

from luytre.archive.volume import open_volume
from luytre.archive.writer import DiskWriter
from luytre.base.clock import ManualClock, SystemClock
from tests.archive.builder import CODES, KEY, OTHER, START_US, Feed, audio, video


def main(folder: Path) -> None:
    writer = DiskWriter(open_volume(folder), segment_s=1.0, flush_s=0.05, clock=SystemClock())
    writer.start()
    writer.ready.result(30)
    clock = ManualClock(START_US)
    feeds = []
    for key in (KEY, OTHER):
        floor = writer.take_up(key, CODES[key]).result(30)
        feeds.append(Feed(key, (video(b_frames=2), audio()), max(floor, clock.wall_us())))
    print("ready", flush=True)
    while True:
        for feed in feeds:
            for part in feed.take(1):
                writer.write(feed.handle, part)
            # Only in its turn does the writer answer: the part before it is written.
            writer.take_up(feed.key, CODES[feed.key]).result(30)
            print(feed.key.camera, feed.handle.run_id, feed.parts[-1].end_us, flush=True)
            feed.parts.clear()
            for samples in feed.samples:
                samples.clear()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
