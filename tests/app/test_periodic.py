"""Children in turns: one after the other, killed when they last too long, ended with the others."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from luytre.app.children import Child, Turns
from luytre.app.periodic import TurnKeeper
from tests.app.test_children import LOOP, STUBBORN, logged, until


def keeper(
    folder: Path, code: str, *, limit_s: float = 60.0, first_s: float = 0.0, nice: int = 0
) -> TurnKeeper:
    turns = Turns(first_s=first_s, period_s=0.01, limit_s=limit_s)
    return TurnKeeper(Child("turn", (sys.executable, "-c", code), nice=nice, turns=turns), folder)


async def stopped(one: TurnKeeper, running: asyncio.Task[None], grace_s: float = 30.0) -> None:
    await one.stop(grace_s)
    await asyncio.wait_for(running, 30)
    assert one.pid is None


def test_one_turn_after_the_other_at_its_niceness(tmp_path: Path) -> None:
    # A turn that begins while another one is there would find its file.
    code = (
        "import os; path = '{}'; os.close(os.open(path, os.O_CREAT | os.O_EXCL));"
        "os.write(1, b'nice %d\\n' % os.nice(0)); os.unlink(path)"
    ).format(tmp_path / "here")

    async def main() -> None:
        one = keeper(tmp_path, code, nice=7)
        running = asyncio.create_task(one.run())
        await until(lambda: logged(tmp_path, "turn").count("nice") >= 3)
        await stopped(one, running)

    asyncio.run(main())
    expected = f"nice {min(os.nice(0) + 7, 19)}"
    lines = logged(tmp_path, "turn").splitlines()
    assert set(lines[:3]) == {expected}
    assert "Traceback" not in logged(tmp_path, "turn")


def test_a_turn_that_lasts_too_long_is_killed_and_the_next_one_comes(tmp_path: Path) -> None:
    async def main() -> None:
        one = keeper(tmp_path, STUBBORN, limit_s=0.01)
        running = asyncio.create_task(one.run())
        await until(lambda: one.starts >= 3)
        await stopped(one, running, grace_s=0.01)

    asyncio.run(main())


def test_a_stop_ends_the_turn_and_the_waiting(tmp_path: Path) -> None:
    async def main() -> None:
        busy, waiting = keeper(tmp_path, LOOP), keeper(tmp_path, LOOP, first_s=3600.0)
        running = [asyncio.create_task(one.run()) for one in (busy, waiting)]
        await until(lambda: "here" in logged(tmp_path, "turn"))
        await stopped(busy, running[0])
        await stopped(waiting, running[1])
        assert (busy.starts, waiting.starts) == (1, 0)

    asyncio.run(main())


class _Unkillable(TurnKeeper):
    """Its processes are as those that wait for a hung disk: no signal ends them."""

    def send(self, number: signal.Signals) -> None:
        return


@pytest.mark.parametrize("stops", [False, True], ids=["its-turn-is-over", "the-node-stops"])
def test_a_process_that_nothing_ends_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stops: bool
) -> None:
    monkeypatch.setattr("luytre.app.children.KILLED_S", 0.05)

    async def main() -> None:
        turns = Turns(first_s=0.0, period_s=0.01, limit_s=60.0 if stops else 0.01)
        one = _Unkillable(Child("turn", (sys.executable, "-c", LOOP), turns=turns), tmp_path)
        running = asyncio.create_task(one.run())
        left = set()
        while one.starts < (1 if stops else 3) or one.pid is None:
            left |= {one.pid} - {None}
            await asyncio.sleep(0.001)
        left.add(one.pid)
        await stopped(one, running, grace_s=0.01)
        # The disk answers again.
        for pid in left:
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
        await until(lambda: not any(psutil.pid_exists(pid) for pid in left if pid is not None))

    asyncio.run(main())
