"""Threads of their own for what waits for a place to be converted in, which may take minutes.

Promises   however many ask for converted pictures, no other route waits for a thread; who finds none free here is refused at
           once with `renditions_full`; films and pieces do not take each other's.
Does not   say how many are converted at once: cameras/renditions/places.py does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import HTTPConnection

from luytre.api.ranges import in_threads
from luytre.cameras.renditions.places import Places

# How many may wait besides those that are converted.
WAITING: Final = 4


class _Threads:
    """So many, and how many requests are inside: each has a thread, or is about to take one."""

    def __init__(self, places: Places) -> None:
        self.limiter = CapacityLimiter(places.most + WAITING)
        self._places = places
        self._inside = 0

    @contextmanager
    def entered(self) -> Iterator[None]:
        if self._inside >= self.limiter.total_tokens or self.limiter.available_tokens <= 0:
            raise self._places.refusal()
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1


class Converting:
    """One for an application; all of it in the event loop."""

    def __init__(self, places: Places) -> None:
        self._pieces = _Threads(places)
        self._films = _Threads(places)

    async def piece(self, make: Callable[[], bytes]) -> bytes:
        """Raises Error(UNAVAILABLE, cause="renditions_full"), and what `make` does."""
        with self._pieces.entered():
            return await run_sync(make, limiter=self._pieces.limiter)

    async def film(self, chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
        """The same chunks; the first is made before this returns. Raises as `piece`."""
        made = in_threads(chunks, self._films.limiter)
        with self._films.entered():
            return _after(await anext(made), made)


def converting_of(connection: HTTPConnection) -> Converting:
    """That of the application which is asked."""
    converting: Converting = connection.app.state.converting
    return converting


async def _after(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
