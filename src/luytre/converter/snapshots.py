"""Cameras that only give single JPEGs by HTTP: one is asked for every second, or every N with `#every=N` at the end of the
address.

Promises   Basic and Digest (MD5, SHA-256); the password goes to the address' own host only; a picture has the time at
           which it was there.
Does not   check certificates: cameras make their own.
"""

from __future__ import annotations

import re
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from fractions import Fraction
from http.client import HTTPException
from typing import Any, Final

import av

from luytre.archive.keys import Cause
from luytre.base.clock import Clock
from luytre.base.errors import Error
from luytre.converter.failures import failure
from luytre.converter.tracks import Incoming
from luytre.media.rtsp.auth import Challenge, Credentials, authorization, choose, parse_challenges

MAX_BYTES: Final = 32 * 1024 * 1024
ANSWER_S: Final = 8.0
# Within the 10 s after which the recorder takes a camera for frozen.
LONGEST_S: Final = 5.0
SHORTEST_S: Final = 0.1
_TICKS: Final = 90_000
_EVERY = re.compile(r"[#&]every=(\d+(?:\.\d+)?)")


class Snapshots:
    """See the module's text. The first picture is fetched at once: its size must be known. Raises Error."""

    audio = None

    def __init__(self, url: str, user: str, password: str, clock: Clock) -> None:
        self._every_s = interval_s(url)
        self._clock = clock
        self._web = Web(url.partition("#")[0], user, password)
        self._first = self._fetch()
        decoder = av.CodecContext.create("mjpeg", "r")
        self.video = Incoming("mjpeg", b"", decoder, 1 / self._every_s)

    def packets(self) -> Iterator[tuple[bool, av.Packet]]:
        began_s = due_s = self._clock.monotonic_s()
        picture = self._first
        while True:
            packet = av.Packet(picture)
            packet.time_base = Fraction(1, _TICKS)
            packet.pts = packet.dts = round((self._clock.monotonic_s() - began_s) * _TICKS)
            yield True, packet
            now_s = self._clock.monotonic_s()
            # Missed ones are not made up for.
            due_s = max(due_s + self._every_s, now_s)
            threading.Event().wait(due_s - now_s)
            picture = self._fetch()

    def close(self) -> None:
        """Nothing is open between two pictures."""

    def _fetch(self) -> bytes:
        with self._web.ask(ANSWER_S) as answer:
            try:
                data: bytes = answer.read(MAX_BYTES)
            except (OSError, HTTPException) as error:
                raise _from_web(error) from None
        if not data.startswith(b"\xff\xd8"):
            raise failure(Cause.BAD_MEDIA, "what the source sends is no JPEG")
        return data


def interval_s(url: str) -> float:
    """Seconds from picture to picture."""
    match = _EVERY.search(url)
    return min(max(float(match.group(1)), SHORTEST_S), LONGEST_S) if match else 1.0


def content_type(url: str, user: str, password: str, timeout_s: float) -> str:
    """What an address answers with, in lower case, without parameters. Raises Error."""
    url = url.partition("#")[0]
    with Web(url, user, password).ask(timeout_s) as answer:
        told: str = answer.headers.get_content_type()
        return told.lower()


class Web:
    """One address, asked again and again."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url
        self._who = Credentials(user, password)
        self._challenge: Challenge | None = None
        self._count = 0
        unchecked = ssl.create_default_context()
        unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
        self._opener = urllib.request.OpenerDirector()
        # No proxies: a camera is in the ward's own network.
        for handler in (
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(context=unchecked),
            urllib.request.HTTPRedirectHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
        ):
            self._opener.add_handler(handler)
        self._opener.addheaders = [("User-Agent", "LuyTre"), ("Accept", "*/*")]

    def ask(self, timeout_s: float) -> Any:
        """The answer, to be closed. A refused password is not tried again: cameras lock out who does. Raises Error."""
        try:
            return self._once(timeout_s)
        except urllib.error.HTTPError as error:
            given = choose(parse_challenges(error.headers.get_all("WWW-Authenticate", [])))
            if error.code != 401 or given is None or not self._who:
                raise _from_web(error) from None
            error.close()
            self._challenge, self._count = given, 0
        try:
            return self._once(timeout_s)
        except urllib.error.HTTPError as error:
            raise _from_web(error) from None

    def _once(self, timeout_s: float) -> Any:
        try:
            request = urllib.request.Request(self._url)
            if self._challenge is not None:
                self._count += 1
                value = authorization(self._challenge, self._who, "GET", request.selector, count=self._count)
                # Not to where a redirect leads.
                request.add_unredirected_header("Authorization", value)
            answer = self._opener.open(request, timeout=timeout_s)
        except urllib.error.HTTPError:
            raise
        except (OSError, HTTPException, ValueError) as error:
            raise _from_web(error) from None
        if answer is None:
            raise failure(Cause.CONVERTER_FAILED, "the source sends elsewhere, to an address of another kind")
        return answer


def _from_web(error: Exception) -> Error:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        if error.code in (401, 403):
            return failure(Cause.AUTH_FAILED, f"the source wants another user or password ({error.code})")
        if error.code >= 500:
            return failure(Cause.SERVER_ERROR, f"the source reports an error of its own ({error.code})")
        return failure(Cause.NOT_FOUND, f"the source has nothing at this address ({error.code})")
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return failure(Cause.TIMEOUT, "the source does not answer in time")
    if isinstance(reason, ConnectionRefusedError):
        return failure(Cause.REFUSED, "the source refuses the connection")
    if isinstance(reason, ConnectionError | HTTPException):
        return failure(Cause.CLOSED_BY_CAMERA, "the source closed the connection")
    return failure(Cause.HOST_DOWN, "the source cannot be reached")
