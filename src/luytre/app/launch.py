"""Before a node runs: everything that can fail in a way a person should read is done here.

Promises   after `prepare` the directory is locked, the port is ours, the database is of this version, the
           plan is written; `become_supervisor` then only starts processes.
Does not   start anything itself.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from luytre.app import lock
from luytre.app.foundation import bring_up_to_date
from luytre.app.rtsp_port import FILE as RTSP_FILE
from luytre.app.rtsp_port import RtspPort
from luytre.app.store import Store
from luytre.base import config as settings
from luytre.base.errors import Error, Kind, from_os

CAMERAS_PER_RECORDER: Final = 64
# Connections wait here while the web process is started again.
BACKLOG: Final = 1024


@dataclass(frozen=True, slots=True)
class Launch:
    """What the supervisor needs. The descriptors are open: a lock and listening sockets. `rtsp` None: switched off."""

    directory: Path
    shards: int
    lock_fd: int
    listen_fd: int
    host: str
    port: int
    rtsp: RtspPort | None = None

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the pages."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)
        if ":" in host and not host.startswith("["):
            host = f"[{host}]"
        return f"http://{host}:{self.port}"


def prepare(
    directory: Path,
    host: str | None = None,
    port: int | None = None,
    arrange: Callable[[Store], None] = lambda store: None,
    *,
    any_rtsp: bool = False,
) -> Launch:
    """`host` and `port` win over luytre.toml; port 0: any free one. `arrange` may change what is stored, under the lock.
    `any_rtsp`: another port for readers where theirs is taken.

    Raises Error(CONFLICT, cause="already_running" | "port_taken"), and what opening a node raises.
    """
    directory = directory.absolute()
    config = settings.load(directory)
    lock_fd = lock.take(directory / "run")
    listening: socket.socket | None = None
    rtsp: RtspPort | None = None
    try:
        chosen = config.host if host is None else host
        listening = listen(chosen, config.port if port is None else port)
        rtsp = open_rtsp(chosen, config.rtsp_port, any_rtsp)
        bring_up_to_date(directory, config)
        node = Store.open(directory)
        try:
            for stale in node.sockets():
                stale.unlink()
            (node.run_folder / RTSP_FILE).unlink(missing_ok=True)
            arrange(node)
            node.registry.write_plan(directory)
            shards = config.shards or shards_for(node.registry.count())
        finally:
            node.close()
        taken: int = listening.getsockname()[1]
        return Launch(directory, shards, lock_fd, listening.detach(), chosen, taken, rtsp)
    except BaseException:
        os.close(lock_fd)
        if rtsp is not None and rtsp.fd is not None:
            os.close(rtsp.fd)
        if listening is not None:
            listening.close()
        raise


def open_rtsp(host: str, port: int, anywhere: bool) -> RtspPort | None:
    """The readers' port; without a descriptor where it cannot be had: that never stops a node."""
    if not port:
        return None
    for wanted in (port, 0) if anywhere else (port,):
        try:
            listening = listen(host, wanted)
        except Error:
            continue
        taken: int = listening.getsockname()[1]
        return RtspPort(host, taken, listening.detach())
    return RtspPort(host, port, None)


def shards_for(cameras: int, cores: int | None = None) -> int:
    """One recorder per core, at most one per 64 cameras, at least one."""
    available = len(os.sched_getaffinity(0)) if cores is None else cores
    return max(1, min(available, -(-cameras // CAMERAS_PER_RECORDER)))


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Error(CONFLICT, cause="port_taken"), Error(INVALID, cause="bad_host")."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError:
        raise Error(
            Kind.INVALID,
            f"{host} is not an address of this machine",
            hint="Use 127.0.0.1, or 0.0.0.0 for all of its addresses.",
            cause="bad_host",
        ) from None
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise _cannot_listen(error, host, port) from None
    return listening


def _cannot_listen(error: OSError, host: str, port: int) -> Error:
    if error.errno == errno.EADDRINUSE:
        return Error(
            Kind.CONFLICT,
            f"port {port} of {host} is taken by another program",
            hint="Stop that program, or choose another port with --port (0: any free one).",
            cause="port_taken",
        )
    if error.errno == errno.EACCES:
        return Error(
            Kind.FORBIDDEN,
            f"port {port} may not be used without special rights",
            hint="Choose a port above 1023 with --port.",
            cause="port_forbidden",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return Error(
            Kind.INVALID,
            f"{host} is not an address of this machine",
            hint="Use 127.0.0.1, or 0.0.0.0 for all of its addresses.",
            cause="bad_host",
        )
    return from_os(error, f"listen on port {port} of {host}")


def become_supervisor(launch: Launch) -> NoReturn:
    """This process, with its id and terminal, becomes the supervisor: what `prepare` needed leaves the
    memory.
    """
    rtsp_fds = () if launch.rtsp is None or launch.rtsp.fd is None else (launch.rtsp.fd,)
    for descriptor in (launch.lock_fd, launch.listen_fd, *rtsp_fds):
        os.set_inheritable(descriptor, True)
    command = [sys.executable, "-m", "luytre.app.supervisor", str(launch.directory)]
    command += ["--shards", str(launch.shards)]
    command += ["--listen-fd", str(launch.listen_fd), "--lock-fd", str(launch.lock_fd)]
    command += launch.rtsp.arguments("rtsp-") if launch.rtsp is not None else ()
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, command)
