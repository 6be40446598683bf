"""Every command, its arguments and its help, and nothing heavier than Typer: `--help` is quick.

A command's work is in the module it names to `perform`, which is imported when the command runs; a test holds
that the names and arguments on both sides agree. Help texts are keys of the language tables. The commands about
cameras are in camera_commands.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from luytre import __version__
from luytre.cli.camera_commands import camera, onvif
from luytre.cli.language import Language, find
from luytre.cli.options import (
    HERE,
    Audio,
    Auth,
    CameraUser,
    Code,
    Codec,
    Dir,
    Host,
    Json,
    NodeArgument,
    PasswordStdin,
    Port,
    StreamName,
    Url,
    UserName,
)
from luytre.cli.performing import perform
from luytre.cli.reader_commands import reader

app = typer.Typer(
    help="app",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 120},
)
archive = typer.Typer(help="archive", no_args_is_help=True)
user = typer.Typer(help="user", no_args_is_help=True)
app.add_typer(camera, name="camera")
app.add_typer(onvif, name="onvif")
app.add_typer(archive, name="archive")
app.add_typer(user, name="user")
app.add_typer(reader, name="reader")


def command_tree(chosen: Language | None = None) -> Any:
    """The commands with their help in a language (of this process, if none is given)."""
    tree = typer.main.get_command(app)
    _speak(tree, chosen)
    return tree


def _speak(command: Any, chosen: Language | None) -> None:
    command.help = command.short_help = find(command.help or "", chosen) or command.help
    for parameter in command.params:
        text = getattr(parameter, "help", None)
        if text:
            parameter.help = find(text, chosen) or text
    for below in getattr(command, "commands", {}).values():
        _speak(below, chosen)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"luytre {__version__}")
        raise typer.Exit


@app.callback(help="app")
def every_command(
    version: Annotated[
        bool, typer.Option("--version", help="version", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Options before the command."""


@app.command(help="init")
def init(
    directory: NodeArgument,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="init.name")] = "Lũy Tre",
    zone: Annotated[str, typer.Option("--zone", metavar="ZONE", help="init.zone")] = "Asia/Ho_Chi_Minh",
    host: Host = None,
    port: Port = None,
    volume: Annotated[
        list[Path] | None, typer.Option("--volume", metavar="PATH", help="init.volume", show_default=False)
    ] = None,
    days: Annotated[float, typer.Option("--days", metavar="DAYS", min=0.01, max=3660, help="init.days")] = 30,
    new_disks: Annotated[bool, typer.Option("--new-disks", help="init.new_disks")] = False,
    as_json: Json = False,
) -> None:
    perform(
        "nodes:init",
        directory=directory,
        name=name,
        zone=zone,
        host=host,
        port=port,
        volume=volume or [],
        days=days,
        new_disks=new_disks,
        as_json=as_json,
    )


@app.command(help="run")
def run(directory: NodeArgument, host: Host = None, port: Port = None) -> None:
    perform("nodes:run", directory=directory, host=host, port=port)


@app.command(help="demo")
def demo(directory: NodeArgument, host: Host = None, port: Port = None, as_json: Json = False) -> None:
    perform("nodes:demo", directory=directory, host=host, port=port, as_json=as_json)


@app.command(help="sim")
def sim(
    port: Annotated[int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="sim.port")] = 8554,
    host: Annotated[str, typer.Option("--host", metavar="HOST", help="opt.host")] = "127.0.0.1",
    cameras: Annotated[int, typer.Option("--cameras", metavar="N", min=1, max=1000, help="sim.cameras")] = 1,
    clip: Annotated[
        Path | None, typer.Option("--clip", metavar="FILE", help="sim.clip", show_default=False)
    ] = None,
    codec: Annotated[Codec, typer.Option("--codec", metavar="h264|h265", help="sim.codec")] = Codec.H264,
    audio: Annotated[Audio, typer.Option("--audio", metavar="none|aac", help="sim.audio")] = Audio.NONE,
    auth: Annotated[Auth, typer.Option("--auth", metavar="none|basic|digest", help="sim.auth")] = Auth.NONE,
    user_name: Annotated[str, typer.Option("--user", metavar="USER", help="sim.user")] = "camera",
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="sim.password_stdin")] = False,
    as_json: Json = False,
) -> None:
    perform(
        "sources:sim",
        port=port,
        host=host,
        cameras=cameras,
        clip=clip,
        codec=codec.value,
        audio=audio.value,
        auth=auth.value,
        user_name=user_name,
        password_stdin=password_stdin,
        as_json=as_json,
    )


@app.command(help="probe")
def probe(
    url: Url,
    user_name: CameraUser = None,
    password_stdin: PasswordStdin = False,
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="S", min=0.5, max=60, help="probe.seconds")
    ] = 4.0,
    as_json: Json = False,
) -> None:
    perform(
        "sources:probe",
        url=url,
        user_name=user_name,
        password_stdin=password_stdin,
        seconds=seconds,
        as_json=as_json,
    )


@archive.command("status", help="archive.status")
def archive_status(directory: Dir = HERE, as_json: Json = False) -> None:
    perform("recordings:status", directory=directory, as_json=as_json)


@archive.command("certificate", help="archive.certificate")
def archive_certificate(
    day: Annotated[str | None, typer.Argument(metavar="[DATE]", help="arg.day", show_default=False)] = None,
    directory: Dir = HERE,
    as_json: Json = False,
) -> None:
    perform("certificates:show", day=day, directory=directory, as_json=as_json)


@app.command(help="check")
def check(
    directory: NodeArgument,
    quick: Annotated[bool, typer.Option("--quick", help="check.quick")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="check.repair")] = False,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="check.key", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    perform("checking:check", directory=directory, quick=quick, repair=repair, key=key, as_json=as_json)


@app.command(help="export")
def export(
    directory: NodeArgument,
    code: Code,
    start: Annotated[str, typer.Argument(metavar="START", help="arg.start", show_default=False)],
    end: Annotated[str, typer.Argument(metavar="END", help="arg.end", show_default=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="export.output", show_default=False)
    ],
    stream: Annotated[
        StreamName, typer.Option("--stream", metavar="main|sub", help="export.stream")
    ] = StreamName.MAIN,
    force: Annotated[bool, typer.Option("--force", help="export.force")] = False,
    as_json: Json = False,
) -> None:
    perform(
        "exporting:export",
        directory=directory,
        code=code,
        start=start,
        end=end,
        output=output,
        stream=stream.value,
        force=force,
        as_json=as_json,
    )


@user.command("add", help="user.add")
def user_add(
    name: UserName,
    role: Annotated[
        str | None, typer.Option("--role", metavar="ROLE", help="user.role", show_default=False)
    ] = None,
    password_stdin: PasswordStdin = False,
    directory: Dir = HERE,
    as_json: Json = False,
) -> None:
    perform(
        "users:add",
        name=name,
        role=role,
        password_stdin=password_stdin,
        directory=directory,
        as_json=as_json,
    )


@user.command("list", help="user.list")
def user_list(directory: Dir = HERE, as_json: Json = False) -> None:
    perform("users:show", directory=directory, as_json=as_json)


@user.command("password", help="user.password")
def user_password(
    name: UserName, password_stdin: PasswordStdin = False, directory: Dir = HERE, as_json: Json = False
) -> None:
    perform(
        "users:password",
        name=name,
        password_stdin=password_stdin,
        directory=directory,
        as_json=as_json,
    )


@user.command("disable", help="user.disable")
def user_disable(name: UserName, directory: Dir = HERE) -> None:
    perform("users:disable", name=name, directory=directory)
