"""Worker processes: started when they are needed, killed when they are not.

Promises   a worker that crashes, hangs or talks nonsense costs its own job, and is not used again.
Does not   keep more idle workers than there are places, or for longer than a few seconds.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Final, NamedTuple

from luytre.base.errors import Error
from luytre.cameras.renditions import wire
from luytre.cameras.renditions.places import Claim, Places, failed, full
from luytre.cameras.renditions.wire import Job, Packet

COMMAND: Final = (sys.executable, "-m", "luytre.cameras.renditions.worker")
# An entry lasts some seconds; what takes longer than this to make is not coming.
LONGEST_JOB_S: Final = 60.0
IDLE_S: Final = 5.0


class Worker:
    """A process and our end of the link to it."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self.link, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [*command, str(theirs.fileno())], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
            )

    def stop(self) -> None:
        """At once: a worker has nothing to finish."""
        with contextlib.suppress(OSError):
            self.link.close()
        self.process.kill()
        self.process.wait()


class Made(NamedTuple):
    """What came of a job."""

    sets: tuple[bytes, ...]
    pictures: list[Packet]
    cpu_us: int


class Crew:
    """Workers for whole jobs; thread-safe. Each job takes a place."""

    def __init__(self, places: Places, command: Sequence[str] = COMMAND) -> None:
        self._places = places
        self._command = command
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._timer: threading.Timer | None = None

    def convert(self, job: Job, packets: Sequence[Packet], claim: Claim) -> Made:
        """Raises Error(UNAVAILABLE, cause="renditions_full"), Error(DATA_LOSS, cause="rendition_failed")."""
        if not self._places.take(claim):
            raise full(self._places.most)
        try:
            worker = self._worker()
            try:
                made = _exchange(worker.link, job, packets)
            except (OSError, Error) as error:
                worker.stop()
                raise failed(str(error) or type(error).__name__) from error
            self._places.spent(made.cpu_us)
            self._rest(worker)
            return made
        finally:
            self._places.give(claim)

    def close(self) -> None:
        """Stop the idle ones."""
        with self._lock:
            idle, self._idle = self._idle, []
            if self._timer is not None:
                self._timer.cancel()
        for worker in idle:
            worker.stop()

    def _worker(self) -> Worker:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return Worker(self._command)

    def _rest(self, worker: Worker) -> None:
        with self._lock:
            self._idle.append(worker)
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(IDLE_S, self.close)
            self._timer.daemon = True
            self._timer.start()


def _exchange(link: socket.socket, job: Job, packets: Sequence[Packet]) -> Made:
    """One job, all of it. Raises OSError, Error."""
    link.settimeout(LONGEST_JOB_S)
    link.sendall(wire.frame(wire.BEGIN, job.to_bytes()))
    for packet in packets:
        link.sendall(wire.packet_frame(wire.PACKET, packet))
    link.sendall(wire.frame(wire.FINISH))
    splitter = wire.Splitter()
    sets: tuple[bytes, ...] = ()
    pictures: list[Packet] = []
    while data := link.recv(1 << 18):
        for kind, payload in splitter.feed(data):
            if kind == wire.TRACK:
                sets = wire.parse_sets(payload)
            elif kind == wire.PICTURE:
                pictures.append(wire.parse_packet(payload))
            elif kind == wire.DONE:
                return Made(sets, pictures, wire.parse_done(payload))
            elif kind == wire.FAILED:
                raise failed(payload.decode(errors="replace"))
    raise ConnectionError("the worker ended")
