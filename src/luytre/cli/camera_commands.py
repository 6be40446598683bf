"""`luytre camera ...` and `luytre onvif ...`: arguments and help; the work is in cameras.py and onvif.py."""

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
ptz = typer.Typer(help="ptz", no_args_is_help=True)
onvif = typer.Typer(help="onvif", no_args_is_help=True)
camera.add_typer(ptz, name="ptz")


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


@camera.command("clock", help="camera.clock")
def camera_clock(
    code: Code,
    set_it: Annotated[bool, typer.Option("--set", help="camera.clock_set")] = False,
    ntp: Annotated[
        str | None, typer.Option("--ntp", metavar="HOST", help="camera.clock_ntp", show_default=False)
    ] = None,
    directory: Dir = HERE,
    as_json: Json = False,
) -> None:
    perform("onvif:clock", code=code, set_it=set_it, ntp=ntp, directory=directory, as_json=as_json)


@ptz.command("presets", help="ptz.presets")
def ptz_presets(code: Code, directory: Dir = HERE, as_json: Json = False) -> None:
    perform("onvif:presets", code=code, directory=directory, as_json=as_json)


@ptz.command("preset", help="ptz.preset")
def ptz_preset(
    code: Code,
    preset: Annotated[str, typer.Argument(metavar="PRESET", help="arg.preset", show_default=False)],
    directory: Dir = HERE,
    as_json: Json = False,
) -> None:
    perform("onvif:preset", code=code, preset=preset, directory=directory, as_json=as_json)


@ptz.command("stop", help="ptz.stop")
def ptz_stop(code: Code, directory: Dir = HERE, as_json: Json = False) -> None:
    perform("onvif:stop", code=code, directory=directory, as_json=as_json)


@onvif.command("discover", help="onvif.discover")
def onvif_discover(
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="S", min=1, max=30, help="onvif.seconds")
    ] = 4.0,
    as_json: Json = False,
) -> None:
    perform("onvif:discover", seconds=seconds, as_json=as_json)


@onvif.command("describe", help="onvif.describe")
def onvif_describe(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="arg.onvif", show_default=False)],
    user_name: CameraUser = None,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    perform(
        "onvif:describe",
        address=address,
        user_name=user_name,
        password_stdin=password_stdin,
        as_json=as_json,
    )
