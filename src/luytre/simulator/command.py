"""`luytre sim`, without its argument parsing: simulated cameras until interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from luytre.media.rtsp.auth import Credentials, Scheme
from luytre.media.rtsp.server import Guard
from luytre.simulator.assembly import drawn, of_clip
from luytre.simulator.certificate import self_signed
from luytre.simulator.clips import AudioName
from luytre.simulator.server import Simulator
from luytre.simulator.sources import VideoName


@dataclass(frozen=True, slots=True)
class Ready:
    """The simulator listens. `urls` has main and sub address of each camera, without credentials.

    `certificate` is its SHA-256 in hexadecimal digits, "" without TLS.
    """

    host: str
    port: int
    urls: tuple[tuple[str, str], ...]
    user: str
    password: str = field(repr=False)
    certificate: str = ""


def credentials(auth: Scheme, user: str, password: str) -> Credentials:
    """Those that were given; without a password a new one is made up, without `auth` there are none."""
    if auth == "none":
        return Credentials("", "")
    return Credentials(user or "admin", password or secrets.token_urlsafe(9))


def run(
    port: int = 0,
    cameras: int = 1,
    clip: Path | None = None,
    codec: VideoName = "h264",
    audio: AudioName = "none",
    auth: Scheme = "none",
    user: str = "",
    password: str = "",
    host: str = "127.0.0.1",
    tls: bool = False,
    ready: Callable[[Ready], None] | None = None,
    runner: Callable[..., None] = asyncio.run,
) -> None:
    """Serve until cancelled or Ctrl-C. `runner` runs the coroutine (asyncio.run, uvloop.run).

    Raises Error when the clip cannot be shown or the port is taken.
    """
    who = credentials(auth, user, password)
    if clip is not None:
        made = of_clip(cameras, clip, codec=codec, audio=audio)
    else:
        made = [drawn(number, codec=codec, audio=audio) for number in range(1, cameras + 1)]
    certificate = self_signed(host) if tls else None
    simulator = Simulator(made, port, host=host, guard=Guard(auth, who), certificate=certificate)

    async def main() -> None:
        async with simulator:
            if ready is not None:
                urls = tuple(
                    (simulator.url(camera.number), simulator.url(camera.number, "sub")) for camera in made
                )
                fingerprint = certificate.sha256 if certificate else ""
                ready(Ready(host, simulator.port, urls, who.user, who.password, fingerprint))
            await asyncio.Event().wait()

    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        runner(main())
