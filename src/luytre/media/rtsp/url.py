"""Addresses of cameras: credentials out, passwords never shown.

Promises   what leaves this module holds no password unless the caller asked for it by name.
Does not   resolve names or join control attributes (luytre.media.sdp does).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from luytre.base.errors import Error, Kind

DEFAULT_PORTS = {"rtsp": 554, "rtspu": 554, "rtsps": 322}
_SCHEME = re.compile(r"^\s*([A-Za-z][A-Za-z0-9+.-]*)://(.*?)\s*$", re.DOTALL)
_HOST_PORT = re.compile(r"^(\[[0-9A-Fa-f:.]+(?:%[0-9A-Za-z._~-]+)?\]|[^\[\]:@/?#]+)(?::(\d{0,5}))?$")
# XiongMai puts the password into the path (/user=a_password=b_channel=1), others into the query.
_SECRET_FIELD = re.compile(
    r"(?i)(?<![a-z])((?:passwd|password|pass|pwd|psw)=)[^&;/\s]*?(?=_(?:channel|stream)=|[&;/\s]|$)"
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect. `host` has no brackets; `path` begins with `/` and keeps its query."""

    scheme: str
    host: str
    port: int
    path: str


def _authority(rest: str) -> tuple[str, str, str]:
    """Split what follows `://` into (credentials, host and port, path with query)."""
    end = next((i for i, letter in enumerate(rest) if letter in "/?#"), len(rest))
    authority, path = rest[:end], rest[end:]
    if "@" in authority:
        credentials, _, host = authority.rpartition("@")
        return credentials, host, path
    if not _HOST_PORT.match(authority) and "@" in path:
        # An unescaped "/", "?" or "#" in a password: the address would otherwise make no sense.
        credentials, _, tail = rest.rpartition("@")
        end = next((i for i, letter in enumerate(tail) if letter in "/?#"), len(tail))
        return credentials, tail[:end], tail[end:]
    return "", authority, path


def split_credentials(url: str) -> tuple[str, str, str]:
    """`(url without credentials, user, password)`; percent-encoding in user and password is undone.

    Tolerates `@`, and `/` `?` `#` where it is unambiguous, unescaped in the password, as people type them.
    Raises Error(INVALID) when there is no scheme or host.
    """
    match = _SCHEME.match(url)
    if match is None:
        raise _bad_url()
    scheme, rest = match.group(1).lower(), match.group(2)
    credentials, host, path = _authority(rest)
    if not _HOST_PORT.match(host):
        raise _bad_url()
    user, _, password = credentials.partition(":")
    return f"{scheme}://{host}{path}", unquote(user), unquote(password)


def without_credentials(url: str) -> str:
    """As split_credentials, for an address that a camera sent: what cannot be read stays as it is."""
    try:
        return split_credentials(url)[0]
    except Error:
        return url


def join_credentials(url: str, user: str, password: str) -> str:
    """The address with credentials percent-encoded into it, for programs that know no other way."""
    clean, _, _ = split_credentials(url)
    if not user and not password:
        return clean
    scheme, _, rest = clean.partition("://")
    return f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{rest}"


def address(url: str) -> Address:
    """Host and port to connect to; without a port 554 for rtsp, 322 for rtsps (RFC 7826 section 22.14).

    Raises Error(INVALID) for anything that is not rtsp, rtsps or has no host.
    """
    clean, _, _ = split_credentials(url)
    try:
        parts = urlsplit(clean)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _bad_url() from None
    if parts.scheme not in DEFAULT_PORTS or not host:
        raise _bad_url()
    path = parts.path or "/"
    if parts.query:
        path += f"?{parts.query}"
    return Address(parts.scheme, unquote(host), port or DEFAULT_PORTS[parts.scheme], path)


def without_zone(url: str) -> str:
    """The address without the zone of an IPv6 literal (`%eth0`), as it is told to others."""
    return re.sub(r"^([^/]*//(?:[^/@]*@)?\[[0-9A-Fa-f:.]+)%[^\]]*\]", r"\1]", url)


def port_given(url: str) -> bool:
    """Whether the address names its port."""
    return urlsplit(split_credentials(url)[0]).port is not None


def redact(url: str) -> str:
    """The address as it may be logged: credentials and password fields become `***`. Never raises."""
    match = _SCHEME.match(url)
    if match is None:
        # Not an address: it may still be a mistyped one with a password in it.
        return _SECRET_FIELD.sub(r"\1***", re.sub(r"[^\s/]*@", "***@", url))
    credentials, host, path = _authority(match.group(2))
    mark = "***@" if credentials else ""
    return f"{match.group(1).lower()}://{mark}{host}" + _SECRET_FIELD.sub(r"\1***", path)


def _bad_url() -> Error:
    return Error(
        Kind.INVALID,
        "this is not the address of a camera",
        hint="Write it as rtsp://HOST[:PORT]/PATH.",
        cause="bad_url",
    )
