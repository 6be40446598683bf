"""What a camera reports: motion, tampering, inputs. By pull point (ONVIF Core, 9.2), which works behind NAT and firewalls.

Promises   topics of all makers come out as three kinds; their times are the node's; what is no event of these is left out.
Does not   subscribe again after a failure: the caller knows how long to wait.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from luytre.base.clock import US_PER_S, to_us
from luytre.base.errors import Error
from luytre.cameras.events import DeviceEvent, EventKind
from luytre.cameras.onvif import refusals
from luytre.cameras.onvif.soap import Device, dig, many, text

# How long the camera may keep a call open when it has nothing to say; how long it keeps the subscription.
PULL_S: Final = 20
# The first time it is to answer soon, to see that it does.
FIRST_PULL_S: Final = 1
LEASE_S: Final = 120
LIMIT: Final = 100
# The least time after a pull; and between two pulls, with nothing in the first.
BREATH_S: Final = 0.2
NOTHING_S: Final = 1.0
UNSUBSCRIBE_S: Final = 3.0
# An event's own time counts when it is this near; else the camera's clock has jumped, and now is better.
NEAR_US: Final = 30 * US_PER_S

# Topics as in the specifications (Analytics, Imaging, Device IO) and as makers have their own; without prefixes.
_TOPICS: Final[tuple[tuple[EventKind, re.Pattern[str]], ...]] = (
    ("input", re.compile(r"trigger/digitalinput|device/io/(?:virtual)?(?:port|input)$")),
    ("tamper", re.compile(r"globalscenechange|imagetoo(?:dark|bright|blurry)|tamper|signalloss")),
    (
        "motion",
        re.compile(r"motion|fielddetector|linedetector/crossed|objectsinside|peopledetect|vehicledetect"),
    ),
)
_STATE_NAMES: Final = (
    "ismotion",
    "istamper",
    "isinside",
    "ispeople",
    "isvehicle",
    "logicalstate",
    "state",
    "active",
    "alarm",
)
_TRUE, _FALSE = {"true", "1", "on", "active"}, {"false", "0", "off", "inactive"}


async def listen(device: Device, tell: Callable[[DeviceEvent], None], answered: Callable[[], None]) -> None:
    """Tell every event until cancelled; `answered` after each pull, before its events. Raises Error when the subscription is
    lost; cause "not_supported" where the camera has no pull point.
    """
    if not device.has("events"):
        raise refusals.not_supported("events")
    made = await device.call(
        "events", "CreatePullPointSubscription", {"InitialTerminationTime": f"PT{LEASE_S}S"}
    )
    address = text(dig(made, "SubscriptionReference", "Address", "_value_1"), 2000)
    at = "" if address is None else device.here(address)
    if not at:
        raise refusals.no_onvif("a subscription without an address")
    # Axis and others say in a header of their own which subscription is meant.
    headers = many(dig(made, "SubscriptionReference", "ReferenceParameters", "_value_1"))
    extra = {"_soapheaders": headers} if headers else {}
    try:
        await _pull(device, at, extra, tell, answered)
    finally:
        with suppress(Error, TimeoutError):
            async with asyncio.timeout(UNSUBSCRIBE_S):
                await device.call("subscription", "Unsubscribe", extra, at=at)


async def _pull(
    device: Device,
    at: str,
    extra: dict[str, Any],
    tell: Callable[[DeviceEvent], None],
    answered: Callable[[], None],
) -> None:
    renewed_s = device.clock.monotonic_s()
    pull_s = FIRST_PULL_S
    while True:
        began_s = device.clock.monotonic_s()
        asked = {"Timeout": f"PT{pull_s}S", "MessageLimit": LIMIT, **extra}
        # Some do not heed the time they are given.
        answer = await device.call("pullpoint", "PullMessages", asked, at=at, limit_s=PULL_S + 10.0)
        answered()
        pull_s = PULL_S
        for event in events(device, answer):
            tell(event)
        if device.clock.monotonic_s() - renewed_s > LEASE_S / 2:
            renewed_s = device.clock.monotonic_s()
            await device.call("subscription", "Renew", {"TerminationTime": f"PT{LEASE_S}S", **extra}, at=at)
        took_s = device.clock.monotonic_s() - began_s
        await asyncio.sleep(rest_s(took_s, told=bool(dig(answer, "NotificationMessage"))))


def rest_s(took_s: float, told: bool) -> float:
    """How long to wait after a pull. Some answer at once, instead of waiting until there is something; some without an end,
    and what takes long to read must leave the others their turn.
    """
    return BREATH_S if told else max(BREATH_S, NOTHING_S - took_s)


def events(device: Device, answer: Any) -> Iterator[DeviceEvent]:
    """The events in an answer to PullMessages."""
    for one in many(dig(answer, "NotificationMessage"))[: LIMIT * 10]:
        kind = kind_of(text(dig(one, "Topic", "_value_1")) or "")
        message = dig(one, "Message", "_value_1")
        if kind is None or not isinstance(message, dict):
            continue
        active = _active(dict(_items(dig(message, "Data"))))
        operation = text(dig(message, "PropertyOperation"))
        if operation == "Deleted" or (operation == "Initialized" and not active):
            # How it was before, or that a rule is gone: nothing happened.
            continue
        source = "; ".join(f"{name}={value}" for name, value in _items(dig(message, "Source")))
        yield DeviceEvent(device.access.camera, kind, active, _at_us(device, message), source[:200])


def kind_of(topic: str) -> EventKind | None:
    """`tns1:RuleEngine/CellMotionDetector/Motion` -> "motion"; None for topics that are none of ours."""
    plain = re.sub(r"(?<![^/|])[\w.-]+:", "", topic).lower()
    return next((kind for kind, pattern in _TOPICS if pattern.search(plain)), None)


def _items(part: Any) -> Iterator[tuple[str, str]]:
    for item in many(dig(part, "SimpleItem"))[:20]:
        name, value = text(dig(item, "Name"), 60), text(dig(item, "Value"), 60)
        if name is not None:
            yield name, value or ""


def _active(data: dict[str, str]) -> bool | None:
    """The state in a message: by the names that makers use, else the only thing that can be one."""
    named = {name.lower(): value.lower() for name, value in data.items()}
    values = [named[name] for name in _STATE_NAMES if name in named] or list(named.values())
    for value in values:
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
    return None


def _at_us(device: Device, message: Any) -> int:
    now_us = device.clock.wall_us()
    told = dig(message, "UtcTime")
    if isinstance(told, datetime) and device.offset_us is not None:
        at_us = to_us(told if told.tzinfo else told.replace(tzinfo=UTC)) - device.offset_us
        if abs(at_us - now_us) <= NEAR_US:
            return min(at_us, now_us)
    return now_us
