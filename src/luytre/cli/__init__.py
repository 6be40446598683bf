"""Floor 9: the command line. A command parses, calls one room, answers.

Promises   an expected error is one line and a hint on standard error, exit 1; never a traceback; `--json`
           prints one JSON text on standard output and nothing else there.
Does not   hold rules: those are the rooms'.
"""

from __future__ import annotations

from luytre.cli.entry import main

__all__ = ["main"]
