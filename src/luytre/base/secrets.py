"""Secrets at rest: AES-256-GCM with the node's own key.

Promises   what `seal` returns tells nothing without the key, and opens only for the purpose it was sealed
           for.
Does not   hash passwords of people (luytre.people.passwords does), or protect against who can read the key
           file.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets as system_secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from luytre.base.errors import Error, Kind, from_os

KEY_BYTES = 32
NONCE_BYTES = 12  # NIST SP 800-38D section 8.2: 96 bits
_VERSION = "v1."


class Secrets:
    """Seals and opens short texts. The key is never shown."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key has {KEY_BYTES} bytes")
        self._cipher = AESGCM(key)

    def __repr__(self) -> str:
        return "Secrets(***)"

    def seal(self, text: str, purpose: str) -> str:
        """Encrypt `text`. `purpose` (e.g. "camera/UUID/password") is authenticated, not stored."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode(), purpose.encode())
        return _VERSION + base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, sealed: str, purpose: str) -> str:
        """Raises Error(DATA_LOSS, cause="wrong_key") when the key or the purpose is another one."""
        try:
            if not sealed.startswith(_VERSION):
                raise ValueError("unknown version")
            raw = base64.urlsafe_b64decode(sealed[len(_VERSION) :].encode())
            return self._cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], purpose.encode()).decode()
        except (InvalidTag, ValueError, binascii.Error):
            raise Error(
                Kind.DATA_LOSS,
                "a stored password cannot be read: node.key is not the key it was stored with",
                hint="Restore node.key from the backup, or enter the camera's password again.",
                cause="wrong_key",
            ) from None


def create_key(path: Path) -> None:
    """Make a new key file, mode 0600. Raises Error(CONFLICT) where one exists: another key would lock out all
    secrets.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(system_secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise Error(
            Kind.CONFLICT, f"{path} exists", hint="Keep it: it opens the stored passwords.", cause="exists"
        ) from None
    except OSError as error:
        raise from_os(error, f"make {path}") from error


def load_key(path: Path) -> Secrets:
    """Raises Error(NOT_FOUND) without the file, Error(FORBIDDEN) when others may read it, Error(INVALID) when
    it is no key.
    """
    return Secrets(read_key(path))


def read_key(path: Path) -> bytes:
    """The key itself, for other keys to be derived from. Errors as of `load_key`."""
    try:
        mode = path.stat().st_mode
        text = path.read_bytes()
    except OSError as error:
        raise from_os(error, f"read {path}") from error
    if mode & 0o077:
        raise Error(
            Kind.FORBIDDEN,
            f"{path} can be read by others than its owner",
            hint=f"Run `chmod 600 {path}`.",
            cause="key_not_private",
        )
    try:
        key = base64.b64decode(text.strip(), validate=True)
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key has {KEY_BYTES} bytes")
    except ValueError:
        raise Error(
            Kind.INVALID, f"{path} is not a key", hint="Restore it from a backup.", cause="wrong_key"
        ) from None
    return key
