"""Shapes about cameras by ONVIF: what is found, what a camera says and can do, how it is steered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from luytre.api.shapes import Answer, Ask, Credential, Onvif, Time

Token = Annotated[str, Field(min_length=1, max_length=64)]
Speed = Annotated[float, Field(ge=-1, le=1)]
Share = Annotated[float, Field(ge=0, le=1)]


# -- finding --------------------------------------------------------------------------------------------------------


class DiscoverAsk(Ask):
    seconds: Annotated[float, Field(ge=1, le=30)] = 4.0


class FoundDevice(Answer):
    """`address`: the first of `addresses` of its device service. `codes`: cameras with its host that are registered."""

    endpoint: str
    address: str
    addresses: list[str]
    name: str
    hardware: str
    location: str
    scopes: list[str]
    codes: list[str]


class DescribeAsk(Ask):
    address: Onvif
    user: Credential | None = None
    password: Annotated[SecretStr, Field(max_length=256)] | None = None


class DeviceProfile(Answer):
    """One profile; `source`: its lens. `url` may be handed to `POST /cameras` as it is. `bitrate_bps`: at most."""

    token: str
    name: str
    source: str
    codec: str | None
    width: int | None
    height: int | None
    fps: float | None
    bitrate_bps: int | None
    audio: str | None
    ptz: bool
    url: str | None
    snapshot: str | None


class DeviceView(Answer):
    """What to record of one lens."""

    source: str
    main: DeviceProfile
    sub: DeviceProfile | None


class DeviceDescription(Answer):
    """`clock_offset_s`: its clock minus the node's. `abilities`: of analytics, events, imaging, media, ptz, recording,
    replay, search. `views`: one a lens; the first is what to add.
    """

    address: str
    manufacturer: str | None
    model: str | None
    firmware: str | None
    serial: str | None
    hardware: str | None
    clock_offset_s: float | None
    abilities: list[str]
    profiles: list[DeviceProfile]
    views: list[DeviceView]
    weak_password: bool
    password_hint: str | None


# -- clock, picture, texts, masks -----------------------------------------------------------------------------------


class ClockAsk(Ask):
    """`ntp`: the time server to follow; null: set it to the node's time now."""

    ntp: Annotated[str, Field(max_length=253)] | None = None


class DeviceClock(Answer):
    """`offset_s`: the camera's clock minus the node's; it is told in whole seconds."""

    offset_s: float | None


class ImagingLevel(Answer):
    name: Literal["brightness", "contrast", "saturation", "sharpness"]
    value: float
    low: float | None
    high: float | None


class ImagingChoice(Answer):
    """`ir_cut` ON is the filter of the day, OFF that of the night."""

    name: Literal["ir_cut", "wdr", "backlight"]
    value: str
    choices: list[str]


class Imaging(Answer):
    """Only what the camera has."""

    levels: list[ImagingLevel]
    choices: list[ImagingChoice]


class ImagingChange(Ask):
    """What is left out stays as it is."""

    brightness: float | None = None
    contrast: float | None = None
    saturation: float | None = None
    sharpness: float | None = None
    ir_cut: Annotated[str, Field(max_length=20)] | None = None
    wdr: Annotated[str, Field(max_length=20)] | None = None
    backlight: Annotated[str, Field(max_length=20)] | None = None


class Osd(Answer):
    """`text` counts for `Plain`."""

    token: str
    content: Literal["Plain", "Date", "Time", "DateAndTime"]
    text: str
    corner: Literal["UpperLeft", "UpperRight", "LowerLeft", "LowerRight", "Custom"]


class OsdAsk(Ask):
    """`token` null: a new one; an empty `text` of a `Plain` one takes it away."""

    token: Token | None = None
    content: Literal["Plain", "Date", "Time", "DateAndTime"] = "Plain"
    text: Annotated[str, Field(max_length=120)] = ""
    corner: Literal["UpperLeft", "UpperRight", "LowerLeft", "LowerRight", "Custom"] = "UpperLeft"


class Mask(Answer):
    """`polygon`: corners [x, y], each 0 to 1 from the picture's upper left."""

    token: str
    polygon: list[tuple[float, float]]
    enabled: bool


class MaskAsk(Ask):
    """`token` null: a new one."""

    token: Token | None = None
    polygon: Annotated[list[tuple[Share, Share]], Field(min_length=3, max_length=32)]
    enabled: bool = True


class DeviceRecording(Answer):
    """What the camera has on its own card; times are the node's."""

    token: str
    source: str
    start: Time | None
    end: Time | None


# -- turning --------------------------------------------------------------------------------------------------------


class Move(Ask):
    """Speeds: right, up and in are positive. It stops after `seconds`, or by `stop`."""

    pan: Speed | None = None
    tilt: Speed | None = None
    zoom: Speed | None = None
    seconds: Annotated[float, Field(gt=0, le=10)] = 2.0


class Step(Ask):
    """By how much from where it is, in shares of the whole way."""

    pan: Speed | None = None
    tilt: Speed | None = None
    zoom: Speed | None = None


class Look(Ask):
    """A position in generic spaces."""

    pan: Speed | None = None
    tilt: Speed | None = None
    zoom: Share | None = None


class Position(Answer):
    """Null: not told."""

    pan: float | None
    tilt: float | None
    zoom: float | None
    moving: bool | None


class Preset(Answer):
    token: str
    name: str


class PresetAsk(Ask):
    preset: Token


class PresetKeep(Ask):
    """Where it looks now, as a new preset or in place of `preset`."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    preset: Token | None = None


class Patrol(Answer):
    token: str
    name: str
    running: bool


class PatrolAsk(Ask):
    patrol: Token
    start: bool = True


# -- what cameras report --------------------------------------------------------------------------------------------


class DeviceEvent(Answer):
    """`active`: it begins (true), ends (false), or only happens (null)."""

    at: Time
    kind: Literal["motion", "tamper", "input"]
    active: bool | None
    source: str
