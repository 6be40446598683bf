"""A child that works in turns: one at a time, killed when a turn lasts too long.

Promises   a turn that fails, cannot even be started, or cannot be ended, costs no other child anything: it is logged, and
           the next turn comes in its time.
Does not   know what the child does, nor make up for turns that were missed.
"""

from __future__ import annotations

import asyncio

from luytre.app.children import Keeper
from luytre.base import log

_log = log.get("supervisor")


class TurnKeeper(Keeper):
    """Starts the child when its turn comes, from `run()` until `stop()`."""

    async def run(self) -> None:
        """Returns after `stop()`."""
        turns = self.child.turns
        assert turns is not None
        await self._pause(turns.first_s)
        while not self._stopping.is_set():
            began_s = self._clock.monotonic_s()
            await self._turn(turns.limit_s)
            lasted_s = self._clock.monotonic_s() - began_s
            await self._pause(max(turns.period_s - lasted_s, 0.0))

    async def _turn(self, limit_s: float) -> None:
        life = asyncio.create_task(self._live())
        done, _ = await asyncio.wait([life], timeout=limit_s)
        if not done:
            _log.warning("turn lasts too long, killed", child=self.child.name, limit_s=limit_s)
            # A child that is only just being started could not be killed, and would be waited for without end.
            async with self._starting:
                pass
            await self._kill()
        try:
            code = await life
        except OSError as error:
            _log.error("turn could not be started", child=self.child.name, error=str(error))
            return
        if code != 0 and not self._stopping.is_set():
            output = f"log/{self.child.name}.log"
            _log.warning("turn failed, the next one comes", child=self.child.name, code=code, output=output)
