"""The tick: empties the sockets of all playing cameras, a few times a second (design.md, section 6).

HOT: reading fifty packets with one system call is why this recorder is cheap. TCP's own buffers hold the bytes in between.

Promises   one camera's garbage, silence or end costs no other camera anything.
Does not   wait for anything: sockets are non-blocking; what is not there is taken at the next tick.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from luytre.archive.keys import Cause
from luytre.base import log
from luytre.base.clock import Clock
from luytre.base.errors import Error, Kind
from luytre.media.rtsp.url import address
from luytre.recorder.connection import Connection, from_socket
from luytre.recorder.ingest import Ingest

_log = log.get("recorder")

SLOW_S = 0.25
FAST_S = 0.02
# One camera may take this much of one tick, fast or slow: 80 Mb/s in 200 ms, 100 Mb/s in 20 ms.
RECEIVE_BYTES = 262_144
READS_PER_TICK = 8
READS_PER_FAST_TICK = 1
# A camera says a word now and then; each costs as much as many packets.
MOST_MESSAGES = 256


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a camera that is connected may go without, in seconds, before the connection is given up.

    stall_s     a complete picture: longer, and it is taken for frozen
    first_s     the first complete picture, and parameter sets
    keyframe_s  a picture that a run can begin with; the longest interval cameras offer is about half of this
    look_s      how often this is looked at
    """

    stall_s: float = 10.0
    first_s: float = 20.0
    keyframe_s: float = 60.0
    look_s: float = 1.0


PATIENCE = Patience()


class Drain:
    """One playing connection while it is being emptied; `ended` gets the Error that ended it."""

    def __init__(
        self, connection: Connection, ingest: Ingest, clock: Clock, patience: Patience = PATIENCE
    ) -> None:
        self._connection = connection
        self.ingest = ingest
        self._clock = clock
        self._patience = patience
        self.ended: asyncio.Future[Error] = asyncio.get_running_loop().create_future()
        self.watched = False
        self._pictures = 0
        self._progress_s = self._used_s = clock.monotonic_s()
        if connection.early:
            self._guard(lambda: ingest.feed(connection.early))

    @property
    def transport(self) -> str:
        return self._connection.intake.transport

    @property
    def certificate(self) -> str | None:
        return self._connection.intake.certificate

    @property
    def hurried(self) -> bool:
        """Whether it is to be emptied at each quick tick: somebody watches, or its buffer holds no longer one."""
        return self.watched or self._connection.intake.hurried

    def tick(self, reads: int = READS_PER_TICK) -> None:
        self._guard(lambda: self._read(reads))

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
        except Exception as error:
            # Supervised here: a defect that one camera's bytes bring to light must not stop the tick of all.
            _log.error("defect in a drain", error=repr(error))
            self.ended.set_result(
                Error(
                    Kind.INTERNAL,
                    f"what the camera sent met a defect: {error!r}",
                    hint="Tell the makers of this program; it goes on by itself.",
                    cause=Cause.BAD_MEDIA,
                )
            )

    def _read(self, reads: int) -> None:
        intake = self._connection.intake
        receive, feed, short_is_all = intake.recv, self.ingest.feed, intake.short_is_all
        for _ in range(reads):
            try:
                data = receive(RECEIVE_BYTES)
            except BlockingIOError:
                return
            if not data:
                raise ConnectionResetError
            feed(data)
            if self.ingest.messages:
                self._answer_messages()
            if short_is_all and len(data) < RECEIVE_BYTES:
                return

    def _answer_messages(self) -> None:
        messages, self.ingest.messages = self.ingest.messages, []
        # Line ends that pad frames are none.
        if len(messages) > MOST_MESSAGES < sum(1 for message in messages if message.strip()):
            raise Error(
                Kind.UNAVAILABLE,
                "the camera floods the connection with messages",
                hint="Restart the camera; if it happens again, update its firmware.",
                cause=Cause.BAD_MEDIA,
            )
        for message in messages:
            self._connection.session.receive_message_bytes(message)
        self._send(self._connection.session.data_to_send())

    def _send(self, data: bytes) -> None:
        if data:
            self._connection.intake.send(data)

    def look(self) -> None:
        """Now and then: keep the session alive, notice a camera that froze with the connection open, or from
        which nothing can be recorded.
        """
        self._guard(self._look)

    def _look(self) -> None:
        now_s = self._clock.monotonic_s()
        self._send(self._connection.session.keepalive(now_s))
        self._connection.intake.maintain()
        ingest, patience = self.ingest, self._patience
        # While the disk takes nothing the camera is not to blame.
        if not ingest.unused or ingest.blocked is not None:
            self._used_s = now_s
        if ingest.pictures != self._pictures:
            self._pictures, self._progress_s = ingest.pictures, now_s
        elif now_s - self._progress_s > (patience.stall_s if self._pictures else patience.first_s):
            raise self._stalled(now_s - self._progress_s)
        unused_s = now_s - self._used_s
        if unused_s > (patience.first_s if ingest.video_track is None else patience.keyframe_s):
            raise ingest.no_pictures()

    def _stalled(self, silent_s: float) -> Error:
        if not self._pictures and self.ingest.has_media:
            return self.ingest.no_pictures()
        return Error(
            Kind.UNAVAILABLE,
            f"no picture for {silent_s:.0f} s although the connection is open",
            hint="Restart the camera. A firewall may also hold back UDP: choose TCP if the camera has it."
            if self.transport.startswith("udp")
            else "Restart the camera.",
            cause=Cause.STALLED,
        )


class Drainer:
    """All drains of one process: the watched and the hurried ones every 20 ms, the others every 250 ms."""

    def __init__(self, look_s: float = PATIENCE.look_s) -> None:
        self._look_s = look_s
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
            if now >= slow_at:
                slow_at = now + SLOW_S
                for drain in list(self._drains):
                    drain.tick()
            else:
                for drain in [drain for drain in self._drains if drain.hurried]:
                    drain.tick(READS_PER_FAST_TICK)
            if now >= look_at:
                look_at = now + self._look_s
                for drain in list(self._drains):
                    drain.look()
            fast = any(drain.hurried for drain in self._drains)
            await asyncio.sleep(FAST_S if fast else max(slow_at - loop.time(), 0.001))
