"""The converter's processes: who is started when, who ends, what is said, and that nobody else is hurt."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from luytre.converter import launch
from luytre.converter.plan import ForeignPlan, ForeignStream, load, save
from luytre.converter.process import Crashes
from tests.converter.sources import SnapshotServer, serving
from tests.converter.ward import PATIENT, OddWard, until


def workers() -> list[psutil.Process]:
    """Those of this process."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if "luytre.converter.worker" in child.cmdline():
                found.append(child)
    return found


@contextmanager
def speaking(answer: bytes, hang: bool) -> Iterator[int]:
    """A port where something answers each connection with `answer`, and then hangs or closes."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        held: list[socket.socket] = []

        def serve() -> None:
            while not stop.is_set():
                with suppress(OSError):
                    sock, _ = server.accept()
                    sock.settimeout(1.0)
                    sock.recv(4096)
                    sock.sendall(answer)
                    if hang:
                        held.append(sock)
                    else:
                        sock.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stop.set()
            thread.join()
            for sock in held:
                sock.close()


def test_nothing_is_pulled_while_nobody_records(tmp_path: Path) -> None:
    server = SnapshotServer("none", "", "")
    ward = OddWard(tmp_path / "node")
    ward.odd("gate", server.url())

    async def main() -> None:
        async with ward.converting():
            assert workers() == []
            ward.write()
            async with ward.recording(PATIENT) as ear:
                await ear.until(lambda: ear.is_state("gate", "recording"), "recording", 40.0)
                assert len(workers()) == 1
            await until(lambda: workers() == [], "the worker goes with the recorder")

    assert server.asked == 0
    with serving(server):
        asyncio.run(main())
    assert server.asked > 0
    assert list(ward.run_folder.glob("convert-*")) == []


def test_a_killed_worker_is_told_and_tried_again(tmp_path: Path) -> None:
    server = SnapshotServer("none", "", "")
    ward = OddWard(tmp_path / "node")
    ward.odd("gate", f"{server.url()}#every=0.5")
    ward.odd("yard", f"{server.url()}#every=0.5")

    async def main() -> None:
        async with ward.converting():
            ward.write()
            async with ward.recording(PATIENT) as ear:
                await ear.until(lambda: ear.is_state("gate", "recording"), "gate", 40.0)
                await ear.until(lambda: ear.is_state("yard", "recording"), "yard", 40.0)
                (victim,) = [one for one in workers() if _camera(ward, one) == "gate"]
                victim.send_signal(signal.SIGSEGV)
                await ear.until(lambda: ear.is_state("gate", "retrying", "converter_failed"), "told", 40.0)
                await ear.until(lambda: ear.is_state("gate", "recording"), "again", 40.0)
                assert ear.is_state("yard", "recording")

    with serving(server):
        asyncio.run(main())
    assert len(ward.coverage("yard").spans) == 1
    assert ward.check() == []


def _camera(ward: OddWard, worker: psutil.Process) -> str:
    assert ward.converter is not None
    for camera, foreign in ward.foreign.items():
        if ward.converter.pid_of(foreign.socket) == worker.pid:
            return camera
    return ""


def test_no_more_are_encoded_than_may_be(tmp_path: Path) -> None:
    server = SnapshotServer("none", "", "")
    ward = OddWard(tmp_path / "node")
    ward.max_encodes = 1
    ward.odd("gate", server.url())
    ward.odd("yard", server.url())

    async def main() -> None:
        async with ward.converting():
            ward.write()
            async with ward.recording(PATIENT) as ear:
                await ear.until(
                    lambda: any(
                        ear.is_state(one, "recording") and ear.is_state(other, "retrying", "converter_busy")
                        for one, other in (("gate", "yard"), ("yard", "gate"))
                    ),
                    "one records, one waits",
                    40.0,
                )

    with serving(server):
        asyncio.run(main())


GARBAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=x\r\n\r\n" + bytes(range(256)) * 64
)


@pytest.mark.parametrize(
    ("answer", "hang", "causes"),
    [
        (b"", True, {"timeout"}),
        (b"", False, {"closed_by_camera"}),
        (GARBAGE, False, {"bad_media", "closed_by_camera"}),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", False, {"not_found"}),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", False, {"auth_failed"}),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", False, {"server_error"}),
        (
            b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n",
            False,
            {"not_found"},
        ),
    ],
    ids=["hangs", "closes", "garbage", "not found", "forbidden", "busy", "to a file"],
)
def test_a_bad_source_is_named_and_hurts_nobody(
    tmp_path: Path, answer: bytes, hang: bool, causes: set[str]
) -> None:
    server = SnapshotServer("none", "", "")
    ward = OddWard(tmp_path / "node")
    ward.odd("good", f"{server.url()}#every=0.5")

    async def main(port: int) -> None:
        ward.odd("bad", f"http://127.0.0.1:{port}/x", "ward", "tre-lang")
        async with ward.converting():
            ward.write()
            async with ward.recording(PATIENT) as ear:
                await ear.until(
                    lambda: any(ear.is_state("bad", "retrying", c) for c in causes), "named", 40.0
                )
                await ear.until(lambda: ear.is_state("good", "recording"), "good", 40.0)

    with serving(server), speaking(answer, hang) as port:
        asyncio.run(main(port))
    assert len(ward.coverage("good").spans) == 1
    assert ward.coverage("bad").spans == []


def test_a_wrong_password_is_tried_once_and_never_shown(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server = SnapshotServer("digest", "ward", "right")
    ward = OddWard(tmp_path / "node")
    ward.odd("gate", server.url(), "ward", "S3cretW0rd")
    seen: list[str] = []

    async def main() -> None:
        async with ward.converting():
            ward.write()
            async with ward.recording(PATIENT) as ear:
                while not ear.is_state("gate", "retrying", "auth_failed"):
                    for child in psutil.Process().children(recursive=True):
                        with suppress(psutil.Error):
                            seen.append(" ".join(child.cmdline()) + str(child.environ()))
                    await asyncio.sleep(0.02)

    with serving(server):
        asyncio.run(main())
    assert server.logins == 1
    assert any("luytre.converter.worker" in words for words in seen)
    logged = capfd.readouterr()
    assert "auth_failed" in logged.err
    assert "S3cretW0rd" not in logged.err + logged.out + "".join(seen)


def test_a_worker_dies_with_its_parent(tmp_path: Path) -> None:
    """Told of another parent than it has, as when that was killed: it ends before it opens anything."""
    server = SnapshotServer("none", "", "")
    stream = ForeignStream("gate", "gate", "main", server.url())

    async def main() -> int:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            process = await launch.start("luytre.converter.worker", theirs, stream, tmp_path, 1, parent=1)
            return await asyncio.wait_for(process.wait(), 60)

    with serving(server):
        assert asyncio.run(main()) == 1
    assert server.asked == 0


def test_waits_after_crashes_grow() -> None:
    crashes = Crashes()
    waits = []
    for _ in range(8):
        crashes.add(100.0, 0.5, "signal 11")
        waits.append(crashes.wait_s)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    refused = crashes.refusal(130.0)
    assert refused is not None
    assert (refused.cause, "signal 11" in refused.message) == ("converter_failed", True)
    assert crashes.refusal(160.0) is None
    crashes.add(1000.0, 600.0, "signal 6")
    assert crashes.wait_s == 1


def test_the_plan_is_kept_private(tmp_path: Path) -> None:
    made = ForeignPlan((ForeignStream("a", "A", "main", "rtmp://h/x", "u", "p", True),), 3)
    path = tmp_path / "run" / "foreign.json"
    save(made, path)
    assert load(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert "rtmp" not in repr(made)


def test_a_camera_taken_away_is_let_go_of(tmp_path: Path) -> None:
    server = SnapshotServer("none", "", "")
    ward = OddWard(tmp_path / "node")
    ward.odd("gate", server.url())

    async def main() -> None:
        async with ward.converting():
            ward.write()
            async with ward.recording(PATIENT) as ear:
                await ear.until(lambda: ear.is_state("gate", "recording"), "recording", 40.0)
                path = ward.run_folder / ward.foreign["gate"].socket
                ward.foreign.clear()
                ward.write_foreign()
                await until(lambda: not path.exists() and workers() == [], "let go of")

    with serving(server):
        asyncio.run(main())
