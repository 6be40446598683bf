"""A camera's profiles, and which of them to record as main and sub.

Promises   what one profile does not tell, or tells wrongly, costs only that; addresses hold no credentials.
Does not   open streams: what a profile promises and what the camera sends may differ (recorder.probe tells).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from lxml import etree

from luytre.base.errors import Error
from luytre.cameras.onvif.soap import Device, dig, many, text
from luytre.media.rtsp.url import without_credentials

# A recorder of 64 channels has as many profiles again; one camera has a handful.
MOST: Final = 64
# What is smaller is of no use on a wall.
SMALLEST: Final = (176, 120)
REACH_S: Final = 2.0
_CODECS: Final = {
    "H264": "h264",
    "H265": "h265",
    "HEVC": "h265",
    "JPEG": "mjpeg",
    "MPEG4": "mpeg4",
    "MPV4-ES": "mpeg4",
}
_RECORDED: Final = ("h264", "h265")
_MEDIA2: Final = "http://www.onvif.org/ver20/media/wsdl"
# "No limit" as some write it.
_UNLIMITED: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile. `source`: token of the lens; `url`: its stream, None where it gave none; `bitrate_bps`: at most."""

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
    url: str | None = None
    snapshot: str | None = None

    @property
    def pixels(self) -> int:
        return (self.width or 0) * (self.height or 0)


@dataclass(frozen=True, slots=True)
class View:
    """What to record of one lens: profiles for main and sub, None where there is none."""

    source: str
    main: Profile
    sub: Profile | None


async def profiles(device: Device) -> list[Profile]:
    """All profiles, with their addresses. Raises Error: cause "auth_failed", "timeout" and other failures to reach it."""
    found: list[Profile] = []
    if device.media2:
        # The only way to hear of H.265; what it fails at, the older service may do.
        with suppress(Error):
            found = [_of_media2(one) for one in await _media2(device, "GetProfiles", Type="All")]
    newer = bool(found)
    if not newer:
        answer = await device.call("media", "GetProfiles")
        found = [_of_media(one) for one in many(answer) if isinstance(one, dict)]
    found = [one for one in found if one.token][:MOST]
    return [await _with_addresses(device, one, newer=newer) for one in found]


def views(found: Sequence[Profile]) -> list[View]:
    """Per lens the largest profile with a codec that is recorded, and the smallest usable beside it; in their order."""
    chosen = []
    for source in dict.fromkeys(one.source for one in found):
        usable = [one for one in found if one.source == source and one.url and one.codec in _RECORDED]
        if usable:
            main = max(usable, key=lambda one: one.pixels)
            chosen.append(View(source, main, _sub(usable, main)))
    return chosen


def _sub(usable: Iterable[Profile], main: Profile) -> Profile | None:
    smaller = [
        one
        for one in usable
        if (one.width or 0) >= SMALLEST[0] and (one.height or 0) >= SMALLEST[1] and one.pixels < main.pixels
    ]
    return min(smaller, key=lambda one: one.pixels, default=None)


async def _with_addresses(device: Device, profile: Profile, *, newer: bool) -> Profile:
    """With its stream and snapshot. A fault costs one address; a camera that is gone costs all."""
    url = snapshot = None
    setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
    asked = {"StreamSetup": setup, "ProfileToken": profile.token}
    try:
        if newer:
            answer = await _media2(device, "GetStreamUri", Protocol="RTSP", ProfileToken=profile.token)
            url = next((" ".join(one.itertext()).strip() for one in answer), None)
        else:
            url = text(dig(await device.call("media", "GetStreamUri", asked), "Uri"), 2000)
    except Error as error:
        _unless_gone(error)
    if device.has("media"):
        try:
            answered = await device.call("media", "GetSnapshotUri", {"ProfileToken": profile.token})
            snapshot = text(dig(answered, "Uri"), 2000)
        except Error as error:
            _unless_gone(error)
    return replace(
        profile,
        url=await reachable(url, device.host, ("rtsp", "rtsps")),
        snapshot=await reachable(snapshot, device.host, ("http", "https")),
    )


def _unless_gone(error: Error) -> None:
    if error.cause not in ("onvif_fault", "not_supported", "not_onvif"):
        raise error


async def reachable(url: str | None, host: str, schemes: tuple[str, ...]) -> str | None:
    """The address without credentials, at `host` (where the camera was reached) if its own host is not to be reached from
    here: behind a NAT, or on another of its networks. None for what is no address of these schemes.
    """
    if url is None:
        return None
    clean = without_credentials(url)
    try:
        parts = urlsplit(clean)
        given, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in schemes or "@" in parts.netloc:
        return None
    default = {"rtsps": 322, "http": 80, "https": 443}.get(parts.scheme, 554)
    if given == host or (given and not _elsewhere(given) and await _answers(given, port or default)):
        return clean
    netloc = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, netloc if port is None else f"{netloc}:{port}", *parts[2:]))


def _elsewhere(host: str) -> bool:
    """A private address that is not the one we reached says nothing here: another camera may have it in our network."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return not address.is_global or address.is_multicast


async def _answers(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(REACH_S):
            _, writer = await asyncio.open_connection(host, port)
        writer.close()
        return True
    except (OSError, ValueError):
        return False


async def _media2(device: Device, operation: str, **fields: str) -> list[etree._Element]:
    """The answer's elements."""
    body = etree.Element(f"{{{_MEDIA2}}}{operation}", nsmap={"tr2": _MEDIA2})
    for name, value in fields.items():
        etree.SubElement(body, f"{{{_MEDIA2}}}{name}").text = value
    return list(await device.raw(device.media2, body))


def _of_media2(element: etree._Element) -> Profile:
    encoder, source = element.find(".//{*}VideoEncoder"), element.find(".//{*}VideoSource")
    audio = element.find(".//{*}AudioEncoder")

    def told(where: etree._Element | None, path: str) -> str | None:
        return None if where is None else where.findtext(path)

    return _profile(
        token=element.get("token"),
        name=element.findtext("{*}Name"),
        source=told(source, "{*}SourceToken"),
        encoding=told(encoder, "{*}Encoding"),
        width=told(encoder, "{*}Resolution/{*}Width"),
        height=told(encoder, "{*}Resolution/{*}Height"),
        fps=told(encoder, "{*}RateControl/{*}FrameRateLimit"),
        kbps=told(encoder, "{*}RateControl/{*}BitrateLimit"),
        audio=told(audio, "{*}Encoding"),
        ptz=element.find(".//{*}PTZ") is not None,
    )


def _of_media(one: dict[str, Any]) -> Profile:
    encoder = dig(one, "VideoEncoderConfiguration")
    return _profile(
        token=dig(one, "token"),
        name=dig(one, "Name"),
        source=dig(one, "VideoSourceConfiguration", "SourceToken"),
        encoding=dig(encoder, "Encoding"),
        width=dig(encoder, "Resolution", "Width"),
        height=dig(encoder, "Resolution", "Height"),
        fps=dig(encoder, "RateControl", "FrameRateLimit"),
        kbps=dig(encoder, "RateControl", "BitrateLimit"),
        audio=dig(one, "AudioEncoderConfiguration", "Encoding"),
        ptz=dig(one, "PTZConfiguration") is not None,
    )


def _profile(
    *, encoding: Any, width: Any, height: Any, fps: Any, kbps: Any, ptz: bool, **texts: Any
) -> Profile:
    codec = text(encoding)
    rate, frames = _number(kbps), _number(fps)
    return Profile(
        token=text(texts["token"], 64) or "",
        name=text(texts["name"], 64) or "",
        source=text(texts["source"], 64) or "",
        codec=None if codec is None else _CODECS.get(codec.upper(), codec.lower()),
        width=_whole(width),
        height=_whole(height),
        fps=frames if frames and frames <= 240 else None,
        bitrate_bps=int(rate * 1000) if rate and rate < _UNLIMITED else None,
        audio=text(texts["audio"], 20),
        ptz=ptz,
    )


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 < number < float("inf") else None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number and number <= 65_535 else None
