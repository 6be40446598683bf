"""`python -m luytre.restream DIR [--fd FD | --host HOST --port PORT]`: started by the supervisor.

Promises   a port that another program has costs nothing but this door: it is tried again until it is free; run/rtsp.json
           says how it stands.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
from contextlib import closing
from pathlib import Path
from typing import Final

import uvloop

from luytre.app.launch import listen
from luytre.app.rtsp_port import write_state
from luytre.app.store import Store
from luytre.base import log
from luytre.base.errors import Error
from luytre.cameras.restreaming import Restreaming
from luytre.restream.server import RestreamServer

AGAIN_S: Final = 10.0

_log = log.get("restream")


async def _listening(store: Store, host: str, port: int) -> socket.socket:
    """The port, as soon as it is free."""
    while True:
        try:
            return listen(host, port)
        except Error as error:
            _log.warning("no RTSP for readers", host=host, port=port, cause=error.cause, again_s=AGAIN_S)
            write_state(store.run_folder, port, error.cause)
        await asyncio.sleep(AGAIN_S)


async def _run(store: Store, fd: int | None, host: str, port: int) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        listening = await _listening(store, host, port) if fd is None else socket.socket(fileno=fd)
        listening.setblocking(False)
        write_state(store.run_folder, listening.getsockname()[1])
        restreaming = Restreaming(store.registry, store.looks, store.sockets, store.clock)
        await RestreamServer(restreaming, store.readers, store.clock).serve(listening)
    except asyncio.CancelledError:
        return


def main() -> None:
    parser = argparse.ArgumentParser(prog="luytre.restream")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--fd", type=int, help="a listening socket that is open already")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    given = parser.parse_args()
    log.configure()
    with closing(Store.open(given.directory)) as store:
        host = given.host or store.config.host
        port = store.config.rtsp_port if given.port is None else given.port
        uvloop.run(_run(store, given.fd, host, port))


if __name__ == "__main__":
    main()
