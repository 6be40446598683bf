"""Processes that end with their parent (prctl(2), Linux): nothing that works for somebody outlives them.

Promises   may be called between fork and exec: the C library is loaded, and nothing is imported any more.
"""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_libc = ctypes.CDLL(None, use_errno=True)


def end_with_parent(parent: int, number: signal.Signals) -> None:
    """This process gets signal `number` when its parent, process `parent`, goes, also by kill -9."""
    _libc.prctl(_PR_SET_PDEATHSIG, number)
    # It may have gone before the line above.
    if os.getppid() != parent:
        os._exit(1)
