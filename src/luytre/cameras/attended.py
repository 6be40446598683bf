"""Whether any camera is to be heard by ONVIF: a file that is there or not, for who does not want to ask the database.

Does not   import anything of this room: the process that waits for it is to stay small.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

FILE: Final = "attended"


def tell(run_folder: Path, attended: bool) -> None:
    """Raises OSError."""
    if attended:
        (run_folder / FILE).touch(mode=0o600)
    else:
        (run_folder / FILE).unlink(missing_ok=True)
