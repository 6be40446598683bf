"""`luytre camera add`, `change`, `list`, `remove`."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Final

from luytre.app.store import Store
from luytre.base.clock import rfc3339
from luytre.cameras.recording import Recording, RecordingChange
from luytre.cameras.registry import Camera, CameraChange, NewCamera
from luytre.cli.language import say
from luytre.cli.output import password_from_stdin, print_json, print_table
from luytre.recorder.plan import Mode

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
        )
        camera = store.registry.add(new)
    if as_json:
        print_json(_as_json(camera))
    else:
        print(say("camera.added", code=camera.code))


def change(
    code: str,
    retention: str | None,
    volume: str | None,
    mode: Mode | None,
    hours: str | None,
    directory: Path,
    as_json: bool,
) -> None:
    with closing(Store.open(directory)) as store:
        wanted = CameraChange(recording=_recording(retention, volume, mode, hours))
        camera = store.registry.change(code, wanted)
    if as_json:
        print_json(_as_json(camera))
    else:
        print(say("camera.changed", code=camera.code))


def show(directory: Path, as_json: bool) -> None:
    with closing(Store.open(directory)) as store:
        cameras = store.registry.list()
    if as_json:
        print_json([_as_json(camera) for camera in cameras])
    elif not cameras:
        print(say("camera.none"))
    else:
        headings = [say(f"col.{name}") for name in ("code", "name", "state", "recording", "streams")]
        rows = [
            [
                camera.code,
                camera.name,
                say("state.enabled" if camera.enabled else "state.disabled"),
                _how(camera.recording),
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


def _recording(
    retention: str | None, volume: str | None, mode: Mode | None, hours: str | None
) -> RecordingChange:
    return RecordingChange(
        retention=retention, volume="" if volume == AUTO else volume, mode=mode, hours=hours
    )


def _how(recording: Recording) -> str:
    """Class, mode with its hours, volume when it is chosen."""
    facts = [recording.retention, say(f"mode.{recording.mode}")]
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
        "streams": [
            {"name": stream.name, "url": stream.url, "audio": stream.audio} for stream in camera.streams
        ],
    }
