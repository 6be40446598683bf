"""The supervisor: who dies alone, and in which order all stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from luytre.app.children import Child, Turns
from luytre.app.rtsp_port import RtspPort
from luytre.app.supervisor import RANK_RECORDER, RANK_SOURCE, RANK_WEB, Supervisor, node_children
from tests.app.test_children import logged, until

# Says when it starts and when it ends, into one file for all.
TELL = """
import os, signal, sys, time
name, path = sys.argv[1:3]
def tell(word):
    with open(path, "a") as file: file.write(f"{name} {word}\\n")
def end(*_):
    time.sleep(0.05)
    tell("ended")
    os._exit(0)
signal.signal(signal.SIGTERM, end)
tell("started")
time.sleep(600)
"""


def told(folder: Path) -> list[str]:
    path = folder / "told"
    return path.read_text().splitlines() if path.exists() else []


def tell(name: str, rank: int, folder: Path) -> Child:
    return Child(name, (sys.executable, "-c", TELL, name, str(folder / "told")), rank)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_web_dies_alone_and_all_stop_in_order(tmp_path: Path, number: signal.Signals) -> None:
    children = [
        tell("cameras", RANK_SOURCE, tmp_path),
        tell("recorder-0", RANK_RECORDER, tmp_path),
        tell("recorder-1", RANK_RECORDER, tmp_path),
        tell("web", RANK_WEB, tmp_path),
    ]

    async def main() -> None:
        supervisor = Supervisor(children, tmp_path)
        running = asyncio.create_task(supervisor.run())
        # A child may tell before its keeper has taken note of it.
        await until(lambda: len(told(tmp_path)) == 4 and all(one.pid for one in supervisor.keepers))
        web, *others = supervisor.keepers
        before = [keeper.pid for keeper in others]
        web.send(signal.SIGKILL)
        await until(lambda: told(tmp_path).count("web started") == 2)
        assert [keeper.pid for keeper in others] == before
        assert [keeper.starts for keeper in supervisor.keepers] == [2, 1, 1, 1]
        os.kill(os.getpid(), number)
        await asyncio.wait_for(running, 30)

    asyncio.run(main())
    ended = [line.split()[0] for line in told(tmp_path) if line.endswith("ended")]
    assert (ended[0], set(ended[1:3]), ended[3]) == ("web", {"recorder-0", "recorder-1"}, "cameras")


def test_a_second_signal_kills(tmp_path: Path) -> None:
    stubborn = (
        "import signal,time; signal.signal(15, signal.SIG_IGN); print('here', flush=True); time.sleep(600)"
    )

    async def main() -> None:
        supervisor = Supervisor([Child("a", (sys.executable, "-c", stubborn))], tmp_path, grace_s=3600)
        running = asyncio.create_task(supervisor.run())
        await until(lambda: (tmp_path / "a.log").exists())
        supervisor.stop()
        await asyncio.sleep(0.05)
        assert not running.done()
        supervisor.stop()
        await asyncio.wait_for(running, 30)

    asyncio.run(main())


def test_a_child_that_cannot_start_stops_the_others_and_is_reported(tmp_path: Path) -> None:
    async def main() -> None:
        missing = Child("b", (str(tmp_path / "nothing"),))
        await Supervisor([tell("a", RANK_WEB, tmp_path), missing], tmp_path).run()

    with pytest.raises(FileNotFoundError):
        asyncio.run(main())


def test_a_node_is_a_web_process_and_its_recorders(tmp_path: Path) -> None:
    children = node_children(tmp_path, 3, 7)
    assert [child.name for child in children] == [
        *("web", "notary", "attendant"),
        *("recorder-0", "recorder-1", "recorder-2"),
    ]
    assert children[0].pass_fds == (7,)
    assert children[5].command[-4:] == ("--shard", "2", "--shards", "3")
    assert all(child.pass_fds == () for child in children[1:])


def test_readers_have_a_process_of_their_own_that_goes_with_the_web(tmp_path: Path) -> None:
    children = node_children(tmp_path, 1, 7, RtspPort("127.0.0.1", 8554, 9))
    (restream,) = [child for child in children if child.name == "restream"]
    assert restream.command[-6:] == ("--host", "127.0.0.1", "--port", "8554", "--fd", "9")
    assert (restream.rank, restream.pass_fds) == (RANK_WEB, (9,))
    # Another program has the port: it is tried again by the process itself.
    (waiting,) = [
        c for c in node_children(tmp_path, 1, 7, RtspPort("::", 8554, None)) if c.name == "restream"
    ]
    assert "--fd" not in waiting.command
    assert waiting.pass_fds == ()


def test_the_notary_takes_turns_and_stands_back(tmp_path: Path) -> None:
    (notary,) = [child for child in node_children(tmp_path, 1, 7) if child.turns]
    assert notary.command[-2:] == ("luytre.app.notary", str(tmp_path))
    assert notary.turns is not None
    assert notary.nice > 0
    assert notary.turns.limit_s < notary.turns.period_s <= 3600


def test_a_periodic_child_that_fails_costs_nobody_anything(tmp_path: Path) -> None:
    turns = Turns(first_s=0.0, period_s=0.01, limit_s=60.0)
    missing = Child("missing", (str(tmp_path / "nothing"),), turns=turns)
    failing = Child("failing", (sys.executable, "-c", "print('turn'); raise SystemExit(3)"), turns=turns)

    async def main() -> None:
        supervisor = Supervisor([tell("web", RANK_WEB, tmp_path), missing, failing], tmp_path)
        running = asyncio.create_task(supervisor.run())
        starts = {keeper.child.name: keeper for keeper in supervisor.keepers}
        await until(lambda: starts["missing"].starts > 2 and logged(tmp_path, "failing").count("turn") > 2)
        await until(lambda: told(tmp_path) == ["web started"])
        assert starts["web"].starts == 1
        supervisor.stop()
        await asyncio.wait_for(running, 30)

    asyncio.run(main())
    assert told(tmp_path) == ["web started", "web ended"]
