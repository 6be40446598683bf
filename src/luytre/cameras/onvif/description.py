"""What a camera says of itself: who made it, its clock, what it can do, and what to record of it."""

from __future__ import annotations

from dataclasses import dataclass

from luytre.base.errors import Error
from luytre.cameras.camera import Identity
from luytre.cameras.onvif import streams
from luytre.cameras.onvif.soap import DEVICE, Device, dig, text
from luytre.cameras.onvif.streams import Profile, View


@dataclass(frozen=True, slots=True)
class Description:
    """clock_offset_us  its clock minus the node's; None when it does not tell
    abilities        of "events", "imaging", "media", "ptz", "recording", "replay", "search": what it has
    views            per lens, what to record
    """

    address: str
    identity: Identity
    clock_offset_us: int | None
    abilities: tuple[str, ...]
    profiles: tuple[Profile, ...]
    views: tuple[View, ...]


_ABILITIES = ("analytics", "events", "imaging", "media", "ptz", "recording", "replay", "search")


async def describe(device: Device) -> Description:
    """All of it. Raises Error, as `Device.call`."""
    found = await streams.profiles(device)
    return Description(
        address=device.access.url,
        identity=await identity(device),
        clock_offset_us=device.offset_us,
        abilities=tuple(name for name in _ABILITIES if device.has(name)),
        profiles=tuple(found),
        views=tuple(streams.views(found)),
    )


async def identity(device: Device) -> Identity:
    """Who made it. A camera that does not say is not refused for that."""
    try:
        told = await device.call(DEVICE, "GetDeviceInformation")
    except Error as error:
        if error.cause not in ("onvif_fault", "not_supported", "not_onvif"):
            raise
        told = {}
    names = ("Manufacturer", "Model", "FirmwareVersion", "SerialNumber", "HardwareId")
    return Identity(*(text(dig(told, name)) for name in names))
