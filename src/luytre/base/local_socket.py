"""Unix sockets at paths longer than the 107 bytes that a socket address holds (unix(7)): a node's directory can lie deep.

Does not   frame anything (wire.py), or wait: both ends are in the same machine.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST = 107


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """`path`, or a short way to it through the open directory."""
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def listen(path: Path) -> socket.socket:
    """A bound socket, for asyncio.start_unix_server. Raises OSError."""
    return _with_address(path, lambda sock, address: sock.bind(address))


def dial(path: Path) -> socket.socket:
    """A connected socket. Raises OSError when nobody listens."""
    return _with_address(path, lambda sock, address: sock.connect(address))


def _with_address(path: Path, use: Callable[[socket.socket, str], None]) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        # Before: connecting waits, for ever, where nobody accepts and the backlog is full.
        sock.setblocking(False)
        with _address(path) as address:
            use(sock, address)
    except OSError:
        sock.close()
        raise
    return sock
