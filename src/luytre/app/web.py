"""The web process: Uvicorn with the API.

    python -m luytre.app.web DIR [--fd FD | --host HOST --port PORT]

Promises   SIGTERM lets running requests finish for 3 s; logs are JSON lines on standard error, without an
           access log.
Does not   watch itself: the supervisor starts it again.
"""

from __future__ import annotations

import argparse
import importlib
import socket
from pathlib import Path
from typing import Final

import uvicorn

from luytre.app.launch import listen
from luytre.base import config as settings
from luytre.base import log

# By name: a door stands above this floor, and only this process opens it.
APPLICATION: Final = "luytre.api.application"
GRACE_S: Final = 3


def serve(directory: Path, listening: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT."""
    application = importlib.import_module(APPLICATION).create(directory)
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=65_536,
        # Video does not get smaller, and deflating it costs more than sending it.
        ws_per_message_deflate=False,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    uvicorn.Server(config).run(sockets=[listening])


def main() -> None:
    parser = argparse.ArgumentParser(prog="luytre.app.web")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--fd", type=int, help="a listening socket that is open already")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    given = parser.parse_args()
    log.configure()
    if given.fd is not None:
        listening = socket.socket(fileno=given.fd)
    else:
        config = settings.load(given.directory)
        listening = listen(given.host or config.host, config.port if given.port is None else given.port)
    serve(given.directory, listening)


if __name__ == "__main__":
    main()
