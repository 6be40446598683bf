"""The entry point: runs the command, and turns every way it can fail into an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from luytre.base.errors import Error
from luytre.cli import failures
from luytre.cli.commands import command_tree
from luytre.cli.language import say


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. -> exit code: 0 done, 1 failed (and said why), 130 interrupted."""
    try:
        code = command_tree()(
            args=list(sys.argv[1:] if arguments is None else arguments),
            prog_name="luytre",
            standalone_mode=False,
        )
    except Error as error:
        return failures.expected(error)
    except typer.TyperException as error:
        return failures.usage(error)
    except (KeyboardInterrupt, typer.Abort):
        print(say("interrupted"), file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1
    # The outermost frame of the process: whatever comes here is a bug of ours, and the user gets one line.
    except Exception as error:
        return failures.unexpected(error)
    return code if isinstance(code, int) else 0
