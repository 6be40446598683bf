"""A node with one camera and a writer at work, for the notary to come to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from luytre.app import daybook, notary
from luytre.app.store import Store
from luytre.archive.keys import StreamKey
from luytre.base.clock import ManualClock, to_us
from luytre.cameras.days import bounds
from tests.archive.builder import Ward

DAY_S = 86_400.0
SETTLED = 5 * 60 + 1


def us(text: str) -> int:
    return to_us(datetime.fromisoformat(text))


@dataclass
class Node:
    """A node with one camera, whose writer is at work on its first volume."""

    directory: Path
    clock: ManualClock
    key: StreamKey
    ward: Ward
    synchronised: bool = True

    def turn(self, day: str | None = None) -> bool:
        """The notary comes, right after `day` has settled if one is given."""
        if day is not None:
            self.until(day)
        return notary.take_turn(self.directory, self.clock, synchronised=lambda: self.synchronised)

    def until(self, day: str) -> None:
        """The clock goes to the moment from which `day`, a local day, is certified."""
        with closing(self.store()) as store:
            end = bounds(date.fromisoformat(day), store.zone)[1]
        self.clock.advance((end - self.clock.wall_us()) / 1e6 + SETTLED)

    def store(self) -> Store:
        return Store.open(self.directory, self.clock)

    def read(self, day: str) -> dict[str, Any]:
        return daybook.read(self.directory, date.fromisoformat(day))

    def stream(self, day: str, code: str = "DK-01") -> dict[str, Any]:
        """The one stream of a camera on a day."""
        (camera,) = [one for one in self.read(day)["cameras"] if one["code"] == code]
        (stream,) = camera["streams"]
        found: dict[str, Any] = stream
        return found

    def dates(self) -> list[str]:
        return [day.isoformat() for day in daybook.dates(self.directory)]


Maker = Callable[..., Node]
