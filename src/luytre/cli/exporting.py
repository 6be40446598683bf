"""`luytre export`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from luytre.app.node import Node
from luytre.archive.keys import Span
from luytre.base.clock import rfc3339
from luytre.base.errors import Error, Kind, from_os
from luytre.cli.language import say
from luytre.cli.moments import parse, show
from luytre.cli.output import print_json, progress, size
from luytre.people.actor import LOCAL


def export(
    directory: Path, code: str, start: str, end: str, output: Path, stream: str, force: bool, as_json: bool
) -> None:
    """Whole or not at all: the bytes go to OUTPUT.part, which is renamed when it is complete."""
    with closing(Node.open(directory)) as node:
        if output.exists() and not force:
            raise Error(Kind.CONFLICT, str(output), cause="file_exists")
        now_us = node.clock.wall_us()
        span = Span(parse(start, node.zone, now_us), parse(end, node.zone, now_us))
        movie = node.viewing.movie(LOCAL, code, stream, span, keep=True)
        part = output.with_name(output.name + ".part")
        try:
            with part.open("wb") as file, progress() as bar:
                task = bar.add_task(say("export.running", file=output), total=movie.size)
                for chunk in movie.read(0, movie.size):
                    file.write(chunk)
                    bar.advance(task, len(chunk))
            part.rename(output)
        except OSError as error:
            raise from_os(error, f"write {output}") from error
        finally:
            part.unlink(missing_ok=True)
        zone = node.zone
    if as_json:
        print_json(
            {
                "file": str(output),
                "bytes": movie.size,
                "start": rfc3339(movie.start_us),
                "end": rfc3339(movie.end_us),
            }
        )
        return
    begin, finish = show(movie.start_us, zone), show(movie.end_us, zone)
    print(say("export.done", file=output, size=size(movie.size), start=begin, end=finish))
