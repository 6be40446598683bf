"""`luytre reader ...`: its arguments and its help (see commands.py)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luytre.cli.performing import perform

reader = typer.Typer(help="reader", no_args_is_help=True)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="arg.reader", show_default=False)]
_Dir = Annotated[Path, typer.Option("--dir", metavar="DIR", envvar="LUYTRE_DIR", help="opt.dir")]
_Json = Annotated[bool, typer.Option("--json", help="opt.json")]
_HERE = Path()


@reader.command("add", help="reader.add")
def reader_add(
    name: _Name,
    camera: Annotated[
        list[str] | None, typer.Option("--camera", metavar="CODE", help="reader.camera", show_default=False)
    ] = None,
    days: Annotated[
        float | None, typer.Option("--days", metavar="N", help="reader.days", show_default=False)
    ] = None,
    directory: _Dir = _HERE,
    as_json: _Json = False,
) -> None:
    perform("readers:add", name=name, camera=camera or [], days=days, directory=directory, as_json=as_json)


@reader.command("list", help="reader.list")
def reader_list(directory: _Dir = _HERE, as_json: _Json = False) -> None:
    perform("readers:show", directory=directory, as_json=as_json)


@reader.command("remove", help="reader.remove")
def reader_remove(name: _Name, directory: _Dir = _HERE) -> None:
    perform("readers:remove", name=name, directory=directory)
