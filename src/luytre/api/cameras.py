"""Cameras: the list with its states, and its changes (design/api.md, "Cameras")."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import SecretStr

from luytre.api import archive_shapes, shapes
from luytre.api.guards import WardNode, needs
from luytre.api.languages import language_of
from luytre.api.problems import CameraRefusal
from luytre.base.clock import rfc3339
from luytre.base.errors import Error
from luytre.cameras import registry
from luytre.cameras.reasons import WEAK_PASSWORD, Language, words
from luytre.cameras.recording import RecordingChange
from luytre.cameras.statuses import CameraStatus, StreamStatus
from luytre.cameras.trial import try_out
from luytre.converter.state import Conversion
from luytre.people.actor import Actor

routes = APIRouter(tags=["cameras"])

Code = Annotated[str, Path(max_length=64, description="The camera's code.", examples=["DK-01"])]


@routes.get("/cameras", operation_id="listCameras")
def list_cameras(
    request: Request, node: WardNode, actor: Annotated[Actor, needs("live")]
) -> list[shapes.Camera]:
    """All cameras with their states, by code."""
    language = language_of(request)
    return [camera_told(status, language) for status in node.viewing.cameras(actor)]


@routes.post("/cameras", operation_id="addCamera", status_code=201)
def add_camera(
    body: shapes.NewCamera,
    request: Request,
    response: Response,
    node: WardNode,
    actor: Annotated[Actor, needs("configure")],
) -> shapes.Camera:
    """A new camera; it is being recorded a second later."""
    camera = node.registry.add(
        registry.NewCamera(
            code=body.code,
            name=body.name,
            url=body.url,
            sub_url=body.sub_url,
            user=body.user,
            password=_secret(body.password),
            audio=body.audio,
            recording=_recording(body, balance=False),
            transport=body.transport,
            onvif=body.onvif,
            onvif_events=body.onvif_events,
        )
    )
    response.headers["Location"] = f"{request.url.path}/{camera.code}"
    return camera_told(node.viewing.camera(actor, camera.code), language_of(request))


@routes.post("/cameras/probe", operation_id="probeCamera")
async def probe_camera(
    body: shapes.ProbeAsk, node: WardNode, actor: Annotated[Actor, needs("configure")]
) -> shapes.Probe:
    """Tries an address out: what it sends, and its first picture."""
    try:
        trial = await try_out(actor, node.looks, body.url, body.user, _secret(body.password), body.transport)
    except Error as error:
        raise CameraRefusal(error) from error
    told = shapes.Probe.model_validate(
        {
            **asdict(trial.probed.result),
            "picture": None if trial.jpeg is None else b64encode(trial.jpeg).decode(),
            "converted": converted_told(trial.probed.converted),
            "url": trial.probed.url,
        },
        from_attributes=True,
    )
    return told


@routes.get("/cameras/{code}", operation_id="getCamera")
def get_camera(
    code: Code, request: Request, node: WardNode, actor: Annotated[Actor, needs("live")]
) -> shapes.Camera:
    """One camera."""
    return camera_told(node.viewing.camera(actor, code), language_of(request))


@routes.patch("/cameras/{code}", operation_id="changeCamera")
def change_camera(
    code: Code,
    body: shapes.CameraChange,
    request: Request,
    node: WardNode,
    actor: Annotated[Actor, needs("configure")],
) -> shapes.Camera:
    """What is left out stays as it is."""
    sub_url = body.sub_url
    if sub_url is None and "sub_url" in body.model_fields_set:
        sub_url = ""
    node.registry.change(
        code,
        registry.CameraChange(
            name=body.name,
            url=body.url,
            sub_url=sub_url,
            user=body.user,
            password=_secret(body.password),
            audio=body.audio,
            enabled=body.enabled,
            recording=_recording(body, balance="volume" in body.model_fields_set),
            transport=body.transport,
            onvif=body.onvif,
            onvif_events=body.onvif_events,
        ),
    )
    return camera_told(node.viewing.camera(actor, code), language_of(request))


@routes.delete("/cameras/{code}", operation_id="removeCamera", status_code=204)
def remove_camera(code: Code, node: WardNode, _: Annotated[Actor, needs("configure")]) -> None:
    """Its recordings stay until retention takes them."""
    node.registry.remove(code)


@routes.post("/cameras/{code}/trust", operation_id="trustCamera", status_code=204)
def trust_camera(code: Code, node: WardNode, _: Annotated[Actor, needs("configure")]) -> None:
    """The certificate that the camera shows next is the one to trust: it was exchanged or reset."""
    node.registry.trust(code)


@routes.get("/classes", operation_id="listClasses")
def list_classes(
    node: WardNode, _: Annotated[Actor, needs("configure")]
) -> list[archive_shapes.RetentionClass]:
    """The retention classes that a camera can be in, as the node's settings have them."""
    return [
        archive_shapes.RetentionClass.model_validate(one, from_attributes=True) for one in node.config.classes
    ]


def camera_told(status: CameraStatus, language: Language) -> shapes.Camera:
    """One camera as the answer says it."""
    streams = [stream_told(stream, language) for stream in status.streams]
    main = streams[0] if streams else None
    camera = status.camera
    return shapes.Camera.model_validate(
        {
            "id": camera.id,
            "code": camera.code,
            "name": camera.name,
            "enabled": camera.enabled,
            "state": status.state,
            "cause": main.cause if main else None,
            "reason": main.reason if main else None,
            "since": main.since if main else None,
            "recorded_from": time_or_none(status.recorded_from_us),
            **asdict(camera.recording),
            "recorded_mode": camera.recorded_mode,
            "transport": camera.transport,
            "onvif": camera.onvif,
            "onvif_events": camera.onvif_events,
            "weak_password": camera.weak_password,
            "password_hint": WEAK_PASSWORD[language].hint if camera.weak_password else None,
            **asdict(camera.identity),
            "identified": time_or_none(camera.identified_us),
            "streams": streams,
        }
    )


def stream_told(status: StreamStatus, language: Language) -> shapes.Stream:
    """One stream as the answer says it."""
    reason, hint = said(status.cause, language)
    seen = status.seen
    fields: dict[str, Any] = {
        "name": status.name,
        "url": status.url,
        "state": status.state,
        "cause": status.cause,
        "reason": reason,
        "hint": hint,
        "audio": status.audio,
        "since": None if seen is None else rfc3339(seen.since_us),
        "retry_at": None if seen is None else time_or_none(seen.retry_at_us),
    }
    for name in (
        "codec",
        "codec_string",
        "width",
        "height",
        "fps",
        "bitrate_bps",
        "audio_codec",
        "clock_offset_ms",
        "transport",
        "certificate",
    ):
        fields[name] = None if seen is None else getattr(seen, name)
    fields["converted"] = converted_told(status.converted)
    return shapes.Stream.model_validate(fields)


def converted_told(done: Conversion | None) -> shapes.Converted | None:
    """What the converter does to a stream as the answer says it."""
    if done is None:
        return None
    return shapes.Converted.model_validate(
        {"from": done.source, "to": done.target, "encoded": done.encoded, "cpu": done.cpu}
    )


def said(cause: str | None, language: Language) -> tuple[str | None, str | None]:
    """(reason, hint) of a cause; the words for `unknown` for one that this version does not know."""
    if cause is None:
        return None, None
    return words(cause, language) or words("unknown", language) or (None, None)


def time_or_none(at_us: int | None) -> str | None:
    return None if at_us is None else rfc3339(at_us)


def _recording(body: shapes.NewCamera | shapes.CameraChange, *, balance: bool) -> RecordingChange:
    """`balance`: no volume means balanced over all, rather than as it is."""
    return RecordingChange(
        retention=body.retention,
        volume="" if balance and body.volume is None else body.volume,
        mode=body.mode,
        hours=body.hours,
        preroll_s=body.preroll_s,
        postroll_s=body.postroll_s,
    )


def _secret(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value()
