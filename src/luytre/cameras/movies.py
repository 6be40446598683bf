"""Movies that are being fetched in pieces: made once, and kept while their player seeks.

Promises   all pieces of one sitting come from the same bytes, also while the span is still being recorded.
Does not   hold pictures: a movie is a header in memory and places in segment files.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from luytre.archive.keys import Span, StreamKey
from luytre.base.clock import Clock

KEPT_S = 60.0
KEPT = 32
# The header of a day at 25 pictures a second takes about 25 MB.
KEPT_BYTES = 64 << 20


class Headed(Protocol):
    """What counts of a movie here: how much memory it takes."""

    @property
    def header(self) -> bytes: ...


MovieT = TypeVar("MovieT", bound=Headed)


class Movies(Generic[MovieT]):
    """Thread-safe. `make` reads every part's table once, which takes seconds for a day."""

    def __init__(self, make: Callable[[StreamKey, Span], MovieT], clock: Clock) -> None:
        self._make = make
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[StreamKey, Span], tuple[float, MovieT]] = OrderedDict()
        self._turns: dict[tuple[StreamKey, Span], threading.Lock] = {}

    def get(self, key: StreamKey, span: Span) -> MovieT:
        """The movie of a span; several who ask at once wait for one making. Raises what `make` raises."""
        wanted = (key, span)
        with self._lock:
            turn = self._turns.setdefault(wanted, threading.Lock())
        try:
            with turn:
                movie = self._known(wanted)
                if movie is None:
                    movie = self._make(key, span)
                    self._keep(wanted, movie)
                return movie
        finally:
            with self._lock:
                self._turns.pop(wanted, None)

    def _known(self, wanted: tuple[StreamKey, Span]) -> MovieT | None:
        with self._lock:
            made_s, movie = self._kept.get(wanted, (0.0, None))
            if movie is None or self._clock.monotonic_s() - made_s > KEPT_S:
                return None
            self._kept.move_to_end(wanted)
            return movie

    def _keep(self, wanted: tuple[StreamKey, Span], movie: MovieT) -> None:
        with self._lock:
            self._kept[wanted] = (self._clock.monotonic_s(), movie)
            self._kept.move_to_end(wanted)
            while len(self._kept) > KEPT or (
                len(self._kept) > 1 and sum(len(m.header) for _, m in self._kept.values()) > KEPT_BYTES
            ):
                self._kept.popitem(last=False)
