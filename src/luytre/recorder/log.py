"""The recorder's log: JSON lines on standard error, without a library (design/floors.md, wall 3)."""

from __future__ import annotations

import json
import sys

from luytre.base.clock import SYSTEM, rfc3339
from luytre.media.rtsp.url import redact


def log(event: str, **fields: object) -> None:
    line: dict[str, object] = {"time": rfc3339(SYSTEM.wall_us()), "room": "recorder", "event": event}
    line |= {name: redact(value) if isinstance(value, str) else value for name, value in fields.items()}
    print(json.dumps(line, ensure_ascii=False, default=str), file=sys.stderr, flush=True)
