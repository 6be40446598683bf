"""Addresses and passwords of a camera's row: taken apart, sealed, opened, judged.

Promises   passwords are only kept sealed, also those that a camera wants in its path; whether one is weak is judged
           when it is set, and only the judgement is kept in the open.
Does not   read or write the database, or tell anybody a password but by `access`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from luytre.base import log
from luytre.base.errors import Error, Kind
from luytre.base.secrets import Secrets
from luytre.cameras.camera import Access
from luytre.cameras.tables import CameraRow, stream_of
from luytre.cameras.weak_passwords import is_weak
from luytre.media.rtsp.url import redact, require_source, split_credentials

_LIMITS: Final = {"name": 120, "url": 2000, "onvif": 2000, "user": 255, "password": 255}
# Where nearly every camera has it (ONVIF Core Specification, 5.1 leaves only this path fixed).
DEVICE_SERVICE: Final = "/onvif/device_service"
# User and password as they stood in an address, "" for what did not.
Login = tuple[str, str]
NO_LOGIN: Final[Login] = ("", "")

_log = log.get("cameras")


def limited(what: str, value: str) -> str:
    """`value`, if it is short enough. Raises Error(INVALID, cause="too_long")."""
    if len(value) > _LIMITS[what] or any(ord(letter) < 32 for letter in value):
        raise Error(
            Kind.INVALID,
            f"the {what} is longer than {_LIMITS[what]} characters or has control characters in it",
            hint="Shorten it.",
            cause="too_long",
        )
    return value


def device_service(text: str) -> tuple[str, str, str]:
    """`(address of a device service, user, password)` of what a person typed: a host is enough; "" stays "".

    Raises Error(INVALID, cause="bad_onvif" | "too_long").
    """
    given = limited("onvif", text.strip())
    if not given:
        return "", "", ""
    try:
        clean, user, password = split_credentials(given if "://" in given else f"http://{given}")
        parts = urlsplit(clean)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        usable = usable and not any(letter.isspace() for letter in clean)
    except (Error, ValueError):
        usable = False
    if not usable:
        raise Error(
            Kind.INVALID,
            "this is not the address of an ONVIF camera",
            hint="Write its host, or http://HOST[:PORT]/onvif/device_service.",
            cause="bad_onvif",
        )
    return (clean if parts.path.strip("/") else f"{clean.rstrip('/')}{DEVICE_SERVICE}"), user, password


def stranger(where: str, user: str | None, password: str | None) -> Access:
    """How to speak to a device that need not be registered; `where` as a person types it. What is given beside the address
    wins over what stands in it. Raises Error, as `device_service`.
    """
    url, given_user, given_password = device_service(where)
    return Access(
        "", "", url, given_user if user is None else user, given_password if password is None else password
    )


class Credentials:
    """Those of the rows that it is handed."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        # What could not be opened, by camera: who asks again every second need not hear it again.
        self._unreadable: dict[str, str] = {}

    def set_url(self, row: CameraRow, name: str, url: str) -> Login:
        """Set a stream's address; returns the credentials that stood in it. Raises Error(INVALID, cause="bad_url")."""
        clean, user, password = split_credentials(limited("url", url))
        require_source(clean)
        stream = stream_of(row, name)
        stream.url = redact(clean)
        # Some cameras want the password in the path or the query (XiongMai): then the whole address is a
        # secret.
        secret = stream.url != clean
        stream.sealed_url = self._secrets.seal(clean, f"camera/{row.id}/url/{name}") if secret else None
        return user, password

    def set_onvif(self, row: CameraRow, text: str) -> Login:
        """Set the address of the device service; returns the credentials that stood in it."""
        row.onvif, user, password = device_service(text)
        return user, password

    def take_login(
        self, row: CameraRow, streams: Sequence[Login], onvif: Login, user: str | None, password: str | None
    ) -> None:
        """Set the login from what was given beside the addresses (None: nothing), else from what stood in them: a stream's
        first; ONVIF's only where the camera has none yet. An address without a password leaves the one that there is.
        """
        found = next((login for login in streams if any(login)), NO_LOGIN)
        if not any(found) and not row.user and not row.sealed_password:
            found = onvif
        if any(found):
            user = found[0] if user is None else user
            password = (found[1] or None) if password is None else password
        self.set_login(row, user, password)

    def set_login(self, row: CameraRow, user: str | None, password: str | None) -> None:
        """None leaves a thing as it is."""
        if user is not None:
            row.user = limited("user", user)
        if password is not None:
            limited("password", password)
            row.sealed_password = (
                self._secrets.seal(password, f"camera/{row.id}/password") if password else ""
            )
        if user is not None or password is not None:
            row.weak_password = is_weak(row.user, self.password(row), row.code)

    def password(self, row: CameraRow) -> str:
        """The password, opened; "" where there is none, or where the node's key is another one (that is logged, once)."""
        try:
            if row.sealed_password:
                return self._secrets.open(row.sealed_password, f"camera/{row.id}/password")
        except Error as error:
            if self._unreadable.get(row.id) != row.sealed_password:
                self._unreadable[row.id] = row.sealed_password
                _log.error("password cannot be read", camera=row.code, cause=error.cause)
        return ""

    def access(self, row: CameraRow) -> Access:
        """How to speak to its ONVIF services. Raises Error(CONFLICT, cause="no_onvif") without an address."""
        if not row.onvif:
            raise Error(
                Kind.CONFLICT,
                f"the node does not know where camera {row.code} speaks ONVIF",
                hint="Give the camera its ONVIF address: `luytre camera change CODE --onvif HOST`.",
                cause="no_onvif",
            )
        return Access(row.id, row.code, row.onvif, row.user, self.password(row))
