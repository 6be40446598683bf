"""Turning a camera and its lens: moves, presets, patrols (ONVIF PTZ service)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from luytre.base.errors import Error, Kind
from luytre.cameras.onvif import refusals
from luytre.cameras.onvif.soap import Device, dig, many, text

LONGEST_MOVE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Vector:
    """Generic spaces: -1 to 1; zoom of a position 0 to 1. As a velocity -1 to 1 each; None: leave it alone."""

    pan: float | None = None
    tilt: float | None = None
    zoom: float | None = None


@dataclass(frozen=True, slots=True)
class Position(Vector):
    """Where it looks; `moving` None where it does not tell."""

    moving: bool | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A preset or a patrol. `running`: of a patrol."""

    token: str
    name: str
    running: bool | None = None


class Head:
    """The moving part of one camera; made by `head`."""

    def __init__(self, device: Device, profile: str) -> None:
        self._device = device
        self.profile = profile

    async def move(self, velocity: Vector, seconds: float) -> None:
        """Go on moving until `stop`, at most `seconds`: the camera stops by itself if nobody can tell it to."""
        if not 0 < seconds <= LONGEST_MOVE_S:
            raise _bad(f"a move lasts at most {LONGEST_MOVE_S:g} seconds")
        await self._call(
            "ContinuousMove", Velocity=_vector(velocity, -1.0), Timeout=f"PT{math.ceil(seconds)}S"
        )

    async def stop(self) -> None:
        await self._call("Stop", PanTilt=True, Zoom=True)

    async def step(self, translation: Vector) -> None:
        """Move by so much from where it is."""
        await self._call("RelativeMove", Translation=_vector(translation, -1.0))

    async def look(self, position: Vector) -> None:
        """Move there."""
        await self._call("AbsoluteMove", Position=_vector(position, 0.0))

    async def home(self) -> None:
        await self._call("GotoHomePosition")

    async def position(self) -> Position:
        told = await self._call("GetStatus")
        place = dig(told, "Position")
        states = {text(dig(told, "MoveStatus", one)) for one in ("PanTilt", "Zoom")} - {None, "UNKNOWN"}
        return Position(
            pan=_number(dig(place, "PanTilt", "x")),
            tilt=_number(dig(place, "PanTilt", "y")),
            zoom=_number(dig(place, "Zoom", "x")),
            moving="MOVING" in states if states else None,
        )

    async def presets(self) -> list[Named]:
        told = await self._call("GetPresets")
        return [
            Named(token, text(dig(one, "Name"), 80) or token)
            for one in many(told)[:500]
            if (token := text(dig(one, "token"), 64))
        ]

    async def go(self, preset: str) -> None:
        await self._call("GotoPreset", PresetToken=_token(preset))

    async def keep(self, name: str, preset: str | None = None) -> str:
        """Keep where it looks now under a name, as a new preset or in place of one. -> its token"""
        if not name.strip() or len(name) > 80:
            raise _bad("a preset has a name of at most 80 characters")
        again = {} if preset is None else {"PresetToken": _token(preset)}
        told = await self._call("SetPreset", PresetName=name.strip(), **again)
        return text(told, 64) or text(dig(told, "PresetToken"), 64) or preset or ""

    async def forget(self, preset: str) -> None:
        await self._call("RemovePreset", PresetToken=_token(preset))

    async def patrols(self) -> list[Named]:
        """Its preset tours. Raises Error(cause="not_supported") from cameras without."""
        told = await self._call("GetPresetTours")
        return [
            Named(token, text(dig(one, "Name"), 80) or token, dig(one, "Status", "State") == "Touring")
            for one in many(told)[:100]
            if (token := text(dig(one, "token"), 64))
        ]

    async def patrol(self, tour: str, *, start: bool) -> None:
        await self._call(
            "OperatePresetTour", PresetTourToken=_token(tour), Operation="Start" if start else "Stop"
        )

    async def _call(self, operation: str, **arguments: Any) -> Any:
        return await self._device.call("ptz", operation, {"ProfileToken": self.profile, **arguments})


async def head(device: Device) -> Head:
    """Raises Error(cause="not_supported") for a camera that does not turn."""
    if not device.has("ptz"):
        raise refusals.not_supported("PTZ")
    found = [one for one in many(await device.call("media", "GetProfiles")) if dig(one, "token")]
    turning = next((one for one in found if dig(one, "PTZConfiguration")), None)
    if turning is None:
        raise refusals.not_supported("PTZ")
    return Head(device, str(turning["token"]))


def _vector(wanted: Vector, lowest_zoom: float) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if wanted.pan is not None or wanted.tilt is not None:
        made["PanTilt"] = {"x": _within(wanted.pan or 0.0, -1.0), "y": _within(wanted.tilt or 0.0, -1.0)}
    if wanted.zoom is not None:
        made["Zoom"] = {"x": _within(wanted.zoom, lowest_zoom)}
    if not made:
        raise _bad("nothing to move: pan, tilt and zoom are all missing")
    return made


def _within(value: float, lowest: float) -> float:
    # Written so that NaN is refused as well.
    if not lowest <= value <= 1.0:
        raise _bad(f"{value:g} is not between {lowest:g} and 1")
    return value


def _token(value: str) -> str:
    if not value or len(value) > 64 or any(ord(letter) < 32 for letter in value):
        raise _bad("this is not a token of the camera's")
    return value


def _number(value: Any) -> float | None:
    try:
        return float(value) if math.isfinite(float(value)) else None
    except (TypeError, ValueError):
        return None


def _bad(message: str) -> Error:
    return Error(
        Kind.INVALID, message, hint="Moves are -1 to 1; a zoom position is 0 to 1.", cause="bad_move"
    )
