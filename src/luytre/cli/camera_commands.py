"""`luytre camera ...`: arguments and help; the work is in cameras.py and onvif.py."""

from __future__ import annotations

from typing import Annotated

import typer

from luytre.cli.options import (
    HERE,
    CameraUser,
    Code,
    Dir,
    Hours,
    Json,
    ModeName,
    Onvif,
    PasswordStdin,
    Retention,
    TransportName,
    Url,
    VolumeName,
)
from luytre.cli.performing import perform

camera = typer.Typer(help="camera", no_args_is_help=True)


@camera.command("add", help="camera.add")
def camera_add(
    code: Code,
    url: Url,
    sub: Annotated[
        str | None, typer.Option("--sub", metavar="URL", help="camera.sub", show_default=False)
    ] = None,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="camera.name", show_default=False)] = "",
    user_name: CameraUser = None,
    password_stdin: PasswordStdin = False,
    audio: Annotated[bool, typer.Option("--audio", help="camera.audio")] = False,
    retention: Retention = None,
    volume: VolumeName = None,
    mode: ModeName = None,
    hours: Hours = None,
    transport: TransportName = None,
    onvif: Onvif = None,
    onvif_events: Annotated[bool, typer.Option("--onvif-events", help="camera.onvif_events")] = False,
    directory: Dir = HERE,
    as_json: Json = False,
) -> None:
    perform(
        "cameras:add",
        code=code,
        url=url,
        sub=sub,
        name=name,
        user_name=user_name,
        password_stdin=password_stdin,
        audio=audio,
        retention=retention,
        volume=volume,
        mode=mode and mode.value,
        hours=hours,
        transport=transport and transport.value,
        onvif=onvif,
        onvif_events=onvif_events,
        directory=directory,
        as_json=as_json,
    )


@camera.command("change", help="camera.change")
def camera_change(
    code: Code,
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="arg.url", show_default=False)
    ] = None,
    sub_url: Annotated[
        str | None, typer.Option("--sub-url", metavar="URL", help="camera.sub_url", show_default=False)
    ] = None,
    user_name: CameraUser = None,
    password: Annotated[bool, typer.Option("--password", help="camera.password")] = False,
    password_stdin: PasswordStdin = False,
    retention: Retention = None,
    volume: VolumeName = None,
    mode: ModeName = None,
    hours: Hours = None,
    transport: TransportName = None,
    onvif: Onvif = None,
    onvif_events: Annotated[
        bool | None,
        typer.Option("--onvif-events/--no-onvif-events", help="camera.onvif_events", show_default=False),
    ] = None,
    directory: Dir = HERE,
    as_json: Json = False,
) -> None:
    perform(
        "cameras:change",
        code=code,
        url=url,
        sub_url=sub_url,
        user_name=user_name,
        password=password,
        password_stdin=password_stdin,
        retention=retention,
        volume=volume,
        mode=mode and mode.value,
        hours=hours,
        transport=transport and transport.value,
        onvif=onvif,
        onvif_events=onvif_events,
        directory=directory,
        as_json=as_json,
    )


@camera.command("list", help="camera.list")
def camera_list(directory: Dir = HERE, as_json: Json = False) -> None:
    perform("cameras:show", directory=directory, as_json=as_json)


@camera.command("remove", help="camera.remove")
def camera_remove(code: Code, directory: Dir = HERE, as_json: Json = False) -> None:
    perform("cameras:remove", code=code, directory=directory, as_json=as_json)


@camera.command("trust", help="camera.trust")
def camera_trust(code: Code, directory: Dir = HERE, as_json: Json = False) -> None:
    perform("cameras:trust", code=code, directory=directory, as_json=as_json)
