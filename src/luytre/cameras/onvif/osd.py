"""Texts that a camera writes into its picture: name, date, time (ONVIF Media service)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from luytre.base.errors import Error, Kind
from luytre.cameras.onvif import refusals
from luytre.cameras.onvif.soap import Device, dig, many, text

Corner = Literal["UpperLeft", "UpperRight", "LowerLeft", "LowerRight", "Custom"]
Content = Literal["Plain", "Date", "Time", "DateAndTime"]
CORNERS: Final[tuple[Corner, ...]] = get_args(Corner)
CONTENTS: Final[tuple[Content, ...]] = get_args(Content)
LONGEST: Final = 120


@dataclass(frozen=True, slots=True)
class Osd:
    """One text. `token` None: a new one; `text` "" of a Plain one: take it away."""

    token: str | None
    content: Content
    text: str
    corner: Corner


async def read(device: Device) -> list[Osd]:
    """Raises Error: cause "not_supported"."""
    if not device.has("media"):
        raise refusals.not_supported("OSD")
    found = []
    for one in many(await device.call("media", "GetOSDs"))[:50]:
        content, corner = dig(one, "TextString", "Type"), dig(one, "Position", "Type")
        token = text(dig(one, "token"), 64)
        if token and content in CONTENTS and corner in CORNERS:
            found.append(
                Osd(token, content, text(dig(one, "TextString", "PlainText"), LONGEST) or "", corner)
            )
    return found


async def write(device: Device, wanted: Sequence[Osd]) -> list[Osd]:
    """Change, make or take away what is given; the others stay. -> all of them. Raises Error(INVALID, cause="bad_osd")."""
    before = {one.token: one for one in await read(device)}
    for osd in wanted:
        if osd.token is not None and osd.token not in before:
            raise _bad(f"the camera has no text {osd.token[:20]!r}")
        if osd.corner == "Custom" and osd.token is None:
            raise _bad("a new text stands in a corner")
        if len(osd.text) > LONGEST or any(ord(letter) < 32 for letter in osd.text):
            raise _bad(f"a text has at most {LONGEST} letters")
    for osd in wanted:
        if osd.content == "Plain" and not osd.text:
            if osd.token is not None:
                await device.call("media", "DeleteOSD", {"OSDToken": osd.token})
        else:
            operation = "CreateOSD" if osd.token is None else "SetOSD"
            await device.call("media", operation, {"OSD": await _told(device, osd)})
    return await read(device)


async def _told(device: Device, osd: Osd) -> dict[str, Any]:
    """As the service wants it. One that stands where its camera put it stays there."""
    line: dict[str, Any] = {"Type": osd.content}
    if osd.content == "Plain":
        line["PlainText"] = osd.text
    position: dict[str, Any] = {"Type": osd.corner}
    lens = None
    for one in many(await device.call("media", "GetOSDs")):
        if dig(one, "token") == osd.token:
            lens = text(dig(one, "VideoSourceConfigurationToken", "_value_1"), 64)
            if osd.corner == "Custom":
                position["Pos"] = {axis: dig(one, "Position", "Pos", axis) for axis in ("x", "y")}
    if lens is None:
        lens = await source_configuration(device)
    return {
        "token": osd.token or "",
        "VideoSourceConfigurationToken": {"_value_1": lens},
        "Type": "Text",
        "Position": position,
        "TextString": line,
    }


async def source_configuration(device: Device) -> str:
    """Token of the first lens' configuration, which texts and masks belong to."""
    for one in many(await device.call("media", "GetProfiles")):
        token = text(dig(one, "VideoSourceConfiguration", "token"), 64)
        if token:
            return token
    raise refusals.not_supported("a lens")


def _bad(message: str) -> Error:
    return Error(
        Kind.INVALID, message, hint="Read the camera's texts again, and change those.", cause="bad_osd"
    )
