"""`luytre camera add`, `change`, `list`, `remove`, `trust`."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import asdict
from getpass import getpass
from pathlib import Path
from typing import Final

from luytre.app.store import Store
from luytre.base.clock import rfc3339
from luytre.cameras.reasons import WEAK_PASSWORD
from luytre.cameras.recording import RecordingChange
from luytre.cameras.registry import Camera, CameraChange, NewCamera
from luytre.cli.language import language, say
from luytre.cli.output import password_from_stdin, print_json, print_table
from luytre.recorder.plan import Mode, Transport

# The volume that the node chooses.
AUTO: Final = "auto"


def add(
    code: str,
    url: str,
    sub: str | None,
    name: str,
    user_name: str | None,
    password_stdin: bool,
    audio: bool,
    retention: str | None,
    volume: str | None,
    mode: Mode | None,
    hours: str | None,
    transport: Transport | None,
    onvif: str | None,
    onvif_events: bool,
    directory: Path,
    as_json: bool,
) -> None:
    with closing(Store.open(directory)) as store:
        new = NewCamera(
            code=code,
            name=name,
            url=url,
            sub_url=sub,
            user=user_name,
            password=password_from_stdin() if password_stdin else None,
            audio=audio,
            recording=_recording(retention, volume, mode, hours),
            transport=transport or "auto",
            onvif=onvif or "",
            onvif_events=onvif_events,
        )
        camera = store.registry.add(new)
    _tell(camera, "camera.added", as_json)


def change(
    code: str,
    url: str | None,
    sub_url: str | None,
    user_name: str | None,
    password: bool,
    password_stdin: bool,
    retention: str | None,
    volume: str | None,
    mode: Mode | None,
    hours: str | None,
    transport: Transport | None,
    onvif: str | None,
    onvif_events: bool | None,
    directory: Path,
    as_json: bool,
) -> None:
    with closing(Store.open(directory)) as store:
        wanted = CameraChange(
            url=url,
            sub_url=sub_url,
            user=user_name,
            password=_password(password, password_stdin),
            recording=_recording(retention, volume, mode, hours),
            transport=transport,
            onvif=onvif,
            onvif_events=onvif_events,
        )
        camera = store.registry.change(code, wanted)
    _tell(camera, "camera.changed", as_json)


def show(directory: Path, as_json: bool) -> None:
    with closing(Store.open(directory)) as store:
        cameras = store.registry.list()
    if as_json:
        print_json([_as_json(camera) for camera in cameras])
    elif not cameras:
        print(say("camera.none"))
    else:
        headings = [
            say(f"col.{name}") for name in ("code", "name", "state", "recording", "password", "streams")
        ]
        rows = [
            [
                camera.code,
                camera.name,
                say("state.enabled" if camera.enabled else "state.disabled"),
                _how(camera),
                say("camera.weak") if camera.weak_password else "",
                "\n".join(f"{stream.name}: {stream.url}" for stream in camera.streams),
            ]
            for camera in cameras
        ]
        print_table(headings, rows)


def remove(code: str, directory: Path, as_json: bool) -> None:
    with closing(Store.open(directory)) as store:
        camera = store.registry.get(code)
        store.registry.remove(code)
    if as_json:
        print_json({"code": camera.code, "id": camera.id})
    else:
        print(say("camera.removed", code=camera.code))


def trust(code: str, directory: Path, as_json: bool) -> None:
    with closing(Store.open(directory)) as store:
        camera = store.registry.get(code)
        store.registry.trust(code)
    if as_json:
        print_json({"code": camera.code, "id": camera.id})
    else:
        print(say("camera.trusted", code=camera.code))


def _tell(camera: Camera, key: str, as_json: bool) -> None:
    """What became of it; that its password is weak; that nobody reports its motion."""
    if as_json:
        print_json(_as_json(camera))
        return
    print(say(key, code=camera.code))
    if camera.weak_password:
        print(say("hint", hint=WEAK_PASSWORD[language()].hint), file=sys.stderr)
    if camera.recorded_mode != camera.recording.mode:
        print(say("hint", hint=say("camera.unheard")), file=sys.stderr)


def _password(asked: bool, stdin: bool) -> str | None:
    """Typed without being shown, or from standard input; None when it stays as it is."""
    if stdin:
        return password_from_stdin()
    return getpass(say("camera.password_prompt")) if asked else None


def _recording(
    retention: str | None, volume: str | None, mode: Mode | None, hours: str | None
) -> RecordingChange:
    return RecordingChange(
        retention=retention, volume="" if volume == AUTO else volume, mode=mode, hours=hours
    )


def _how(camera: Camera) -> str:
    """Class, mode with its hours, volume when it is chosen."""
    recording = camera.recording
    unheard = camera.recorded_mode != recording.mode
    facts = [recording.retention, say("mode.unheard" if unheard else f"mode.{recording.mode}")]
    if recording.mode == "schedule" and recording.hours:
        facts[-1] += f" {recording.hours}"
    if recording.volume is not None:
        facts.append(recording.volume)
    return "\n".join(facts)


def _as_json(camera: Camera) -> dict[str, object]:
    return {
        "id": camera.id,
        "code": camera.code,
        "name": camera.name,
        "enabled": camera.enabled,
        "user": camera.user,
        "created": rfc3339(camera.created_us),
        **asdict(camera.recording),
        "recorded_mode": camera.recorded_mode,
        "transport": camera.transport,
        "onvif": camera.onvif,
        "onvif_events": camera.onvif_events,
        "weak_password": camera.weak_password,
        **asdict(camera.identity),
        "streams": [
            {"name": stream.name, "url": stream.url, "audio": stream.audio} for stream in camera.streams
        ],
    }
