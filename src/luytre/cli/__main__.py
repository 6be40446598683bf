"""`python -m luytre.cli`: the same as `luytre`."""

from __future__ import annotations

import sys

from luytre.cli import main

if __name__ == "__main__":
    sys.exit(main())
