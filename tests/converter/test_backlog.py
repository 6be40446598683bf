"""What comes at once is of the past: pictures enter at its end, and jumps are noticed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from luytre.base.clock import ManualClock
from luytre.base.errors import Error
from luytre.converter.conversion import Converting
from luytre.converter.plan import ForeignStream
from luytre.converter.source import Watch
from tests.converter.sources import FPS, coded

CLIP_S, BURST_S = 12, 6


@contextmanager
def burst_then_live(data: bytes) -> Iterator[int]:
    """A port where the first half comes at once and the rest in real time, in pieces of 50 ms."""
    stop = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            sock, _ = server.accept()
            with sock:
                sock.recv(4096)
                sock.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n")
                at = len(data) * BURST_S // CLIP_S
                sock.sendall(data[:at])
                piece = len(data) // (CLIP_S * 20)
                while at < len(data) and not stop.wait(0.05):
                    sock.sendall(data[at : at + piece])
                    at += piece

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stop.set()
            thread.join()


def test_a_backlog_is_entered_at_its_last_keyframe(tmp_path: Path) -> None:
    data = coded(tmp_path / "clip.ts", seconds=CLIP_S).read_bytes()
    with burst_then_live(data) as port:
        stream = ForeignStream("gate", "gate", "main", f"http://127.0.0.1:{port}/live.ts")
        with closing(Converting(stream, tmp_path, 1)) as converting:
            units = converting.units()
            first = next(units)[1]
            taken = [next(units)[1] for _ in range(FPS)]
    # MPEG-TS of libav begins at 1.4 s.
    entered_s = first.ticks / 90_000 - 1.4
    assert first.key
    assert BURST_S - 2.5 < entered_s < BURST_S + 1.5
    assert [unit.ticks for unit in taken] == sorted(unit.ticks for unit in taken)


@pytest.mark.parametrize(("step_s", "passed_s"), [(-5.0, 1.0), (20.0, 1.0)])
def test_times_that_jump_end_the_source(step_s: float, passed_s: float) -> None:
    clock = ManualClock()
    watch = Watch(clock)
    for at_s in (100.0, 100.04, 100.02, 101.0):
        watch.see(at_s)
    clock.advance(passed_s)
    with pytest.raises(Error) as caught:
        watch.see(101.0 + step_s)
    assert caught.value.cause == "timestamp_jump"


def test_a_source_may_pause(tmp_path: Path) -> None:
    clock = ManualClock()
    watch = Watch(clock)
    watch.see(1.0)
    clock.advance(30.0)
    watch.see(31.0)
    clock.advance(0.0)
    watch.see(31.5)
