"""On call: waits, in a tenth of the memory, until a camera is to be heard by ONVIF; then this process becomes the attendant.

    python -m luytre.app.on_call DIR        (a child of the supervisor)

Promises   the attendant is there within seconds of the registry's word for it.
Does not   go back: an attendant without cameras waits as one, until the node is started again.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Final

from luytre.cameras.attended import FILE

LOOK_S: Final = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="luytre.app.on_call")
    parser.add_argument("directory", type=Path)
    directory: Path = parser.parse_args().directory
    ending = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ending.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    while not (directory / "run" / FILE).exists():
        if ending.wait(LOOK_S):
            return
    os.execv(sys.executable, (sys.executable, "-m", "luytre.app.attendant", str(directory)))


if __name__ == "__main__":
    main()
