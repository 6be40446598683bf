"""A worker: makes pictures into H.264, one job after the other.

    python -m luytre.cameras.renditions.worker FD

Promises   it stands behind the recorders for the processor (nice 10), has a bound on its memory, and ends when the web does.
Does not   open files or sockets: pictures come and go over FD.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import sys
from collections.abc import Iterable
from typing import Final

import av

from luytre.base.clock import US_PER_S
from luytre.base.errors import Error
from luytre.base.standing_back import go_first
from luytre.cameras.renditions import wire
from luytre.cameras.renditions.picture import Converter
from luytre.cameras.renditions.wire import Packet

NICE: Final = 10
# 8K in H.265 with all its reference pictures takes about 1 GB.
MOST_BYTES: Final = 3 << 30


class _Worker:
    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._converter: Converter | None = None
        self._kept: list[bytes] | None = None
        self._began_us = 0

    def take(self, kind: bytes, payload: bytes) -> None:
        """One frame. What a job does not survive is said, and ends only the job."""
        try:
            if kind == wire.BEGIN:
                self._begin(payload)
            elif self._converter is None:
                return
            elif kind == wire.PACKET:
                self._say(self._converter.add(wire.parse_packet(payload)))
            elif kind == wire.FINISH:
                self._say(self._converter.finish())
                self._end(wire.DONE, wire.done_payload(self._spent_us()))
        except (av.FFmpegError, Error, ValueError, MemoryError) as error:
            self._end(wire.FAILED, f"{type(error).__name__}: {error}".encode())

    def _begin(self, payload: bytes) -> None:
        self._began_us = _cpu_us()
        job = wire.Job.from_bytes(payload)
        self._converter = Converter(job)
        self._kept = None if job.at_once else []
        self._write(wire.frame(wire.TRACK, wire.sets_payload(self._converter.track.parameter_sets)))

    def _say(self, made: Iterable[Packet]) -> None:
        for packet in made:
            self._write(wire.packet_frame(wire.PICTURE, packet._replace(cpu_us=self._spent_us())))

    def _write(self, data: bytes) -> None:
        if self._kept is None:
            self._link.sendall(data)
        else:
            self._kept.append(data)

    def _end(self, kind: bytes, payload: bytes) -> None:
        kept, self._kept, self._converter = self._kept or [], None, None
        self._link.sendall(b"".join(kept) + wire.frame(kind, payload))

    def _spent_us(self) -> int:
        return _cpu_us() - self._began_us


def _cpu_us() -> int:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return int((used.ru_utime + used.ru_stime) * US_PER_S)


def main() -> None:
    # Ctrl-C in a terminal reaches the whole group: the web ends us by closing the link.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICE)
    go_first(MOST_BYTES)
    link = socket.socket(fileno=int(sys.argv[1]))
    av.logging.set_level(None)
    worker, splitter = _Worker(link), wire.Splitter()
    with contextlib.suppress(ConnectionError):
        while data := link.recv(1 << 18):
            for kind, payload in splitter.feed(data):
                worker.take(kind, payload)


if __name__ == "__main__":
    main()
