"""All readers behind one port, and the rounds that end what must not go on.

Promises   a key that is revoked or has expired, and a camera that is removed or switched off, end their sessions within
           seconds; a stream that stands still and a reader that stands still end too.
Does not   open the port: the supervisor does, so that no other program takes it while this process is started again.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import Final

from luytre.archive.keys import StreamKey
from luytre.base import log
from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error
from luytre.cameras.restreaming import Grant, Restreaming
from luytre.people.readers import Readers
from luytre.restream.channel import Channel
from luytre.restream.connection import Connection

ROUND_S: Final = 2.0
# Connections at once. A ward has 64 cameras, and each VMS takes two streams of each.
MOST: Final = 1024
# Of these from one address without a proven key. A VMS that opens all its streams at once must fit.
MOST_STRANGERS: Final = 160
# Who does not play for so long goes; who has not proven a key by then, sooner.
IDLE_S: Final = 60.0
STRANGER_S: Final = 10.0
# No picture for so long: the reader comes again, and is told 503 while the camera is away.
STILL_S: Final = 15.0
SLOW_S: Final = 30.0
# A stream that nobody reads any more stays subscribed: a reader that reconnects begins at once.
LINGER_S: Final = 5.0

_log = log.get("restream")


@dataclass(slots=True)
class _Shared:
    """A channel, and how many connections hold it."""

    channel: Channel
    holders: int = 0


class RestreamServer:
    """A `House`; all of it in one event loop."""

    def __init__(
        self, restreaming: Restreaming, readers: Readers, clock: Clock = SYSTEM, *, round_s: float = ROUND_S
    ) -> None:
        self.restreaming = restreaming
        self.readers = readers
        self.clock = clock
        self.connections: set[Connection] = set()
        self._round_s = round_s
        self._channels: dict[StreamKey, _Shared] = {}

    async def serve(self, listening: socket.socket) -> None:
        """Until cancelled. Takes over the listening socket."""
        server = await asyncio.get_running_loop().create_server(lambda: Connection(self), sock=listening)
        links = asyncio.create_task(self.restreaming.run())
        try:
            while True:
                await asyncio.sleep(self._round_s)
                await self._round()
        finally:
            server.close()
            links.cancel()
            for connection in list(self.connections):
                connection.end("the node stops")
            await asyncio.gather(links, return_exceptions=True)

    # -- connections ------------------------------------------------------------------------------------------------

    def connected(self, connection: Connection) -> bool:
        self.connections.add(connection)
        strangers = sum(one.reader is None and one.address == connection.address for one in self.connections)
        return len(self.connections) <= MOST and strangers <= MOST_STRANGERS

    def disconnected(self, connection: Connection) -> None:
        self.connections.discard(connection)

    def enter(self, grant: Grant) -> Channel:
        shared = self._channels.get(grant.key)
        if shared is None:
            shared = self._channels[grant.key] = _Shared(Channel(self.clock))
            self.restreaming.watch(grant, shared.channel)
        shared.holders += 1
        return shared.channel

    def leave(self, key: StreamKey) -> None:
        self._channels[key].holders -= 1
        asyncio.get_running_loop().call_later(LINGER_S, self._forget, key)

    def _forget(self, key: StreamKey) -> None:
        shared = self._channels.get(key)
        if shared is not None and shared.holders == 0:
            del self._channels[key]
            self.restreaming.unwatch(key)

    # -- rounds -----------------------------------------------------------------------------------------------------

    async def _round(self) -> None:
        if not self.connections:
            return
        try:
            readers, cameras = await asyncio.to_thread(self._living)
        except Error as error:
            # Looked at again in two seconds; nobody is thrown out because the database is busy.
            _log.warning("cannot look at keys", cause=error.cause)
            return
        now_s = self.clock.monotonic_s()
        for connection in list(self.connections):
            if connection.reader is not None and connection.reader not in readers:
                connection.end("the key has ended")
            elif connection.camera is not None and connection.camera not in cameras:
                connection.end("the camera is gone")
            elif connection.slow_since_s is not None and now_s - connection.slow_since_s > SLOW_S:
                connection.abort()
            elif connection.is_playing and now_s - (connection.heard_s or now_s) > STILL_S:
                connection.end("no pictures")
            elif not connection.is_playing and now_s - connection.since_s > (
                STRANGER_S if connection.reader is None else IDLE_S
            ):
                connection.abort()

    def _living(self) -> tuple[set[str], set[str]]:
        return {reader.id for reader in self.readers.list()}, self.restreaming.living()
