"""Children: waits grow, output is kept, dying children come back, stopped ones stay gone."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from luytre.app.children import GOOD_LIFE_S, LONGEST_WAIT_S, Child, Keeper, LogFile, Waits
from luytre.base.clock import SYSTEM

LOOP = "import time\nprint('here', flush=True)\ntime.sleep(600)"
STUBBORN = "import signal,time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('here', flush=True)\ntime.sleep(600)"


class NoWaits(Waits):
    def after(self, life_s: float) -> float:
        return 0.0


def child(name: str, code: str) -> Child:
    return Child(name, (sys.executable, "-c", code))


async def until(condition: Callable[[], bool], patience_s: float = 30) -> None:
    end_s = SYSTEM.monotonic_s() + patience_s
    while not condition():
        assert SYSTEM.monotonic_s() < end_s, "it never happened"
        await asyncio.sleep(0.01)


def logged(folder: Path, name: str) -> str:
    path = folder / f"{name}.log"
    return path.read_text() if path.exists() else ""


def test_waits_grow_are_jittered_and_begin_again_after_a_good_life() -> None:
    waits = Waits(random.Random(1))
    found = [waits.after(0.1) for _ in range(12)]
    for wait_s, top_s in zip(found, [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, *[LONGEST_WAIT_S] * 6], strict=True):
        assert top_s / 2 <= wait_s <= top_s
    assert len(set(found[6:])) == 6
    assert waits.after(GOOD_LIFE_S) <= 0.2
    assert 0.2 <= waits.after(0.1) <= 0.4


def test_log_files_turn_over(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "x.log", limit=10)
    for number in range(8):
        log.write(f"line {number}\n".encode())
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["x.log", "x.log.1", "x.log.2", "x.log.3", "x.log.4"]
    assert (tmp_path / "x.log").read_text() == "line 7\n"
    assert (tmp_path / "x.log.4").read_text() == "line 3\n"
    LogFile(tmp_path / "no folder" / "x.log").write(b"lost, not fatal")


async def kept_alive(folder: Path) -> None:
    keeper = Keeper(child("a", LOOP), folder, waits=NoWaits())
    task = asyncio.create_task(keeper.run())
    await until(lambda: "here" in logged(folder, "a"))
    first = keeper.pid
    keeper.send(signal.SIGKILL)
    await until(lambda: logged(folder, "a").count("here") == 2)
    second = keeper.pid
    assert keeper.starts == 2
    assert first != second
    await keeper.stop(10)
    await asyncio.wait_for(task, 10)
    assert keeper.pid is None
    assert second is not None
    assert not psutil.pid_exists(second)


def test_a_child_that_dies_comes_back_and_a_stopped_one_does_not(tmp_path: Path) -> None:
    asyncio.run(kept_alive(tmp_path))


def test_a_child_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    async def main() -> None:
        keeper = Keeper(child("a", STUBBORN), tmp_path)
        task = asyncio.create_task(keeper.run())
        await until(lambda: "here" in logged(tmp_path, "a"))
        pid = keeper.pid
        await keeper.stop(0.05)
        await asyncio.wait_for(task, 10)
        assert pid is not None
        assert not psutil.pid_exists(pid)

    asyncio.run(main())


def test_stopping_while_starting_leaves_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        keeper = Keeper(child("a", LOOP), tmp_path)
        task = asyncio.create_task(keeper.run())
        await asyncio.sleep(0)
        await keeper.stop(10)
        await asyncio.wait_for(task, 10)
        assert keeper.pid is None

    asyncio.run(main())
    assert [one for one in psutil.Process().children() if "time.sleep" in " ".join(one.cmdline())] == []


def test_stopping_during_the_wait_for_a_restart_is_quick(tmp_path: Path) -> None:
    class LongWaits(Waits):
        def after(self, life_s: float) -> float:
            return 3600.0

    async def main() -> None:
        keeper = Keeper(child("a", "print('here')"), tmp_path, waits=LongWaits())
        task = asyncio.create_task(keeper.run())
        await until(lambda: keeper.starts == 1 and keeper.pid is None and "here" in logged(tmp_path, "a"))
        await keeper.stop(10)
        await asyncio.wait_for(task, 10)

    asyncio.run(main())


def test_a_command_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    keeper = Keeper(Child("a", (str(tmp_path / "nothing"),)), tmp_path)
    with pytest.raises(FileNotFoundError):
        asyncio.run(keeper.run())


def test_a_restart_that_fails_is_tried_again(tmp_path: Path) -> None:
    """As when the machine has no process or no memory left for a while."""

    class Counted(Waits):
        count = 0

        def after(self, life_s: float) -> float:
            self.count += 1
            return 0.0

    waits = Counted()
    program, away = tmp_path / "program", tmp_path / "away"
    program.write_text(f"#!{sys.executable}\n{LOOP}\n")
    program.chmod(0o700)

    async def main() -> None:
        keeper = Keeper(Child("a", (str(program),)), tmp_path, waits=waits)
        task = asyncio.create_task(keeper.run())
        await until(lambda: "here" in logged(tmp_path, "a"))
        program.rename(away)
        keeper.send(signal.SIGKILL)
        await until(lambda: waits.count >= 3 or task.done())
        assert not task.done()
        assert keeper.pid is None
        away.rename(program)
        await until(lambda: logged(tmp_path, "a").count("here") == 2)
        await keeper.stop(10)
        await asyncio.wait_for(task, 10)

    asyncio.run(main())


PARENT = """
import asyncio, sys
from pathlib import Path
from luytre.app.children import Child, Keeper
async def main():
    keeper = Keeper(Child("a", (sys.executable, "-c", sys.argv[2])), Path(sys.argv[1]))
    task = asyncio.create_task(keeper.run())
    while keeper.pid is None or "here" not in (Path(sys.argv[1]) / "a.log").read_text():
        await asyncio.sleep(0.01)
    print(keeper.pid, flush=True)
    await task
asyncio.run(main())
"""


def test_children_die_with_their_parent_even_when_it_is_killed(tmp_path: Path) -> None:
    (tmp_path / "a.log").touch()
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), LOOP], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    orphan = psutil.Process(int(parent.stdout.readline()))
    assert orphan.is_running()
    parent.kill()
    parent.communicate()
    gone, alive = psutil.wait_procs([orphan], timeout=30)
    assert (len(gone), alive) == (1, [])
