"""Private parts of the picture that the camera itself blackens (ONVIF Media2 service).

What is masked in the camera is masked in every recording, and cannot be got back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

from luytre.base.errors import Error, Kind
from luytre.cameras.onvif import refusals
from luytre.cameras.onvif.osd import source_configuration
from luytre.cameras.onvif.soap import Device

MOST: Final = 32
CORNERS: Final = (3, 32)
_MEDIA2: Final = "http://www.onvif.org/ver20/media/wsdl"
_SCHEMA: Final = "http://www.onvif.org/ver10/schema"


@dataclass(frozen=True, slots=True)
class Mask:
    """`token` None: a new one. `polygon`: corners (x, y), each 0 to 1 from the picture's upper left."""

    token: str | None
    polygon: tuple[tuple[float, float], ...]
    enabled: bool = True


async def read(device: Device) -> list[Mask]:
    """Raises Error: cause "not_supported" without Media2 or masks in it."""
    if not device.media2:
        raise refusals.not_supported("masks")
    answer = await device.raw(device.media2, _element("GetMasks"))
    found = []
    for one in answer.findall("{*}Masks"):
        polygon = tuple(
            corner for point in one.iter(f"{{{_SCHEMA}}}Point") if (corner := _ours(point)) is not None
        )
        token = one.get("token")
        if token and len(polygon) >= CORNERS[0]:
            found.append(Mask(token[:64], polygon, one.findtext("{*}Enabled") not in ("false", "0")))
    return found


async def write(device: Device, wanted: Sequence[Mask]) -> list[Mask]:
    """These and no others. -> what the camera has then. Raises Error(INVALID, cause="bad_mask")."""
    before = {one.token for one in await read(device)}
    if len(wanted) > MOST or any(not _usable(one) for one in wanted):
        raise _bad(f"at most {MOST} masks, each with {CORNERS[0]} to {CORNERS[1]} corners inside the picture")
    if any(one.token is not None and one.token not in before for one in wanted):
        raise _bad("the camera has no mask of this token")
    lens = await source_configuration(device)
    # Room first: cameras allow only a few.
    for token in sorted(before - {one.token for one in wanted}, key=str):
        body = _element("DeleteMask")
        etree.SubElement(body, f"{{{_MEDIA2}}}Token").text = token
        await device.raw(device.media2, body)
    for mask in wanted:
        await device.raw(device.media2, _told(mask, lens))
    return await read(device)


def _element(operation: str) -> etree._Element:
    return etree.Element(f"{{{_MEDIA2}}}{operation}", nsmap={"tr2": _MEDIA2, "tt": _SCHEMA})


def _told(mask: Mask, lens: str) -> etree._Element:
    body = _element("CreateMask" if mask.token is None else "SetMask")
    told = etree.SubElement(body, f"{{{_MEDIA2}}}Mask", {"token": mask.token or ""})
    etree.SubElement(told, f"{{{_MEDIA2}}}ConfigurationToken").text = lens
    polygon = etree.SubElement(told, f"{{{_MEDIA2}}}Polygon")
    for x, y in mask.polygon:
        # The service counts from the middle, upwards, -1 to 1.
        corner = {"x": f"{2 * x - 1:.4f}", "y": f"{1 - 2 * y:.4f}"}
        etree.SubElement(polygon, f"{{{_SCHEMA}}}Point", corner)
    etree.SubElement(told, f"{{{_MEDIA2}}}Type").text = "Color"
    etree.SubElement(told, f"{{{_MEDIA2}}}Enabled").text = "true" if mask.enabled else "false"
    return body


def _ours(point: etree._Element) -> tuple[float, float] | None:
    try:
        x, y = float(point.get("x") or ""), float(point.get("y") or "")
    except ValueError:
        return None
    return min(max((x + 1) / 2, 0.0), 1.0), min(max((1 - y) / 2, 0.0), 1.0)


def _usable(mask: Mask) -> bool:
    inside = all(0 <= x <= 1 and 0 <= y <= 1 for x, y in mask.polygon)
    return inside and CORNERS[0] <= len(mask.polygon) <= CORNERS[1]


def _bad(message: str) -> Error:
    return Error(Kind.INVALID, message, hint="Draw the mask again inside the picture.", cause="bad_mask")
