"""The keeper: one thread per volume and node (in the first recorder) that sweeps and reads lost files in.

Does not   stand in the writer's way: it has its own connection and takes the index for a batch at a time.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable

from luytre.archive.disk import Disk, OsDisk
from luytre.archive.index import Index
from luytre.archive.rebuild import PENDING, read_in, volume_lock
from luytre.archive.retention import Policy, Sweep, sweep
from luytre.archive.volume import Volume
from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error


class Keeper(threading.Thread):
    def __init__(
        self,
        volume: Volume,
        policy: Callable[[], Policy],
        *,
        every_s: float = 60.0,
        clock: Clock = SYSTEM,
        disk: Disk | None = None,
        on_error: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__(name=f"keeper-{volume.id[-6:]}", daemon=True)
        self._volume = volume
        self._policy = policy
        self._every_s = every_s
        self._clock = clock
        self._disk = disk or OsDisk()
        self._on_error = on_error
        self._wake = threading.Event()
        self._stopping = False

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    def sweep_soon(self) -> None:
        """The disk is full: do not wait for the next turn."""
        self._wake.set()

    def run(self) -> None:
        while not self._stopping:
            try:
                self.turn()
            except (OSError, sqlite3.Error, Error) as error:
                self._on_error(f"keeper of {self._volume.path}: {error}")
            self._wake.wait(self._every_s)
            self._wake.clear()

    def turn(self) -> Sweep:
        """One round: read in what a lost index left out, then sweep."""
        index = Index(self._volume.index_path, self._volume.id)
        try:
            if index.meta("import") == PENDING:
                with volume_lock(self._volume):
                    read_in(self._volume, index, self._disk, self._clock.wall_us())
            return sweep(self._volume, index, self._disk, self._policy(), self._clock.wall_us())
        finally:
            index.close()
