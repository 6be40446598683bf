"""`luytre reader ...`: its arguments and its help (see commands.py)."""

from __future__ import annotations

from typing import Annotated

import typer

from luytre.cli.options import HERE, Dir, Json
from luytre.cli.performing import perform

reader = typer.Typer(help="reader", no_args_is_help=True)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="arg.reader", show_default=False)]


@reader.command("add", help="reader.add")
def reader_add(
    name: _Name,
    camera: Annotated[
        list[str] | None, typer.Option("--camera", metavar="CODE", help="reader.camera", show_default=False)
    ] = None,
    days: Annotated[
        float | None, typer.Option("--days", metavar="N", help="reader.days", show_default=False)
    ] = None,
    directory: Dir = HERE,
    as_json: Json = False,
) -> None:
    perform("readers:add", name=name, camera=camera or [], days=days, directory=directory, as_json=as_json)


@reader.command("list", help="reader.list")
def reader_list(directory: Dir = HERE, as_json: Json = False) -> None:
    perform("readers:show", directory=directory, as_json=as_json)


@reader.command("remove", help="reader.remove")
def reader_remove(name: _Name, directory: Dir = HERE) -> None:
    perform("readers:remove", name=name, directory=directory)
