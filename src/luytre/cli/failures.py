"""How a failed command ends: one line, a hint, an exit code.

Promises   no traceback on the terminal unless LUYTRE_DEBUG is set; no password in what is printed or kept.
Does not   decide what is an error.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from pathlib import Path

import typer

from luytre.base.clock import SYSTEM, rfc3339
from luytre.base.errors import Error
from luytre.base.log import redact
from luytre.cameras.reasons import words
from luytre.cli.language import find, language, say


def spoken(error: Error) -> tuple[str, str]:
    """(message, hint) in the language of this process."""
    chosen = language()
    message, hint = find(f"error.{error.cause}"), find(f"hint.{error.cause}")
    if message is not None and hint is not None:
        return message.replace("{detail}", error.message), hint
    known = words(error.cause, chosen) if chosen == "vi" else None
    if known is not None:
        return known.reason[:1].lower() + known.reason[1:], known.hint
    return error.message, error.hint


def expected(error: Error) -> int:
    """Say an expected error. -> exit code"""
    message, hint = spoken(error)
    return _say(message, hint)


def usage(error: typer.TyperException) -> int:
    """Say that a command was written wrongly. -> exit code"""
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error.format_message(), file=sys.stderr)
        return 1
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "luytre"
    option, param = getattr(error, "option_name", None), getattr(error, "param", None)
    if option and "No such option" in error.format_message():
        message = say("usage.no_option", name=option)
    elif type(error).__name__ == "MissingParameter" and param is not None:
        name = param.opts[0] if param.opts[0].startswith("-") else param.metavar or param.name.upper()
        message = say("usage.missing", name=name)
    else:
        message = say("usage.other", message=error.format_message().rstrip("."))
    return _say(message, say("usage.hint", command=command))


def unexpected(error: BaseException) -> int:
    """Say that we have a bug, and keep the details. -> exit code"""
    details = redact("".join(traceback.format_exception(error)))
    if os.environ.get("LUYTRE_DEBUG"):
        print(details, file=sys.stderr)
    file = _keep(details)
    kind = f"{type(error).__name__}: {redact(str(error))}".splitlines()[0][:200]
    return _say(say("internal", kind=kind), say("internal.hint", file=file), prefix=False)


def _say(message: str, hint: str, prefix: bool = True) -> int:
    line = " ".join(redact(message).split())
    print(say("error", message=line) if prefix else line, file=sys.stderr)
    if hint:
        print(say("hint", hint=redact(hint)), file=sys.stderr)
    return 1


def _keep(details: str) -> Path:
    """Append to $XDG_STATE_HOME/luytre/cli.log, or to a new file among the temporary ones."""
    state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    file = Path(state, "luytre", "cli.log")
    text = f"{rfc3339(SYSTEM.wall_us())} {' '.join(sys.argv[1:2])}\n{details}\n"
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as log:
            log.write(text)
        return file
    except OSError:
        handle, name = tempfile.mkstemp(prefix="luytre-", suffix=".log")
        with os.fdopen(handle, "w", encoding="utf-8") as log:
            log.write(text)
        return Path(name)
