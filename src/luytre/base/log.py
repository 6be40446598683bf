"""Logs: one JSON object per line, credentials taken out.

Promises   no password in an address, and no value named like a secret, reaches a line; a line is one
           line.
Does not   rotate files (luytre.app.children does for all processes) or decide what is worth a line.

The standard library's logging, with names for values. structlog would import Rich: 19 MB in each recorder
process.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Protocol

from luytre.base.clock import rfc3339

_FIELDS = "luytre_fields"
# Whatever stands between "//" and the last "@" before white space or a quote: passwords hold "/" and "@" too.
_ADDRESS = re.compile(r"\b([a-z][a-z0-9+.-]{0,30})://[^\s\"'<>]*@", re.IGNORECASE)
_SECRET_FIELD = re.compile(
    r"(?i)(?<![a-z])((?:user_?)?(?:passphrase|passwd|password|pass|pwd|psw|ticket|token)=)[^&;/_\s\"']*"
)
_SECRET_NAME = re.compile(r"(?i)passw|secret|token|ticket|cookie|csrf|authorization|\bkey$")


def redact(text: str) -> str:
    """`text` as it may be logged: credentials of addresses and password fields become `***`."""
    return _SECRET_FIELD.sub(r"\1***", _ADDRESS.sub(r"\1://***@", text))


def _clean(name: str, value: object) -> object:
    if value is not None and _SECRET_NAME.search(name):
        return "***"
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, bool | int | float | None):
        return value
    if isinstance(value, Mapping):
        return {str(key): _clean(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", item) for item in value]
    return redact(str(value))


class Writes(Protocol):
    """Where lines go."""

    def write(self, text: str, /) -> object:
        """One line, with its end."""


class JsonLines(logging.Formatter):
    """Formats records of ours and of libraries alike."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": rfc3339(int(record.created * 1_000_000)),
            "level": record.levelname.lower(),
            "from": record.name,
            "event": redact(record.getMessage()),
        }
        fields: Mapping[str, object] = getattr(record, _FIELDS, {})
        line.update({name: _clean(name, value) for name, value in fields.items() if name not in line})
        if record.exc_info:
            line["traceback"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


class Log:
    """A named log. `info("event words", name=value, ...)`."""

    __slots__ = ("_bound", "_logger")

    def __init__(self, logger: logging.Logger, bound: Mapping[str, object] | None = None) -> None:
        self._logger = logger
        self._bound = dict(bound or {})

    def bind(self, **fields: object) -> Log:
        """A log that adds these fields to each line."""
        return Log(self._logger, {**self._bound, **fields})

    def debug(self, event: str, **fields: object) -> None:
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: object) -> None:
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: object) -> None:
        self._write(logging.ERROR, event, fields)

    def exception(self, event: str, **fields: object) -> None:
        """An error with the traceback of the exception being handled."""
        self._write(logging.ERROR, event, fields, trace=True)

    def _write(self, level: int, event: str, fields: Mapping[str, object], trace: bool = False) -> None:
        if self._logger.isEnabledFor(level):
            extra: dict[str, Any] = {_FIELDS: {**self._bound, **fields}}
            self._logger.log(level, "%s", event, extra=extra, exc_info=trace)


def get(name: str) -> Log:
    """The log of a part of the program, e.g. `get("recorder")`."""
    return Log(logging.getLogger(f"luytre.{name}"))


def configure(level: str = "info", stream: Writes | None = None) -> None:
    """Send every log, ours and libraries', to `stream` (standard error) as JSON lines. Called once by a
    process' main.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("luytre").setLevel(level.upper())
