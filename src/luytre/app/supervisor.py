"""The supervisor: starts recorders and web, watches them, starts them again, stops them in order; gives the notary its
turns.

Promises   a crash of one child touches no other; Ctrl-C and SIGTERM stop the web first, then the recorders
           gracefully (at most 10 s), then what they record from; a second Ctrl-C kills at once.
Does not   import anything of the domain: it stays small, because it is always there.

    python -m luytre.app.supervisor DIR --shards N --listen-fd FD --lock-fd FD     (`luytre run` becomes this)
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Final

from luytre.app.children import Child, Keeper, LogFile, Turns
from luytre.app.periodic import TurnKeeper
from luytre.app.rtsp_port import RtspPort
from luytre.base import log

GRACE_S: Final = 10.0
RANK_WEB: Final = 0
RANK_RECORDER: Final = 1
RANK_SOURCE: Final = 2
# Seals are promised hourly: four turns an hour leave room for some that fail. The longest turn is the first after
# midnight, which opens a picture of each stream.
NOTARY_TURNS: Final = Turns(first_s=60.0, period_s=900.0, limit_s=840.0)
# Recording goes first.
NOTARY_NICE: Final = 10
# What it encodes may wait; what is recorded of other cameras may not.
CONVERTER_NICE: Final = 5

_log = log.get("supervisor")


class Supervisor:
    """Keeps `children` alive while `run()` runs."""

    def __init__(self, children: Sequence[Child], log_folder: Path, grace_s: float = GRACE_S) -> None:
        self.keepers = [
            (TurnKeeper if child.turns else Keeper)(child, log_folder)
            for child in sorted(children, key=lambda one: one.rank)
        ]
        self._grace_s = grace_s
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Begin to stop; a second call kills. Safe to call from a signal handler of the loop."""
        if self._stop.is_set():
            for keeper in self.keepers:
                keeper.send(signal.SIGKILL)
        self._stop.set()

    async def run(self) -> None:
        """Returns when all children are gone, after `stop()` or SIGINT or SIGTERM."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        tasks = [asyncio.create_task(keeper.run(), name=keeper.child.name) for keeper in self.keepers]
        stop = asyncio.create_task(self._stop.wait())
        try:
            # A keeper that ends by itself could not start its child: there is no node without it.
            await asyncio.wait([stop, *tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._stop_all()
            stop.cancel()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    async def _stop_all(self) -> None:
        for _rank, keepers in groupby(self.keepers, key=lambda keeper: keeper.child.rank):
            await asyncio.gather(*(keeper.stop(self._grace_s) for keeper in keepers))


def node_children(directory: Path, shards: int, listen_fd: int, rtsp: RtspPort | None = None) -> list[Child]:
    """The web process on an open listening socket, the door for readers where there is one, the attendant, the notary,
    which takes turns, `shards` recorders, and what they record foreign sources from.
    """

    def child(name: str, module: str, *arguments: str) -> Child:
        return Child(name, (sys.executable, "-m", module, str(directory), *arguments))

    web = replace(child("web", "luytre.app.web", "--fd", str(listen_fd)), pass_fds=(listen_fd,))
    notary = replace(child("notary", "luytre.app.notary"), nice=NOTARY_NICE, turns=NOTARY_TURNS)
    doors = [web, child("attendant", "luytre.app.on_call"), notary]
    if rtsp is not None:
        restream = child("restream", "luytre.restream", *rtsp.arguments())
        doors.append(replace(restream, pass_fds=() if rtsp.fd is None else (rtsp.fd,)))
    recorders = [
        child(f"recorder-{shard}", "luytre.recorder", "--shard", str(shard), "--shards", str(shards))
        for shard in range(shards)
    ]
    converter = replace(child("converter", "luytre.converter"), rank=RANK_SOURCE, nice=CONVERTER_NICE)
    return [
        *(replace(door, rank=RANK_WEB) for door in doors),
        *(replace(recorder, rank=RANK_RECORDER) for recorder in recorders),
        converter,
    ]


class _Lines:
    """The supervisor's own few lines: into their file, and to standard error."""

    def __init__(self, file: LogFile) -> None:
        self._file = file

    def write(self, text: str, /) -> object:
        self._file.write(text.encode())
        return sys.stderr.write(text)


def configure_log(log_folder: Path) -> None:
    """DIR/log/supervisor.log and standard error."""
    log_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    log.configure(stream=_Lines(LogFile(log_folder / "supervisor.log")))


def main() -> None:
    parser = argparse.ArgumentParser(prog="luytre.app.supervisor")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--shards", type=int, required=True)
    parser.add_argument("--listen-fd", type=int, required=True)
    parser.add_argument("--lock-fd", type=int, required=True)
    parser.add_argument("--rtsp-host", default="")
    parser.add_argument("--rtsp-port", type=int, default=0)
    parser.add_argument("--rtsp-fd", type=int)
    given = parser.parse_args()
    directory: Path = given.directory
    # Open over the exec that brought us here; children get what they are handed, and no more.
    os.set_inheritable(given.listen_fd, False)
    os.set_inheritable(given.lock_fd, False)
    configure_log(directory / "log")
    rtsp = None
    if given.rtsp_port:
        rtsp = RtspPort(given.rtsp_host, given.rtsp_port, given.rtsp_fd)
    if given.rtsp_fd is not None:
        os.set_inheritable(given.rtsp_fd, False)
    children = node_children(directory, given.shards, given.listen_fd, rtsp)
    supervisor = Supervisor(children, directory / "log")
    asyncio.run(supervisor.run())


if __name__ == "__main__":
    main()
