"""`python -m luytre.api.openapi` prints ref/openapi.json, the same bytes on every machine."""

from __future__ import annotations

import json
import sys

from luytre.api.application import shell


def text() -> str:
    """The OpenAPI document as JSON with sorted keys."""
    return json.dumps(shell().openapi(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
