"""What a worker is told on its standard input, where no other process sees it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from luytre.converter.plan import ForeignStream


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is told on its standard input.

    max_encodes  so many may be encoded at the same time; 0: it is not counted
    parent       whose end is its own
    seconds      how long a probe looks
    """

    stream: ForeignStream
    run_folder: str
    max_encodes: int
    parent: int
    seconds: float = 0.0

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @staticmethod
    def from_json(data: bytes) -> Order:
        fields = json.loads(data)
        return Order(**{**fields, "stream": ForeignStream(**fields["stream"])})
