"""Starts workers: with their connection, and what they are told on standard input."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

from luytre.converter.order import Order
from luytre.converter.plan import ForeignStream


async def start(
    module: str,
    sock: socket.socket | None,
    stream: ForeignStream,
    run_folder: Path,
    max_encodes: int,
    seconds: float = 0.0,
    parent: int = 0,
) -> asyncio.subprocess.Process:
    """A process that runs `module`, with `sock` open in it as its only argument, and its standard output piped when there is
    no socket. Raises OSError.
    """
    arguments = () if sock is None else (str(sock.fileno()),)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if sock is None else subprocess.DEVNULL,
        pass_fds=() if sock is None else (sock.fileno(),),
        env=environment(),
    )
    assert process.stdin is not None
    order = Order(stream, str(run_folder), max_encodes, parent or os.getpid(), seconds)
    process.stdin.write(order.to_json())
    process.stdin.close()
    return process


def environment() -> dict[str, str]:
    """Without proxies: a camera is in the ward's own network."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
