"""What goes wrong with a camera, as errors of ours: turned into a cause once, here."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import aiohttp
from lxml import etree
from zeep import exceptions as soap_errors

from luytre.base import log
from luytre.base.errors import Error, Kind

# The words of cameras that do not give the subcode ter:NotAuthorized of ONVIF Core, 5.11.2.2.
_NOT_AUTHORIZED: Final = re.compile(
    r"not\s*authori[sz]ed|unauthori[sz]ed|failed\s*authentication|authenticat|invalid\s*(?:user|password)|no\s*rights|FailedAuth",
    re.IGNORECASE,
)
_NOT_SUPPORTED: Final = re.compile(
    r"ActionNotSupported|not\s*supported|not\s*implemented|NotImplemented|Unknown\s*Action|NoSuchService|"
    r"Method\s*.{0,60}not\s*(?:found|implemented)",
    re.IGNORECASE,
)
_log = log.get("onvif")


def wrong_password() -> Error:
    return Error(
        Kind.UNAUTHENTICATED,
        "the camera refuses the user or the password",
        hint="Enter them again; some makers (Hikvision, Dahua) have users of their own for ONVIF.",
        cause="auth_failed",
    )


def no_onvif(detail: str) -> Error:
    return Error(
        Kind.UNAVAILABLE,
        f"what answers there is no ONVIF camera ({log.redact(detail)[:200]})",
        hint="Check the port, and switch ONVIF on in the camera's settings.",
        cause="not_onvif",
    )


def not_supported(what: str) -> Error:
    return Error(
        Kind.CONFLICT,
        f"the camera cannot do this ({what[:80]})",
        hint="Use the camera's own pages.",
        cause="not_supported",
    )


def of_fault(text: str) -> Error:
    """A SOAP fault by its words and codes."""
    text = " ".join(log.redact(text).split())[:300]
    if _NOT_AUTHORIZED.search(text):
        return wrong_password()
    if _NOT_SUPPORTED.search(text):
        return not_supported(text)
    return Error(
        Kind.UNAVAILABLE,
        f"the camera refuses: {text}",
        hint="Check the values; restart the camera if it repeats.",
        cause="onvif_fault",
    )


@contextmanager
def of_ours(camera: str, doing: str) -> Iterator[None]:
    """Foreign errors of one call become Error."""
    try:
        yield
    except soap_errors.Fault as error:
        codes = [str(error.code or ""), *(str(code) for code in error.subcodes or [])]
        raise of_fault(" ".join([str(error.message or ""), *codes])) from error
    except soap_errors.TransportError as error:
        if error.status_code in (401, 403):
            raise wrong_password() from error
        raise no_onvif(f"HTTP status {error.status_code}") from error
    except (soap_errors.Error, etree.Error) as error:
        raise no_onvif(f"{doing}: {type(error).__name__}") from error
    except TimeoutError as error:
        raise Error(
            Kind.UNAVAILABLE,
            f"{camera} does not answer to {doing}",
            hint="Check the line; if that does not help, turn the camera off and on.",
            cause="timeout",
        ) from error
    except (ssl.SSLError, aiohttp.ClientSSLError) as error:
        raise _unreachable("no encrypted connection", "tls_failed") from error
    except aiohttp.ClientConnectorError as error:
        refused = isinstance(error.os_error, ConnectionRefusedError)
        raise _unreachable(
            "the camera accepts no connection" if refused else "the camera is not on the network",
            "refused" if refused else "host_down",
        ) from error
    except (aiohttp.InvalidURL, aiohttp.ClientResponseError, aiohttp.ClientPayloadError) as error:
        raise no_onvif(type(error).__name__) from error
    except (aiohttp.ClientError, OSError, RuntimeError) as error:
        raise _unreachable("the camera closed the connection", "closed_by_camera") from error


def _unreachable(message: str, cause: str) -> Error:
    return Error(
        Kind.UNAVAILABLE, message, hint="Check its power, its cable, its address and its port.", cause=cause
    )
