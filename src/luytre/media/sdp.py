"""Session descriptions of cameras, read leniently, and written (RFC 4566, RFC 2326 appendix C).

Promises   parse() never raises: lines it does not know are skipped, missing ones are defaults.
Does not   know codecs beyond their names (luytre.media.rtsp.tracks does).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

# Static payload types (RFC 3551 table 4 and 5): encoding name, clock rate, channels.
_STATIC: dict[int, tuple[str, int, int]] = {
    0: ("PCMU", 8000, 1),
    3: ("GSM", 8000, 1),
    4: ("G723", 8000, 1),
    8: ("PCMA", 8000, 1),
    9: ("G722", 8000, 1),
    10: ("L16", 44100, 2),
    11: ("L16", 44100, 1),
    14: ("MPA", 90000, 1),
    18: ("G729", 8000, 1),
    26: ("JPEG", 90000, 0),
    31: ("H261", 90000, 0),
    32: ("MPV", 90000, 0),
    33: ("MP2T", 90000, 0),
    34: ("H263", 90000, 0),
}
# Of several formats in one m= line the first of these is taken.
PREFERRED = ("H264", "H265", "MPEG4-GENERIC", "OPUS", "PCMA", "PCMU")


@dataclass(frozen=True, slots=True)
class Media:
    """One m= section. `encoding` is upper case, "" when unknown; `clock_rate` in Hz, 0 when unknown."""

    kind: str
    port: int = 0
    protocol: str = "RTP/AVP"
    payload_type: int = 0
    encoding: str = ""
    clock_rate: int = 0
    channels: int = 0
    fmtp: dict[str, str] = field(default_factory=dict, hash=False)
    control: str = ""
    framerate: float | None = None
    direction: str = ""
    payload_types: tuple[int, ...] = ()

    def number(self, name: str, default: int = 0) -> int:
        """A format parameter that is a number of at most nine digits; `default` where it is absent, 0 where it is none."""
        text = self.fmtp.get(name)
        if text is None:
            return default
        return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0


@dataclass(frozen=True, slots=True)
class Session:
    """`control` is the session-level control attribute, "" when absent."""

    control: str = ""
    media: tuple[Media, ...] = ()
    name: str = ""
    tool: str = ""


class _Section:
    """Attributes gathered for one m= line."""

    __slots__ = ("attributes", "fmtp", "line", "rtpmap")

    def __init__(self, line: str) -> None:
        self.line = line
        self.attributes: dict[str, str] = {}
        self.rtpmap: dict[int, str] = {}
        self.fmtp: dict[int, dict[str, str]] = {}


def parse(text: str | bytes) -> Session:
    """An SDP as cameras write it: any line end, bytes that are no UTF-8, lines missing or unknown."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="replace")
    session = _Section("")
    name = ""
    sections: list[_Section] = []
    for line in re.split(r"\r\n|\n|\r", text.replace("\0", "")):
        letter, equals, value = line.strip().partition("=")
        if not equals:
            continue
        if letter == "s" and not sections:
            name = value.strip()
        elif letter == "m":
            sections.append(_Section(value))
        elif letter == "a":
            _attribute(sections[-1] if sections else session, value)
    media = tuple(_media(section) for section in sections if section.line.strip())
    return Session(session.attributes.get("control", ""), media, name, session.attributes.get("tool", ""))


def _attribute(section: _Section, value: str) -> None:
    name, _, text = value.partition(":")
    name, text = name.strip().lower(), text.strip()
    if name in ("rtpmap", "fmtp"):
        match = re.match(r"(\d{1,3})\s+(.*)$", text, re.DOTALL)
        if match is None:
            return
        payload_type, rest = int(match.group(1)), match.group(2).strip()
        if name == "rtpmap":
            section.rtpmap.setdefault(payload_type, rest)
        else:
            section.fmtp[payload_type] = _format_parameters(rest) | section.fmtp.get(payload_type, {})
    elif name in ("sendrecv", "recvonly", "sendonly", "inactive"):
        section.attributes["direction"] = name
    elif name in ("framerate", "x-framerate"):
        # "0S" and then "25" in one description (h264dvr, ipcam): the first number above 0 counts.
        if _framerate(text) is not None:
            section.attributes.setdefault("framerate", text)
    else:
        section.attributes.setdefault(name, text)


def _format_parameters(text: str) -> dict[str, str]:
    """`a=1; b=2` with lower-case keys; values keep their case and any further `=` (base64)."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        key, equals, value = part.strip().partition("=")
        if key.strip():
            found.setdefault(key.strip().lower(), value.strip() if equals else "")
    return found


def _framerate(text: str) -> float | None:
    match = re.fullmatch(r"\d{1,4}(\.\d{1,9})?", text)
    return float(text) if match and float(text) > 0 else None


def _media(section: _Section) -> Media:
    words = section.line.split()
    kind = words[0].lower()
    port = re.match(r"\d{1,5}", words[1]) if len(words) > 1 else None
    listed = tuple(int(word) for word in words[3:] if re.fullmatch(r"\d{1,3}", word))
    # Payload type in the m= line and in rtpmap disagree in some firmware: what rtpmap says is what is sent.
    listed = listed or tuple(section.rtpmap)
    formats = [(payload_type, *_format(section, payload_type)) for payload_type in listed]
    chosen = next((entry for wanted in PREFERRED for entry in formats if entry[1] == wanted), None)
    payload_type, encoding, clock_rate, channels = chosen or (formats[0] if formats else (0, "", 0, 0))
    framerate = section.attributes.get("framerate")
    return Media(
        kind=kind,
        port=int(port.group()) if port else 0,
        protocol=words[2] if len(words) > 2 else "RTP/AVP",
        payload_type=payload_type,
        encoding=encoding,
        clock_rate=clock_rate,
        channels=channels,
        fmtp=section.fmtp.get(payload_type, {}),
        control=section.attributes.get("control", ""),
        framerate=_framerate(framerate) if framerate else None,
        direction=section.attributes.get("direction", ""),
        payload_types=listed,
    )


def _format(section: _Section, payload_type: int) -> tuple[str, int, int]:
    """Encoding name, clock rate, channels: rtpmap first (anpviz maps AAC onto type 0), then RFC 3551."""
    words = section.rtpmap.get(payload_type, "").split()
    if not words:
        return _STATIC.get(payload_type, ("", 0, 0))
    parts = words[0].split("/")
    rate = int(parts[1]) if len(parts) > 1 and re.fullmatch(r"\d{1,7}", parts[1]) else 0
    channels = int(parts[2]) if len(parts) > 2 and re.fullmatch(r"\d{1,2}", parts[2]) else 0
    if not channels and section.line.lower().startswith("audio"):
        channels = 1
    return parts[0].upper(), rate, channels


def base_url(content_base: str, content_location: str, request_url: str) -> str:
    """The address that control attributes are relative to (RFC 2326 section C.1.1), with a scheme.

    Anjvision sends `Content-Base: HOST:554/stream0/` without a scheme: it is taken as rtsp.
    """
    for candidate in (content_base.strip(), content_location.strip()):
        if not candidate:
            continue
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", candidate):
            return candidate
        if candidate.startswith("/"):
            return _join(request_url, candidate)
        if re.match(r"[^/]+[:.][^/]*(/|$)", candidate):
            return f"rtsp://{candidate}"
    return request_url


def control_url(base: str, session_control: str, media_control: str) -> str:
    """Where to SETUP one medium, or PLAY all of them with `media_control` = "".

    Cameras follow LIVE555 rather than RFC 1808: a relative control is appended to the base after a slash,
    also when the base ends in a query (`...&proto=Onvif/trackID=0`, Dahua; `...H264?channel=1`, GW).
    """
    session_control, media_control = session_control.strip(), media_control.strip()
    if session_control not in ("", "*"):
        aggregate = _join(base, session_control)
        if not media_control:
            return aggregate
        # A query in the session's control (Hikvision) has no place for a track behind it.
        if "?" not in aggregate:
            base = aggregate
    if media_control in ("", "*"):
        return base
    return _join(base, media_control)


def _join(base: str, control: str) -> str:
    if re.match(r"(?i)rtspu?s?://", control):
        return control
    if control.startswith("/"):
        root = re.match(r"[^/?#]*//[^/?#]*", base)
        return (root.group() if root else "") + control
    if control.startswith("?") or base.endswith("/"):
        return base + control
    return f"{base}/{control}"


def describe(
    media: Sequence[Media], *, name: str = "Luy Tre camera", session_id: int = 1, host: str = "0.0.0.0"
) -> str:
    """An SDP with CRLF line ends, ready to be the body of an answer to DESCRIBE."""
    family = "IP6" if ":" in host else "IP4"
    lines = [
        "v=0",
        f"o=- {session_id} 1 IN {family} {host}",
        f"s={name}",
        f"c=IN {family} {'::' if family == 'IP6' else '0.0.0.0'}",
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
    ]
    for medium in media:
        lines.append(f"m={medium.kind} {medium.port} {medium.protocol} {medium.payload_type}")
        channels = f"/{medium.channels}" if medium.channels > 1 else ""
        lines.append(f"a=rtpmap:{medium.payload_type} {medium.encoding}/{medium.clock_rate}{channels}")
        if medium.fmtp:
            values = ";".join(f"{key}={value}" if value else key for key, value in medium.fmtp.items())
            lines.append(f"a=fmtp:{medium.payload_type} {values}")
        if medium.framerate:
            lines.append(f"a=framerate:{medium.framerate:g}")
        lines.append(f"a={medium.direction or 'recvonly'}")
        lines.append(f"a=control:{medium.control}")
    return "\r\n".join(lines) + "\r\n"
