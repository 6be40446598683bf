"""What a camera has recorded on its own card (ONVIF Profile G): a lead to what the archive misses.

Does not   fetch it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from luytre.base.clock import to_us
from luytre.base.errors import Error
from luytre.cameras.onvif import refusals
from luytre.cameras.onvif.soap import Device, dig, many, text

MOST: Final = 200
ROUNDS: Final = 20


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording, [start_us, end_us) in the node's time; None where the camera does not tell."""

    token: str
    source: str
    start_us: int | None
    end_us: int | None


async def find(device: Device) -> list[Recording]:
    """All recordings, oldest first. Raises Error: cause "not_supported" without Profile G."""
    if not device.has("search"):
        raise refusals.not_supported("recordings of its own")
    asked = {"Scope": {}, "MaxMatches": MOST, "KeepAliveTime": "PT30S"}
    search = text(await device.call("search", "FindRecordings", asked), 200)
    if search is None:
        raise refusals.no_onvif("a search without a token")
    found: dict[str, Recording] = {}
    try:
        for _ in range(ROUNDS):
            answer = await device.call(
                "search", "GetRecordingSearchResults", {"SearchToken": search, "WaitTime": "PT5S"}
            )
            told = dig(answer, "ResultList") or answer
            for one in many(dig(told, "RecordingInformation")):
                token = text(dig(one, "RecordingToken"), 64)
                if token and len(found) < MOST:
                    found[token] = _made(device, token, one)
            if dig(told, "SearchState") == "Completed":
                break
    finally:
        with suppress(Error):
            await device.call("search", "EndSearch", {"SearchToken": search})
    return sorted(found.values(), key=lambda one: (one.start_us or 0, one.token))


def _made(device: Device, token: str, one: Any) -> Recording:
    source = text(dig(one, "Source", "Name"), 80) or text(dig(one, "Content"), 80) or ""
    return Recording(
        token, source, _us(device, dig(one, "EarliestRecording")), _us(device, dig(one, "LatestRecording"))
    )


def _us(device: Device, moment: Any) -> int | None:
    if not isinstance(moment, datetime):
        return None
    told_us = to_us(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return told_us - (device.offset_us or 0)
