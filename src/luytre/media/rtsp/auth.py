"""Basic and Digest, both sides (RFC 7617, RFC 2617, RFC 7616 for SHA-256).

Promises   user and password are in no repr and no error text.
Does not   do qop=auth-int (no camera was seen to ask for it), nor check nonce counters on the server side.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Literal

Scheme = Literal["none", "basic", "digest"]

_HASHES = {"MD5": "md5", "SHA-256": "sha256"}
_SCHEME = re.compile(r"(?:^|,)\s*(Basic|Digest|Bearer|Negotiate|NTLM)(?=\s|,|$)", re.IGNORECASE)
# The closing quote may be missing: value up to the next comma then.
_PARAMETER = re.compile(r'([A-Za-z][A-Za-z0-9_*-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|"?([^",]*))')


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge of a 401. `algorithm` is upper case; `qop` is True when `auth` is offered."""

    scheme: Literal["basic", "digest"]
    realm: str = ""
    nonce: str = ""
    opaque: str | None = None
    algorithm: str = "MD5"
    qop: bool = False
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Credentials:
    user: str = field(repr=False)
    password: str = field(repr=False)

    def __bool__(self) -> bool:
        return bool(self.user or self.password)


def parameters(text: str) -> dict[str, str]:
    """`a="1", b=2` to a dict with lower-case keys; backslashes inside quotes are undone."""
    found: dict[str, str] = {}
    for name, quoted, bare in _PARAMETER.findall(text):
        value = re.sub(r"\\(.)", r"\1", quoted) if quoted else bare.strip()
        found.setdefault(name.lower(), value)
    return found


def parse_challenges(headers: list[str]) -> list[Challenge]:
    """All Basic and Digest challenges of the WWW-Authenticate headers, several in one header included."""
    found: list[Challenge] = []
    for header in headers:
        marks = list(_SCHEME.finditer(_blank_quoted(header)))
        for mark, following in zip_longest(marks, marks[1:]):
            text = header[mark.end() : following.start() if following else len(header)]
            values = parameters(text)
            scheme = mark.group(1).lower()
            if scheme == "basic":
                found.append(Challenge("basic", values.get("realm", "")))
            elif scheme == "digest":
                found.append(
                    Challenge(
                        "digest",
                        realm=values.get("realm", ""),
                        nonce=values.get("nonce", ""),
                        opaque=values.get("opaque"),
                        algorithm=values.get("algorithm", "MD5").upper() or "MD5",
                        qop="auth" in re.split(r"[\s,]+", values.get("qop", "").lower()),
                        stale=values.get("stale", "").lower() == "true",
                    )
                )
    return found


def choose(challenges: list[Challenge]) -> Challenge | None:
    """The strongest that we can answer: Digest SHA-256, Digest MD5, Basic."""

    def rank(challenge: Challenge) -> int:
        if challenge.scheme == "basic":
            return 1
        return {"MD5": 2, "SHA-256": 3}.get(challenge.algorithm.removesuffix("-SESS"), 0)

    best = max(challenges, key=rank, default=None)
    return best if best is not None and rank(best) else None


def authorization(
    challenge: Challenge,
    who: Credentials,
    method: str,
    url: str,
    *,
    count: int = 1,
    cnonce: str | None = None,
) -> str:
    """Value of the Authorization header. `count` is the nonce count; `cnonce` is random unless given."""
    if challenge.scheme == "basic":
        return "Basic " + base64.b64encode(f"{who.user}:{who.password}".encode()).decode("ascii")
    cnonce = cnonce if cnonce is not None else os.urandom(8).hex()
    nc = f"{count:08x}"
    session = challenge.algorithm.endswith("-SESS")
    answer = _digest(challenge, who, method, url, (nc, cnonce, "auth") if challenge.qop else None, cnonce)
    fields = [
        f'username="{_escape(who.user)}"',
        f'realm="{_escape(challenge.realm)}"',
        f'nonce="{_escape(challenge.nonce)}"',
        f'uri="{url}"',
        f'response="{answer}"',
    ]
    if challenge.algorithm != "MD5":
        fields.append(f"algorithm={challenge.algorithm}")
    if challenge.opaque is not None:
        fields.append(f'opaque="{_escape(challenge.opaque)}"')
    if challenge.qop:
        fields += ["qop=auth", f"nc={nc}"]
    if challenge.qop or session:
        fields.append(f'cnonce="{cnonce}"')
    return "Digest " + ", ".join(fields)


def _digest(
    challenge: Challenge,
    who: Credentials,
    method: str,
    url: str,
    qop: tuple[str, str, str] | None,
    cnonce: str,
) -> str:
    """RFC 2617 section 3.2.2.1; without `qop` the older form of RFC 2069, which most cameras use."""
    name = _HASHES.get(challenge.algorithm.removesuffix("-SESS"), "md5")

    def h(text: str) -> str:
        return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

    secret = h(f"{who.user}:{challenge.realm}:{who.password}")
    if challenge.algorithm.endswith("-SESS"):
        secret = h(f"{secret}:{challenge.nonce}:{cnonce}")
    request = h(f"{method}:{url}")
    if qop is None:
        return h(f"{secret}:{challenge.nonce}:{request}")
    return h(":".join((secret, challenge.nonce, *qop, request)))


def new_nonce() -> str:
    return os.urandom(16).hex()


def challenges_to_send(scheme: Scheme, realm: str, nonce: str) -> list[str]:
    """WWW-Authenticate values of a server that wants `scheme`."""
    if scheme == "basic":
        return [f'Basic realm="{_escape(realm)}"']
    if scheme == "digest":
        return [f'Digest realm="{_escape(realm)}", nonce="{nonce}", algorithm=MD5, qop="auth"']
    return []


def accepted(scheme: Scheme, header: str, who: Credentials, method: str, realm: str, nonce: str) -> bool:
    """Server side: does this Authorization header prove that the other side knows user and password?"""
    kind, _, text = header.strip().partition(" ")
    if scheme == "basic" and kind.lower() == "basic":
        try:
            given = base64.b64decode(text.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(given, f"{who.user}:{who.password}".encode())
    if scheme == "digest" and kind.lower() == "digest":
        values = parameters(text)
        if values.get("username") != who.user or values.get("nonce") != nonce:
            return False
        challenge = Challenge("digest", realm, nonce)
        cnonce = values.get("cnonce", "")
        qop = (values.get("nc", ""), cnonce, values["qop"]) if "qop" in values else None
        expected = _digest(challenge, who, method, values.get("uri", ""), qop, cnonce)
        return hmac.compare_digest(expected.encode(), values.get("response", "").lower().encode())
    return False


def claimed(header: str) -> str | None:
    """Server side: whose name an Authorization header gives; None for one that is neither Basic nor Digest."""
    kind, _, text = header.strip().partition(" ")
    if kind.lower() == "basic":
        who = _basic(text)
        return None if who is None else who.user
    return parameters(text).get("username") if kind.lower() == "digest" else None


def proves(header: str, secret: str, method: str, realm: str, nonce: str) -> bool | None:
    """Server side: does this header prove that its bearer knows `secret`? Basic, or Digest with MD5 or SHA-256.

    None: it does, by a nonce that is not this one, which may be a replay: challenge again.
    """
    kind, _, text = header.strip().partition(" ")
    if kind.lower() == "basic":
        who = _basic(text)
        return who is not None and hmac.compare_digest(who.password.encode(), secret.encode())
    values = parameters(text)
    algorithm = values.get("algorithm", "MD5").upper()
    if kind.lower() != "digest" or algorithm not in _HASHES or values.get("realm") != realm:
        return False
    given = values.get("nonce", "")
    who = Credentials(values.get("username", ""), secret)
    cnonce = values.get("cnonce", "")
    qop = (values.get("nc", ""), cnonce, values["qop"]) if "qop" in values else None
    challenge = Challenge("digest", realm, given, algorithm=algorithm)
    expected = _digest(challenge, who, method, values.get("uri", ""), qop, cnonce)
    if not hmac.compare_digest(expected.encode(), values.get("response", "").lower().encode()):
        return False
    return True if given == nonce else None


def _basic(text: str) -> Credentials | None:
    try:
        user, colon, password = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return Credentials(user, password) if colon else None


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _blank_quoted(text: str) -> str:
    """The same length, with quoted strings made blank, so that a realm cannot look like a scheme."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', lambda match: "_" * len(match.group()), text)
