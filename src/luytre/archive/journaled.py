"""A disk whose writes go to a journal on a quick disk first, and to itself in large pieces now and then.

Promises   a journal that fails never stops recording: the disk is flushed the plain way from then on, and it is told;
           of journals that outlive a flush that failed one is kept, until a flush is through.
Does not   speed up reading, nor keep the index (the index is healed from the files).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
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
        # A journal that failed, or whose flush did: what it tells is not on the disk yet. One at most.
        self._lost: list[JournalFile] = []
        # Journals of an earlier time could not be replayed, and the volume was taken up without them.
        self._passed_over = False

    @property
    def is_journaled(self) -> bool:
        return self._journal is not None

    def begin(self, root: Path, volume_id: str) -> None:
        # When the disk was taken away and is back, ours tell what it may have lost.
        self._let_go()
        self._inner.begin(root, volume_id)
        self._root, self._volume_id, self._passed_over = root, volume_id, False
        try:
            replay(self._folder, root, volume_id, self._inner)
        except OSError as error:
            self._passed_over = True
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
        self._safe([*self._lost, *self._current()])
        self._journal, self._lost = None, []
        self._inner.end()

    def abandon(self) -> None:
        self._let_go()
        self._inner.abandon()

    def _flush_plainly(self, directory_fd: int, now_s: float) -> None:
        if not self._lost and now_s - self._flushed_s < min(PLAIN_FLUSH_S, self._flush_s):
            return
        self._inner.flush(directory_fd)
        self._flushed_s = now_s
        self._safe(self._lost)
        self._lost = []

    # -- the journal ------------------------------------------------------------------------------------------

    def _current(self) -> list[JournalFile]:
        return [] if self._journal is None else [self._journal]

    def _let_go(self) -> None:
        """All of ours that tell something are there for a replay."""
        flushed = [] if self._flushing is None else self._flushing.journals
        for journal in (*flushed, *self._lost, *self._current()):
            journal.close()
        self._flushing, self._lost, self._journal = None, [], None

    def _give_up(self, journals: list[JournalFile]) -> None:
        """The disk did not take what they tell; oldest first. The newest is kept: the quick disk must not fill up."""
        for journal in journals[:-1]:
            journal.remove()
        self._lost = journals[-1:]

    def _safe(self, journals: list[JournalFile]) -> None:
        """A flush of the disk is through: what they tell is on it, and what was passed over is settled."""
        for journal in journals:
            journal.remove()
        if self._passed_over:
            self._passed_over = False
            with suppress(OSError):
                forget(self._folder, self._volume_id)

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
        self._give_up([*self._lost, *self._current()])
        self._journal = None

    def _rotate(self, now_s: float) -> None:
        """From now on a new journal; the old one goes when the disk has everything it tells."""
        old = [*self._lost, *self._current()]
        self._journal, self._lost = None, []
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
        """Raises OSError when the background flush failed: the journal it was for stays until one is through."""
        flushing = self._flushing
        if flushing is None or flushing.is_alive():
            return
        self._flushing = None
        if flushing.error is not None:
            self._give_up([*flushing.journals, *self._lost])
            raise flushing.error
        self._safe(flushing.journals)


class _Flushing(threading.Thread):
    """One flush of the disk in the background. `journals`: what they tell is safe when it is through."""

    def __init__(self, disk: Disk, root: Path, journals: list[JournalFile]) -> None:
        super().__init__(name="flushing", daemon=True)
        self._disk, self._root = disk, root
        self.journals = journals
        self.error: OSError | None = None

    def run(self) -> None:
        try:
            flush(self._disk, self._root)
        except OSError as error:
            self.error = error
