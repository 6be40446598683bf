"""One source, one connection, one process: FFmpeg may crash, leak or hang in here, and costs nobody else anything.

    python -m luytre.converter.worker FD < order      (process.py starts it)

Promises   the source is opened when the recorder comes and let go of when it goes; no address and no password stands in
           the arguments. Ends with its connection, and with its parent.
Does not   try again: the recorder comes again by itself.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
from fractions import Fraction
from pathlib import Path
from typing import Final

from luytre.base import log
from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error
from luytre.base.orphans import end_with_parent
from luytre.base.standing_back import go_first
from luytre.converter import state
from luytre.converter.conversion import VIDEO, Converting
from luytre.converter.lane import Lane
from luytre.converter.order import Order
from luytre.converter.plan import state_file
from luytre.converter.refusal import Refusal
from luytre.media.rtsp.server import HangUp, Play, Presentation, ServerSession

# From the answer to DESCRIBE to PLAY.
PLAY_S: Final = 15.0
# A recorder that takes nothing for so long is gone.
SEND_S: Final = 15.0
# Of address space, which the threads of many cores take much of; memory itself is what the kernel looks at.
MOST_BYTES: Final = 8 << 30
SEND_BYTES: Final = 4 * 2**20
# When it is first told what a stream costs.
FIRST_S: Final = 1.0
# How a worker ends that met a defect, in Python or below.
DEFECT: Final = 70

_log = log.get("converter")


class Worker:
    """Speaks RTSP on `sock` in a thread of its own, while FFmpeg works in the caller's."""

    def __init__(self, sock: socket.socket, order: Order, clock: Clock = SYSTEM) -> None:
        self._sock = sock
        self._order = order
        self._clock = clock
        self._state = Path(order.run_folder) / state_file(order.stream.camera, order.stream.stream)
        # One at a time writes to the socket.
        self._turn = threading.Lock()
        self._session: ServerSession | Refusal | None = None
        self._waiting = b""
        self._play: Play | None = None
        self._plays = threading.Event()

    def run(self) -> None:
        """Until one of both ends is gone."""
        self._sock.settimeout(SEND_S)
        # As much as the kernel allows: a keyframe should not wait for the recorder's next tick.
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
        threading.Thread(target=self._listen, daemon=True).start()
        stream = self._order.stream
        try:
            converting = Converting(
                stream, Path(self._order.run_folder), self._order.max_encodes, self._clock
            )
        except Error as error:
            _log.warning("source not opened", camera=stream.code, cause=error.cause, detail=error.message)
            self._speak(Refusal(error))
            # The listener ends the process once it was said.
            self._plays.wait(PLAY_S)
            self.leave()
        offer = Presentation(converting.media, f"{stream.code} {stream.stream}")
        controls = tuple(medium.control for medium in offer.media)
        self._speak(ServerSession(lambda path: 404 if path.rpartition("/")[2] in controls else offer))
        try:
            self._send(converting)
        except Error as error:
            _log.warning("source ended", camera=stream.code, cause=error.cause, detail=error.message)
        self.leave()

    def leave(self) -> None:
        """End the process at once: FFmpeg may hold a thread for as long as it likes."""
        self._state.unlink(missing_ok=True)
        os._exit(0)

    # -- towards the recorder ----------------------------------------------------------------------------------------

    def _speak(self, session: ServerSession | Refusal) -> None:
        with self._turn:
            self._session = session
        self._take(b"")

    def _listen(self) -> None:
        while True:
            try:
                data = self._sock.recv(65_536)
            except TimeoutError:
                continue
            except OSError:
                data = b""
            if not data:
                self.leave()
            self._take(data)

    def _take(self, data: bytes) -> None:
        """What came of the recorder; kept until there is something to say."""
        ended = False
        with self._turn:
            self._waiting += data
            if self._session is None:
                return
            for event in self._session.receive(self._waiting):
                if isinstance(event, Play):
                    self._play = event
                ended = ended or isinstance(event, HangUp)
            self._waiting = b""
            self._write(self._session.data_to_send())
        # What follows is only sent after the answer.
        if self._play is not None:
            self._plays.set()
        if ended:
            self.leave()

    def _write(self, data: bytes) -> None:
        try:
            self._sock.sendall(data)
        except OSError:
            self.leave()

    def _send(self, converting: Converting) -> None:
        if not self._plays.wait(PLAY_S) or self._play is None:
            return
        lanes: dict[int, Lane] = {}
        # For the first time when there is something to tell.
        told_s = self._clock.monotonic_s() + FIRST_S - state.EVERY_S
        for number, unit in converting.units():
            now_s, now_us = self._clock.monotonic_s(), self._clock.wall_us()
            if not lanes:
                # The first unit is a picture: what both tracks are counted from.
                lanes = self._lanes(converting, Fraction(unit.ticks, converting.media[VIDEO].clock_rate))
            if number in lanes and (number == VIDEO or unit.ticks >= lanes[number].origin):
                with self._turn:
                    self._write(lanes[number].frames(unit, now_us))
            if now_s - told_s >= state.EVERY_S:
                told_s = now_s
                with self._turn:
                    self._write(b"".join(lane.report() for lane in lanes.values()))
                state.write(self._state, converting.told(), now_us)

    def _lanes(self, converting: Converting, origin: Fraction) -> dict[int, Lane]:
        assert self._play is not None
        made = {}
        for track in self._play.tracks:
            medium = converting.media[track.index]
            made[track.index] = Lane(track, medium.payload_type, round(origin * medium.clock_rate))
        return made


def _defect(what: threading.ExceptHookArgs) -> None:
    """In the thread that listens: without it the worker would never learn that the recorder is gone."""
    _log.error("defect in a worker", error=repr(what.exc_value))
    os._exit(DEFECT)


def main() -> None:
    parser = argparse.ArgumentParser(prog="luytre.converter.worker")
    parser.add_argument("fd", type=int)
    given = parser.parse_args()
    order = Order.from_json(sys.stdin.buffer.read())
    end_with_parent(order.parent, signal.SIGKILL)
    go_first(MOST_BYTES)
    log.configure()
    threading.excepthook = _defect
    # A worker is ended by its connection, not by the terminal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker = Worker(socket.socket(fileno=given.fd), order)
    try:
        worker.run()
    except Exception as error:
        # Supervised here: the parent tells the next who asks.
        _log.exception("defect in a worker", camera=order.stream.code, error=repr(error))
        os._exit(DEFECT)


if __name__ == "__main__":
    main()
