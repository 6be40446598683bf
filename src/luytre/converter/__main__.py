"""python -m luytre.converter DIR: what the supervisor starts."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from luytre.base import log
from luytre.converter.process import Converter


async def _run(directory: Path) -> None:
    await Converter(directory).run()


def main() -> None:
    parser = argparse.ArgumentParser(prog="luytre.converter")
    parser.add_argument("directory", type=Path)
    given = parser.parse_args()
    log.configure()
    asyncio.run(_run(given.directory))


if __name__ == "__main__":
    main()
