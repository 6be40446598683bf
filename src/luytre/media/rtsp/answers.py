"""What is inside the headers of RTSP answers, and what a refusal means (RFC 2326, 7.1.1, 12.33 to 12.39).

Promises   lenient where cameras are sloppy; a refusal becomes an Error whose cause a person can be told.
Does not   see user names or passwords.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from luytre.base.errors import Error, Kind

DEFAULT_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Transport:
    """A Transport header. `channels` is None when the answer is not TCP interleaved; ports are (RTP, RTCP), None where
    they are not told; `source` is where packets come from, "" when not told.
    """

    tcp: bool
    channels: tuple[int, int] | None
    ssrc: int | None
    client_ports: tuple[int, int] | None = None
    server_ports: tuple[int, int] | None = None
    source: str = ""
    multicast: bool = False


@dataclass(frozen=True, slots=True)
class RtpInfo:
    """One entry of RTP-Info: `seq` 16 bits, `rtptime` 32 bits; None when absent or senseless (-1)."""

    url: str
    seq: int | None
    rtptime: int | None
    ssrc: int | None


def parse_transport(header: str) -> Transport:
    """The first transport of the header."""
    tcp, channels, ssrc = False, None, None
    ports: dict[str, tuple[int, int] | None] = {}
    source, multicast = "", False
    for part in header.split(",")[0].split(";"):
        name, _, value = part.strip().partition("=")
        name, value = name.lower(), value.strip().strip('"')
        if name.upper() in ("RTP/AVP/TCP", "RTP/SAVP/TCP"):
            tcp = True
        elif name == "interleaved":
            channels = _pair(value, 256)
        elif name in ("client_port", "server_port"):
            ports[name] = _pair(value, 1 << 16)
        elif name == "source":
            source = value.strip("[]")
        elif name == "multicast":
            multicast = True
        elif name == "ssrc":
            ssrc = _hex32(value)
    return Transport(
        tcp or channels is not None,
        channels,
        ssrc,
        ports.get("client_port"),
        ports.get("server_port"),
        source,
        multicast,
    )


def _pair(text: str, limit: int) -> tuple[int, int] | None:
    """`8-9`; of `8` alone the second is the next one. None for what is none, or zero where a port is meant."""
    match = re.match(r"(\d{1,5})(?:\s*-\s*(\d{1,5}))?", text)
    if match is None:
        return None
    first = int(match.group(1))
    second = int(match.group(2) or first + 1)
    return (first, second) if first < limit and second < limit and (first or limit == 256) else None


def parse_session(header: str) -> tuple[str, int]:
    """`(id, timeout in seconds)`: 60 when none, or none that makes sense, is given."""
    name, _, rest = header.partition(";")
    match = re.search(r"timeout\s*=\s*(\d{1,6})", rest, re.IGNORECASE)
    timeout = int(match.group(1)) if match else 0
    return name.strip(), timeout if timeout >= 4 else DEFAULT_TIMEOUT_S


def parse_rtp_info(header: str) -> list[RtpInfo]:
    """Entries in order. The URL may hold `?`, `&`, `;`, `,` (Hikvision) or be relative (Dahua, Reolink)."""
    entries = []
    for part in re.split(r",\s*(?=url\s*=)", header, flags=re.IGNORECASE):
        match = re.match(
            r"\s*url\s*=\s*(.*?)\s*(?=;\s*(?:seq|rtptime|ssrc)\s*=|;?\s*$)(.*)$", part, re.IGNORECASE
        )
        if match is None:
            continue
        values = dict(re.findall(r"(seq|rtptime|ssrc)\s*=\s*([0-9A-Fa-f+-]+)", match.group(2).lower()))
        entries.append(
            RtpInfo(
                match.group(1).strip('"'),
                _bounded(values.get("seq", ""), 1 << 16),
                _bounded(values.get("rtptime", ""), 1 << 32),
                _hex32(values.get("ssrc", "")),
            )
        )
    return entries


def rtp_info_for(entries: list[RtpInfo], url: str, position: int, count: int) -> RtpInfo | None:
    """The entry of the track set up at `url`: same address, else same ending, else same place in the list."""
    wanted = _bare(url)
    for entry in entries:
        if _bare(entry.url) == wanted:
            return entry
    ending = wanted.rsplit("/", 1)[-1]
    same = [entry for entry in entries if _bare(entry.url).rsplit("/", 1)[-1] == ending]
    if len(same) == 1:
        return same[0]
    return entries[position] if len(entries) == count else None


def _bare(url: str) -> str:
    return url.strip().rstrip("/").lower()


def _bounded(text: str, limit: int) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,20}", text) and int(text) < limit else None


def _hex32(text: str) -> int | None:
    return int(text, 16) if re.fullmatch(r"[0-9a-fA-F]{1,8}", text) and int(text, 16) else None


def refusal(method: str, status: int, reason: str) -> Error:
    """The Error for an answer that is not 2xx, other than 401."""
    what = f"the camera answered {method} with {status} {reason}".strip()
    if status in (404, 410):
        return Error(
            Kind.UNAVAILABLE,
            what,
            hint="Check the path of the address: the camera has no such stream.",
            cause="not_found",
        )
    if status == 403:
        return Error(
            Kind.UNAVAILABLE,
            what,
            hint="Give this user the right to watch, in the camera's own pages.",
            cause="auth_failed",
        )
    if status == 453:
        return Error(
            Kind.UNAVAILABLE,
            what,
            hint="The camera has no bandwidth left: close other viewers of it.",
            cause="server_error",
        )
    if status == 461:
        return Error(
            Kind.UNAVAILABLE,
            what,
            hint="Choose another transport for this camera, or `auto`; or switch it on in the camera's own pages.",
            cause="server_error",
        )
    return Error(
        Kind.UNAVAILABLE,
        what,
        hint="Restart the camera, or close other viewers of it: many cameras allow only a few.",
        cause="server_error",
    )


def auth_failed(given: bool, offered: bool) -> Error:
    """401: without credentials, with wrong ones, or with a way to log in that we do not know."""
    if not offered:
        return Error(
            Kind.UNAVAILABLE,
            "the camera wants a way of logging in that is neither Basic nor Digest",
            hint="Choose Digest or Basic for RTSP in the camera's own pages.",
            cause="auth_failed",
        )
    if given:
        return Error(
            Kind.UNAVAILABLE,
            "the camera refused this user and password",
            hint="Check both. Some cameras lock the user for some minutes after several wrong tries.",
            cause="auth_failed",
        )
    return Error(
        Kind.UNAVAILABLE,
        "the camera wants a user and a password, and none is set",
        hint="Enter the user and password of the camera.",
        cause="auth_failed",
    )
