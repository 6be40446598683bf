"""From a command to its work."""

from __future__ import annotations

import importlib
from typing import Any


def perform(target: str, **arguments: Any) -> None:
    """Call `module:function` of this package with the arguments. The one place where a command's work is
    imported.
    """
    module, _, function = target.partition(":")
    getattr(importlib.import_module(f"luytre.cli.{module}"), function)(**arguments)
