"""The shapes of requests and answers (design/api.md): what the OpenAPI file and the TypeScript client are made from.

Promises   fields are added, never renamed or removed, within v1; answers list every field, null where there is
           nothing to say.
Does not   know rooms: the module of each noun turns a room's words into these.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

StreamName = Literal["main", "sub"]
# "auto": each moment from main, or from sub where main is not there.
PlayedName = Literal["auto", "main", "sub"]
State = Literal["connecting", "recording", "standby", "retrying", "disabled", "unknown"]
Time = Annotated[str, Field(description="RFC 3339, UTC, `Z`.", json_schema_extra={"format": "date-time"})]
Name = Annotated[str, Field(min_length=1, max_length=120)]
Url = Annotated[str, Field(min_length=1, max_length=2048)]
Credential = Annotated[str, Field(max_length=256)]
Mode = Literal["continuous", "motion", "schedule"]
Transport = Annotated[
    Literal["auto", "tcp", "udp", "http"],
    Field(
        description="How RTP comes: `auto` is TCP, and UDP from cameras that refuse it; `http` is an HTTP tunnel."
    ),
]
Onvif = Annotated[
    str,
    Field(
        max_length=2048,
        description="ONVIF device service; a host is enough. Credentials in it are taken out.",
        examples=["http://10.0.0.5/onvif/device_service"],
    ),
]
Hours = Annotated[
    str,
    Field(
        max_length=400,
        description="Recording hours of a week in the ward's zone, for the mode `schedule`; empty: always.",
        examples=["Mon-Fri 18:00-06:00; Sat,Sun 00:00-24:00"],
    ),
]
ClassName = Annotated[str, Field(max_length=40, description="A retention class, see `GET /classes`.")]
VolumeName = Annotated[str, Field(max_length=4096)]
Preroll = Annotated[float, Field(ge=0, le=30)]
Postroll = Annotated[float, Field(ge=1, le=300)]


class Answer(BaseModel):
    """What the node says."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class Ask(BaseModel):
    """What somebody sends. A name that is not known is refused: it is a typing error more often than not."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Problem(Answer):
    """What went wrong, why, and what to do. `kind` and `cause` are machine codes, the rest is for people."""

    kind: str
    cause: str
    message: str
    hint: str


# -- sessions -------------------------------------------------------------------------------------------------------


class LogIn(Ask):
    user: Annotated[str, Field(max_length=120)]
    password: Annotated[SecretStr, Field(max_length=1024)]


class Session(Answer):
    """`csrf` goes into the header X-CSRF-Token of unsafe methods that use the cookie."""

    user: str
    role: str
    permissions: list[Literal["live", "playback", "export", "configure", "ptz"]]
    csrf: str
    expires: Time


class NewSession(Session):
    """`token` is for `Authorization: Bearer`."""

    token: str


class Node(Answer):
    name: str
    version: str
    zone: str
    now: Time


# -- cameras --------------------------------------------------------------------------------------------------------


class Converted(Answer):
    """What the converter does to a stream that is no RTSP with H.264 or H.265. `from`, `to`: the picture's codec as it
    comes and as it is recorded; `encoded`: false, it is only repacked; `cpu`: share of one core that it costs.
    """

    from_: Annotated[str, Field(alias="from")]
    to: str
    encoded: bool
    cpu: float


class Stream(Answer):
    """`url` never holds credentials. `transport`: how RTP comes now ("tcp", "udp", "http", each maybe with "+tls");
    `certificate`: SHA-256 of the certificate that the camera showed.
    """

    name: StreamName
    url: str
    state: State
    cause: str | None
    reason: str | None
    hint: str | None
    since: Time | None
    retry_at: Time | None
    codec: str | None
    codec_string: str | None
    width: int | None
    height: int | None
    fps: float | None
    bitrate_bps: int | None
    audio: bool
    audio_codec: str | None
    clock_offset_ms: int | None
    transport: str | None
    certificate: str | None
    converted: Converted | None


class Camera(Answer):
    """`state`, `cause`, `reason`, `since` are the main stream's. `retention`: its class; `volume`: the path of its
    volume, null when it is balanced over all. `recorded_mode`: what comes of `mode`; `continuous` for `motion` while
    nobody reports motion. `onvif`: "" when not known; `password_hint`: what to do about a weak
    password; `manufacturer` to `hardware`: as the camera told by ONVIF at `identified`.
    """

    id: str
    code: str
    name: str
    enabled: bool
    state: State
    cause: str | None
    reason: str | None
    since: Time | None
    recorded_from: Time | None
    retention: str
    volume: str | None
    mode: Mode
    recorded_mode: Mode
    hours: str
    preroll_s: float
    postroll_s: float
    transport: Transport
    onvif: str
    onvif_events: bool
    weak_password: bool
    password_hint: str | None
    manufacturer: str | None
    model: str | None
    firmware: str | None
    serial: str | None
    hardware: str | None
    identified: Time | None
    streams: list[Stream]


class NewCamera(Ask):
    """Credentials inside an address are taken out of it. `volume`: a path, its last component, or an id; null:
    balanced over all.
    """

    code: Annotated[str, Field(min_length=1, max_length=64)]
    name: Name
    url: Url
    sub_url: Url | None = None
    user: Credential | None = None
    password: Annotated[SecretStr, Field(max_length=256)] | None = None
    audio: bool = False
    retention: ClassName | None = None
    volume: VolumeName | None = None
    mode: Mode | None = None
    hours: Hours | None = None
    preroll_s: Preroll | None = None
    postroll_s: Postroll | None = None
    transport: Transport = "auto"
    onvif: Onvif = ""
    onvif_events: bool = False


class CameraChange(Ask):
    """What is left out stays as it is; `sub_url: null` takes the sub stream away, `volume: null` balances again."""

    name: Name | None = None
    url: Url | None = None
    sub_url: Url | None = None
    user: Credential | None = None
    password: Annotated[SecretStr, Field(max_length=256)] | None = None
    audio: bool | None = None
    enabled: bool | None = None
    retention: ClassName | None = None
    volume: VolumeName | None = None
    mode: Mode | None = None
    hours: Hours | None = None
    preroll_s: Preroll | None = None
    postroll_s: Postroll | None = None
    transport: Transport | None = None
    onvif: Onvif | None = None
    onvif_events: bool | None = None


class ProbeAsk(Ask):
    url: Url
    user: Credential | None = None
    password: Annotated[SecretStr, Field(max_length=256)] | None = None
    transport: Transport = "auto"


class ProbedVideo(Answer):
    codec: str
    codec_string: str
    width: int
    height: int
    fps: float | None
    gop_s: float | None
    bitrate_bps: int | None


class ProbedAudio(Answer):
    codec: str
    rate: int
    channels: int


class Probe(Answer):
    """`converted`: what the converter does to it; `url`: the address to enter where that is another than the one asked
    about. `picture`: its first picture, a small JPEG in base64; null when it
    cannot be decoded. `transport` and `certificate` as in Stream.
    """

    video: ProbedVideo
    audio: ProbedAudio | None
    clock_offset_ms: int | None
    server: str | None
    converted: Converted | None = None
    url: str | None = None
    picture: str | None
    transport: str
    certificate: str | None


class Days(Answer):
    """Local days of the ward with something recorded, oldest first."""

    days: list[date]


class Span(Answer):
    start: Time
    end: Time


class RecordedSpan(Span):
    """`stream`: which one it is of."""

    stream: StreamName


class Gap(Answer):
    """`end` is null while the gap lasts. `intended`: not recorded on purpose, or only elsewhere; no failure."""

    start: Time
    end: Time | None
    cause: str
    intended: bool
    reason: str


class Hold(Answer):
    start: Time
    end: Time
    reason: str


class ClockSpan(Answer):
    """What was known of the clocks over a stretch of segments. `error_s`: estimated error of the pictures' times,
    null while the node's clock was not synchronised. `camera_offset_s`: the camera's own clock minus the node's,
    null where it told none.
    """

    start: Time
    end: Time
    error_s: float | None
    camera_offset_s: float | None


class Day(Answer):
    """`minutes`: one number per minute of the day; bit 0 recorded, bit 1 gap, bit 2 hold, bit 3 motion."""

    code: str
    stream: PlayedName
    date: date
    zone: str
    start: Time
    end: Time
    minutes: list[int]
    recorded_s: float
    spans: list[RecordedSpan]
    gaps: list[Gap]
    holds: list[Hold]
    clocks: list[ClockSpan]


class TicketAsk(Ask):
    start: Annotated[str, Field(max_length=64)]
    end: Annotated[str, Field(max_length=64)]
    stream: PlayedName = "main"


class Tickets(Answer):
    """Addresses that need no login until they expire."""

    m3u8: str
    mp4: str
    expires: Time


# -- the node -------------------------------------------------------------------------------------------------------


class Health(Answer):
    """`streams` and `cameras` count by state; open to everybody, so it names none."""

    ok: bool
    version: str
    now: Time
    cameras: dict[str, int]
    streams: dict[str, int]
