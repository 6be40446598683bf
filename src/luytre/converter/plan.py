"""What the converter is to convert: `run/foreign.json`, written by the registry (design/converter.md).

The file holds camera passwords, so it is only readable by the node's own user.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from luytre.base.errors import Error, Kind
from luytre.base.private_file import save_json

FILE: Final = "foreign.json"


@dataclass(frozen=True, slots=True)
class ForeignStream:
    """`url` without credentials, of any kind that `source.py` opens. `audio`: is its sound wanted?"""

    camera: str
    code: str
    stream: str
    url: str = field(repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    audio: bool = False

    @property
    def socket(self) -> str:
        """Name of the Unix socket in `run/` where it is asked for."""
        return f"{_name(self.camera, self.stream)}.sock"


@dataclass(frozen=True, slots=True)
class ForeignPlan:
    """`max_encodes`: so many streams are encoded at the same time."""

    streams: tuple[ForeignStream, ...] = ()
    max_encodes: int = 1


def state_file(camera: str, stream: str) -> str:
    """Name of the file in `run/` with what is done to the stream (state.py)."""
    return f"{_name(camera, stream)}.json"


def _name(camera: str, stream: str) -> str:
    return f"convert-{camera}-{stream}"


def save(plan: ForeignPlan, path: Path) -> None:
    """Atomic: a reader sees the old plan or the new one, whole."""
    save_json(path, asdict(plan))


def load(path: Path) -> ForeignPlan:
    """Raises Error(NOT_FOUND) without a file, Error(INVALID) for one that is no plan."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        streams = tuple(ForeignStream(**stream) for stream in fields["streams"])
        return ForeignPlan(streams, int(fields["max_encodes"]))
    except FileNotFoundError as error:
        raise Error(
            Kind.NOT_FOUND, f"{path} is missing", hint="Start the node with `luytre run`: it writes the plan."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise Error(
            Kind.INVALID, f"{path} is no plan", hint="Restart the node: it writes the plan again."
        ) from error
