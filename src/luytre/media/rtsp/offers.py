"""What a client offers in the Transport header of SETUP (RFC 2326 section 12.39), as a server reads it.

Promises   the transports in the client's order of preference; what makes no sense is left out.
Does not   read the answer of a server (answers.py does).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PAIR = re.compile(r"(\d{1,5})(?:\s*-\s*(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Offer:
    """One transport. TCP: `pair` are the channels for RTP and RTCP, None where the server may choose.
    UDP (`tcp` False): `pair` are the client's ports.
    """

    tcp: bool
    pair: tuple[int, int] | None


def parse_offers(header: str) -> list[Offer]:
    """Unicast over TCP and UDP; multicast and unknown profiles are left out."""
    found = (_parse(text) for text in header.split(","))
    return [offer for offer in found if offer is not None]


def _parse(text: str) -> Offer | None:
    profile, *parts = (part.strip() for part in text.split(";"))
    values = {}
    for part in parts:
        name, _, value = part.partition("=")
        values[name.strip().lower()] = value.strip().strip('"')
    if profile.upper() == "RTP/AVP/TCP" or "interleaved" in values:
        channels = _pair(values.get("interleaved", ""), 0, 255)
        return Offer(True, channels) if channels or "interleaved" not in values else None
    if profile.upper() not in ("RTP/AVP", "RTP/AVP/UDP") or "multicast" in values:
        return None
    ports = _pair(values.get("client_port", ""), 1, 65_535)
    return Offer(False, ports) if ports else None


def _pair(text: str, lowest: int, highest: int) -> tuple[int, int] | None:
    match = _PAIR.match(text)
    if match is None:
        return None
    first = int(match.group(1))
    second = int(match.group(2)) if match.group(2) else first + 1
    return (first, second) if lowest <= first <= highest and lowest <= second <= highest else None
