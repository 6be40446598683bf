"""The floor: bytes from the socket to a file, nothing parsed. What no recorder can be below.

    python bench/floor.py DIR < urls.json       one file per camera, until SIGTERM

The same handshake and the same tick as the recorder's own (recorder/connection.py, recorder/drain.py).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from luytre.base.clock import SYSTEM
from luytre.recorder.connection import Connection, connect
from luytre.recorder.drain import RECEIVE_BYTES, SLOW_S


class Copy:
    def __init__(self, connection: Connection, path: Path) -> None:
        self._connection = connection
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        os.write(self._fd, connection.early)

    def tick(self) -> None:
        receive, fd = self._connection.intake.recv, self._fd
        while True:
            try:
                data = receive(RECEIVE_BYTES)
            except BlockingIOError:
                return
            if not data:
                raise ConnectionResetError("the camera of the bench closed the connection")
            os.write(fd, data)
            if len(data) < RECEIVE_BYTES:
                return

    def keep_alive(self, now_s: float) -> None:
        if data := self._connection.session.keepalive(now_s):
            self._connection.intake.send(data)

    def close(self) -> None:
        self._connection.close()
        os.close(self._fd)


async def run(directory: Path, urls: dict[str, str]) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    connections = await asyncio.gather(*(connect(url, "", "", audio=True) for url in urls.values()))
    copies = [Copy(found, directory / f"{code}.raw") for code, found in zip(urls, connections, strict=True)]
    looked_s = 0.0
    while not stopping.is_set():
        for copy in copies:
            copy.tick()
        now_s = SYSTEM.monotonic_s()
        if now_s - looked_s >= 1.0:
            looked_s = now_s
            for copy in copies:
                copy.keep_alive(now_s)
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), SLOW_S)
    for copy in copies:
        copy.close()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), json.load(sys.stdin)))
