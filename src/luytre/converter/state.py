"""What the converter does to one stream, and what that costs: `run/convert-<camera>-<stream>.json`.

Written by the worker every 5 s, removed when it ends; who reads it asks how old it is.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from luytre.converter.plan import state_file

EVERY_S: Final = 5.0
# A worker that has said nothing for so long is gone, or as good as gone.
STALE_US: Final = 20_000_000


@dataclass(frozen=True, slots=True)
class Conversion:
    """source, target  the picture's codec as it comes, and as it is recorded
    encoded         whether pictures are encoded, which costs; else they are only repacked
    cpu             share of one core that the worker used over the last 10 s, 0 to 1 and more
    fps             pictures a second over the same time
    """

    source: str
    target: str
    encoded: bool
    cpu: float
    fps: float


def write(path: Path, told: Conversion, now_us: int) -> None:
    """Whoever reads sees the old words or the new ones. A full disk costs the words, no more."""
    fresh = path.with_name(f"{path.name}.new")
    with suppress(OSError):
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"at_us": now_us, **asdict(told)}, file)
        fresh.rename(path)


def read(run_folder: Path, camera: str, stream: str, now_us: int) -> Conversion | None:
    """What is done to a stream now; None where nothing is."""
    try:
        fields = json.loads((run_folder / state_file(camera, stream)).read_text(encoding="utf-8"))
        at_us = int(fields.pop("at_us"))
        return Conversion(**fields) if abs(now_us - at_us) <= STALE_US else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
