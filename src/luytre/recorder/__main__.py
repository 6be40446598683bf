"""`python -m luytre.recorder DIR --shard I --shards N`: started by the supervisor, or by systemd one by one."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import sys
from pathlib import Path

from luytre.base import log
from luytre.recorder.process import RecorderProcess

_log = log.get("recorder")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="luytre.recorder", description="Record one shard of a node's streams."
    )
    parser.add_argument("directory", type=Path)
    parser.add_argument("--shard", type=int, default=0)
    parser.add_argument("--shards", type=int, default=1)
    given = parser.parse_args()
    log.configure()
    run = given.directory / "run"
    run.mkdir(parents=True, exist_ok=True)
    lock = os.open(run / f"recorder-{given.shard}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _log.warning("another recorder has this shard", shard=given.shard)
        return 1
    return asyncio.run(RecorderProcess(given.directory, given.shard, given.shards).run())


if __name__ == "__main__":
    sys.exit(main())
