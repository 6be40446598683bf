"""The cheapest cameras there can be: hundreds of addresses from one process that packs each picture once for many.

    python bench/light_cameras.py CLIP     prints one JSON line {"port": ...}; serves until killed

Promises   rtsp://127.0.0.1:PORT/0, /1 and so on, H.264 over RTSP/TCP, a steady clock, sequence numbers and timestamps that
           go on over the loop. Each client costs a send() per tick.
Does not   differ between the cameras of a group: they send the same bytes at the same time (SSRC and sequence numbers too);
           groups begin at different places of the clip. No sound, no RTCP.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from luytre.base.clock import SYSTEM
from luytre.media.rtp import packetizer
from luytre.media.rtp.packet import Packet, build
from luytre.media.rtsp.server import HangUp, Play, Presentation, ServerSession
from luytre.media.sdp import Media
from luytre.simulator.clips import Footage, read

GROUPS = 16
# Two pictures at 25 a second.
TICK_S = 0.08
RATE, FPS = 90_000, 25
TICKS_PER_PICTURE = RATE // FPS
# A client that does not read so much is gone.
MOST_UNSENT = 4 << 20


class Group:
    """Cameras that send the same."""

    def __init__(self, footage: Footage, skip: int) -> None:
        self.payloads = [packetizer.h264(unit.nals) for unit in footage.units]
        self.at, self.seq, self.sent = skip, 1, 0
        self.clients: set[asyncio.Transport] = set()

    def tick(self, pictures: int) -> None:
        data = b"".join(self._picture() for _ in range(pictures))
        for client in list(self.clients):
            if client.get_write_buffer_size() > MOST_UNSENT:
                client.abort()
                self.clients.discard(client)
            else:
                client.write(data)

    def _picture(self) -> bytes:
        payloads = self.payloads[self.at % len(self.payloads)]
        timestamp = self.sent * TICKS_PER_PICTURE & 0xFFFF_FFFF
        frames = []
        for number, payload in enumerate(payloads):
            packet = build(Packet(96, number == len(payloads) - 1, self.seq, timestamp, 7, payload))
            frames += [struct.pack(">BBH", 0x24, 0, len(packet)), packet]
            self.seq = self.seq + 1 & 0xFFFF
        self.at, self.sent = self.at + 1, self.sent + 1
        return b"".join(frames)


class Client(asyncio.Protocol):
    def __init__(self, presentation: Presentation, groups: list[Group]) -> None:
        self._session = ServerSession(lambda path: presentation)
        self._groups = groups
        self._group: Group | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(MOST_UNSENT)

    def data_received(self, data: bytes) -> None:
        for event in self._session.receive(data):
            if isinstance(event, Play):
                self._transport.write(self._session.data_to_send())
                number = int(event.path.strip("/").split("/")[0])
                self._group = self._groups[number % len(self._groups)]
                self._group.clients.add(self._transport)
            elif isinstance(event, HangUp):
                self._transport.close()
        if answer := self._session.data_to_send():
            self._transport.write(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._group is not None:
            self._group.clients.discard(self._transport)


async def serve(clip: Path) -> None:
    footage = read(clip)
    count = len(footage.units)
    groups = [Group(footage, number * count // GROUPS) for number in range(GROUPS)]
    media = Media("video", payload_type=96, encoding="H264", clock_rate=RATE, control="track0")
    presentation = Presentation((media,))
    server = await asyncio.get_running_loop().create_server(
        lambda: Client(presentation, groups), "127.0.0.1", 0, backlog=1024
    )
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    began_s, shown = SYSTEM.monotonic_s(), 0
    while True:
        due = int((SYSTEM.monotonic_s() - began_s) * FPS)
        if due > shown:
            for group in groups:
                group.tick(due - shown)
            shown = due
        await asyncio.sleep(TICK_S)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("clip", type=Path)
    asyncio.run(serve(parser.parse_args().clip))


if __name__ == "__main__":
    main()
