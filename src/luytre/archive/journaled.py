"""A disk whose writes go to a journal on a quick disk first, and to itself in large pieces now and then.

Promises   a journal that fails never stops recording: the disk is flushed the plain way from then on, and it is told.
Does not   speed up reading, nor keep the index (the index is healed from the files).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from luytre.archive.disk import Disk, flush
from luytre.archive.journal import CREATE, TRUNCATE, UNLINK, WRITE, JournalFile
from luytre.archive.replay import forget, replay
from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error

# How often what was written is made safe: in the journal, and without one on the disk itself.
JOURNAL_FLUSH_S = 2.0
PLAIN_FLUSH_S = 10.0
# A journal that failed is tried again after this.
AGAIN_S = 60.0
# A journal larger than this is not waited for: the disk is flushed at once.
MAX_BYTES = 2 << 30


class JournaledDisk:
    """Used by one writer thread. `flush_s`: how often the disk itself is flushed, in the background. `on_error`: the
    journal failed, or is there again.
    """

    def __init__(
        self,
        inner: Disk,
        folder: Path,
        flush_s: float,
        *,
        clock: Clock = SYSTEM,
        on_error: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._inner = inner
        self._folder = folder
        self._flush_s = flush_s
        self._clock = clock
        self._on_error = on_error
        self._root = Path()
        self._volume_id = ""
        self._journal: JournalFile | None = None
        self._flushed_s = self._failed_s = clock.monotonic_s()
        self._names: dict[int, str] = {}
        self._flushing: _Flushing | None = None
        # A journal that failed: what it tells is not on the disk yet.
        self._lost: JournalFile | None = None

    @property
    def is_journaled(self) -> bool:
        return self._journal is not None

    def begin(self, root: Path, volume_id: str) -> None:
        if self._journal is not None:
            # The disk was taken away and is back: what it may have lost is told.
            self._journal.close()
            self._journal = None
        if self._flushing is not None:
            self._flushing.give_up()
            self._flushing = None
        self._inner.begin(root, volume_id)
        self._root, self._volume_id = root, volume_id
        try:
            replay(self._folder, root, volume_id, self._inner)
        except OSError as error:
            self._on_error(f"journal in {self._folder} not replayed: {error}")
        self._open(again=False)

    # -- the seam ---------------------------------------------------------------------------------------------

    def create(self, path: Path) -> int:
        fd = self._inner.create(path)
        self._names[fd] = self._relative(path)
        self._note(CREATE, self._names[fd], 0)
        return fd

    def write(self, fd: int, buffers: Sequence[bytes]) -> int:
        offset = os.lseek(fd, 0, os.SEEK_CUR)
        written = self._inner.write(fd, buffers)
        if written == sum(map(len, buffers)):
            self._note(WRITE, self._name(fd), offset, buffers)
        else:
            self._note(WRITE, self._name(fd), offset, [b"".join(buffers)[:written]])
        return written

    def truncate(self, fd: int, size: int) -> None:
        self._inner.truncate(fd, size)
        self._note(TRUNCATE, self._name(fd), size)

    def close(self, fd: int) -> None:
        self._names.pop(fd, None)
        self._inner.close(fd)

    def unlink(self, path: Path) -> None:
        self._inner.unlink(path)
        self._note(UNLINK, self._relative(path), 0)

    def flush(self, directory_fd: int) -> None:
        now_s = self._clock.monotonic_s()
        self._reap()
        if self._journal is None and now_s - self._failed_s >= AGAIN_S:
            self._failed_s = now_s
            self._open()
        if self._journal is not None:
            try:
                self._journal.sync()
            except OSError as error:
                self._lose(error)
        if self._journal is None:
            self._flush_plainly(directory_fd, now_s)
            return
        due = now_s - self._flushed_s >= self._flush_s or self._journal.size > MAX_BYTES
        if due and self._flushing is None:
            self._rotate(now_s)

    def end(self) -> None:
        if self._flushing is not None:
            self._flushing.join()
            self._reap()
        flush(self._inner, self._root)
        for journal in (self._journal, self._lost):
            if journal is not None:
                journal.remove()
        self._journal = self._lost = None
        self._inner.end()

    def _flush_plainly(self, directory_fd: int, now_s: float) -> None:
        if self._lost is None and now_s - self._flushed_s < min(PLAIN_FLUSH_S, self._flush_s):
            return
        self._inner.flush(directory_fd)
        self._flushed_s = now_s
        if self._lost is not None:
            self._lost.remove()
            self._lost = None

    # -- the journal ------------------------------------------------------------------------------------------

    def _name(self, fd: int) -> str:
        """Files that heal opened by itself are asked of the kernel."""
        return self._names.get(fd) or self._relative(Path(os.readlink(f"/proc/self/fd/{fd}")))

    def _relative(self, path: Path) -> str:
        try:
            return path.relative_to(self._root).as_posix()
        except ValueError:
            return ""

    def _note(self, kind: bytes, path: str, offset: int, data: Sequence[bytes] = ()) -> None:
        if self._journal is None or not path.startswith("video/"):
            return
        try:
            self._journal.note(kind, path, offset, data)
        except OSError as error:
            self._lose(error)

    def _open(self, *, again: bool = True) -> None:
        try:
            if again:
                forget(self._folder, self._volume_id)
            self._journal = JournalFile(self._folder, self._volume_id)
        except (OSError, Error) as error:
            self._on_error(f"no journal: {error}; the disk is flushed by itself")
            return
        # What was written before it began is on no journal.
        self._flushed_s = min(self._flushed_s, self._clock.monotonic_s() - self._flush_s)

    def _lose(self, error: OSError) -> None:
        """Go on without. What it tells is kept until the disk has been flushed by itself, at the next flush."""
        self._on_error(f"journal lost: {error}; the disk is flushed by itself")
        self._failed_s = self._clock.monotonic_s()
        self._lost, self._journal = self._journal, None

    def _rotate(self, now_s: float) -> None:
        """From now on a new journal; the old one goes when the disk has everything it tells."""
        assert self._journal is not None
        old, self._journal = self._journal, None
        self._flushed_s = now_s
        self._open_next()
        self._flushing = _Flushing(self._inner, self._root, old)
        self._flushing.start()

    def _open_next(self) -> None:
        try:
            self._journal = JournalFile(self._folder, self._volume_id)
        except (OSError, Error) as error:
            self._failed_s = self._clock.monotonic_s()
            self._on_error(f"no journal: {error}; the disk is flushed by itself")

    def _reap(self) -> None:
        """Raises OSError when the background flush failed: the journal it was for stays, to be replayed."""
        flushing = self._flushing
        if flushing is None or flushing.is_alive():
            return
        self._flushing = None
        if flushing.error is not None:
            flushing.give_up()
            raise flushing.error
        flushing.journal.remove()


class _Flushing(threading.Thread):
    """One flush of the disk in the background."""

    def __init__(self, disk: Disk, root: Path, journal: JournalFile) -> None:
        super().__init__(name="flushing", daemon=True)
        self._disk, self._root = disk, root
        self.journal = journal
        self.error: OSError | None = None

    def run(self) -> None:
        try:
            flush(self._disk, self._root)
        except OSError as error:
            self.error = error

    def give_up(self) -> None:
        """The journal is let go as it is."""
        self.journal.close()
