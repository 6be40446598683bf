"""HTTP as cameras speak it: one address, asked for a picture or for a stream that never ends.

Promises   Basic and Digest (MD5, SHA-256), tried once: cameras lock out who keeps trying. The password goes to the address'
           own host only, and never through a proxy.
Does not   check certificates: cameras make their own.
"""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

from luytre.archive.keys import Cause
from luytre.base.errors import Error
from luytre.converter.failures import failure
from luytre.media.rtsp.auth import Challenge, Credentials, authorization, choose, parse_challenges


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
                raise from_web(error) from None
            error.close()
            self._challenge, self._count = given, 0
        try:
            return self._once(timeout_s)
        except urllib.error.HTTPError as error:
            raise from_web(error) from None

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
            raise from_web(error) from None
        if answer is None:
            raise failure(Cause.CONVERTER_FAILED, "the source sends elsewhere, to an address of another kind")
        return answer


class Endless:
    """A stream's body as FFmpeg reads files: what is there, rather than as much as was asked for."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def read(self, size: int) -> bytes:
        data: bytes = self._answer.read1(size)
        return data

    def close(self) -> None:
        self._answer.close()


def from_web(error: Exception) -> Error:
    """What went wrong with a request, or in the middle of its answer."""
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
