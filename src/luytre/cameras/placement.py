"""Which volume a camera is recorded to, and which ones step in for it.

Promises   both streams of a camera on one volume; cameras spread by weight; one more volume moves only its share; a
           disk that is away, or a little smaller, moves none.
Does not   look how full a disk is: cameras that wander as disks fill would scatter what belongs together.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Final

from luytre.archive.volume import open_volume
from luytre.base import log
from luytre.base.config import VolumeConfig
from luytre.base.errors import Error
from luytre.recorder.berth import in_thread

WEIGHTS_FILE: Final = "weights.json"
_TIB: Final = 2**40
# A disk counts as another one when its size has changed by more than this factor.
_ANOTHER: Final = 1.5

# Of all volumes together: a node begins, and cameras are changed, also beside a disk that hangs.
PATIENCE_S: Final = 2.0

_log = log.get("cameras")
# The last question to each disk, by path.
_waiting: Final[dict[str, Future[float | None]]] = {}


def order(camera: str, weights: Mapping[str, float]) -> tuple[str, ...]:
    """All volumes for a camera's id, its own first, then the spares in the order in which to fall back on them; those
    of weight 0 last.

    Weighted rendezvous hashing (Schindelhauer and Schomaker, "Weighted distributed hash tables", 2005): nothing to
    store, and every process finds the same.
    """

    def score(volume: str) -> float:
        digest = hashlib.sha256(f"{camera}\0{volume}".encode()).digest()
        chance = (int.from_bytes(digest[:6], "big") + 0.5) / 2**48
        return -weights[volume] / math.log(chance)

    return tuple(sorted(weights, key=lambda volume: (-score(volume), volume)))


def weigh(
    volumes: Sequence[VolumeConfig], memory: Path | None, patience_s: float = PATIENCE_S
) -> dict[str, float]:
    """Each volume's weight, in TiB, by path: the one that is set, or the size of its disk, told roughly. What was
    found is remembered in the file `memory`, for the day on which the disk is away. A disk that says nothing within
    `patience_s`, for all of them together, counts as away.
    """
    known = _recall(memory)
    asked = {str(one.path): _ask(one, known.get(str(one.path))) for one in volumes}
    answered, _ = wait(asked.values(), patience_s)
    sizes = {}
    for path, answer in asked.items():
        size = (answer.result() if answer in answered else None) or known.get(path)
        if size is not None:
            sizes[path] = size
    if memory is not None and sizes != known:
        _remember(memory, sizes)
    weights = {str(one.path): one.weight or sizes.get(str(one.path), 0.0) for one in volumes}
    # A disk that was never seen gets no cameras until it is; where none was, they are all alike.
    return weights if any(weights.values()) else dict.fromkeys(weights, 1.0)


def _ask(volume: VolumeConfig, before: float | None) -> Future[float | None]:
    """Measured in a thread of its own. While one still waits for a disk that hangs, no other joins it."""
    path = str(volume.path)
    waiting = _waiting.get(path)
    if waiting is not None and not waiting.done():
        return waiting
    answer = _waiting[path] = in_thread(lambda: _measured(volume, before))
    return answer


def _measured(volume: VolumeConfig, before: float | None) -> float | None:
    """From the disk's size, rounded to a power of the root of two; None while the disk is away."""
    try:
        # Only the marker says that what is mounted there is the volume and not the system disk behind it.
        total, _ = open_volume(volume.path).space()
    except Error:
        return None
    size = max(min(total, volume.max_bytes or total), 1) / _TIB
    if before is not None and 1 / _ANOTHER < size / before < _ANOTHER:
        return before
    return float(2 ** (round(2 * math.log2(size)) / 2))


def _recall(memory: Path | None) -> dict[str, float]:
    if memory is None:
        return {}
    try:
        kept = json.loads(memory.read_text(encoding="utf-8"))
        weights = {str(path): float(weight) for path, weight in kept.items()}
        return {path: weight for path, weight in weights.items() if 0 < weight < math.inf}
    except (OSError, ValueError, TypeError, AttributeError):
        # Nothing in it that cannot be measured again.
        return {}


def _remember(memory: Path, weights: Mapping[str, float]) -> None:
    fresh = memory.with_name(f"{memory.name}.{os.getpid()}.new")
    try:
        fresh.write_text(json.dumps(weights, ensure_ascii=False, indent=1), encoding="utf-8")
        fresh.rename(memory)
    except OSError as error:
        # Costs at most that cameras move while a disk is away.
        _log.warning("weights of volumes are not remembered", error=str(error))
