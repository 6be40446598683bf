"""The picture's settings in the camera: brightness, contrast, day and night, backlight (ONVIF Imaging service)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from luytre.base.errors import Error, Kind
from luytre.cameras.onvif import refusals
from luytre.cameras.onvif.soap import Device, dig, many, text

# Our name, the service's name.
_LEVELS: Final = {
    "brightness": "Brightness",
    "contrast": "Contrast",
    "saturation": "ColorSaturation",
    "sharpness": "Sharpness",
}
_MODES: Final = {
    "ir_cut": ("IrCutFilter", None),
    "wdr": ("WideDynamicRange", "Mode"),
    "backlight": ("BacklightCompensation", "Mode"),
}


@dataclass(frozen=True, slots=True)
class Level:
    """A number between `low` and `high`, in the camera's own unit; None where it does not tell its limits."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One word of `choices`; `ir_cut` ON is the day's filter (colour), OFF the night's (black and white, infrared)."""

    name: str
    value: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Imaging:
    """Only what the camera has."""

    levels: tuple[Level, ...]
    choices: tuple[Choice, ...]


async def read(device: Device) -> Imaging:
    """Raises Error: cause "not_supported" without the service."""
    lens = await _lens(device)
    told = await device.call("imaging", "GetImagingSettings", {"VideoSourceToken": lens})
    try:
        options = await device.call("imaging", "GetOptions", {"VideoSourceToken": lens})
    except Error as error:
        if error.cause not in ("onvif_fault", "not_supported", "not_onvif"):
            raise
        options = {}
    levels = [
        Level(name, value, _number(dig(options, key, "Min")), _number(dig(options, key, "Max")))
        for name, key in _LEVELS.items()
        if (value := _number(dig(told, key))) is not None
    ]
    choices = []
    for name, (key, below) in _MODES.items():
        word = text(dig(told, key, below) if below else dig(told, key), 20)
        listed = dig(options, key, below) if below else dig(options, "IrCutFilterModes")
        if word is not None:
            choices.append(Choice(name, word, tuple(str(one)[:20] for one in many(listed)[:10])))
    return Imaging(tuple(levels), tuple(choices))


async def write(device: Device, wanted: dict[str, float | str]) -> Imaging:
    """Set what is named, leave the rest. -> what the camera has now. Raises Error(INVALID, cause="bad_imaging") for what it
    does not have, or not so.
    """
    before = await read(device)
    lens = await _lens(device)
    settings: dict[str, Any] = {}
    for name, value in wanted.items():
        level = next((one for one in before.levels if one.name == name), None)
        choice = next((one for one in before.choices if one.name == name), None)
        if level is not None and not isinstance(value, str):
            settings[_LEVELS[name]] = _checked(replace(level, value=float(value)))
        elif choice is not None and isinstance(value, str) and value in (choice.choices or (value,)):
            key, below = _MODES[name]
            settings[key] = {below: value} if below else value
        else:
            raise _bad(f"the camera has no {name[:20]} of {str(value)[:20]}")
    await device.call(
        "imaging",
        "SetImagingSettings",
        {"VideoSourceToken": lens, "ImagingSettings": settings, "ForcePersistence": True},
    )
    return await read(device)


def _checked(level: Level) -> float:
    low = level.low if level.low is not None else float("-inf")
    high = level.high if level.high is not None else float("inf")
    if not low <= level.value <= high:
        raise _bad(f"{level.name} is between {level.low} and {level.high}")
    return level.value


async def _lens(device: Device) -> str:
    """The first lens. A camera without a list of them has one in its first profile."""
    if not device.has("imaging"):
        raise refusals.not_supported("imaging")
    for one in many(await device.call("media", "GetProfiles")):
        token = text(dig(one, "VideoSourceConfiguration", "SourceToken"), 64)
        if token:
            return token
    raise refusals.not_supported("imaging")


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _bad(message: str) -> Error:
    return Error(
        Kind.INVALID, message, hint="Choose among what the camera shows it has.", cause="bad_imaging"
    )
