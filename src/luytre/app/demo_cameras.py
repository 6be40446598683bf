"""The demonstration's cameras: a process of their own, as real cameras would be.

    python -m luytre.app.demo_cameras --port PORT

Promises   camera N shows a drawn street with the clock and its code, main and sub, at /camN/main and
           /camN/sub.
"""

from __future__ import annotations

import argparse
import asyncio

from luytre.app.demo_ward import CAMERAS, HOST
from luytre.simulator.assembly import drawn
from luytre.simulator.server import Simulator


async def serve(port: int) -> None:
    """Until cancelled."""
    cameras = [drawn(number, label=code) for number, (code, _) in enumerate(CAMERAS, 1)]
    async with Simulator(cameras, port, host=HOST):
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="luytre.app.demo_cameras")
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
