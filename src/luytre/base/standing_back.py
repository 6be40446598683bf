"""For processes that work on what strangers send: when memory runs out they go first, and none of them takes it all."""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path
from typing import Final

# Of -1000 to 1000 (proc(5)): before the recorders, whatever their size.
OOM_SCORE: Final = 800


def go_first(most_bytes: int) -> None:
    """This process, from now on. `most_bytes`: of address space. What the system does not allow is left."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
