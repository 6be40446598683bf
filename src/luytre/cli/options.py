"""Arguments and options that several commands share, and the words that some of them choose from."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Codec(StrEnum):
    H264 = "h264"
    H265 = "h265"


class Audio(StrEnum):
    NONE = "none"
    AAC = "aac"
    ALAW = "alaw"
    ULAW = "ulaw"
    OPUS = "opus"


class Auth(StrEnum):
    NONE = "none"
    BASIC = "basic"
    DIGEST = "digest"


class StreamName(StrEnum):
    MAIN = "main"
    SUB = "sub"


class Mode(StrEnum):
    CONTINUOUS = "continuous"
    MOTION = "motion"
    SCHEDULE = "schedule"


class Transport(StrEnum):
    AUTO = "auto"
    TCP = "tcp"
    UDP = "udp"
    HTTP = "http"


NodeArgument = Annotated[Path, typer.Argument(metavar="DIR", help="arg.node", show_default=False)]
Dir = Annotated[Path, typer.Option("--dir", metavar="DIR", envvar="LUYTRE_DIR", help="opt.dir")]
Json = Annotated[bool, typer.Option("--json", help="opt.json")]
Host = Annotated[str | None, typer.Option("--host", metavar="HOST", help="opt.host", show_default=False)]
Port = Annotated[
    int | None, typer.Option("--port", metavar="PORT", min=0, max=65535, help="opt.port", show_default=False)
]
Code = Annotated[str, typer.Argument(metavar="CODE", help="arg.code", show_default=False)]
Url = Annotated[str, typer.Argument(metavar="URL", help="arg.url", show_default=False)]
UserName = Annotated[str, typer.Argument(metavar="NAME", help="arg.user", show_default=False)]
CameraUser = Annotated[
    str | None, typer.Option("--user", metavar="USER", help="opt.camera_user", show_default=False)
]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="opt.password_stdin")]
Retention = Annotated[
    str | None, typer.Option("--class", metavar="CLASS", help="camera.class", show_default=False)
]
VolumeName = Annotated[
    str | None, typer.Option("--volume", metavar="VOLUME", help="camera.volume", show_default=False)
]
ModeName = Annotated[
    Mode | None,
    typer.Option("--mode", metavar="continuous|motion|schedule", help="camera.mode", show_default=False),
]
Hours = Annotated[
    str | None, typer.Option("--hours", metavar="HOURS", help="camera.hours", show_default=False)
]
TransportName = Annotated[
    Transport | None,
    typer.Option("--transport", metavar="auto|tcp|udp|http", help="camera.transport", show_default=False),
]
Onvif = Annotated[
    str | None, typer.Option("--onvif", metavar="ADDRESS", help="camera.onvif", show_default=False)
]
HERE = Path()
