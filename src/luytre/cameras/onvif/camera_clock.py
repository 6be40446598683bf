"""A camera's clock: how far it is off, and setting it.

Its pictures carry the node's time in any case; its on-screen clock and its own recordings carry this one.
"""

from __future__ import annotations

from typing import Any

from luytre.base.clock import to_datetime
from luytre.base.errors import Error, Kind
from luytre.cameras.onvif.soap import DEVICE, Device, dig


async def set_to_node(device: Device) -> None:
    """Set it to the node's UTC; its zone and summer time stay. `device.offset_us` is read again. Raises Error."""
    now = to_datetime(device.clock.wall_us())
    await device.call(
        DEVICE,
        "SetSystemDateAndTime",
        {
            **await _kept(device),
            "DateTimeType": "Manual",
            "UTCDateTime": {
                "Time": {"Hour": now.hour, "Minute": now.minute, "Second": now.second},
                "Date": {"Year": now.year, "Month": now.month, "Day": now.day},
            },
        },
    )
    await device.read_clock()


async def follow_ntp(device: Device, server: str) -> None:
    """Let it follow a time server (a host or an address). Raises Error."""
    if not server or len(server) > 253 or any(letter.isspace() or ord(letter) < 33 for letter in server):
        raise Error(
            Kind.INVALID,
            "this is not the address of a time server",
            hint="Write a host name or an IP address, such as the node's own.",
            cause="bad_ntp",
        )
    kind = "IPv6" if ":" in server else "IPv4" if server.replace(".", "").isdigit() else "DNS"
    named = {"IPv6": "IPv6Address", "IPv4": "IPv4Address", "DNS": "DNSname"}[kind]
    await device.call(DEVICE, "SetNTP", {"FromDHCP": False, "NTPManual": [{"Type": kind, named: server}]})
    await device.call(DEVICE, "SetSystemDateAndTime", {**await _kept(device), "DateTimeType": "NTP"})
    await device.read_clock()


async def _kept(device: Device) -> dict[str, Any]:
    """What of the setting is not ours to change; an empty zone is one that some refuse."""
    told = await device.call(DEVICE, "GetSystemDateAndTime")
    zone = dig(told, "TimeZone", "TZ")
    kept: dict[str, Any] = {"DaylightSavings": bool(dig(told, "DaylightSavings"))}
    return {**kept, "TimeZone": {"TZ": zone}} if zone else kept
