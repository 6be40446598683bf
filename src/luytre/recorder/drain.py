"""The tick: empties the sockets of all playing cameras, a few times a second (design.md, section 6).

HOT: reading fifty packets with one system call is why this recorder is cheap. TCP's own buffers hold the bytes in between.

Promises   one camera's garbage, silence or end costs no other camera anything.
Does not   wait for anything: sockets are non-blocking; what is not there is taken at the next tick.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from luytre.archive.keys import Cause
from luytre.base.clock import Clock
from luytre.base.errors import Error, Kind
from luytre.media.rtsp.url import address
from luytre.recorder.connection import Connection, from_socket
from luytre.recorder.ingest import Ingest

SLOW_S = 0.2
FAST_S = 0.02
# One camera may take this much of one tick; a 50 Mb/s burst is 1.25 MB in 200 ms.
RECEIVE_BYTES = 262_144
READS_PER_TICK = 8
# Without a complete picture for this long, the camera is taken for frozen.
STALL_S = 10.0
FIRST_PICTURE_S = 20.0


class Drain:
    """One playing connection while it is being emptied; `ended` gets the Error that ended it."""

    def __init__(self, connection: Connection, ingest: Ingest, clock: Clock) -> None:
        self._connection = connection
        self.ingest = ingest
        self._clock = clock
        self.ended: asyncio.Future[Error] = asyncio.get_running_loop().create_future()
        self.watched = False
        self._pictures = 0
        self._progress_s = clock.monotonic_s()
        if connection.early:
            self._guard(lambda: ingest.feed(connection.early))

    def tick(self) -> None:
        self._guard(self._read)

    def _guard(self, action: Callable[[], None]) -> None:
        """Whatever this camera does wrong ends this connection and nothing else."""
        if self.ended.done():
            return
        try:
            action()
        except Error as error:
            self.ended.set_result(error)
        except OSError as error:
            self.ended.set_result(from_socket(error, address(self._connection.session.url)))

    def _read(self) -> None:
        receive, feed = self._connection.sock.recv, self.ingest.feed
        for _ in range(READS_PER_TICK):
            try:
                data = receive(RECEIVE_BYTES)
            except BlockingIOError:
                return
            if not data:
                raise ConnectionResetError
            feed(data)
            if self.ingest.messages:
                self._answer_messages()
            if len(data) < RECEIVE_BYTES:
                return

    def _answer_messages(self) -> None:
        messages, self.ingest.messages = self.ingest.messages, []
        for message in messages:
            self._connection.session.receive_message_bytes(message)
        self._send(self._connection.session.data_to_send())

    def _send(self, data: bytes) -> None:
        """Requests are tiny: a socket that does not take one at once is as good as dead, the watchdog tells."""
        if data:
            with suppress(BlockingIOError):
                self._connection.sock.send(data)

    def look(self) -> None:
        """About once a second: keep the session alive, notice a camera that froze with the connection open."""
        self._guard(self._look)

    def _look(self) -> None:
        now_s = self._clock.monotonic_s()
        self._send(self._connection.session.keepalive(now_s))
        if self.ingest.pictures != self._pictures:
            self._pictures, self._progress_s = self.ingest.pictures, now_s
            return
        limit_s = STALL_S if self._pictures else FIRST_PICTURE_S
        if now_s - self._progress_s > limit_s:
            raise self._stalled(limit_s)

    def _stalled(self, limit_s: float) -> Error:
        cause = Cause.STALLED
        if not self._pictures and self.ingest.bytes_received:
            cause = Cause.BAD_MEDIA
        return Error(
            Kind.UNAVAILABLE,
            f"no picture for {limit_s:.0f} s although the connection is open",
            hint="Restart the camera.",
            cause=cause,
        )


class Drainer:
    """All drains of one process: the watched ones every 20 ms, the others every 200 ms."""

    def __init__(self) -> None:
        self._drains: set[Drain] = set()

    def add(self, drain: Drain) -> None:
        self._drains.add(drain)

    def remove(self, drain: Drain) -> None:
        self._drains.discard(drain)

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        slow_at = look_at = loop.time()
        while True:
            now = loop.time()
            everyone = now >= slow_at
            for drain in list(self._drains) if everyone else [d for d in self._drains if d.watched]:
                drain.tick()
            if everyone:
                slow_at = now + SLOW_S
            if now >= look_at:
                look_at = now + 1.0
                for drain in list(self._drains):
                    drain.look()
            fast = any(drain.watched for drain in self._drains)
            await asyncio.sleep(FAST_S if fast else max(slow_at - loop.time(), 0.001))
